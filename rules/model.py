"""The shape of a rule file. The descriptions here are the reference: docs and the JSON Schema are made from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from rules.base import Settings, some
from rules.duration import Duration, PositiveDuration, format_duration
from rules.model_absence import ResolveAbsence, bearable
from rules.model_flatline import FlatlineBaseline, FlatlineFire, Require, Season, enough_for_a_season
from rules.model_new_term import NewTermFire, UnlessTerm
from rules.season import Zone
from rules.where import Number, Where

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Localized = dict[Literal["fr", "en"], Annotated[str, Field(min_length=1)]]
Severity = Literal["info", "warning", "critical"]
Category = Literal["alert", "opportunity"]
KeyPart = Literal["subject", "author", "network", "source", "language"]
AnyKeyPart = KeyPart | Literal["term", "mention"]
"""What the keys of alerts are made of, those of kinds whose key nobody chooses included."""

DISTINCT_COUNTED = 5_000
"""Distinct authors or texts are counted exactly up to this many within a window; beyond it the figure is a lower bound."""


def loudest(severities: Iterable[Severity]) -> Severity:
    """The gravest of one or more severities."""
    return max(severities, key=get_args(Severity).index)


def _each_once(parts: tuple[KeyPart, ...]) -> tuple[KeyPart, ...]:
    if len(set(parts)) < len(parts):
        raise ValueError(f"key names a part twice: {', '.join(parts)}")
    return parts


def _of_nobody_alone(parts: tuple[KeyPart, ...]) -> tuple[KeyPart, ...]:
    if "author" in parts:
        raise ValueError("one person who says nothing is no news: leave `author` out of the key")
    return parts


def _of_a_length(window: timedelta) -> timedelta:
    if not timedelta(minutes=1) <= window <= timedelta(days=30):
        raise ValueError(f"a window of {format_duration(window)} cannot be kept: write one from 1m to 30d")
    return window


def _long_enough(window: timedelta) -> timedelta:
    if window < timedelta(minutes=30):
        raise ValueError(f"a silence of {format_duration(window)} is no silence yet: write at least 30m")
    return window


Key = Annotated[tuple[KeyPart, ...], AfterValidator(some), AfterValidator(_each_once), Field(json_schema_extra={"minItems": 1})]


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Receivers = Annotated[tuple[Id, ...], BeforeValidator(_one_or_more, json_schema_input_type=str | list[str])]


class Evidence(Settings):
    """Which mentions an alert shows."""

    top: int = Field(5, ge=1, le=20, description="how many: the largest reach first, then the newest")
    by: Literal["reach", "newest"] = Field("reach", description="`newest`: the newest first, however small the account")


class Backoff(Settings):
    """Ever longer rests: the longer an alert stays open, the seldomer it is told again."""

    first: PositiveDuration = Field(timedelta(hours=6), description="the rest before it is told again for the first time")
    factor: float = Field(2, ge=1, le=10, description="by how much each rest is longer than the one before")
    most: PositiveDuration = Field(timedelta(hours=48), description="no rest is longer")

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.most < self.first:
            first, most = format_duration(self.first), format_duration(self.most)
            raise ValueError(f"the longest rest (most: {most}) is shorter than the first (first: {first}): write a longer `most`")
        return self

    def rest(self, open_for: timedelta) -> timedelta:
        """The rest that follows when it was last told so long after it was opened.

        Rests of `first`, then `factor` times as long and so on add up to `open_for`; the next one follows from their sum.
        """
        return min(self.most, self.first + (self.factor - 1) * open_for)


def _kind_of_realert(value: Any) -> str:
    return "backoff" if isinstance(value, Backoff | dict) else "duration"


Realert = Annotated[
    Annotated[PositiveDuration, Tag("duration")] | Annotated[Backoff, Tag("backoff")], Discriminator(_kind_of_realert)
]


class Resolve(Settings):
    """When the alert of a mention rule ends by itself."""

    after: PositiveDuration = Field(timedelta(hours=24), description="this long after the last mention that rang it")
    answered: bool = Field(
        False, description="true: also once one of our own accounts has replied to a mention that rang it, or in its thread"
    )


class Limit(Settings):
    """How many new alerts of a rule are told one by one; nothing beyond is lost."""

    per: PositiveDuration = Field(timedelta(hours=1), description="within how long they are counted")
    max: int = Field(ge=1, description="so many alerts are told on their own")
    overflow: Literal["digest"] = Field("digest", description="`digest`: the others are gathered into one message a receiver")


class Distinct(Settings):
    """Counts each different author once, or each different text."""

    distinct: Literal["author", "cluster"] = Field(
        description="what is counted once: an `author` (an unknown one counts as one per mention), or a `cluster` of posts that"
        " say nearly the same (what has fewer than 8 different words stands for itself)"
    )


class Share(Settings):
    """The share of the rule's mentions that also match these conditions; where unknown, a mention counts on neither side."""

    share: Where = Field(description="conditions on top of the rule's own `where`")


class Mean(Settings):
    """The mean of a number over the rule's mentions; those of which it is unknown are left out, and counted apart."""

    mean: Literal[
        "sentiment", "complaint", "safety_risk", "author.reach", "engagement.replies", "engagement.shares", "engagement.likes"
    ] = Field(description="which number of a mention")


class Sum(Settings):
    """The sum of a number over the rule's mentions; one of which it is unknown adds nothing."""

    sum: Literal["complaint", "author.reach", "engagement.replies", "engagement.shares", "engagement.likes"] = Field(
        description="which number of a mention: how many followers they reach together, say"
    )


AnyMeasure = Literal["count"] | Distinct | Share | Mean | Sum
_MEASURES: dict[str, type[Settings]] = {"share": Share, "mean": Mean, "sum": Sum}


def _kind_of_measure(value: Any) -> str:
    for name, model in _MEASURES.items():
        if isinstance(value, model) or (isinstance(value, dict) and name in value):
            return name
    return "count" if isinstance(value, str) else "distinct"


Measure = Annotated[
    Annotated[Literal["count"], Tag("count")]
    | Annotated[Distinct, Tag("distinct")]
    | Annotated[Share, Tag("share")]
    | Annotated[Mean, Tag("mean")]
    | Annotated[Sum, Tag("sum")],
    Discriminator(_kind_of_measure),
]


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

    @model_validator(mode="after")
    def _season_can_be_known(self) -> Self:
        enough_for_a_season(self.season, self.min_history)
        return self


_OF_SURPRISE = ("dispersion", "sensitivity")
_OF_MEANS = ("above", "below", "drop")

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
        None, ge=1, description="at least this many times the usual, once enough history is known"
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


class RaisedByMention(Settings):
    """When the alert of a mention rule is louder."""

    where: Where = Field(description="conditions on top of the rule's own `where`")
    severity: Severity = Field(description="how loud it rings then; never quieter than the rule")


class RaisedByWindow(Settings):
    """When a window rings louder: everything asked here must hold, and what is not known yet does not."""

    at_least: int | None = Field(None, ge=1, description="authors, texts or mentions (of a share: mentions that match it)")
    times_expected: float | None = Field(None, ge=1, description="at least this many times the usual")
    surprise: float | None = Field(None, gt=0, le=300, description="at least this surprise, as in `fire`")
    share: float | None = Field(None, gt=0, le=1, description="at least this share (only with the measure `share`)")
    above: _Above = None
    below: _Below = None
    drop: _Drop = None
    severity: Severity = Field(description="how loud it rings then; never quieter than the rule")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.model_fields_set - {"severity"}:
            raise ValueError("says no more than a severity: add at_least, times_expected, surprise or share")
        return self


class Signal(Fire):
    """Something else that is counted beside a window. It holds as a window of its own would: everything asked must."""

    id: Id = Field(description="its name, which the alert's reasons give")
    where: Where = Field(
        default_factory=Where,
        description="which mentions it looks at, of those with the same key; empty means all, not the rule's",
    )
    measure: Measure = Field("count", description="as of the rule")
    window: Annotated[Duration, AfterValidator(_of_a_length)] | None = Field(
        None, description="as of the rule, and else the same"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _fit(self.measure, (self,), "the signal")
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


class _Told(Settings):
    """What every rule says of whom it tells, and how."""

    id: Id = Field(description="unique among all rules; the name of its alerts")
    title: Localized | None = Field(None, description="what people call it, per language; else the id")
    severity: Severity = Field("warning", description="how loud it rings: info < warning < critical")
    realert: Realert = Field(
        timedelta(hours=6),
        description="an alert that stays open is not told again before this: a duration, or ever longer ones, such as"
        " `{first: 6h, factor: 2, most: 48h}`",
    )
    notify: Receivers = Field((), description="receivers, people or roles; empty means the default route")
    mode: Literal["ring", "observe"] = Field(
        "ring",
        description="`observe`: its alerts are opened and kept, and nobody is told, no plan is opened and no incident made worse:"
        " to try a rule. What is still open when it rings again is told once",
    )
    exempt: bool = Field(
        False,
        description="true: nothing holds its alerts back, neither quiet hours nor limits, inhibitions and the digest of a storm."
        " For danger to people. A silence still covers them: a person asked for it",
    )

    def rest(self, open_for: timedelta) -> timedelta:
        """How long an alert is not told again that was last told so long after it was opened."""
        return self.realert.rest(open_for) if isinstance(self.realert, Backoff) else self.realert


class _Rule(_Told):
    where: Where = Field(default_factory=Where, description="which mentions it looks at; empty means all")
    category: Category = Field("alert", description="`opportunity` for good news and openings")
    plan: Id | None = Field(None, description="the emergency plan that its alert opens, once per incident")
    evidence: Evidence = Field(default_factory=Evidence, description="which mentions the alert shows")


class MentionRule(_Rule):
    """Rings for each mention that matches: one complaint is heard, however small the account."""

    kind: Literal["mention"]
    key: Key = Field(("author",), description="what makes an alert its own: later matches with the same key join the open alert")
    raise_: tuple[RaisedByMention, ...] = Field(
        (), alias="raise", description="when it rings louder, which is told at once, whatever `realert` says"
    )
    resolve: Resolve = Field(default_factory=Resolve, description="when its alert ends by itself")
    limit: Limit | None = Field(None, description="how many of its new alerts are told one by one")


class WindowRule(_Rule):
    """Rings when many matching mentions come within a while: a count, different authors or texts, or a share."""

    kind: Literal["window"]
    key: Key = Field(("subject",), description="one window, one baseline and one alert for each value")
    measure: Measure = Field(
        "count",
        description="`count` of mentions, `{distinct: author}`, `{distinct: cluster}`, `{share: <conditions>}`,"
        " `{mean: sentiment}`, or `{sum: author.reach}`",
    )
    window: Annotated[Duration, AfterValidator(_of_a_length)] = Field(
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
        asked = [name for name in _OF_SURPRISE if getattr(self.baseline, name) != Baseline.model_fields[name].default]
        if asked and not self.asks_for_surprise:
            raise ValueError(f"`baseline.{asked[0]}` does nothing without `fire.surprise`: write that, or remove it")
        times = any(each.times_expected is not None for each in self._asked)
        if self.baseline.season != "none" and (self.asks_for_surprise or not times):
            raise ValueError(
                "`baseline.season` is what `times_expected` goes by, and a surprise does not: write it, or remove `season`"
            )
        if isinstance(self.measure, Distinct) and self.fire.at_least > DISTINCT_COUNTED:
            raise ValueError(f"`fire.at_least` can be {DISTINCT_COUNTED} authors at most; beyond that use `measure: count`")
        return self


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


class SentimentDropRule(_Rule):
    """Rings when what people say sounds worse than usual: the mean sentiment of a window is lower than of the days before."""

    kind: Literal["sentiment_drop"]
    key: Key = Field(("subject",), description="one window, one baseline and one alert for each value")
    window: Annotated[Duration, AfterValidator(_of_a_length)] = Field(
        timedelta(hours=2), description="how far back it looks, in event time: 1m to 30d"
    )
    fire: DropFire = Field(default_factory=DropFire, description="when it rings")
    baseline: Baseline = Field(default_factory=Baseline, description="what is usual")
    for_: Duration = Field(timedelta(0), alias="for", description="must hold without a break for this long before it rings")
    keep_firing_for: Duration = Field(timedelta(minutes=30), description="stays open for this long after it last held")

    def as_window(self) -> WindowRule:
        """The same rule as a window that measures a mean."""
        said = {name: getattr(self, name) for name in WindowRule.model_fields if name in type(self).model_fields}
        fire = Fire(at_least=self.fire.at_least, drop=self.fire.drop)
        return WindowRule.model_construct(**{**said, "kind": "window", "measure": Mean(mean="sentiment"), "fire": fire})

    @model_validator(mode="after")
    def _baseline_is_of_a_mean(self) -> Self:
        idle = [name for name in (*_OF_SURPRISE, "season") if getattr(self.baseline, name) != Baseline.model_fields[name].default]
        if idle:
            raise ValueError(f"`baseline.{idle[0]}` does nothing for a mean: remove it")
        return self


class FlatlineRule(_Rule):
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
    measure: Annotated[
        Annotated[Literal["count"], Tag("count")] | Annotated[Distinct, Tag("distinct")], Discriminator(_kind_of_measure)
    ] = Field("count", description="`count` of mentions, `{distinct: author}`, or `{distinct: cluster}`")
    window: Annotated[Duration, AfterValidator(_of_a_length), AfterValidator(_long_enough)] = Field(
        description="how far back it looks, in event time: 30m to 30d. Looked at each time a twelfth of it has passed"
    )
    fire: FlatlineFire = Field(description="when it rings")
    baseline: FlatlineBaseline = Field(default_factory=FlatlineBaseline, description="what is usual")
    timezone: Zone | None = Field(None, description="whose clocks `baseline.season` goes by; else that of monitor.yaml")
    require: Require = Field(default_factory=Require, description="what must be well for silence to mean something")
    keep_firing_for: Duration = Field(timedelta(minutes=30), description="stays open for this long after it last held")

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


class NewTermRule(_Rule):
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


class AbsenceRule(_Rule):
    """Rings when a mention that matches was not answered by any of our own accounts in time: one alert for each mention.

    An answer is a reply of an account of ours to the mention, or in the thread that it began; what its author adds in that
    thread belongs to it. It rings only on networks where a reply of ours was seen in the last 30 days, and only while the
    sources that saw one are well: elsewhere nobody knows whether it was answered. What our own accounts say waits for no
    answer.
    """

    key: ClassVar = ("mention",)

    kind: Literal["absence"]
    within: Annotated[Duration, AfterValidator(bearable)] = Field(
        description="how long an answer may take, in event time: 1m to 30d"
    )
    resolve: ResolveAbsence = Field(default_factory=ResolveAbsence, description="when its alert ends if nobody answers")


class SourceHealthRule(_Told):
    """Says how a source that fell silent is told. Of several such rules the first that covers the source counts.

    Without one, every source is watched all the same, and `routing.ops` is told.
    """

    key: ClassVar = ("source",)
    category: ClassVar = "health"

    kind: Literal["source_health"]
    sources: Annotated[tuple[Id, ...], BeforeValidator(_one_or_more, json_schema_input_type=str | list[str])] = Field(
        (), description="names of sources of monitor.yaml; left out, all"
    )
    silent_for: PositiveDuration | None = Field(
        None, description="how long a source may be silent; left out, its `silent_after`, or else three polls and at least 10m"
    )
    stopped: Severity = Field("critical", description="how loud it rings when the source is not asked again: access was refused")
    notify: Receivers = Field((), description="receivers, people or roles; empty means `routing.ops`")

    def covers(self, source: str) -> bool:
        """Whether it watches a source of this name."""
        return not self.sources or source in self.sources


AnyRule = MentionRule | WindowRule | SentimentDropRule | FlatlineRule | NewTermRule | AbsenceRule | SourceHealthRule
Rule = Annotated[AnyRule, Field(discriminator="kind")]
RULE_KINDS: tuple[str, ...] = tuple(
    kind for rule in get_args(get_args(Rule)[0]) for kind in get_args(rule.model_fields["kind"].annotation)
)


class Defaults(Settings):
    """What the rules of this file have where they say nothing themselves."""

    severity: Severity | None = Field(None, description="how loud its rules ring")
    realert: Realert | None = Field(None, description="an alert that stays open is not told again before this")
    notify: Receivers | None = Field(None, description="receivers, people or roles")
    timezone: Zone | None = Field(None, description="of the rules that go by clocks; else that of monitor.yaml")


class RuleFile(Settings):
    """A file of `rules/`."""

    version: Literal[1] = Field(description="of this format")
    defaults: Defaults = Field(default_factory=Defaults, description="for the rules of this file that say nothing themselves")
    lists: dict[Id, str | tuple[str, ...]] = Field(
        default_factory=dict,
        description="lists by name: entries in brackets, or the path of a text file with one entry a line (`#` starts a comment);"
        " ` ~` at an entry's end: not where a negation stands before it",
    )
    rules: tuple[Rule, ...] = Field((), description="the rules")

    def effective(self, timezone: str = "UTC") -> tuple[AnyRule, ...]:
        """The rules with this file's defaults filled in where they are silent; `timezone` where neither says one."""
        given = {"timezone": timezone, **{name: value for name, value in self.defaults if value is not None}}
        return tuple(_filled(rule, given) for rule in self.rules)


def _filled(rule: AnyRule, defaults: dict[str, Any]) -> AnyRule:
    silent = set(type(rule).model_fields) - rule.model_fields_set
    return rule.model_copy(update={name: value for name, value in defaults.items() if name in silent})
