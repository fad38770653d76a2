"""Hours of work: when so much of them has passed, over nights, weekends, holidays, and where clocks are set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.holidays import Holiday
from rules.recurrence import Recurrence, parse_weekly
from rules.working_hours import WorkingHours, hours_a_week

PARIS = ZoneInfo("Europe/Paris")
HALF = timedelta(minutes=30)
DESK = "mon-fri 09:00-18:00"


def _hours(*written: str, holidays: tuple[Holiday, ...] = ()) -> WorkingHours:
    return WorkingHours(tuple(map(parse_weekly, written)), PARIS, holidays)


def _due(hours: WorkingHours, asked: str, length: str) -> str:
    """When so many hours have passed since somebody asked, both as the clock in Paris shows them."""
    begin = datetime.fromisoformat(asked).replace(tzinfo=PARIS)
    after = hours.after(begin, timedelta(hours=float(length.removesuffix("h"))))
    return f"{after.astimezone(PARIS):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("asked", "length", "due"),
    [
        ("2026-03-03 10:00", "4h", "2026-03-03 14:00"),
        ("2026-03-03 22:00", "4h", "2026-03-04 13:00"),  # in the night: the next morning begins it
        ("2026-03-03 06:00", "4h", "2026-03-03 13:00"),
        ("2026-03-03 16:00", "4h", "2026-03-04 11:00"),  # what is left of the day counts
        ("2026-03-06 17:00", "4h", "2026-03-09 12:00"),  # over a weekend
        ("2026-03-07 12:00", "0.5h", "2026-03-09 09:30"),
        ("2026-03-02 09:00", "9h", "2026-03-02 18:00"),  # the whole day is its end, not the next morning
        ("2026-03-02 09:00", "45h", "2026-03-06 18:00"),
        ("2026-03-02 09:00", "90h", "2026-03-13 18:00"),
    ],
)
def test_hours_of_work_pass_by_day(asked: str, length: str, due: str) -> None:
    """Nights and weekends do not count."""
    assert _due(_hours(DESK), asked, length) == due


@pytest.mark.parametrize(
    ("asked", "length", "due"),
    [
        ("2026-03-28 23:00", "7h", "2026-03-29 07:00"),  # spring: from two to three there is no hour
        ("2026-10-24 23:00", "7h", "2026-10-25 05:00"),  # autumn: from two to three there are two
        ("2026-03-28 22:00", "8h", "2026-03-29 07:00"),
        ("2026-10-24 22:00", "10h", "2026-10-25 07:00"),
        ("2026-03-28 22:00", "8.5h", "2026-03-29 22:30"),
        ("2026-10-24 22:00", "10.5h", "2026-10-25 22:30"),
        ("2026-03-27 17:00", "2h", "2026-03-29 00:00"),
    ],
)
def test_a_night_in_which_clocks_are_set_is_as_long_as_it_is(asked: str, length: str, due: str) -> None:
    """Hours are those that somebody works: eight in one of these nights, ten in the other."""
    hours = _hours("sat 22:00-07:00", "sun 22:00-23:00")
    assert _due(hours, asked, length) == due


@pytest.mark.parametrize("day", [Holiday(5, 1), Holiday(5, 1, 2026)])
def test_on_a_holiday_nobody_works(day: Holiday) -> None:
    """Of every year, or of this one; a night that began the day before goes on into it."""
    assert _due(_hours(DESK, holidays=(day,)), "2026-04-30 17:00", "4h") == "2026-05-04 12:00"
    assert _due(_hours(DESK, holidays=(Holiday(5, 1, 2025),)), "2026-04-30 17:00", "4h") == "2026-05-01 12:00"
    assert _due(_hours("22:00-06:00", holidays=(day,)), "2026-04-30 23:00", "8h") == "2026-05-02 23:00"


def test_times_that_overlap_count_once() -> None:
    """Two people at once are no two hours."""
    assert _due(_hours("09:00-13:00", "12:00-18:00", "10:00-11:00"), "2026-03-03 09:00", "8h") == "2026-03-03 17:00"
    assert hours_a_week(_hours(DESK, "sat 10:00-12:00").times) == timedelta(hours=47)


def test_what_never_comes_is_over_after_a_year() -> None:
    """Nobody looks for ever."""
    never = tuple(Holiday(month, day) for month in range(1, 13) for day in range(1, 32))
    begin = datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert _hours(DESK, holidays=never).after(begin, timedelta(hours=1)) == begin + timedelta(days=366)


_TIMES = st.lists(
    st.sampled_from([DESK, "sat-sun", "22:00-07:00", "sun 00:00-06:00", "mon,wed 12:00-14:00"]), min_size=1, max_size=3
)
_BEGINS = st.sampled_from(
    [datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)]
)


@settings(max_examples=60, deadline=None)
@given(times=_TIMES, begin=_BEGINS, later=st.integers(0, 200), length=st.integers(1, 30))
def test_as_much_of_them_passes_as_was_asked(times: list[str], begin: datetime, later: int, length: int) -> None:
    """Counted half hour by half hour, also where clocks are set; and the last of them is one in which somebody works."""
    hours, asked = _hours(*times), begin + later * HALF
    end = hours.after(asked, length * HALF)
    open_at = Recurrence(hours.times, PARIS)
    worked = [open_at.covers(asked + n * HALF) for n in range(round((end - asked) / HALF))]
    assert (sum(worked), worked[-1]) == (length, True)


@settings(max_examples=60, deadline=None)
@given(times=_TIMES, begin=_BEGINS, one=st.integers(1, 2000), other=st.integers(1, 2000))
def test_one_wait_after_another_is_both(times: list[str], begin: datetime, one: int, other: int) -> None:
    """And whoever waits for longer is due later."""
    hours, minute = _hours(*times), timedelta(minutes=1)
    both = hours.after(begin, (one + other) * minute)
    assert hours.after(hours.after(begin, one * minute), other * minute) == both
    assert hours.after(begin, one * minute) < both
