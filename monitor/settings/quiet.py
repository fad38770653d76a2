"""Quiet hours: when what is not critical is held, to be told at their end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from monitor.settings.kinds import Names, one_or_many
from rules.base import some
from rules.recurrence import Weekly
from rules.wall_clock import TimeOfDay, Zone


def _never_critical(written: Any) -> Any:
    severities = one_or_many(written)
    if isinstance(severities, list | tuple) and "critical" in severities:
        raise ValueError("what is critical always passes quiet hours: leave `critical` out")
    return severities


_Held = Literal["info", "warning"]


class QuietHours(BaseModel):
    """Every day from one time to another. What is held is told at their end, in one message a receiver."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    from_: TimeOfDay = Field(alias="from", description='when they begin, such as "22:00"')
    to: TimeOfDay = Field(description='when they end and what was held is told, such as "07:00"; before `from`: the next morning')
    timezone: Zone | None = Field(None, description="IANA name; the default is `timezone` of monitor.yaml")
    holds: Annotated[
        tuple[_Held, ...],
        BeforeValidator(_never_critical, json_schema_input_type=_Held | list[_Held]),
        AfterValidator(some),
    ] = Field(
        ("info", "warning"),
        description="alerts of which severities are held. What is critical always passes, and so do the messages of a plan and"
        " of rules that are `exempt`",
    )
    for_: Names = Field(
        (),
        alias="for",
        description="whose hours these are: receivers, people or roles; none: of all who have no hours of their own",
    )

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("quiet hours that end when they begin would last no time, or for ever: write two different times")
        return self

    def end(self, moment: datetime, default_zone: str) -> datetime | None:
        """When the quiet hours in which `moment` (aware) lies are over, in UTC; None outside them."""
        zone, hours = ZoneInfo(self.timezone or default_zone), Weekly.daily(self.from_, self.to)
        day = hours.day_of(moment, zone)
        period = None if day is None else hours.period(day, zone)
        return None if period is None else period[1]
