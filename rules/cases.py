"""The shape of a file of rule tests: what is said in a story, and what must ring because of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from rules.base import Settings, some
from rules.duration import LONGEST, Duration, PositiveDuration, format_duration
from rules.model import AnyKeyPart, Id, KeyPart, Severity

MOST_MENTIONS = 100_000
"""A test that says more than this waits for nobody."""

MOST_USUAL = 1_000_000
"""Nobody hears of more within a window."""

NUMBER = "{n}"
"""Stands in an author's name, or in a text, for the number of the mention within its entry: 0, 1, 2 …"""

_Name = Annotated[str, Field(min_length=1)]
_Share = Annotated[float, Field(ge=0, le=1)]


def _bare(hashtag: str) -> str:
    if hashtag.startswith("#"):
        raise ValueError(f"write it without #: {hashtag.lstrip('#')}")
    return hashtag


_Hashtag = Annotated[_Name, AfterValidator(_bare)]
_AtLeastOne = Field(json_schema_extra={"minItems": 1})


class Speaker(Settings):
    """Who says it."""

    id: _Name = Field(description="their name on the network, by which `key` knows them; `{n}` makes it another one each time")
    reach: int | None = Field(None, ge=0, description="followers or subscribers; left out, unknown")
    verified: bool | None = Field(None, description="the network vouches for who it is; left out, unknown")
    own: bool = Field(False, description="one of our own accounts")


class Said(Settings):
    """What is said. Nothing is scored and no text is searched for subjects: what is left out is unknown, or empty."""

    subjects: tuple[Id, ...] | None = Field(
        None, description="what it is about: ids of subjects in monitor.yaml; left out, the first of them"
    )
    sentiment: float | None = Field(None, ge=-1, le=1, description="from -1 (bad) to 1 (good)")
    complaint: _Share | None = Field(None, description="probability that it complains")
    safety_risk: _Share | None = Field(None, description="probability that somebody may be hurt")
    text: str = Field("", description="the words; `{n}` makes them others each time")
    hashtags: tuple[_Hashtag, ...] = Field((), description="without `#`")
    topics: tuple[_Name, ...] = Field((), description="its topics")
    intents: tuple[_Name, ...] = Field((), description="what its author wants: refund, question, purchase …")
    network: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = Field("web", description="mastodon, web …")
    source: Id | None = Field(None, description="which of our sources sees it first; left out, none of monitor.yaml")
    form: Literal["post", "comment", "reply", "review", "article", "message"] = Field("post", description="what kind of thing")
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = Field("und", description="ISO 639-1 code; left out, unknown")
    author: _Name | Speaker | None = Field(None, description="who says it: a name, or settings; left out, nobody knows")

    @property
    def speaker(self) -> Speaker | None:
        """Who says it, however that was written."""
        return Speaker(id=self.author) if isinstance(self.author, str) else self.author


class Saying(Said):
    """One or more mentions of a story. Times count from its beginning."""

    at: Duration = Field(description="when the first is written")
    name: _Name | None = Field(
        None, description="by which `replies_to` and `key` know it; `{n}` makes it another one each time; left out, nobody does"
    )
    replies_to: _Name | None = Field(None, description="the `name` of what it answers; `{n}` is replaced as in names")
    every: Duration | None = Field(None, description="how long after each the next is written; needs `times`")
    times: int = Field(1, ge=1, le=MOST_MENTIONS, description="how often; needs `every`")
    each: int = Field(1, ge=1, le=MOST_MENTIONS, description="how many at each time")
    arrives: Duration | None = Field(None, description="when they reach us, if later than they are written")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.every is None) != (self.times == 1):
            raise ValueError("`every` and `times` belong together: every: 1m, times: 30")
        if self.times * self.each > MOST_MENTIONS:
            raise ValueError(f"that makes {self.times * self.each} mentions: {MOST_MENTIONS} at most")
        if (last := self.at + (self.every or timedelta(0)) * (self.times - 1)) > LONGEST:
            raise ValueError(f"the last is written at {format_duration(last)}: a story lasts ten years (3650d) at most")
        if self.arrives is not None and self.arrives < self.at:
            raise ValueError(f"they arrive at {format_duration(self.arrives)}, before they are written")
        return self

    def names(self) -> list[str]:
        """By what its mentions are known."""
        return [] if self.name is None else [self.name.replace(NUMBER, str(number)) for number in range(self.times * self.each)]

    def moments(self) -> Iterable[timedelta]:
        """When each mention is written."""
        return (self.at + (self.every or timedelta(0)) * time for time in range(self.times) for _ in range(self.each))


class History(Settings):
    """What a rule had learnt of one key when the story begins, instead of the mentions that it learnt from."""

    rule: Id = Field(description="which rule, of the kind `window` or `flatline`")
    key: dict[KeyPart, str] | None = Field(
        None, description="of which key: the parts of the rule's `key`; left out, the first subject in monitor.yaml"
    )
    level: float = Field(
        ge=0,
        le=MOST_USUAL,
        description="what is usual within its window: authors, texts or mentions (of a share: the part, from 0 to 1)",
    )
    dispersion: float | None = Field(
        None,
        ge=0,
        le=200,
        description="how widely that spreads, where the rule asks for `surprise`: of what usually comes m times in a while, the"
        " variance is m + `dispersion` × m²; 0 is chance alone; left out, 0.5",
    )
    age: PositiveDuration = Field(description="for how long it had been looking; less than `min_history`, and it still learns")

    def of(self, subjects: Iterable[str]) -> dict[str, str]:
        """Its key; `subjects` are those of the configuration, in their order."""
        return {"subject": next(iter(subjects))} if self.key is None else {str(part): value for part, value in self.key.items()}


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, dict | History) else value


Histories = Annotated[
    tuple[History, ...], BeforeValidator(_one_or_more, json_schema_input_type=History | list[History]), AfterValidator(some)
]


class Downtime(Settings):
    """A while in which Tocsin does not run: what comes meanwhile arrives at its end."""

    from_: Duration = Field(alias="from", description="when it stops")
    to: Duration = Field(description="when it starts again")

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.to <= self.from_:
            raise ValueError("it must end after it has begun")
        return self


class Expected(Settings):
    """One alert that must ring."""

    rule: Id = Field(description="of which rule")
    key: dict[AnyKeyPart, str] | None = Field(
        None, description="whose alert: the parts of the rule's `key`, authors and mentions by their names; left out, whosever"
    )
    severity: Severity | None = Field(None, description="how loud it rings in the end; left out, however loud")
    firing_by: Duration = Field(description="when it must have rung at the latest, from the beginning of the story")
    plan: Id | None = Field(None, description="the emergency plan that must be open; left out, whichever or none")
    notifications: int | None = Field(
        None,
        ge=0,
        description="how many messages about it a receiver gets (whoever gets most), less the all-clear and a plan's steps;"
        " left out, however many",
    )


class Explained(Settings):
    """A single mention beside a rule: whether its conditions hold, and where they fail."""

    rule: Id = Field(description="which rule")
    mention: Said = Field(description="what is said")
    matched: bool = Field(description="whether the rule's conditions hold; what is unknown never does")
    failed_at: _Name | None = Field(None, description="a field whose condition is among those because of which they do not hold")

    @model_validator(mode="after")
    def _fails_only_unmatched(self) -> Self:
        if self.matched and self.failed_at is not None:
            raise ValueError("what matches fails nowhere: write `matched: false`, or remove `failed_at`")
        return self


def _apart(downtimes: tuple[Downtime, ...]) -> tuple[Downtime, ...]:
    ordered = tuple(sorted(downtimes, key=lambda each: each.from_))
    if any(later.from_ < earlier.to for earlier, later in pairwise(ordered)):
        raise ValueError("two of them overlap: make them one")
    return ordered


class RuleTest(Settings):
    """One test: a story and what must ring in it, or one mention and how a rule takes it."""

    name: _Name = Field(description="what it shows; unique within the file")
    history: Histories = Field((), description="what rules had learnt before: one, or a list; left out, nothing")
    mentions: tuple[Saying, ...] = Field((), description="what is said")
    downtime: Annotated[tuple[Downtime, ...], AfterValidator(_apart)] = Field((), description="when Tocsin does not run")
    expect: tuple[Expected, ...] | None = Field(None, description="what must ring; `[]` for nothing")
    explain: Explained | None = Field(None, description="instead of a story: one mention and one rule")

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if self.explain is None and (self.expect is None or not self.mentions):
            raise ValueError("a test needs `mentions` and `expect`, or `explain`; nothing must ring: `expect: []`")
        if self.explain is not None and self.model_fields_set & {"history", "mentions", "downtime", "expect"}:
            raise ValueError("`explain` stands alone: make its test another than that of `mentions`, `downtime` and `expect`")
        return self

    @model_validator(mode="after")
    def _names_are_clear(self) -> Self:
        said = Counter(name for saying in self.mentions for name in saying.names())
        for name in [name for name, times in said.items() if times > 1][:1]:
            raise ValueError(f"two mentions are called `{name}`: rename one")
        asked = {saying.replies_to.replace(NUMBER, "0") for saying in self.mentions if saying.replies_to is not None}
        for name in sorted(asked - set(said)):
            raise ValueError(f"a mention replies to `{name}`, and none is called so: write name: {name} at the one it answers")
        return self


class RuleTestFile(Settings):
    """A file `rules/*.test.yaml`."""

    rule_files: Annotated[tuple[_Name, ...], AfterValidator(some), _AtLeastOne] = Field(
        description="files with the rules that are in force, beside this one; no others are"
    )
    strict: bool = Field(True, description="whether an alert that `expect` does not list makes the test fail")
    tests: Annotated[tuple[RuleTest, ...], AfterValidator(some), _AtLeastOne] = Field(description="the tests")
