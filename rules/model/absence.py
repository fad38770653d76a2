"""The kind `absence`: an answer that does not come."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from rules.base import Settings
from rules.duration import Duration, PositiveDuration, format_duration, format_hours
from rules.holidays import Holidays
from rules.model.base import OfMentions
from rules.model.parts import Raised, one_or_more
from rules.recurrence import WeeklyField
from rules.wall_clock import Zone
from rules.where import Where
from rules.working_hours import WorkingHours, hours_a_week

_MOST_WEEKS = 4  # of work: beyond, nobody remembers the question


def _bearable(within: timedelta) -> timedelta:
    if not timedelta(minutes=1) <= within <= timedelta(days=30):
        raise ValueError(f"nobody waits {format_duration(within)} for an answer: write a time from 1m to 30d")
    return within


_Wait = Annotated[Duration, AfterValidator(_bearable)]
_Hours = Annotated[tuple[WeeklyField, ...], BeforeValidator(one_or_more, json_schema_input_type=str | list[str])]


class ResolveAbsence(Settings):
    """When the alert of an absence ends, if nobody answers: an answer ends it at once, even a late one."""

    after: PositiveDuration = Field(timedelta(days=7), description="this long after it rang; of that nobody is told")


class RaisedByAbsence(Raised):
    """When an answer that does not come rings louder: everything asked here must hold, and what is not known does not."""

    waited: _Wait | None = Field(None, description="so long without an answer, counted as `within` is")
    where: Where | None = Field(
        None, description="conditions on top of the rule's own `where`, as they are when the mention is first seen"
    )

    @cached_property
    def condition(self) -> str | None:
        """A name for `where`, by which a mention that waits remembers that it held: another condition has another name."""
        if self.where is None:
            return None
        written = self.where.model_dump(mode="json", by_alias=True, exclude_none=True)
        return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:8]


class AbsenceRule(OfMentions):
    """Rings when a mention that matches was not answered by any of our own accounts in time: one alert for each mention.

    An answer is a reply of an account of ours to the mention, or in the thread that it began; what its author adds in that
    thread belongs to it. It rings only on networks where a reply of ours was seen in the last 30 days, and only while the
    sources that saw one are well: elsewhere nobody knows whether it was answered. What our own accounts say waits for no
    answer.
    """

    key: ClassVar = ("mention",)

    kind: Literal["absence"]
    within: _Wait = Field(description="how long an answer may take, in event time: 1m to 30d")
    hours: _Hours = Field(
        (),
        description="when somebody is there to answer: days, hours or both, such as `mon-fri 09:00-18:00` (a list for several)."
        " Only these count for `within` (`1d` are 24 of them), though an answer ends the waiting at any hour; none: all count",
    )
    holidays: Holidays | None = Field(
        None,
        description="days on which no `hours` begin, `2026-04-06` or, for every year, `07-14`; else the `holidays` of"
        " contacts.yaml",
    )
    timezone: Zone | None = Field(None, description="whose clocks `hours` go by; else that of monitor.yaml")
    raise_: tuple[RaisedByAbsence, ...] = Field(
        (), alias="raise", description="when it rings louder, which is told at once, whatever `realert` says"
    )
    resolve: ResolveAbsence = Field(default_factory=ResolveAbsence, description="when its alert ends if nobody answers")

    @property
    def working_hours(self) -> WorkingHours | None:
        """The hours that count; None: all."""
        return WorkingHours(self.hours, ZoneInfo(self.timezone or "UTC"), self.holidays or ()) if self.hours else None

    @model_validator(mode="after")
    def _has_hours(self) -> Self:
        idle = next((name for name in ("holidays", "timezone") if getattr(self, name) is not None and not self.hours), None)
        if idle:
            raise ValueError(f"`{idle}` does nothing without `hours`: write hours: mon-fri 09:00-18:00, or remove it")
        return self

    @model_validator(mode="after")
    def _comes_to_an_end(self) -> Self:
        week = hours_a_week(self.hours)
        waits = {"within": self.within, **{f"raise[{at}].waited": each.waited for at, each in enumerate(self.raise_)}}
        for name, wait in waits.items():
            if self.hours and wait is not None and wait > _MOST_WEEKS * week:
                raise ValueError(
                    f"`{name}` is counted in hours of work, and a week has {format_hours(week)} of them: {format_hours(wait)}"
                    f" take longer than {_MOST_WEEKS} weeks; write {format_hours(week)} for one week"
                )
        return self
