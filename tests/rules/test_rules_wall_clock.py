"""Times of day: when some clock shows them, also where it is set, and one rule for all that is made of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.wall_clock import parse_time_of_day, parse_zone, shown, since_midnight

PARIS = "Europe/Paris"


@pytest.mark.parametrize(
    ("day", "clock", "at"),
    [
        (date(2026, 3, 29), time(1, 59), "2026-03-29T00:59Z"),
        (date(2026, 3, 29), time(2, 30), "2026-03-29T01:00Z"),
        (date(2026, 3, 29), time(3, 0), "2026-03-29T01:00Z"),
        (date(2026, 10, 25), time(2, 30), "2026-10-25T00:30Z"),
        (date(2026, 10, 25), time(3, 0), "2026-10-25T02:00Z"),
    ],
)
def test_a_skipped_time_is_when_the_clock_is_set_and_of_two_the_first_is_meant(day: date, clock: time, at: str) -> None:
    """In Paris, at two and three in the morning."""
    assert shown(day, since_midnight(clock), ZoneInfo(PARIS)) == datetime.fromisoformat(at)


@given(day=st.dates(date(1990, 1, 1), date(2035, 1, 1)), minutes=st.integers(0, 24 * 60), length=st.integers(0, 24 * 60))
def test_the_clock_never_goes_back_between_a_time_and_a_later_one(day: date, minutes: int, length: int) -> None:
    """So that nothing ends before it begins."""
    for name in (PARIS, "Asia/Beirut", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"):
        first, second = (shown(day, timedelta(minutes=each), ZoneInfo(name)) for each in (minutes, minutes + length))
        assert first <= second
        assert first.tzinfo is UTC


def test_a_day_that_a_country_skips_begins_when_it_is_over() -> None:
    """In Apia the thirtieth of December 2011 never was."""
    apia = ZoneInfo("Pacific/Apia")
    assert shown(date(2011, 12, 30), timedelta(hours=12), apia) == datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert shown(date(2011, 12, 31), timedelta(0), apia) == datetime(2011, 12, 30, 10, tzinfo=UTC)


@pytest.mark.parametrize("written", ["22", "24:00", "9:00", "22:00:30", "T22:00", 2200, None])
def test_a_time_of_day_is_written_in_one_way(written: object) -> None:
    """Saying which."""
    with pytest.raises(ValueError, match='write a time of day as "22:00"'):
        parse_time_of_day(written)


@pytest.mark.parametrize(("written", "said"), [("europe/pariss", "did you mean `Europe/Paris`"), ("Nowhere", "write an IANA")])
def test_a_time_zone_that_there_is_not_is_refused(written: str, said: str) -> None:
    """With the nearest one, where one is near."""
    with pytest.raises(ValueError, match=said):
        parse_zone(written)
