"""The kind `window`: when a window rings, when it is louder, what else must be so, and what keeps it from ringing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rules.base import Settings, some
from rules.duration import Duration
from rules.model.base import OfMentions
from rules.model.baseline import Baseline
from rules.model.measure import DISTINCT_COUNTED, AnyMeasure, Distinct, Mean, Measure, Share, Sum, Window
from rules.model.new_term import LEAST_AUTHORS, MOST_AUTHORS, NewTerm, a_while
from rules.model.parts import Id, Key, Raised
from rules.wall_clock import Zone
from rules.where import Number, Where

_OF_MEANS = ("above", "below", "drop")
_NOT_OF_TERMS = ("measure", "surprise", "share", *_OF_MEANS)

_Above = Annotated[float | None, Field(description="a mean of at least this (only with the measure `mean`)")]
_Below = Annotated[float | None, Field(description="a mean of at most this (only with the measure `mean`)")]
_Drop = Annotated[
    float | None,
    Field(
        gt=0,
        description="a mean at least so much lower than that of the mentions that came before the window, and by twice as much as"
        " a mean of so few strays by chance (only with the measure `mean`)",
    ),
]


class Fire(Settings):
    """When a window rings: everything asked here must hold."""

    at_least: int = Field(
        ge=1,
        description="floor, in authors, texts or mentions (of a share: mentions that match it; of a mean: those that have the"
        " number; of a sum: the sum itself); a quiet night never rings",
    )
    times_expected: float | None = Field(
        None, ge=1, description="at least this many times the usual, once enough history is known; 3 is a good start"
    )
    surprise: float | None = Field(
        None,
        gt=0,
        le=300,
        description="so many as come by chance about once in ten to this power (2: a hundred, 4: ten thousand), by how many are"
        " usual and how widely that spreads, looked at over one and a half windows; 2.1 is a good start. Of different authors"
        " or texts, those are counted that were not in the window already. Not with the measure `share`",
    )
    share: float | None = Field(None, gt=0, le=1, description="at least this share (only with the measure `share`)")
    above: _Above = None
    below: _Below = None
    drop: _Drop = None

    @property
    def compares(self) -> bool:
        """Whether anything is compared with what is usual."""
        return not (self.times_expected is None and self.surprise is None and self.drop is None)


class RaisedByWindow(Raised):
    """When a window rings louder: everything asked here must hold, and what is not known yet does not."""

    at_least: int | None = Field(None, ge=1, description="authors, texts or mentions (of a share: mentions that match it)")
    times_expected: float | None = Field(None, ge=1, description="at least this many times the usual")
    surprise: float | None = Field(None, gt=0, le=300, description="at least this surprise, as in `fire`")
    share: float | None = Field(None, gt=0, le=1, description="at least this share (only with the measure `share`)")
    above: _Above = None
    below: _Below = None
    drop: _Drop = None


def _fit(measure: AnyMeasure, asked: Sequence[Fire | RaisedByWindow], where: str = "`fire`") -> None:
    """Raises ValueError where something is asked of a measure that means nothing there. The first asked is what it rings by."""
    fire = asked[0]
    shares, means, sums = (isinstance(measure, kind) for kind in (Share, Mean, Sum))
    surprising = any(each.surprise is not None for each in asked)
    of_means = next((name for name in _OF_MEANS if any(getattr(each, name) is not None for each in asked)), None)
    if shares and fire.share is None:
        raise ValueError(f"the measure is a share: say in {where} from which share it rings, for instance share: 0.4")
    if not shares and any(each.share is not None for each in asked):
        raise ValueError("`fire.share` needs `measure: {share: …}`; here use at_least, times_expected or surprise")
    if shares and surprising:
        raise ValueError("`fire.surprise` is about how many, and the measure is a share: use `fire.share` alone")
    if not means and of_means:
        raise ValueError(f"`fire.{of_means}` needs `measure: {{mean: …}}`; here use at_least, times_expected or surprise")
    if means and not any(getattr(fire, name) is not None for name in _OF_MEANS):
        raise ValueError(f"the measure is a mean: say in {where} when it rings, for instance drop: 0.25, or below: -0.3")
    if means and (surprising or any(each.times_expected is not None for each in asked)):
        raise ValueError("no mean is a number of times the usual, or a surprise: use above, below or drop")
    if sums and surprising:
        raise ValueError("`fire.surprise` is about how many, and the measure is a sum: use at_least and times_expected")


class Signal(Fire):
    """Something else that is counted beside a window. It holds as a window of its own would: everything asked must.

    With `new_term` it is who speaks of one thing that is new, among those whom the window counts.
    """

    id: Id = Field(description="its name, which the alert's reasons give")
    where: Where = Field(
        default_factory=Where,
        description="which mentions it looks at, of those with the same key; empty means all, not the rule's",
    )
    measure: Measure = Field("count", description="as of the rule")
    new_term: NewTerm | None = Field(
        None,
        description="instead of a measure: a term that is new under the key carries the burst. `at_least` so many different"
        " authors whom the rule itself counts must say it within the window, and `times_expected` times (5 if nothing is said) as"
        " many as usually do, of all that the signal looks at",
    )
    window: Window | None = Field(None, description="as of the rule, and else the same")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.new_term is None:
            _fit(self.measure, (self,), "the signal")
            return self
        idle = next((name for name in _NOT_OF_TERMS if name in self.model_fields_set), None)
        if idle:
            raise ValueError(f"`{idle}` says nothing of a new term: use at_least and times_expected")
        if not LEAST_AUTHORS <= self.at_least <= MOST_AUTHORS:
            raise ValueError(f"a new term is one that many say: write at_least from {LEAST_AUTHORS} to {MOST_AUTHORS}")
        return self


class Signals(Settings):
    """What else must be so for a window to ring: one figure alone may have many reasons."""

    need: int = Field(1, ge=1, description="so many of them must hold at that moment")
    of: Annotated[tuple[Signal, ...], AfterValidator(some), Field(json_schema_extra={"minItems": 1})] = Field(
        description="the signals"
    )

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        names = [each.id for each in self.of]
        if self.need > len(names):
            raise ValueError(f"need is {self.need}, and there are {len(names)} signals: it can never ring")
        if len(set(names)) < len(names):
            raise ValueError("two signals have one id: give each its own")
        return self


class Unless(Settings):
    """Figures of the window that keep it from ringing; everything asked must hold, and what is unknown does not."""

    mean_sentiment: Number | None = Field(None, description="of the mentions in the window that have a sentiment")
    copied: Number | None = Field(None, description="the share of mentions, 0 to 1, that copy one and the same text")
    mentions: Number | None = Field(None, description="how many mentions are in the window, whatever is measured")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if all(value is None for _, value in self):
            raise ValueError("asks nothing: add mean_sentiment, copied or mentions, or remove the line")
        return self


class WindowRule(OfMentions):
    """Rings when many matching mentions come within a while: a count, different authors or texts, or a share."""

    kind: Literal["window"]
    key: Key = Field(("subject",), description="one window, one baseline and one alert for each value")
    measure: Measure = Field(
        "count",
        description="`count` of mentions, `{distinct: author}`, `{distinct: cluster}`, `{share: <conditions>}`,"
        " `{mean: sentiment}`, or `{sum: author.reach}`",
    )
    window: Window = Field(
        description="how far back it looks, in event time: 1m to 30d; kept in sixtieths: at most one further, never less"
    )
    fire: Fire = Field(description="when it rings")
    raise_: tuple[RaisedByWindow, ...] = Field(
        (), alias="raise", description="when it rings louder, which is told at once, whatever `realert` says"
    )
    baseline: Baseline = Field(default_factory=Baseline, description="what is usual")
    timezone: Zone | None = Field(None, description="whose clocks `baseline.season` goes by; else that of monitor.yaml")
    signals: Signals | None = Field(None, description="what else must be so: the reasons say which signals held")
    unless: Unless | None = Field(None, description="what keeps it from ringing, by figures of the window")
    for_: Duration = Field(timedelta(0), alias="for", description="must hold without a break for this long before it rings")
    keep_firing_for: Duration = Field(timedelta(minutes=30), description="stays open for this long after it last held")

    @property
    def _asked(self) -> tuple[Fire | RaisedByWindow, ...]:
        return (self.fire, *self.raise_)

    @property
    def asks_for_surprise(self) -> bool:
        """Whether it must be learnt what would be one."""
        return any(asked.surprise is not None for asked in self._asked)

    @model_validator(mode="after")
    def _floors_fit_the_measure(self) -> Self:
        _fit(self.measure, self._asked)
        idle = None if self.asks_for_surprise else self.baseline.for_surprise()
        if idle:
            raise ValueError(f"`baseline.{idle}` does nothing without `fire.surprise`: write that, or remove it")
        times = any(each.times_expected is not None for each in self._asked)
        if self.baseline.season != "none" and (self.asks_for_surprise or not times):
            raise ValueError(
                "`baseline.season` is what `times_expected` goes by, and a surprise does not: write it, or remove `season`"
            )
        if self.baseline.while_learning == "silent" and not self.fire.compares:
            raise ValueError(
                "`baseline.while_learning` does nothing where nothing is compared with what is usual: add times_expected or"
                " surprise to `fire`, or remove it"
            )
        if isinstance(self.measure, Distinct) and self.fire.at_least > DISTINCT_COUNTED:
            raise ValueError(f"`fire.at_least` can be {DISTINCT_COUNTED} authors at most; beyond that use `measure: count`")
        return self

    @model_validator(mode="after")
    def _terms_can_be_new(self) -> Self:
        for each in self.signals.of if self.signals else ():
            if each.new_term is not None:
                each.new_term.remembers_enough(a_while(each.window or self.window))
                if "author" in self.key:
                    raise ValueError("`new_term` counts authors, and the key has a window for each: take `author` out of `key`")
        return self
