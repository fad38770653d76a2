"""The kind `new_term`: what many say suddenly that nobody said before."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rules.base import Settings
from rules.duration import Duration, format_duration
from rules.model.base import OfMentions
from rules.where import Number

_MOST_AUTHORS = 1_000  # no term waits for more different ones


def _a_while(within: timedelta) -> timedelta:
    if not timedelta(minutes=10) <= within <= timedelta(days=2):
        raise ValueError(f"{format_duration(within)} is no while in which something is new: write one from 10m to 2d")
    return within


class NewTermFire(Settings):
    """When a term rings: everything asked here must hold."""

    at_least: int = Field(ge=2, le=_MOST_AUTHORS, description="floor, in different authors who say it")
    within: Annotated[Duration, AfterValidator(_a_while)] = Field(
        timedelta(hours=2), description="how far back it looks, in event time: 10m to 2d"
    )
    times_expected: float = Field(
        5, ge=1, description="at least this many times as many authors as usually say it within that time; of what is new: none"
    )


class UnlessTerm(Settings):
    """When a term does not ring although it could. What is unknown keeps nothing from ringing."""

    mean_sentiment: Number = Field(description="the mean sentiment of those who say it, from -1 (bad) to 1 (good)")


class NewTermRule(OfMentions):
    """Rings when many people suddenly say what nobody said before, or hardly anybody: one alert for each subject and term."""

    key: ClassVar = ("subject", "term")

    kind: Literal["new_term"]
    field: Literal["hashtags", "topics", "words"] = Field(
        description="what is looked at: `hashtags`, `topics`, or the `words` of title and text, less those that say nothing by"
        " themselves. Case and accents do not matter. Of each subject those 2,048 are remembered that are said most"
    )
    memory: Duration = Field(timedelta(days=30), description="how long it is remembered what was said, in thirtieths")
    warm_up: Duration = Field(
        timedelta(days=7), description="for how long a subject is only listened to: until then all would be new"
    )
    fire: NewTermFire = Field(description="when it rings")
    unless: UnlessTerm | None = Field(None, description="when it does not ring although it could")
    keep_firing_for: Duration = Field(timedelta(hours=2), description="stays open for this long after it last held")

    @model_validator(mode="after")
    def _remembers_enough(self) -> Self:
        if self.memory < 12 * self.fire.within:
            least = format_duration(12 * self.fire.within)
            raise ValueError(f"`memory` must be far longer than `fire.within`: write at least memory: {least}")
        if self.warm_up > self.memory:
            raise ValueError("`warm_up` is longer than `memory`: what is forgotten again was never learnt")
        return self
