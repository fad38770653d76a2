"""When digests leave: on their days, once for each, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.settings.digests import DigestSettings
from rules.recurrence import parse_weekly

ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "UTC")


def digests() -> st.SearchStrategy[DigestSettings]:
    """Any that the settings allow."""
    hours = st.times().map(lambda each: each.replace(second=0, microsecond=0, tzinfo=None))
    days = st.sampled_from([None, "mon", "mon-fri", "sat-sun"])
    morning = st.builds(
        lambda at, on: DigestSettings(kind="morning", to=("me",), at=at, days=parse_weekly(on) if on else None), hours, days
    )
    return morning | st.builds(
        lambda kind, at: DigestSettings(kind=kind, to=("me",), at=at), st.sampled_from(["weekly", "monthly"]), hours
    )


@given(digests(), st.sampled_from(ZONES), st.datetimes(datetime(2011, 12, 1), datetime(2030, 1, 1)))  # noqa: DTZ001 UTC below
def test_the_newest_day_is_the_newest(digest: DigestSettings, zone: str, at: datetime) -> None:
    """It has begun, it is one of its days, and none of the days after it has begun as well."""
    now = at.replace(tzinfo=UTC)
    day, moment = digest.last(now, zone)
    assert digest.leaves_on(day)
    assert moment == digest.moment(day, zone) <= now
    later = (day + timedelta(days=number) for number in range(1, 35))
    assert all(digest.moment(each, zone) > now or digest.moment(each, zone) == moment for each in later if digest.leaves_on(each))


@pytest.mark.parametrize(("day", "hour"), [(date(2026, 3, 29), 1), (date(2026, 10, 25), 1)])
def test_an_hour_that_the_clock_skips_or_repeats_comes_once(day: date, hour: int) -> None:
    """In Paris 02:30 is missing on one night and comes twice on another: the digest of that day has one moment."""
    digest = DigestSettings(kind="morning", to=("me",), at=time(2, 30))
    before = datetime.combine(day, time(), ZoneInfo("Europe/Paris")).astimezone(UTC)
    moments = {digest.last(before + timedelta(minutes=each), "Europe/Paris") for each in range(24 * 60)}
    assert [each for each, _ in moments if each == day] == [day]
    assert digest.moment(day, "Europe/Paris").hour == hour - (0 if day.month == 3 else 1)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"kind": "monthly", "days": "mon"}, "first of the month"),
        ({"kind": "weekly", "days": "mon-fri"}, "one day"),
        ({"kind": "morning", "days": "mon 08:00-09:00"}, "days alone"),
    ],
)
def test_days_that_make_no_sense_are_refused(more: dict[str, str], why: str) -> None:
    """In words that say what to write instead."""
    with pytest.raises(ValidationError, match=why):
        DigestSettings.model_validate({"to": ["me"], **more})
