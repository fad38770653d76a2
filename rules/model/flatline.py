"""The kind `flatline`: far fewer mentions than usual."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rules.base import Settings
from rules.duration import Duration, PositiveDuration, format_duration
from rules.model.base import OfMentions
from rules.model.baseline import Season, enough_for_a_season
from rules.model.measure import HowMany, Window
from rules.model.parts import Key, KeyPart, Raised
from rules.wall_clock import Zone


def _of_nobody_alone(parts: tuple[KeyPart, ...]) -> tuple[KeyPart, ...]:
    if "author" in parts:
        raise ValueError("one person who says nothing is no news: leave `author` out of the key")
    return parts


def _long_enough(window: timedelta) -> timedelta:
    if window < timedelta(minutes=30):
        raise ValueError(f"a silence of {format_duration(window)} is no silence yet: write at least 30m")
    return window


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


class RaisedByFlatline(Raised):
    """When silence rings louder: everything asked here must hold, and what is not known yet does not."""

    usually: float | None = Field(None, ge=1, description="so many authors, texts or mentions are usual at least")
    surprise: float | None = Field(None, gt=0, le=300, description="at least this surprise, as in `fire`")
    at_most_expected: float | None = Field(None, ge=0, lt=1, description="at most this part of the usual")


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


class FlatlineRule(OfMentions):
    """Rings when far fewer matching mentions come than usual: engagement falls flat. Missing data never makes it ring."""

    kind: Literal["flatline"]
    key: Annotated[Key, AfterValidator(_of_nobody_alone)] = Field(
        ("subject",), description="one baseline and one alert for each value; not `author`"
    )
    keys: tuple[str | dict[KeyPart, str], ...] = Field(
        (),
        description="keys that must never fall silent: values of the key's one part (`[mastodon, bluesky]`), or settings of all"
        " its parts (`{network: mastodon, subject: acme}`). One of which nothing at all has come for as long as"
        " `baseline.min_history` rings, too; others are known from their first mention on",
    )
    measure: HowMany = Field("count", description="`count` of mentions, `{distinct: author}`, or `{distinct: cluster}`")
    window: Annotated[Window, AfterValidator(_long_enough)] = Field(
        description="how far back it looks, in event time: 30m to 30d. Looked at each time a twelfth of it has passed"
    )
    fire: FlatlineFire = Field(description="when it rings")
    raise_: tuple[RaisedByFlatline, ...] = Field(
        (), alias="raise", description="when it rings louder, which is told at once, whatever `realert` says"
    )
    baseline: FlatlineBaseline = Field(default_factory=FlatlineBaseline, description="what is usual")
    timezone: Zone | None = Field(None, description="whose clocks `baseline.season` goes by; else that of monitor.yaml")
    require: Require = Field(default_factory=Require, description="what must be well for silence to mean something")
    keep_firing_for: Duration = Field(timedelta(minutes=30), description="stays open for this long after it last held")

    @property
    def asks_for_surprise(self) -> bool:
        """Whether it goes by how widely counts spread."""
        return self.fire.surprise is not None or any(louder.surprise is not None for louder in self.raise_)

    def declared(self) -> list[dict[str, str]]:
        """The keys that are named, each with all its parts."""
        return [{self.key[0]: each} if isinstance(each, str) else {part: each[part] for part in self.key} for each in self.keys]

    @model_validator(mode="after")
    def _keys_fit_the_key(self) -> Self:
        for each in self.keys:
            parts = self.key[:1] if isinstance(each, str) else tuple(each)
            if set(parts) != set(self.key):
                example = ", ".join(f"{part}: …" for part in self.key)
                raise ValueError(f"`keys` must name all parts of the key: write {{{example}}}")
        return self
