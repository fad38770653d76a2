"""The kind `sentiment_drop`: a window whose mean sentiment is lower than usual, in few words."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from rules.base import Settings
from rules.duration import Duration
from rules.model.base import OfMentions
from rules.model.baseline import Baseline
from rules.model.measure import Mean, Window
from rules.model.parts import Key, Raised
from rules.model.window import Fire, RaisedByWindow, WindowRule


class DropFire(Settings):
    """When a lower mean rings."""

    drop: float = Field(
        0.25,
        gt=0,
        le=2,
        description="so much lower than usual at least, on the scale from -1 to 1, and by twice as much as a mean of so few"
        " strays by chance",
    )
    at_least: int = Field(30, ge=1, description="floor, in mentions that have a sentiment")


class RaisedByDrop(Raised):
    """When a lower mean rings louder: everything asked here must hold, and what is not known yet does not."""

    drop: float | None = Field(None, gt=0, le=2, description="so much lower than usual at least, as in `fire`")
    at_least: int | None = Field(None, ge=1, description="mentions that have a sentiment")


class SentimentDropRule(OfMentions):
    """Rings when what people say sounds worse than usual: the mean sentiment of a window is lower than of the days before."""

    kind: Literal["sentiment_drop"]
    key: Key = Field(("subject",), description="one window, one baseline and one alert for each value")
    window: Window = Field(timedelta(hours=2), description="how far back it looks, in event time: 1m to 30d")
    fire: DropFire = Field(default_factory=DropFire, description="when it rings")
    raise_: tuple[RaisedByDrop, ...] = Field(
        (), alias="raise", description="when it rings louder, which is told at once, whatever `realert` says"
    )
    baseline: Baseline = Field(default_factory=Baseline, description="what is usual")
    for_: Duration = Field(timedelta(0), alias="for", description="must hold without a break for this long before it rings")
    keep_firing_for: Duration = Field(timedelta(minutes=30), description="stays open for this long after it last held")

    def as_window(self) -> WindowRule:
        """The same rule as a window that measures a mean."""
        said = {name: getattr(self, name) for name in WindowRule.model_fields if name in type(self).model_fields}
        fire = Fire(at_least=self.fire.at_least, drop=self.fire.drop)
        louder = tuple(RaisedByWindow(**dict(each)) for each in self.raise_)
        as_mean = {"kind": "window", "measure": Mean(mean="sentiment"), "fire": fire, "raise_": louder}
        return WindowRule.model_construct(**{**said, **as_mean})

    @model_validator(mode="after")
    def _baseline_is_of_a_mean(self) -> Self:
        if idle := self.baseline.for_counts():
            raise ValueError(f"`baseline.{idle}` does nothing for a mean: remove it")
        return self
