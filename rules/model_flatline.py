"""What only a flatline rule has: when it rings, and what is usual."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rules.base import Settings
from rules.duration import Duration, PositiveDuration, format_duration

Season = Annotated[
    Literal["none", "hour_of_week"],
    Field(
        description="`hour_of_week` learns a level for each hour of the week, on the clocks of `timezone`: a quiet night is then"
        " as usual as a busy noon; it takes weeks, at least three are good"
    ),
]
"""The setting of every baseline that can learn the hours of the week."""

LEAST_SEASON = timedelta(days=14)
"""No hour of the week is known before it came twice."""


def enough_for_a_season(season: str, min_history: timedelta) -> None:
    """Raises ValueError where the hours of the week are asked before they can be known."""
    if season != "none" and min_history < LEAST_SEASON:
        raise ValueError(
            f"each hour of the week comes once a week, and min_history is {format_duration(min_history)}: write"
            " min_history: 21d, or remove `season`"
        )


class FlatlineFire(Settings):
    """When silence rings: everything asked here must hold, and nothing does before the usual is known."""

    usually: float = Field(
        5, ge=1, description="floor: so many authors, texts or mentions must be usual at least, or their absence says nothing"
    )
    surprise: float | None = Field(
        None,
        gt=0,
        le=300,
        description="so few come by chance about once in ten to this power (2: a hundred, 3: a thousand), by how many are usual"
        " and how widely that spreads; 3 is a good start",
    )
    at_most_expected: float | None = Field(
        None, ge=0, lt=1, description="at most this part of the usual: 0.2 is a fifth; 0 asks for nothing at all"
    )

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.surprise is None and self.at_most_expected is None:
            raise ValueError("say how few are too few: surprise: 3, or at_most_expected: 0.2, or both")
        return self


class FlatlineBaseline(Settings):
    """What is usual: the fading mean of what windows held that are past, per key."""

    level: PositiveDuration = Field(
        timedelta(days=3),
        description="memory: the weight of the past halves in this time (with a season, in four weeks at least). A silence that"
        " goes on for long becomes usual",
    )
    dispersion: PositiveDuration = Field(
        timedelta(days=7), description="the same for how widely counts spread, which `fire.surprise` goes by"
    )
    season: Season = "none"
    min_history: Duration = Field(timedelta(days=7), description="before this much history was seen, it never rings")

    @model_validator(mode="after")
    def _season_can_be_known(self) -> Self:
        enough_for_a_season(self.season, self.min_history)
        return self


class Require(Settings):
    """What must be well. There is no way round it: what a silent source did not bring is not missing."""

    source: Literal["healthy"] = Field(
        "healthy",
        description="the sources that feed the rule: those that its `where` names in `source`, else all that are asked. While one"
        " of them has not brought what was said, the silence is unknown: it neither rings nor resolves nor teaches",
    )
