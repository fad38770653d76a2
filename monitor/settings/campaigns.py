"""Campaigns: when we make people talk ourselves, and how many times as much a window then has to hold before it rings."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from monitor.domain.plan import Id
from monitor.settings.kinds import Names, Text, one_or_many
from monitor.settings.moments import moment
from rules import Campaign
from rules.base import some
from rules.recurrence import WeeklyField, recurrence
from rules.wall_clock import Zone

_Times = Annotated[float, Field(ge=1, le=100)]


def _a_moment(written: str) -> str:
    moment(written, ZoneInfo("UTC"))
    return written


Moment = Annotated[Text, AfterValidator(_a_moment)]
"""A day, or a day and a time, as it is written."""


class CampaignSettings(BaseModel):
    """A time in which more is said because of us. Its windows need more before they ring, and learn nothing from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subjects: Annotated[Names, AfterValidator(some)] = Field(description="what it is about: ids of subjects, one or a list")
    from_: Moment = Field(alias="from", description='when it begins: a day, or a day and a time, "2026-12-01 09:00"')
    to: Moment = Field(description="when it ends, written likewise; a day is part of it")
    timezone: Zone | None = Field(None, description="IANA name; the default is `timezone` of monitor.yaml")
    every: Annotated[tuple[WeeklyField, ...], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])] = Field(
        (), description="of this time, only: `sat-sun`, `22:00-07:00`, `mon-fri 12:00-14:00`; a list for several"
    )
    times: _Times | dict[Id, _Times] = Field(
        description="by how much the thresholds of windows about these subjects are multiplied (`at_least`, `times_expected` and"
        " what `surprise` expects, those of `raise` included); or by how much for each rule, which leaves all others alone."
        " Neither rules of kind `mention` nor rules about safety are touched"
    )

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        campaign = self.campaign("", "UTC")
        if campaign.begins >= campaign.ends:
            raise ValueError(f"it ends ({self.to}) before it begins ({self.from_}): exchange `from` and `to`")
        if not any(campaign.periods()):
            raise ValueError(f"`every` never comes between {self.from_} and {self.to}: there would be no campaign")
        return self

    def campaign(self, name: str, default_zone: str) -> Campaign:
        """The same for the rules."""
        zone = self.timezone or default_zone
        return Campaign(
            name=name,
            subjects=frozenset(self.subjects),
            begins=moment(self.from_, ZoneInfo(zone)),
            ends=moment(self.to, ZoneInfo(zone), ends=True),
            times=self.times,
            every=recurrence(self.every, zone),
        )

    def is_over(self, now: datetime, default_zone: str) -> bool:
        """Whether it has ended."""
        return self.campaign("", default_zone).ends <= now
