"""Quiet hours by the clock on the wall, also in the nights in which it is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.settings.quiet import QuietHours

PARIS = "Europe/Paris"


def hours(begin: str, end: str, **more: Any) -> QuietHours:
    """Quiet hours in Paris."""
    return QuietHours.model_validate({"from": begin, "to": end, "timezone": PARIS} | more)


def at(written: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-06-01 19:59", None),
        ("2026-06-01 20:00", "2026-06-02 05:00"),
        ("2026-06-02 04:59", "2026-06-02 05:00"),
        ("2026-06-02 05:00", None),
        ("2026-03-28 21:00", "2026-03-29 05:00"),  # an hour is skipped: eight hours
        ("2026-03-29 01:30", "2026-03-29 05:00"),
        ("2026-10-24 20:00", "2026-10-25 06:00"),  # an hour comes twice: ten hours
        ("2026-10-25 00:30", "2026-10-25 06:00"),  # 02:30, for the first time
        ("2026-10-25 01:30", "2026-10-25 06:00"),  # 02:30, for the second time
        ("2026-10-25 05:59", "2026-10-25 06:00"),
    ],
)
def test_a_night_ends_in_the_morning_by_the_clock_on_the_wall(moment: str, end: str | None) -> None:
    """Seven in the morning is seven in the morning, however long the night was."""
    assert hours("22:00", "07:00").end(at(moment), "UTC") == (end and at(end))


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-03-29 00:59", "2026-03-29 01:00"),  # there is no 02:30: when the clock is set
        ("2026-03-29 01:00", None),
        ("2026-10-25 00:29", "2026-10-25 00:30"),  # there are two: the first
        ("2026-10-25 01:29", None),
    ],
)
def test_an_end_that_the_clock_skips_or_shows_twice(moment: str, end: str | None) -> None:
    """A skipped end comes when the clock is set, and one that comes twice is over at the first."""
    assert hours("22:00", "02:30").end(at(moment), "UTC") == (end and at(end))


def test_hours_within_a_day_and_in_the_zone_of_all() -> None:
    """A siesta ends the same day; without a zone of its own the file's counts."""
    siesta = QuietHours.model_validate({"from": "12:00", "to": "14:00"})
    assert siesta.end(at("2026-06-01 11:30"), PARIS) == at("2026-06-01 12:00")
    assert siesta.end(at("2026-06-01 12:00"), PARIS) is None
    assert siesta.end(at("2026-06-01 12:00"), "UTC") == at("2026-06-01 14:00")


@given(begin=st.times(), end=st.times(), minutes=st.integers(0, 366 * 24 * 60), held=st.sampled_from(["info", "warning"]))
def test_an_end_lies_ahead_and_within_a_day(begin: Any, end: Any, minutes: int, held: str) -> None:
    """Nothing is held for ever, nor until a moment that is past."""
    if f"{begin:%H:%M}" == f"{end:%H:%M}":
        return
    moment = at("2026-01-01 00:00") + timedelta(minutes=minutes)
    over = hours(f"{begin:%H:%M}", f"{end:%H:%M}", holds=held).end(moment, "UTC")
    assert over is None or moment < over <= moment + timedelta(hours=25)


@pytest.mark.parametrize("wrong", ["22", "24:00", "22:60", 2200, "10pm", None])
def test_a_time_that_is_none_is_refused(wrong: object) -> None:
    """With how to write it."""
    with pytest.raises(ValueError, match='write a time of day as "22:00"'):
        QuietHours.model_validate({"from": wrong, "to": "07:00"})


def test_holding_nothing_is_refused() -> None:
    """An empty list would be quiet hours in which everything rings."""
    with pytest.raises(ValueError, match="the list is empty"):
        hours("22:00", "07:00", holds=[])
