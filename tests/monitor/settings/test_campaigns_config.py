"""Campaigns in monitor.yaml: when they are, and which of them change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.settings import load
from monitor.settings.load import read_all
from monitor.settings.moments import moment
from rules import Campaign

Write = Callable[[Mapping[str, str]], Path]
PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 12, 1, 17, 30, tzinfo=UTC)


def read(write: Write, watched: str, campaign: str) -> Campaign:
    """The only campaign of a file."""
    settings = load(write({"monitor.yaml": f"{watched}timezone: Europe/Paris\ncampaigns:\n  winter: {campaign}\n"}), environ={})
    (found,) = settings.calendar
    return found


def test_a_campaign_lasts_from_its_first_day_to_its_last(write: Write, watched: str) -> None:
    """The last one included, in the time zone of the file or its own."""
    days = read(write, watched, "{subjects: acme, from: 2026-12-01, to: 2026-12-24, times: 3}")
    assert (days.name, days.subjects, days.times) == ("winter", frozenset({"acme"}), 3)
    begin, end = datetime(2026, 12, 1, tzinfo=PARIS), datetime(2026, 12, 25, tzinfo=PARIS)
    assert [*days.periods()] == [(begin, end)]
    abroad = '{subjects: [acme], from: "2026-12-01 09:00", to: "2026-12-01 10:00", timezone: Asia/Tokyo, times: {crisis: 2}}'
    hours = read(write, watched, abroad)
    assert hours.begins == datetime(2026, 12, 1, tzinfo=UTC)
    assert hours.ends - hours.begins == timedelta(hours=1)
    assert (hours.raises("crisis"), hours.raises("storm")) == (2, 1)


def test_a_campaign_may_come_again_every_week(write: Write, watched: str) -> None:
    """Within its days."""
    found = read(write, watched, "{subjects: acme, from: 2026-12-01, to: 2026-12-12, every: sat-sun, times: 3}")
    assert [begin.astimezone(PARIS).day for begin, _ in found.periods()] == [5, 6, 12]


@pytest.mark.parametrize(
    ("campaign", "said"),
    [
        ("{subjects: acme, from: 2026-11-01, to: 2026-11-30, times: 3}", "is over since 2026-11-30: it raises nothing any more"),
        ("{subjects: acme, from: 2026-12-01, to: 2026-12-24, times: {complaint: 3}}", "`complaint` is a rule of kind `mention`"),
        ("{subjects: acme, from: 2026-11-01, to: 2026-12-01, times: {crisis: 3}}", ""),
    ],
)
def test_what_changes_nothing_is_told(write: Write, watched: str, campaign: str, said: str) -> None:
    """As a warning: dates pass by themselves, and the daemon must start all the same."""
    folder = write({"monitor.yaml": f"{watched}campaigns:\n  winter: {campaign}\n"})
    loaded = read_all(folder, environ={}, today=date(2026, 12, 1))
    assert loaded.settings is not None
    warned = [str(each) for each in loaded.warnings if "campaigns" in each.field]
    assert [said in each for each in warned] == ([True] if said else [])


@pytest.mark.parametrize(
    ("written", "said", "ends"),
    [
        ("2026-12-24", "2026-12-24T00:00+01:00", "2026-12-25T00:00+01:00"),
        ("2026-12-24 18:00", "2026-12-24T18:00+01:00", None),
        ("2026-12-24T18:00Z", "2026-12-24T18:00+00:00", None),
        ("19:00", "2026-12-01T19:00+01:00", None),
        ("18:00", "2026-12-02T18:00+01:00", None),  # today, it has passed
        ("2026-03-29 02:30", "2026-03-29T01:00+00:00", None),  # never shown: when the clock is set
    ],
)
def test_a_moment_is_written_as_people_do(written: str, said: str, ends: str | None) -> None:
    """A day as an end is over when the next one begins."""
    assert moment(written, PARIS, now=NOW) == datetime.fromisoformat(said)
    assert moment(written, PARIS, ends=True, now=NOW) == datetime.fromisoformat(ends or said)


@pytest.mark.parametrize(
    "written", ["", "tomorrow", "2026-02-30", "24-12-2026", "2026-12-24 25:00", "18:00", "18:00Z", "9999-12-31"]
)
def test_what_is_no_moment_is_refused(written: str) -> None:
    """A time alone as well, where nobody knows of which day."""
    with pytest.raises(ValueError, match="write a day, or a day and a time"):
        moment(written, PARIS, ends=True)


def test_a_silence_that_may_cover_a_danger_is_told(write: Write, watched: str) -> None:
    """As a warning: whoever writes it into a file may mean it. It needs no end where it pauses."""
    nights = "silences:\n  nights: {where: {severity: {lte: warning}}, reason: asleep, every: '22:00-07:00'}\n"
    settings = load(write({"monitor.yaml": f"{watched}timezone: Europe/Paris\n{nights}"}), environ={})
    (silence,) = settings.standing_silences
    assert (silence.id, silence.author, silence.every, silence.timezone) == (
        "nights", "monitor.yaml", ["22:00-07:00"], "Europe/Paris",
    )  # fmt: skip
    assert silence.matcher == {"where": {"severity": {"lte": "warning"}}}
