"""Silences that stand in monitor.yaml: for whoever keeps the configuration under version control, and for what has no end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from monitor.domain.alert import SEVERITIES, Silence
from monitor.domain.plan import Id
from monitor.settings.campaigns import Moment
from monitor.settings.kinds import Text, one_or_many
from monitor.settings.moments import moment
from rules import Rule
from rules.alert_condition import AlertCondition, AlertSeen
from rules.alert_where import AlertWhere
from rules.recurrence import WeeklyField, recurrence
from rules.wall_clock import Zone

AUTHOR = "monitor.yaml"
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)
"""The end of a silence that has none."""


def _no_number(name: str) -> str:
    if name.isdecimal():
        raise ValueError(f"`{name}` is a number, as those silences have that people make: give it a name")
    return name


SilenceName = Annotated[Id, AfterValidator(_no_number)]


class SilenceSettings(BaseModel):
    """Alerts of which nobody is told for a while. They are opened and kept; what still rings at the end is told once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    where: AlertWhere = Field(description="which alerts: all of this must hold, and what is not certain is never silenced")
    reason: Text = Field(description="why: the next person will ask")
    from_: Moment | None = Field(
        None, alias="from", description='when it begins: a day, or a day and a time, "2026-12-01 09:00"; none: it has begun'
    )
    to: Moment | None = Field(
        None, description="when it ends, written likewise; a day is part of it; only with `every` it may have none"
    )
    timezone: Zone | None = Field(None, description="IANA name; the default is `timezone` of monitor.yaml")
    every: Annotated[tuple[WeeklyField, ...], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])] = Field(
        (), description="of this time, only: `sat-sun`, `22:00-07:00`, `mon-fri 12:00-14:00`; a list for several"
    )

    @model_validator(mode="after")
    def _is_meant(self) -> Self:
        if not self.where.model_fields_set:
            raise ValueError("an empty `where` would silence every alert: say which, for instance `where: {rule: trend}`")
        if self.to is None and not self.every:
            raise ValueError("it would never end: say `to`, or at which times of the week with `every`")
        found = self.silence("", "UTC")
        if found.starts_at >= found.ends_at:
            raise ValueError(f"it ends ({self.to}) before it begins ({self.from_}): exchange `from` and `to`")
        times = recurrence(self.every, "UTC")
        if times and self.from_ and self.to and not any(times.between(found.starts_at, found.ends_at)):
            raise ValueError(f"`every` never comes between {self.from_} and {self.to}: it would silence nothing")
        return self

    def silence(self, name: str, default_zone: str) -> Silence:
        """The same as one that somebody made."""
        zone = self.timezone or default_zone
        begins = moment(self.from_, ZoneInfo(zone)) if self.from_ else _ALWAYS
        return Silence(
            id=name,
            matcher={"where": self.where.model_dump(mode="json", by_alias=True, exclude_unset=True)},
            author=AUTHOR,
            reason=self.reason,
            created_at=begins,
            starts_at=begins,
            ends_at=moment(self.to, ZoneInfo(zone), ends=True) if self.to else FOREVER,
            every=[str(each) for each in self.every] or None,
            timezone=zone if self.every else None,
        )


def may_cover(condition: AlertCondition, rule: Rule) -> bool:
    """Whether conditions may hold for an alert of this rule, whatever that is about and however loud it rings."""
    facts = {"rule": rule.id, "kind": rule.kind, "category": rule.category}
    return any(condition.holds(AlertSeen({**facts, "severity": each})) is not False for each in SEVERITIES)
