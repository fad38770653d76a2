"""What only a rule for answers that do not come has."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from rules.base import Settings
from rules.duration import PositiveDuration, format_duration


class ResolveAbsence(Settings):
    """When the alert of an absence ends, if nobody answers: an answer ends it at once, even a late one."""

    after: PositiveDuration = Field(timedelta(days=7), description="this long after it rang; of that nobody is told")


def bearable(within: timedelta) -> timedelta:
    """A time for which a person can be let wait. Raises ValueError."""
    if not timedelta(minutes=1) <= within <= timedelta(days=30):
        raise ValueError(f"nobody waits {format_duration(within)} for an answer: write a time from 1m to 30d")
    return within
