"""What is usual: for how long it is remembered, and from when on it is known."""

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

_LEAST_SEASON = timedelta(days=14)  # no hour of the week is known before it came twice


def enough_for_a_season(season: str, min_history: timedelta) -> None:
    """Raises ValueError where the hours of the week are asked before they can be known."""
    if season != "none" and min_history < _LEAST_SEASON:
        raise ValueError(
            f"each hour of the week comes once a week, and min_history is {format_duration(min_history)}: write"
            " min_history: 21d, or remove `season`"
        )


class Baseline(Settings):
    """What is usual: the fading mean of the measure over windows that are past, per key."""

    level: PositiveDuration = Field(timedelta(days=3), description="memory: the weight of the past halves in this time")
    dispersion: PositiveDuration = Field(
        timedelta(days=7), description="the same for how widely counts spread, which `fire.surprise` goes by"
    )
    sensitivity: Literal["normal", "high"] = Field(
        "normal", description="`high` has `fire.surprise` ring sooner for a storm that builds up slowly, and half as often again"
    )
    season: Season = "none"
    min_history: Duration = Field(
        timedelta(days=1),
        description="before this much history neither `times_expected` nor `surprise` nor `drop` is asked: the floors alone"
        " ring, marked as learning, and a rule that asks for `drop` alone does not",
    )
    while_learning: Literal["floors", "silent"] = Field(
        "floors",
        description="before `min_history`: `floors` ring by themselves, for a crisis must not be missed; `silent` rings for"
        " nothing, as is right for an opportunity: what is far more than usual, nobody can tell yet",
    )

    @model_validator(mode="after")
    def _season_can_be_known(self) -> Self:
        enough_for_a_season(self.season, self.min_history)
        return self

    def for_surprise(self) -> str | None:
        """The first setting that was changed and serves a surprise alone."""
        return self._changed("dispersion", "sensitivity")

    def for_counts(self) -> str | None:
        """The first setting that was changed and serves no mean."""
        return self._changed("dispersion", "sensitivity", "season", "while_learning")

    def _changed(self, *names: str) -> str | None:
        fields = type(self).model_fields
        return next((name for name in names if getattr(self, name) != fields[name].default), None)
