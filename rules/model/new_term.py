"""The kind `new_term`: what many say suddenly that nobody said before."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rules.base import Settings
from rules.duration import Duration, format_duration
from rules.model.base import OfMentions
from rules.model.parts import Raised
from rules.where import Number

LEAST_AUTHORS, MOST_AUTHORS = 2, 1_000
"""A term that one person says is no news, and none waits for more different ones."""

_LEAST_WHILES = 12  # in the memory: of fewer nobody can say what is usual

TermField = Annotated[
    Literal["hashtags", "topics", "words"],
    Field(
        description="what is looked at: `hashtags`, `topics`, or the `words` of title and text, less those that say nothing by"
        " themselves. Case and accents do not matter. Of each subject those 2,048 are remembered that are said most"
    ),
]
Memory = Annotated[Duration, Field(description="how long it is remembered what was said, in thirtieths")]
WarmUp = Annotated[Duration, Field(description="for how long a subject is only listened to: until then all would be new")]


def a_while(within: timedelta) -> timedelta:
    """How far back is looked for what is new. Raises ValueError."""
    if not timedelta(minutes=10) <= within <= timedelta(days=2):
        raise ValueError(f"{format_duration(within)} is no while in which something is new: write one from 10m to 2d")
    return within


def _learnt_before_forgotten(warm_up: timedelta, memory: timedelta) -> None:
    if warm_up > memory:
        raise ValueError("`warm_up` is longer than `memory`: what is forgotten again was never learnt")


def _long_enough(memory: timedelta, within: timedelta, name: str) -> None:
    if memory < _LEAST_WHILES * within:
        least = format_duration(_LEAST_WHILES * within)
        raise ValueError(f"`memory` must be far longer than `{name}`: write at least memory: {least}")


class NewTerm(Settings):
    """What may be new, and for how long it is remembered what was said before."""

    field: TermField
    memory: Memory = timedelta(days=30)
    warm_up: WarmUp = timedelta(days=7)

    @model_validator(mode="after")
    def _remembers_what_it_learnt(self) -> Self:
        _learnt_before_forgotten(self.warm_up, self.memory)
        return self

    def remembers_enough(self, window: timedelta) -> None:
        """Raises ValueError where too little is remembered to know what is usual within such a window."""
        _long_enough(self.memory, window, "window")


class NewTermFire(Settings):
    """When a term rings: everything asked here must hold."""

    at_least: int = Field(ge=LEAST_AUTHORS, le=MOST_AUTHORS, description="floor, in different authors who say it")
    within: Annotated[Duration, AfterValidator(a_while)] = Field(
        timedelta(hours=2), description="how far back it looks, in event time: 10m to 2d"
    )
    times_expected: float = Field(
        5, ge=1, description="at least this many times as many authors as usually say it within that time; of what is new: none"
    )


class RaisedByTerm(Raised):
    """When a term rings louder: everything asked here must hold."""

    at_least: int | None = Field(None, ge=LEAST_AUTHORS, le=MOST_AUTHORS, description="different authors who say it")
    times_expected: float | None = Field(None, ge=1, description="at least this many times as many as usually say it")


class UnlessTerm(Settings):
    """When a term does not ring although it could. What is unknown keeps nothing from ringing."""

    mean_sentiment: Number = Field(description="the mean sentiment of those who say it, from -1 (bad) to 1 (good)")


class NewTermRule(OfMentions):
    """Rings when many people suddenly say what nobody said before, or hardly anybody: one alert for each subject and term."""

    key: ClassVar = ("subject", "term")

    kind: Literal["new_term"]
    field: TermField
    memory: Memory = timedelta(days=30)
    warm_up: WarmUp = timedelta(days=7)
    fire: NewTermFire = Field(description="when it rings")
    raise_: tuple[RaisedByTerm, ...] = Field(
        (), alias="raise", description="when it rings louder, which is told at once, whatever `realert` says"
    )
    unless: UnlessTerm | None = Field(None, description="when it does not ring although it could")
    keep_firing_for: Duration = Field(timedelta(hours=2), description="stays open for this long after it last held")

    @model_validator(mode="after")
    def _remembers_enough(self) -> Self:
        _long_enough(self.memory, self.fire.within, "fire.within")
        _learnt_before_forgotten(self.warm_up, self.memory)
        return self
