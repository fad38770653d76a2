"""Quiet hours: when what is not critical is held, to be told at their end."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from monitor.settings.kinds import Names, Zone, one_or_many
from rules.base import some

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DAY = timedelta(days=1)


def _time_of_day(written: Any) -> Any:
    if isinstance(written, time):
        return written
    if not isinstance(written, str) or not _CLOCK.fullmatch(written.strip()):
        raise ValueError('write a time of day as "22:00", in quotes, from "00:00" to "23:59"')
    return time.fromisoformat(written.strip())


def _never_critical(written: Any) -> Any:
    severities = one_or_many(written)
    if isinstance(severities, list | tuple) and "critical" in severities:
        raise ValueError("what is critical always passes quiet hours: leave `critical` out")
    return severities


_TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day, json_schema_input_type=Annotated[str, Field(pattern=f"^({_CLOCK.pattern})$")]),
    PlainSerializer(lambda moment: f"{moment:%H:%M}", return_type=str),
]
_Held = Literal["info", "warning"]


class QuietHours(BaseModel):
    """Every day from one time to another. What is held is told at their end, in one message a receiver."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    from_: _TimeOfDay = Field(alias="from", description='when they begin, such as "22:00"')
    to: _TimeOfDay = Field(
        description='when they end and what was held is told, such as "07:00"; before `from`: the next morning'
    )
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
        """When the quiet hours in which `moment` (aware) lies are over, in UTC; None outside them.

        Hours are those of the clock on the wall: where it is set, the night is an hour shorter or longer. A time that it skips
        is the one an hour later, of one that it shows twice the first is meant.
        """
        zone = ZoneInfo(self.timezone or default_zone)
        today = moment.astimezone(zone).date()
        nights = (self._beginning(day, zone) for day in (today - _DAY, today))
        return min((end for begin, end in nights if begin <= moment < end), default=None)

    def _beginning(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Beginning and end, in UTC, of the quiet hours that begin on a day."""
        last = day if self.from_ < self.to else day + _DAY
        begin, end = (datetime.combine(at, clock, zone) for at, clock in ((day, self.from_), (last, self.to)))
        return begin.astimezone(UTC), end.astimezone(UTC)
