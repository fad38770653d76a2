"""How a simulation is told: a calm night is one line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.simulation.telling import Line, folded

START = datetime(2026, 3, 2, 20, tzinfo=UTC)


def lines(*hours: str) -> list[Line]:
    """What is said in each hour, a line a letter."""
    return [Line(START + timedelta(hours=hour), said) for hour, letters in enumerate(hours) for said in letters]


def told(*hours: str) -> list[tuple[int, str]]:
    """The hours at which something is still said, and what."""
    shown = folded(lines(*hours), lambda times, first, last: f"{times}x {first:%H}-{last:%H}")
    return [((line.at - START) // timedelta(hours=1), line.said) for line in shown]


def test_a_calm_night_is_one_line() -> None:
    """Reports and reminders that take turns are told once each; the rest is how often, and until when."""
    assert told("ab", "c", "ab", "c", "ab", "d") == [(0, "a"), (0, "b"), (1, "c"), (2, "3x 22-00"), (5, "d")]


def test_what_happens_again_now_and_then_is_told_each_time() -> None:
    """Twice is no pattern, and what is new in the same minute is never left out."""
    assert told("a", "a", "a") == [(0, "a"), (1, "a"), (2, "a")]
    assert told("a", "a", "ab", "a")[-3:] == [(2, "a"), (2, "b"), (3, "a")]
