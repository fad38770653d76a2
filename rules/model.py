"""The shape of a rule file. The descriptions here are the reference: docs and the JSON Schema are made from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from rules.base import Settings, some
from rules.duration import Duration, PositiveDuration, format_duration
from rules.model_flatline import FlatlineBaseline, FlatlineFire, Require
from rules.season import Zone
from rules.where import Where

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Localized = dict[Literal["fr", "en"], Annotated[str, Field(min_length=1)]]
Severity = Literal["info", "warning", "critical"]
Category = Literal["alert", "opportunity"]
KeyPart = Literal["subject", "author", "network", "source", "language"]

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


AnyMeasure = Literal["count"] | Distinct | Share


def _kind_of_measure(value: Any) -> str:
    if isinstance(value, Share) or (isinstance(value, dict) and "share" in value):
        return "share"
    return "count" if isinstance(value, str) else "distinct"


Measure = Annotated[
    Annotated[Literal["count"], Tag("count")] | Annotated[Distinct, Tag("distinct")] | Annotated[Share, Tag("share")],
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
    min_history: Duration = Field(
        timedelta(days=1),
        description="before this much history neither `times_expected` nor `surprise` is asked: the floors alone ring, marked as"
        " learning",
    )


_OF_SURPRISE = ("dispersion", "sensitivity")


class Fire(Settings):
    """When a window rings: everything asked here must hold."""

    at_least: int = Field(
        ge=1, description="floor, in authors, texts or mentions (of a share: mentions that match it); a quiet night never rings"
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
    severity: Severity = Field(description="how loud it rings then; never quieter than the rule")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.model_fields_set - {"severity"}:
            raise ValueError("says no more than a severity: add at_least, times_expected, surprise or share")
        return self


class _Rule(Settings):
    id: Id = Field(description="unique among all rules; the name of its alerts")
    title: Localized | None = Field(None, description="what people call it, per language; else the id")
    where: Where = Field(default_factory=Where, description="which mentions it looks at; empty means all")
    severity: Severity = Field("warning", description="how loud it rings: info < warning < critical")
    category: Category = Field("alert", description="`opportunity` for good news and openings")
    realert: Realert = Field(
        timedelta(hours=6),
        description="an alert that stays open is not told again before this: a duration, or ever longer ones, such as"
        " `{first: 6h, factor: 2, most: 48h}`",
    )
    notify: Receivers = Field((), description="receivers, people or roles; empty means the default route")
    plan: Id | None = Field(None, description="the emergency plan that its alert opens, once per incident")
    evidence: Evidence = Field(default_factory=Evidence, description="which mentions the alert shows")
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
        "count", description="`count` of mentions, `{distinct: author}`, `{distinct: cluster}`, or `{share: <conditions>}`"
    )
    window: Annotated[Duration, AfterValidator(_of_a_length)] = Field(
        description="how far back it looks, in event time: 1m to 30d; kept in sixtieths: at most one further, never less"
    )
    fire: Fire = Field(description="when it rings")
    raise_: tuple[RaisedByWindow, ...] = Field(
        (), alias="raise", description="when it rings louder, which is told at once, whatever `realert` says"
    )
    baseline: Baseline = Field(default_factory=Baseline, description="what is usual")
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
        shares = isinstance(self.measure, Share)
        if shares and self.fire.share is None:
            raise ValueError("the measure is a share: say in `fire` from which share it rings, for instance share: 0.4")
        if not shares and any(asked.share is not None for asked in self._asked):
            raise ValueError("`fire.share` needs `measure: {share: …}`; here use at_least, times_expected or surprise")
        if shares and self.asks_for_surprise:
            raise ValueError("`fire.surprise` is about how many, and the measure is a share: use `fire.share` alone")
        asked = [name for name in _OF_SURPRISE if getattr(self.baseline, name) != Baseline.model_fields[name].default]
        if asked and not self.asks_for_surprise:
            raise ValueError(f"`baseline.{asked[0]}` does nothing without `fire.surprise`: write that, or remove it")
        if isinstance(self.measure, Distinct) and self.fire.at_least > DISTINCT_COUNTED:
            raise ValueError(f"at_least can be {DISTINCT_COUNTED} authors at most; beyond that use `measure: count`")
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


AnyRule = MentionRule | WindowRule | FlatlineRule
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
