"""`contacts.yaml`: the people behind the receivers, what they do, and when they work. The file is theirs alone: chmod 600."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from monitor.domain.plan import Id
from monitor.settings.calendar import Days, Spans
from monitor.settings.kinds import Names, Phone, Text, one_or_many
from notifiers.message import Language
from notifiers.smtp import Mailbox
from rules.holidays import Holiday, Holidays
from rules.recurrence import WeeklyField
from rules.wall_clock import TimeOfDay, Zone, shown, since_midnight


class Person(BaseModel):
    """Somebody who can be told. With `email`, the person is a receiver by their own name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text = Field(description="how the person is called in messages")
    email: Mailbox | None = Field(None, description="one address; makes the person a receiver")
    phone: Phone | None = Field(
        None,
        description="a telephone number, in quotes, such as `'+33 6 12 34 56 78'`: it stands on the cards of plans, for whoever"
        " calls by hand; Tocsin itself never dials it",
    )
    receivers: Names = Field((), description="further receivers of monitor.yaml that reach this person, such as a telephone")
    fallback: Names = Field(
        (), description="who is told of what is critical when this person's e-mail fails: receivers, people or roles"
    )
    language: Language | None = Field(None, description="fr or en; the default is `language` of monitor.yaml")
    timezone: Zone | None = Field(None, description="IANA name; the default is `timezone` of monitor.yaml")
    hours: Annotated[tuple[WeeklyField, ...], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])] = Field(
        (),
        description="hours of work: days, hours or both, such as `mon-fri 08:00-19:00` (a list for several); none: at any hour",
    )
    away: Spans = Field(
        (), description="days of leave, `2026-07-14` or `2026-07-14 to 2026-07-31`: a role goes to its backup then"
    )
    holidays: Holidays | None = Field(
        None, description="public holidays where this person works; the default is `holidays` of this file"
    )

    def works_at(self, moment: datetime, default_zone: str, holidays: Sequence[Holiday] = ()) -> bool:
        """Whether `moment` (aware) lies within the person's hours, on a day of work; without hours it does unless on leave."""
        if not self.hours:
            return not self.is_away_at(moment, default_zone)
        off = self.holidays if self.holidays is not None else holidays
        zone = ZoneInfo(self.timezone or default_zone)
        days = [day for hours in self.hours if (day := hours.day_of(moment, zone)) is not None]
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
    at: TimeOfDay = Field(time(9), description="the hour at which turns change, such as `09:00`")
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
        """The moment at which a day on call begins, in UTC."""
        return shown(day, since_midnight(self.at), self._zone(default_zone))

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

    @property
    def everybody(self) -> tuple[str, ...]:
        """Everybody who may have it some day, the backup included."""
        return (*self.people, *((self.backup,) if self.backup else ()))


def _role(written: Any) -> Any:
    return {"primary": written} if isinstance(written, str) else written


class Contacts(BaseModel):
    """`contacts.yaml`. People, roles and receivers share one namespace: rules and plans name any of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(1, description="the version of this file's format")
    holidays: Holidays = Field(
        (),
        description="public holidays, `2026-04-06` or, for every year, `07-14`: whoever has `hours` does not work on them, and"
        " rules of the kind `absence` that have `hours` do not count them",
    )
    people: dict[Id, Person] = Field(default_factory=dict, description="everybody who can be told, by a short name")
    roles: dict[Id, Annotated[Role, BeforeValidator(_role, json_schema_input_type=str | Role)]] = Field(
        default_factory=dict, description="who does what: plans name roles, so that a holiday changes one line here"
    )

    def behind(self, names: Collection[str]) -> frozenset[str]:
        """Everybody who is one of these people, or has one of these roles at some time, backups included."""
        roles = [self.roles[name] for name in names if name in self.roles]
        having = (person for role in roles for person in (*role.people, role.backup) if person is not None)
        return frozenset({*(name for name in names if name in self.people), *having})
