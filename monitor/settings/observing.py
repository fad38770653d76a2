"""Observing: what would have rung is told once a day, and for a first while nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from monitor.settings.kinds import Names
from rules.wall_clock import TimeOfDay, shown, since_midnight

_DAY = timedelta(days=1)


class ObservingSettings(BaseModel):
    """The daily account of what is only observed: of rules and plans with `mode: observe`, or, `until` a day, of all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    until: date | None = Field(
        None,
        description="until this day, at the hour of the account, every rule and plan is only observed; then they ring by"
        " themselves. Rules that are `exempt`, and what Tocsin tells of its own health, ring all the while",
    )
    at: TimeOfDay = Field(time(8), description='when the account leaves, such as "08:00", by the clock of `timezone`')
    to: Names = Field((), description="who gets it: receivers, people or roles; the default is `routing.default`")

    def ends(self, zone: str) -> datetime | None:
        """When everything begins to ring by itself, in UTC; None: it does already, for nobody wrote a day."""
        return None if self.until is None else shown(self.until, since_midnight(self.at), ZoneInfo(zone))

    def holds(self, now: datetime, zone: str) -> bool:
        """Whether every rule and plan is only observed at a moment (aware)."""
        ends = self.ends(zone)
        return ends is not None and now < ends

    def last(self, now: datetime, zone: str) -> datetime:
        """The newest moment for an account that is not after `now` (aware), in UTC: one for each day of the clock on the wall."""
        wall = ZoneInfo(zone)
        today = now.astimezone(wall).date()
        # A clock that is set past midnight, or back over it, may show a day's hour a little before or after that day.
        moments = (shown(today + _DAY * days, since_midnight(self.at), wall) for days in (1, 0, -1, -2))
        return next(moment for moment in moments if moment <= now.astimezone(UTC))
