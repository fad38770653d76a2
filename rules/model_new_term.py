"""What only a rule for new terms has: when it rings, and when it does not although it could."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from rules.base import Settings
from rules.duration import Duration, format_duration
from rules.where import Number

MOST_AUTHORS = 1_000
"""No term waits for more different authors."""


def _a_while(within: timedelta) -> timedelta:
    if not timedelta(minutes=10) <= within <= timedelta(days=2):
        raise ValueError(f"{format_duration(within)} is no while in which something is new: write one from 10m to 2d")
    return within


class NewTermFire(Settings):
    """When a term rings: everything asked here must hold."""

    at_least: int = Field(ge=2, le=MOST_AUTHORS, description="floor, in different authors who say it")
    within: Annotated[Duration, AfterValidator(_a_while)] = Field(
        timedelta(hours=2), description="how far back it looks, in event time: 10m to 2d"
    )
    times_expected: float = Field(
        5, ge=1, description="at least this many times as many authors as usually say it within that time; of what is new: none"
    )


class UnlessTerm(Settings):
    """When a term does not ring although it could. What is unknown keeps nothing from ringing."""

    mean_sentiment: Number = Field(description="the mean sentiment of those who say it, from -1 (bad) to 1 (good)")
