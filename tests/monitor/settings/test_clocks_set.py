"""In the nights in which the clocks are set, all that goes by them goes by the same rule."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.settings import Person
from monitor.settings.contacts import Roster
from monitor.settings.moments import moment
from monitor.settings.quiet import QuietHours
from rules.recurrence import recurrence

PARIS = "Europe/Paris"
SUMMER, WINTER = date(2026, 3, 29), date(2026, 10, 25)  # on these days the clocks are set


@pytest.mark.parametrize(
    ("day", "clock", "at"),
    [
        (SUMMER, time(1, 59), "2026-03-29T00:59Z"),
        (SUMMER, time(2, 0), "2026-03-29T01:00Z"),
        (SUMMER, time(2, 30), "2026-03-29T01:00Z"),
        (SUMMER, time(3, 0), "2026-03-29T01:00Z"),
        (WINTER, time(2, 30), "2026-10-25T00:30Z"),
        (WINTER, time(3, 0), "2026-10-25T02:00Z"),
    ],
)
def test_all_that_goes_by_clocks_goes_by_the_same_rule(day: date, clock: time, at: str) -> None:
    """A skipped time is when the clock is set, one shown twice the first: for hours, quiet hours, silences and turns alike."""
    expected, written = datetime.fromisoformat(at), f"{clock:%H:%M}"
    assert moment(f"{day} {written}", ZoneInfo(PARIS)) == expected
    assert Roster(people=("ana",), start=day, at=clock).turn_over(day, PARIS) == expected
    before, quiet = expected - timedelta(seconds=1), QuietHours.model_validate({"from": "22:00", "to": written})
    assert quiet.end(before, PARIS) == expected
    silence = recurrence([f"22:00-{written}"], PARIS)
    assert silence is not None
    assert silence.end(before) == expected
    person = Person.model_validate({"name": "Ana", "hours": f"sat 22:00-{written}"})
    assert [person.works_at(each, PARIS) for each in (before, expected)] == [True, False]
