"""`contacts.yaml`: the people behind the receivers, what they do, and when they work. The file is theirs alone: chmod 600."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from monitor.domain.plan import Id
from monitor.settings.calendar import Days, Holiday, HolidayDay
from monitor.settings.kinds import Names, Text, Zone, one_or_many
from notifiers.message import Language
from notifiers.smtp import Mailbox

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(?P<from>[a-z]{3})(?:-(?P<to>[a-z]{3}))? (?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d)")
_EXPECTED = "write days and hours as `mon-fri 08:00-19:00`"


class Hours(BaseModel):
    """Hours of work: on these days (0 is Monday), from `begin` until `end`, in the person's own time zone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: frozenset[int]
    begin: time
    end: time

    def covers(self, local: datetime) -> bool:
        """Whether a local time lies within; hours past midnight (22:00-06:00) belong to the day on which they begin."""
        return self.day_of(local) is not None

    def day_of(self, local: datetime) -> date | None:
        """The day of work to which a local time belongs; None outside these hours."""
        today, moment = local.date(), local.time()
        yesterday = today - timedelta(days=1)
        past_midnight = self.end <= self.begin
        if today.weekday() in self.days and self.begin <= moment and (past_midnight or moment < self.end):
            return today
        return yesterday if past_midnight and yesterday.weekday() in self.days and moment < self.end else None

    @property
    def lasting(self) -> timedelta:
        """How long they last on one day, by the clock on the wall."""
        ends = datetime.combine(date.min + timedelta(days=self.end <= self.begin), self.end)
        return ends - datetime.combine(date.min, self.begin)


def _one_day(written: Any) -> Any:
    return [written] if isinstance(written, str | date) else written


def _hours(written: Any) -> Any:
    if not isinstance(written, str):
        raise ValueError(_EXPECTED)  # noqa: TRY004 pydantic turns ValueError into a problem, and nothing else
    found = _HOURS.fullmatch(" ".join(written.lower().split()))
    if not found or found["from"] not in _DAYS or (found["to"] or found["from"]) not in _DAYS:
        raise ValueError(_EXPECTED)
    first, last = _DAYS.index(found["from"]), _DAYS.index(found["to"] or found["from"])
    days = frozenset((first + offset) % 7 for offset in range((last - first) % 7 + 1))
    try:
        return {"days": days, "begin": time.fromisoformat(found["begin"]), "end": time.fromisoformat(found["end"])}
    except ValueError:
        raise ValueError(f"{_EXPECTED}; hours go from 00:00 to 23:59") from None


def _time_of_day(written: Any) -> Any:
    try:
        return written if isinstance(written, time) else time.fromisoformat(written)
    except (TypeError, ValueError):
        raise ValueError("write an hour of the day as 09:00") from None


_TimeOfDay = Annotated[time, BeforeValidator(_time_of_day, json_schema_input_type=str)]
_Spans = Annotated[tuple[Days, ...], BeforeValidator(_one_day, json_schema_input_type=str | list[str])]
_Holidays = Annotated[tuple[HolidayDay, ...], BeforeValidator(_one_day, json_schema_input_type=str | list[str])]


class Person(BaseModel):
    """Somebody who can be told. With `email`, the person is a receiver by their own name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text = Field(description="how the person is called in messages")
    email: Mailbox | None = Field(None, description="one address; makes the person a receiver")
    receivers: Names = Field((), description="further receivers of monitor.yaml that reach this person, such as a telephone")
    fallback: Names = Field(
        (), description="who is told of what is critical when this person's e-mail fails: receivers, people or roles"
    )
    language: Language | None = Field(None, description="fr or en; the default is `language` of monitor.yaml")
    timezone: Zone | None = Field(None, description="IANA name; the default is `timezone` of monitor.yaml")
    hours: Annotated[
        tuple[Annotated[Hours, BeforeValidator(_hours, json_schema_input_type=str)], ...],
        BeforeValidator(one_or_many, json_schema_input_type=str | list[str]),
    ] = Field((), description="hours of work, such as `mon-fri 08:00-19:00` (a list for several); none: at any hour")
    away: _Spans = Field(
        (), description="days of leave, `2026-07-14` or `2026-07-14 to 2026-07-31`: a role goes to its backup then"
    )
    holidays: _Holidays | None = Field(
        None, description="public holidays where this person works; the default is `holidays` of this file"
    )

    def works_at(self, moment: datetime, default_zone: str, holidays: Sequence[Holiday] = ()) -> bool:
        """Whether `moment` (aware) lies within the person's hours, on a day of work; without hours it does unless on leave."""
        local = moment.astimezone(ZoneInfo(self.timezone or default_zone))
        if not self.hours:
            return not self.is_away_at(moment, default_zone)
        off = self.holidays if self.holidays is not None else holidays
        days = [day for hours in self.hours if (day := hours.day_of(local)) is not None]
        return any(not self._on_leave(day) and not any(each.falls_on(day) for each in off) for day in days)

    def is_away_at(self, moment: datetime, default_zone: str) -> bool:
        """Whether the person is on leave at `moment` (aware)."""
        return self._on_leave(moment.astimezone(ZoneInfo(self.timezone or default_zone)).date())

    def _on_leave(self, day: date) -> bool:
        return any(span.covers(day) for span in self.away)


class Replacement(BaseModel):
    """Somebody who takes another's turn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Days = Field(description="`2026-07-14`, or `2026-07-14 to 2026-07-20`: each from its turn-over to the next day's")
    person: Id = Field(description="who is on call then")


class Roster(BaseModel):
    """People who are on call in turns. Turns are days by the clock on the wall, and so begin at the same hour all year."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    people: Annotated[Names, Field(min_length=1)] = Field(description="who takes turns, in this order")
    start: date = Field(description="the day on which the first one's turn began; turns change on this day of the week")
    at: _TimeOfDay = Field(time(9), description="the hour at which turns change, such as `09:00`")
    weeks: int = Field(1, ge=1, le=52, description="how many weeks a turn lasts")
    timezone: Zone | None = Field(None, description="IANA name; the default is `timezone` of monitor.yaml")
    replacements: tuple[Replacement, ...] = Field((), description="turns that somebody else takes; the last one written counts")

    def day_at(self, moment: datetime, default_zone: str) -> date:
        """The day on call to which `moment` (aware) belongs: it begins at the hour of the turn-over."""
        day = moment.astimezone(self._zone(default_zone)).date() + timedelta(days=1)
        while self.turn_over(day, default_zone) > moment:
            day -= timedelta(days=1)
        return day

    def turn_over(self, day: date, default_zone: str) -> datetime:
        """The moment at which a day on call begins. An hour that comes twice is meant the first time."""
        return datetime.combine(day, self.at, self._zone(default_zone)).astimezone(UTC)

    def on_call(self, day: date) -> tuple[str, bool]:
        """Who is on call on such a day, and whether as a replacement. Before `start` the turns are counted backwards."""
        for each in reversed(self.replacements):
            if each.days.covers(day):
                return each.person, True
        return self.people[(day - self.start) // timedelta(weeks=self.weeks) % len(self.people)], False

    def next_change(self, day: date) -> date | None:
        """The first day after this one on which somebody else is on call; None if that is nobody within two rounds."""
        person, _ = self.on_call(day)
        ahead = (day + timedelta(days=n) for n in range(1, 14 * self.weeks * (len(self.people) + 1)))
        return next((each for each in ahead if self.on_call(each)[0] != person), None)

    def _zone(self, default_zone: str) -> ZoneInfo:
        return ZoneInfo(self.timezone or default_zone)


class Role(BaseModel):
    """A task that somebody always has. The short form is the name of a person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    primary: Id | None = Field(None, description="the person who has it; or else give it a `roster`")
    roster: Roster | None = Field(None, description="people who have it in turns")
    backup: Id | None = Field(
        None,
        description="the person who is told as well outside the hours of who has it, and instead while that one is on leave",
    )

    @model_validator(mode="after")
    def _somebody_has_it(self) -> Self:
        if (self.primary is None) == (self.roster is None):
            raise ValueError("a role is had by one person, or by several in turns: write either `primary` or `roster`")
        return self

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who has it at some time, the backup aside."""
        if self.roster is None:
            return (str(self.primary),)
        return tuple(dict.fromkeys((*self.roster.people, *(each.person for each in self.roster.replacements))))


def _role(written: Any) -> Any:
    return {"primary": written} if isinstance(written, str) else written


class Contacts(BaseModel):
    """`contacts.yaml`. People, roles and receivers share one namespace: rules and plans name any of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(1, description="the version of this file's format")
    holidays: _Holidays = Field(
        (),
        description="public holidays, `2026-04-06` or, for every year, `07-14`: whoever has `hours` does not work on them",
    )
    people: dict[Id, Person] = Field(default_factory=dict, description="everybody who can be told, by a short name")
    roles: dict[Id, Annotated[Role, BeforeValidator(_role, json_schema_input_type=str | Role)]] = Field(
        default_factory=dict, description="who does what: plans name roles, so that a holiday changes one line here"
    )
