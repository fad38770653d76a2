"""Who of a role is told: turns, leave, holidays and nights, on both days of the year when the clocks change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.settings import Contacts, Person, Settings, check, load, render
from monitor.settings.contacts import Role, Roster
from monitor.settings.duty import on_duty

Write = Callable[[Mapping[str, str]], Path]
PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)
PEOPLE: dict[str, Any] = {
    "ana": {"name": "Ana", "hours": "mon-fri 09:00-18:00", "away": ["2026-07-13 to 2026-07-26", "2026-12-24"]},
    "ben": {"name": "Ben", "hours": "mon-fri 09:00-18:00"},
    "cleo": {"name": "Cléo", "away": "2026-07-20 to 2026-07-26"},
}
TURNS: dict[str, Any] = {"people": ["ana", "ben", "cleo"], "start": "2026-01-05"}


def _told(role: object, at: datetime, **contacts: Any) -> list[str]:
    made = Contacts.model_validate({"people": PEOPLE, "roles": {"role": role}, **contacts})
    return [each.person for each in on_duty(made, "role", at, "Europe/Paris")]


def _paris(year: int, month: int, day: int, hour: int = 0, minute: int = 0, *, fold: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=PARIS, fold=fold)


@pytest.mark.parametrize(
    ("at", "person"),
    [
        (_paris(2026, 1, 5, 9), "ana"),
        (_paris(2026, 1, 12, 8, 59), "ana"),
        (_paris(2026, 1, 12, 9), "ben"),
        (_paris(2026, 1, 19, 9), "cleo"),
        (_paris(2026, 1, 26, 9), "ana"),
        (_paris(2026, 1, 5, 8, 59), "cleo"),
        (_paris(2025, 12, 29, 9), "cleo"),
        (_paris(2026, 3, 30, 8, 59), "cleo"),
        (_paris(2026, 3, 30, 9), "ana"),
        (_paris(2026, 10, 26, 8, 59), "cleo"),
        (_paris(2026, 10, 26, 9), "ana"),
    ],
)
def test_turns_change_every_week_at_the_same_hour(at: datetime, person: str) -> None:
    """By the clock on the wall, the weeks after the clocks change included; before the start they are counted backwards."""
    assert _told({"roster": TURNS}, at) == [person]


def test_a_turn_over_in_an_hour_that_comes_twice_happens_once() -> None:
    """In the night when the clocks go back the second 02:30 changes nothing, nor does the hour before it."""
    roster = {"people": ["ben", "cleo"], "start": "2026-10-18", "at": "02:30"}
    moments = [_paris(2026, 10, 25, 2, 29), _paris(2026, 10, 25, 2, 30), _paris(2026, 10, 25, 2, 0, fold=1)]
    assert [_told({"roster": roster}, at)[0] for at in moments] == ["ben", "cleo", "cleo"]


def test_a_turn_over_in_an_hour_that_does_not_come_happens_too() -> None:
    """In the night when the clocks go forward."""
    roster = {"people": ["ben", "cleo"], "start": "2026-03-22", "at": "02:30"}
    assert _told({"roster": roster}, _paris(2026, 3, 29, 1, 59)) == ["ben"]
    assert _told({"roster": roster}, _paris(2026, 3, 29, 3, 0)) == ["cleo"]


@given(
    start=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    moment=st.datetimes(datetime(2021, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 hypothesis adds it
    clock=st.times(),
    zone=st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"]),
    weeks=st.integers(1, 3),
)
def test_every_moment_is_in_one_day_on_call(start: date, moment: datetime, clock: Any, zone: str, weeks: int) -> None:
    """It has begun, and the next one has not; whoever comes next is somebody else."""
    roster = Roster(people=("ana", "ben"), start=start, at=clock, weeks=weeks)
    day = roster.day_at(moment, zone)
    assert roster.turn_over(day, zone) <= moment < roster.turn_over(day + timedelta(days=1), zone)
    change = roster.next_change(day)
    assert change is not None
    assert change - day <= timedelta(weeks=weeks)
    assert roster.on_call(change)[0] != roster.on_call(day)[0]


def test_a_replacement_takes_whole_days_from_turn_over_to_turn_over() -> None:
    """The last one written counts."""
    swapped = TURNS | {
        "replacements": [{"days": "2026-01-07 to 2026-01-08", "person": "cleo"}, {"days": "2026-01-08", "person": "ben"}]
    }
    moments = [_paris(2026, 1, 7, 8), _paris(2026, 1, 7, 9), _paris(2026, 1, 8, 9), _paris(2026, 1, 9, 8), _paris(2026, 1, 9, 9)]
    assert [_told({"roster": swapped}, at) for at in moments] == [["ana"], ["cleo"], ["ben"], ["ben"], ["ana"]]


def test_on_call_is_on_call_outside_the_hours_of_work() -> None:
    """That is what it is for: at night and on holidays the backup is left to sleep."""
    role = {"roster": TURNS, "backup": "cleo"}
    assert _told(role, _paris(2026, 1, 6, 3)) == ["ana"]
    assert _told(role, _paris(2026, 1, 6, 12), holidays=["01-06"]) == ["ana"]


@pytest.mark.parametrize(
    ("role", "at", "people"),
    [
        ({"primary": "ana", "backup": "ben"}, _paris(2026, 7, 14, 12), ["ben"]),
        ({"primary": "ana"}, _paris(2026, 7, 14, 12), ["ana"]),
        ({"primary": "ana", "backup": "cleo"}, _paris(2026, 7, 21, 12), ["ana", "cleo"]),
        ({"primary": "ana", "backup": "ben"}, _paris(2026, 12, 24, 12), ["ben"]),
        ({"primary": "ana", "backup": "ben"}, _paris(2026, 12, 25, 12), ["ana"]),
        ({"roster": TURNS | {"start": "2026-07-13"}, "backup": "cleo"}, _paris(2026, 7, 14, 12), ["cleo"]),
        ({"roster": TURNS | {"start": "2026-07-13"}}, _paris(2026, 7, 14, 12), ["ben"]),
        ({"roster": TURNS | {"start": "2026-07-20"}, "backup": "cleo"}, _paris(2026, 7, 21, 12), ["ben"]),
        ({"roster": {"people": ["ana"], "start": "2026-07-13"}}, _paris(2026, 7, 14, 12), ["ana"]),
    ],
)
def test_on_leave_a_stand_in_is_told_instead(role: object, at: datetime, people: list[str]) -> None:
    """The backup, else whoever is next on the roster and not on leave; if there is nobody, whoever has the role all the same."""
    assert _told(role, at) == people


def test_on_a_holiday_whoever_has_hours_does_not_work() -> None:
    """Of every year or of one; a person may have their own; a night that began the day before is worked to its end."""
    role, contacts = {"primary": "ben", "backup": "ana"}, {"holidays": ["01-05", "2026-04-06"]}
    assert _told(role, _paris(2026, 1, 5, 12), **contacts) == ["ben", "ana"]
    assert _told(role, _paris(2027, 1, 5, 12), **contacts) == ["ben", "ana"]
    assert _told(role, _paris(2026, 4, 6, 12), **contacts) == ["ben", "ana"]
    assert _told(role, _paris(2027, 4, 6, 12), **contacts) == ["ben"]
    elsewhere = PEOPLE | {"ben": PEOPLE["ben"] | {"holidays": []}}
    assert _told(role, _paris(2026, 1, 5, 12), people=elsewhere, **contacts) == ["ben"]
    nightly = Person.model_validate({"name": "N", "hours": "mon-sun 22:00-06:00", "holidays": "2026-01-05"})
    assert nightly.works_at(_paris(2026, 1, 5, 5), "Europe/Paris")
    assert not nightly.works_at(_paris(2026, 1, 6, 5), "Europe/Paris")


_NAMES = st.sampled_from(sorted(PEOPLE))
_PRIMARY = st.fixed_dictionaries({"primary": _NAMES}, optional={"backup": _NAMES})
_ROSTER = st.fixed_dictionaries(
    {
        "roster": st.fixed_dictionaries(
            {"people": st.lists(_NAMES, min_size=1, max_size=4), "start": st.dates().map(str)},
            optional={
                "replacements": st.lists(st.fixed_dictionaries({"days": st.just("2026-07-14"), "person": _NAMES}), max_size=2)
            },
        )
    },
    optional={"backup": _NAMES},
)


@given(role=_PRIMARY | _ROSTER, hours=st.integers(0, 24 * 365))
def test_nobody_is_never_on_duty(role: object, hours: int) -> None:
    """At any moment of a year somebody is told, each once, and only people of the role and its backup."""
    told = _told(role, datetime(2026, 1, 1, tzinfo=UTC) + hours * HOUR, holidays=["07-14"])
    assert told
    assert len(set(told)) == len(told)
    made = Role.model_validate(role)
    assert set(told) <= {*made.people, made.backup}


CONTACTS = """\
people:
  lea: {name: Léa, email: lea@example.org, away: 2026-07-14}
  marc: {name: Marc, email: marc@example.org}
roles:
  on-call: {roster: {people: [lea, marc], start: 2026-01-05}}
"""


def test_a_roster_resolves_to_whoever_has_the_turn(write: Write) -> None:
    """Without a moment, to all who ever have it."""
    settings: Settings = load(write({"contacts.yaml": CONTACTS}), environ={})
    assert settings.resolve("on-call", _paris(2026, 1, 6)) == ("lea",)
    assert settings.resolve("on-call", _paris(2026, 1, 13)) == ("marc",)
    assert settings.resolve("on-call") == ("lea", "marc")


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"roster": {"people": [], "start": "2026-01-05"}}, "at least 1"),
        ({"roster": TURNS, "primary": "ana"}, "write either `primary` or `roster`"),
        ({"backup": "ana"}, "write either `primary` or `roster`"),
        ({"roster": TURNS | {"at": "nine"}}, 'write a time of day as "22:00"'),
        (
            {"roster": TURNS | {"replacements": [{"days": "2026-01-09 to 2026-01-08", "person": "ana"}]}},
            "write the first day first",
        ),
    ],
)
def test_a_roster_that_cannot_be_is_refused(written: object, says: str) -> None:
    """Saying what to write."""
    with pytest.raises(ValidationError, match=says):
        Role.model_validate(written)


@pytest.mark.parametrize("day", ["14-07", "2026-02-30", "July 14", "2026-07-14 to", "2026-07-14 until 2026-07-20"])
def test_days_are_written_in_one_way(day: str) -> None:
    """Year, month and day; no guess is made between the 7th of April and the 4th of July."""
    with pytest.raises(ValidationError, match="write a day as 2026-"):
        Person.model_validate({"name": "X", "away": day})
    with pytest.raises(ValidationError, match="write a day as 2026-"):
        Person.model_validate({"name": "X", "holidays": [day]})


def test_hours_that_look_reversed_and_holidays_of_past_years_are_pointed_out(write: Write) -> None:
    """A night of thirteen hours is a day written backwards, mostly; eight are a night."""
    people = "people: {{lea: {{name: L, email: l@example.org, hours: [{}]}}}}\nholidays: [07-14, {}]\n"
    odd = render(check(write({"contacts.yaml": people.format("mon 22:00-06:00, mon-fri 19:00-08:00", "2019-04-22")}), environ={}))
    assert "contacts.yaml:1: people.lea.hours[1]: from 19:00 past midnight until 08:00 is 13 hours of work." in odd
    assert "If the day is meant, write 08:00-19:00." in odd
    assert "contacts.yaml:2: holidays: the last ones written are those of 2019" in odd
    fine = render(check(write({"contacts.yaml": people.format("mon 22:00-06:00, mon 08:00-08:00", "2999-04-22")}), environ={}))
    assert "contacts.yaml:" not in fine
