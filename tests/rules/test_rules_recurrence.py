"""Times of the week: how they are written, when they are, and what becomes of them where the clock is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.recurrence import Recurrence, parse_weekly, recurrence

PARIS = ZoneInfo("Europe/Paris")
MINUTE = timedelta(minutes=1)


def paris(written: str, *, fold: int = 0) -> datetime:
    """A moment as a clock in Paris shows it."""
    return datetime.fromisoformat(written).replace(tzinfo=PARIS, fold=fold).astimezone(UTC)


def every(*times: str, zone: str = "Europe/Paris") -> Recurrence:
    """Times of the week."""
    made = recurrence(times, zone)
    assert made is not None
    return made


def minutes(found: Recurrence, begin: datetime, end: datetime) -> list[datetime]:
    """Every minute between two moments that is covered."""
    moments = (begin + MINUTE * n for n in range(int((end - begin) / MINUTE)))
    return [moment for moment in moments if found.covers(moment)]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("sat-sun", "sat,sun"),
        ("Sat, Sun", "sat,sun"),
        ("fri-mon", "mon,fri,sat,sun"),
        ("22:00-07:00", "22:00-07:00"),
        ("mon-sun", "00:00-24:00"),
        ("mon,wed 12:00-24:00", "mon,wed 12:00-24:00"),
        ("sat 08:00-08:00", "sat 08:00-08:00"),
    ],
)
def test_times_are_written_as_people_say_them(written: str, said: str) -> None:
    """Days, hours or both; and what is said of them can be read again."""
    found = parse_weekly(written)
    assert str(found) == said
    assert parse_weekly(said) == found


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("22:00-22:00", "lasts no time at all"),
        ("sta", "did you mean `sat`?"),
        ("22-07", "is not a day"),
        ("25:00-07:00", "write hours as 22:00-07:00"),
        ("24:00-07:00", "write hours as 22:00-07:00"),
        ("every night 22:00-07:00", "write days, hours or both"),
        ("", "write days, hours or both"),
        (7, "write days, hours or both"),
    ],
)
def test_what_is_no_time_of_the_week_is_refused(written: object, said: str) -> None:
    """In words that say how to write it."""
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        parse_weekly(written)


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    """Of `fri 22:00-07:00` Saturday's morning is a part, and Friday's is not."""
    night = every("fri 22:00-07:00")
    assert not night.covers(paris("2026-03-06 06:59"))
    assert not night.covers(paris("2026-03-06 21:59"))
    assert night.covers(paris("2026-03-06 22:00"))
    assert night.covers(paris("2026-03-07 06:59"))
    assert not night.covers(paris("2026-03-07 07:00"))
    assert night.end(paris("2026-03-06 23:00")) == paris("2026-03-07 07:00")
    assert night.next(paris("2026-03-06 23:00")) == paris("2026-03-13 22:00")


def test_times_that_follow_without_a_break_are_one() -> None:
    """A weekend ends on Sunday, and nobody is told anything at midnight of Saturday."""
    weekend = every("sat-sun")
    assert weekend.end(paris("2026-03-07 12:00")) == paris("2026-03-09 00:00")
    assert weekend.next(paris("2026-03-07 12:00")) == paris("2026-03-14 00:00")
    assert every("sat-sun", "mon 00:00-08:00").end(paris("2026-03-07 12:00")) == paris("2026-03-09 08:00")
    always = every("mon-sun")
    assert always.end(paris("2026-03-07 12:00")) is None
    assert always.next(paris("2026-03-07 12:00")) is None


@pytest.mark.parametrize(
    ("night", "begin", "end", "hours"),
    [
        ("2026-03-28", "2026-03-28T21:00Z", "2026-03-29T05:00Z", 8),  # 02:00 becomes 03:00
        ("2026-10-24", "2026-10-24T20:00Z", "2026-10-25T06:00Z", 10),  # 03:00 becomes 02:00
        ("2026-06-01", "2026-06-01T20:00Z", "2026-06-02T05:00Z", 9),
    ],
)
def test_a_night_in_which_the_clock_is_set_is_shorter_or_longer(night: str, begin: str, end: str, hours: int) -> None:
    """From ten in the evening to seven in the morning by the clock on the wall, whatever lies in between."""
    found, at = every("22:00-07:00"), paris(f"{night} 23:00")
    covered = minutes(found, at - timedelta(hours=6), at + timedelta(hours=14))
    assert covered[0] == datetime.fromisoformat(begin)
    assert covered[-1] + MINUTE == datetime.fromisoformat(end) == found.end(at)
    assert len(covered) == hours * 60


@pytest.mark.parametrize(
    ("written", "begin", "end"),
    [
        ("02:30-03:15", "2026-03-29 03:00", "2026-03-29 03:15"),  # 02:30 is never shown: from when the clock is set
        ("01:30-02:30", "2026-03-29 01:30", "2026-03-29 03:00"),
        ("01:30-03:30", "2026-03-29 01:30", "2026-03-29 03:30"),
    ],
)
def test_a_time_that_the_clock_skips_is_when_it_is_set(written: str, begin: str, end: str) -> None:
    """On the night to summer, between two and three."""
    covered = minutes(every(written), paris("2026-03-29 00:00"), paris("2026-03-29 12:00"))
    assert (covered[0], covered[-1] + MINUTE) == (paris(begin), paris(end))


def test_what_the_clock_skips_altogether_is_not() -> None:
    """A quarter of an hour that never comes; the next night it does."""
    skipped = every("02:15-02:30")
    assert minutes(skipped, paris("2026-03-29 00:00"), paris("2026-03-29 12:00")) == []
    assert skipped.next(paris("2026-03-28 12:00")) == paris("2026-03-30 02:15")


def test_a_time_that_the_clock_shows_twice_comes_once() -> None:
    """On the night to winter, the first is meant, as a beginning and as an end: nobody is told twice of its end."""
    begin, end = paris("2026-10-25 00:00"), paris("2026-10-25 12:00")
    covered = minutes(every("22:00-02:30"), begin, end)
    assert covered[-1] + MINUTE == paris("2026-10-25 02:30") == datetime.fromisoformat("2026-10-25T00:30Z")
    covered = minutes(every("02:30-03:30"), begin, end)
    assert (covered[0], len(covered)) == (paris("2026-10-25 02:30"), 120)


def test_a_day_that_begins_when_the_clock_is_set_begins_then() -> None:
    """In Beirut there is no midnight on the night to summer: the day begins at one."""
    sunday = every("sun", zone="Asia/Beirut")
    assert sunday.next(datetime(2026, 3, 28, 12, tzinfo=UTC)) == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert sunday.end(datetime(2026, 3, 29, 12, tzinfo=UTC)) == datetime(2026, 3, 29, 21, tzinfo=UTC)


def test_the_periods_between_two_moments_are_cut_to_them() -> None:
    """Two weekends, of which one has begun before."""
    found = list(every("sat-sun 10:00-22:00").between(paris("2026-03-08 12:00"), paris("2026-03-14 23:00")))
    assert found == [
        (paris("2026-03-08 12:00"), paris("2026-03-08 22:00")),
        (paris("2026-03-14 10:00"), paris("2026-03-14 22:00")),
    ]


@given(
    begin=st.integers(0, 24 * 12 - 1),
    length=st.integers(1, 24 * 12 - 1),
    minute=st.integers(0, 365 * 24 * 60),
    zone=st.sampled_from(["Europe/Paris", "Asia/Beirut", "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
)
def test_it_is_now_until_its_end_and_not_before_the_next(begin: int, length: int, minute: int, zone: str) -> None:
    """For every time of day, on every day, wherever the clock is set: `covers`, `end` and `next` say the same."""
    clock = [f"{at // 12 % 24:02}:{at % 12 * 5:02}" for at in (begin, begin + length)]
    found, at = every("-".join(clock), zone=zone), datetime(2026, 1, 1, tzinfo=UTC) + MINUTE * minute
    end, following = found.end(at), found.next(at)
    assert end is not None
    assert following is not None
    assert (end > at) is found.covers(at)
    assert not found.covers(end)
    assert found.covers(following)
    assert not found.covers(following - MINUTE / 60)
    assert at < following <= at + timedelta(days=3)
