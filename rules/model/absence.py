"""The kind `absence`: an answer that does not come."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from rules.base import Settings
from rules.duration import Duration, PositiveDuration, format_duration
from rules.model.base import OfMentions


def _bearable(within: timedelta) -> timedelta:
    if not timedelta(minutes=1) <= within <= timedelta(days=30):
        raise ValueError(f"nobody waits {format_duration(within)} for an answer: write a time from 1m to 30d")
    return within


class ResolveAbsence(Settings):
    """When the alert of an absence ends, if nobody answers: an answer ends it at once, even a late one."""

    after: PositiveDuration = Field(timedelta(days=7), description="this long after it rang; of that nobody is told")


class AbsenceRule(OfMentions):
    """Rings when a mention that matches was not answered by any of our own accounts in time: one alert for each mention.

    An answer is a reply of an account of ours to the mention, or in the thread that it began; what its author adds in that
    thread belongs to it. It rings only on networks where a reply of ours was seen in the last 30 days, and only while the
    sources that saw one are well: elsewhere nobody knows whether it was answered. What our own accounts say waits for no
    answer.
    """

    key: ClassVar = ("mention",)

    kind: Literal["absence"]
    within: Annotated[Duration, AfterValidator(_bearable)] = Field(
        description="how long an answer may take, in event time: 1m to 30d"
    )
    resolve: ResolveAbsence = Field(default_factory=ResolveAbsence, description="when its alert ends if nobody answers")
