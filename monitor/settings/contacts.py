"""`contacts.yaml`: the people behind the receivers, what they do, and when they work. The file is theirs alone: chmod 600."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from monitor.domain.plan import Id
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
        day, moment = local.weekday(), local.time()
        if self.begin < self.end:
            return day in self.days and self.begin <= moment < self.end
        return (day in self.days and moment >= self.begin) or ((day - 1) % 7 in self.days and moment < self.end)


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

    def works_at(self, moment: datetime, default_zone: str) -> bool:
        """Whether `moment` (aware) lies within the person's hours; without hours it always does."""
        local = moment.astimezone(ZoneInfo(self.timezone or default_zone))
        return not self.hours or any(hours.covers(local) for hours in self.hours)


class Role(BaseModel):
    """A task that somebody always has. The short form is the name of a person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    primary: Id = Field(description="the person who has it")
    backup: Id | None = Field(None, description="the person who is told as well outside the primary's hours")


def _role(written: Any) -> Any:
    return {"primary": written} if isinstance(written, str) else written


class Contacts(BaseModel):
    """`contacts.yaml`. People, roles and receivers share one namespace: rules and plans name any of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(1, description="the version of this file's format")
    people: dict[Id, Person] = Field(default_factory=dict, description="everybody who can be told, by a short name")
    roles: dict[Id, Annotated[Role, BeforeValidator(_role, json_schema_input_type=str | Role)]] = Field(
        default_factory=dict, description="who does what: plans name roles, so that a holiday changes one line here"
    )
