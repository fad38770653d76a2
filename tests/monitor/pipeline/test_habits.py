"""The habit of a source: how long it may be silent, by what the same hours brought in the weeks before."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.source import Hour
from monitor.pipeline.habits import HOUR, WEEK, WEEKS, quiet

UTC_ZONE, PARIS = ZoneInfo("UTC"), ZoneInfo("Europe/Paris")
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
ASKED = 5.0  # the default of `quiet_surprise`
Rate = Callable[[datetime], float]


def poisson(rate: float, chance: random.Random) -> int:
    """So many by chance (Knuth's method, in pieces that do not underflow)."""
    count = 0
    while rate > 0:
        piece, product = min(rate, 30.0), 1.0
        rate -= piece
        while (product := product * chance.random()) > math.exp(-piece):
            count += 1
    return count


def steady(rate: float) -> Rate:
    """The same at all hours."""
    return lambda _: rate


def office(rate: float) -> Rate:
    """Much by day, hardly anything at night and at weekends."""
    return lambda at: rate if at.weekday() < 5 and 8 <= at.hour < 18 else rate / 50


def story(rate: Rate, weeks: float, seed: int, *, bunch: int = 1) -> list[Hour]:
    """Hours in which so many came by chance, `bunch` at once; thirty polls an hour were answered."""
    chance = random.Random(seed)
    hours = [BEGIN + number * HOUR for number in range(int(weeks * 168))]
    return [Hour(at, 30, 0, bunch * poisson(rate(at) / bunch, chance)) for at in hours]


def rings(hours: Sequence[Hour], zone: ZoneInfo = UTC_ZONE) -> int:
    """How many of its silences somebody would be told of. A longer one is never less surprising: each is looked at at its end."""
    brought = [number for number, each in enumerate(hours) if each.brought]
    silences = [(last, after) for last, after in pairwise(brought) if after - last > 1 and last >= 2 * 168]
    return sum(
        told(hours[max(0, last - WEEKS * 168 - 1) : after], last_at=hours[last].hour, zone=zone) for last, after in silences
    )


def told(hours: Sequence[Hour], *, last_at: datetime, zone: ZoneInfo = UTC_ZONE) -> bool:
    """Whether somebody is told when the last of these hours is over."""
    silence = quiet(hours, last_at, hours[-1].hour + HOUR, zone)
    return silence is not None and silence.surprise >= ASKED


def dies(rate: Rate, seed: int, weeks: int = 5, *, bunch: int = 1) -> timedelta | None:
    """After how long the death of such a source is told; None: not within a week."""
    alive = story(rate, weeks, seed, bunch=bunch)
    last_at = next(each.hour for each in reversed(alive) if each.brought)
    for hour in range(1, 169):
        dead = [Hour(alive[-1].hour + number * HOUR, 30, 0, 0) for number in range(1, hour + 1)]
        if told([*alive, *dead], last_at=last_at):
            return hour * HOUR
    return None


@pytest.mark.parametrize("rate", [steady(0.3), steady(1), steady(4), office(6)], ids=["0.3/h", "1/h", "4/h", "office 6/h"])
def test_a_steady_source_is_falsely_reported_less_than_once_a_year(rate: Rate) -> None:
    """A year of a source that brings by chance, and of one with office hours."""
    assert rings(story(rate, 54, seed=1)) == 0


def test_a_source_that_brings_bunches_is_falsely_reported_less_than_once_a_year() -> None:
    """Ten posts at once, a few times a day: the silence between two bunches is no news."""
    assert rings(story(steady(3), 54, seed=3, bunch=10)) == 0


@pytest.mark.parametrize(
    ("rate", "within"),
    [(steady(0.3), 72 * HOUR), (steady(1), 24 * HOUR), (steady(10), 4 * HOUR), (steady(100), 2 * HOUR), (office(20), 64 * HOUR)],
    ids=["0.3/h", "1/h", "10/h", "100/h", "office 20/h"],
)
def test_a_dead_source_is_told_within_a_sensible_time(rate: Rate, within: timedelta) -> None:
    """The more it usually brings, the sooner; nights and weekends are waited for."""
    for seed in range(2):
        after = dies(rate, seed)
        assert after is not None
        assert after <= within


def test_a_quiet_source_is_never_reported() -> None:
    """What brings less than two a day may be silent for a week."""
    assert dies(steady(1 / 24), seed=1) is None


def test_a_source_that_is_new_is_not_reported() -> None:
    """Before two weeks of its own are known nobody says what is usual, whatever it brought in the first."""
    assert dies(steady(20), seed=1, weeks=1) is None
    assert dies(steady(20), seed=1, weeks=3) is not None


def _known(brought: Callable[[datetime], int], until: datetime) -> list[Hour]:
    return [Hour(at, 30, 0, brought(at)) for number in range(10_000) if (at := BEGIN + number * HOUR) < until]


def test_the_silence_is_told_with_what_the_same_hours_brought() -> None:
    """Observed against expected, week by week, the latest first."""
    end = BEGIN + 5 * WEEK
    growing = _known(lambda at: 1 + (at - BEGIN) // WEEK, end)
    silent = [Hour(end + number * HOUR, 30, 0, 0) for number in range(6)]
    found = quiet([*growing, *silent], end - timedelta(minutes=10), end + 6 * HOUR, UTC_ZONE)
    assert found is not None
    assert (found.since, found.hours, found.before) == (end, 6, (30, 24, 18, 12))
    assert found.expected == pytest.approx(21)


def test_a_week_that_was_as_silent_shows_that_it_is_its_habit() -> None:
    """In one of the weeks before nothing came at these hours either."""
    end, pause = BEGIN + 5 * WEEK, BEGIN + 3 * WEEK
    hours = _known(lambda at: 0 if pause <= at < pause + 6 * HOUR else 50, end)
    silent = [Hour(end + number * HOUR, 30, 0, 0) for number in range(6)]
    assert quiet([*hours, *silent], end - HOUR, end + 6 * HOUR, UTC_ZONE) is None


def test_hours_in_which_it_did_not_answer_are_no_silence() -> None:
    """What a source that was down may have brought, nobody knows."""
    end = BEGIN + 5 * WEEK
    down = [Hour(end + number * HOUR, 4, 4, 0) for number in range(6)]
    assert quiet([*_known(lambda _: 50, end), *down], end - HOUR, end + 6 * HOUR, UTC_ZONE) is None


def test_clocks_that_are_changed_make_nobody_late() -> None:
    """A source that begins at nine on the wall begins at nine after the change, too: an hour later in UTC is no silence."""
    opens = _known(lambda at: 100 if 9 <= at.astimezone(PARIS).hour < 18 else 0, datetime(2026, 11, 2, 12, tzinfo=UTC))
    assert rings(opens[-5 * 168 :], PARIS) == 0
    assert rings(opens[-5 * 168 :], UTC_ZONE) > 0


@given(st.integers(336, 504), st.integers(0), st.integers(1, 60))
def test_a_longer_silence_is_never_less_surprising(length: int, seed: int, lasts: int) -> None:
    """Whatever it brought before, one more silent hour does not make its silence more usual."""
    counts = random.Random(seed).choices((0, 0, 1, 2, 30), k=length)
    hours = [Hour(BEGIN + number * HOUR, 30, 0, count) for number, count in enumerate([*counts, 1])]
    end = hours[-1].hour + HOUR
    silent = [Hour(end + number * HOUR, 30, 0, 0) for number in range(lasts + 1)]
    shorter = quiet([*hours, *silent], hours[-1].hour, end + lasts * HOUR, UTC_ZONE)
    longer = quiet([*hours, *silent], hours[-1].hour, end + (lasts + 1) * HOUR, UTC_ZONE)
    if shorter is not None:
        assert longer is not None
        assert longer.surprise >= shorter.surprise - 1e-9
