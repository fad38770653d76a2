"""Digests and reports: who gets which, when, about what, and what it is measured by."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.settings.kinds import Names
from rules.duration import Duration
from rules.recurrence import Weekly, WeeklyField
from rules.wall_clock import TimeOfDay, shown, since_midnight

DigestKind = Literal["morning", "weekly", "monthly"]
_DAY = timedelta(days=1)
_EVERY_DAY = Weekly(tuple(range(7)), 0, 0)
_MONDAYS = Weekly((0,), 0, 0)
_LONGEST_REST = 32  # days from one to the next, by any calendar


class Objectives(BaseModel):
    """What the figures of a report are held against. What is not set is shown without a verdict."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    response_time: Duration | None = Field(None, description="half of the answers take no longer: `2h`")
    net_sentiment: float | None = Field(
        None, ge=-1, le=1, description="at least: the share of positive mentions less that of negative ones, from -1 to 1"
    )
    share_of_voice: float | None = Field(
        None, gt=0, le=1, description="at least: our share of what is said about us and our competitors; 0.3 is 30 %"
    )
    night_wakes: int | None = Field(None, ge=0, description="at most: messages by night to whoever is on call")
    false_alarms: int | None = Field(None, ge=0, description="at most: alerts that somebody called false")


class DigestSettings(BaseModel):
    """A digest in the morning, or a report on a week or a month: owed once for each day on which it leaves, and receiver."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: DigestKind = Field(
        description="`morning`: what happened since the last one and what comes today; `weekly`: the seven days before it;"
        " `monthly`: the calendar's month before it"
    )
    to: Annotated[Names, Field(min_length=1)] = Field(
        description="who gets it, in their language and by their clock: receivers, people or roles"
    )
    at: TimeOfDay = Field(time(8), description='when it leaves, such as "07:58", by the clock of whoever gets it')
    days: WeeklyField | None = Field(
        None,
        description="on which days it leaves, such as `mon-fri`; the default is every day for a `morning`, Monday for a"
        " `weekly`. A `monthly` leaves on the first of the month",
    )
    subjects: Names = Field((), description="what it is about: ids of subjects; the default is the brand, the first one")
    objectives: Objectives = Field(default_factory=Objectives, description="what the figures are held against")
    calendar: tuple[Path, ...] = Field(
        (),
        description="files with what is planned: iCalendar (`.ics`), or CSV with `date`, `time` and `title` in its first line;"
        " what is no absolute path begins where monitor.yaml lies",
    )

    @model_validator(mode="after")
    def _leaves_on_days_of_its_kind(self) -> Self:
        if self.days is None:
            return self
        if self.kind == "monthly":
            raise ValueError("a monthly report leaves on the first of the month: remove `days`")
        if self.kind == "weekly" and len(self.days.days) > 1:
            raise ValueError("a weekly report leaves on one day, such as `mon`: write one")
        if str(self.days).count(":"):
            raise ValueError("`days` are days alone, such as `mon-fri`: write the hour as `at`")
        return self

    def leaves_on(self, day: date) -> bool:
        """Whether it leaves on a day."""
        if self.kind == "monthly":
            return day.day == 1
        return day.weekday() in (self.days or (_EVERY_DAY if self.kind == "morning" else _MONDAYS)).days

    def last(self, now: datetime, zone: str) -> tuple[date, datetime]:
        """The newest day on which it leaves whose moment (in UTC) is not after `now` (aware), by the clock of a zone."""
        wall = ZoneInfo(zone)
        today = now.astimezone(wall).date()
        # A clock that is set past midnight may show a day's hour a little before that day.
        days = (today - _DAY * number for number in range(-1, _LONGEST_REST))
        leaves = ((day, self.moment(day, zone)) for day in days if self.leaves_on(day))
        return next((day, moment) for day, moment in leaves if moment <= now)

    def moment(self, day: date, zone: str) -> datetime:
        """When it leaves on a day, in UTC."""
        return shown(day, since_midnight(self.at), ZoneInfo(zone))

    def before(self, day: date) -> date:
        """The day on which it leaves before another."""
        return next(each for number in range(1, _LONGEST_REST) if self.leaves_on(each := day - _DAY * number))
