"""What rules of several kinds say in the same words: names, keys, how loud, who is told and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, Protocol, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from rules.base import Settings, some
from rules.duration import PositiveDuration, format_duration

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Localized = dict[Literal["fr", "en"], Annotated[str, Field(min_length=1)]]
Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the mildest to the gravest."""

Category = Literal["alert", "opportunity"]
KeyPart = Literal["subject", "author", "network", "source", "language"]
AnyKeyPart = KeyPart | Literal["term", "mention"]
"""What the keys of alerts are made of, those of kinds whose key nobody chooses included."""


def gravity(severity: Severity) -> int:
    """How grave it is: the graver, the higher."""
    return SEVERITIES.index(severity)


def loudest(severities: Iterable[Severity]) -> Severity:
    """The gravest of one or more severities."""
    return max(severities, key=gravity)


class Raised(Settings):
    """When a rule rings louder, by what each kind asks besides."""

    severity: Severity = Field(description="how loud it rings then; never quieter than the rule")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        asked = [name for name in type(self).model_fields if name != "severity"]
        if all(getattr(self, name) is None for name in asked):
            *others, last = asked
            raise ValueError(f"says no more than a severity: add {', '.join(others)}{' or ' if others else ''}{last}")
        return self


class Raising(Protocol):
    """A rule of a kind that may ring louder than it says."""

    @property
    def severity(self) -> Severity: ...
    @property
    def raise_(self) -> Sequence[Raised]: ...


def louder(rule: Raising, holds: Callable[[Any], bool]) -> Severity:
    """How loud a rule rings when those of its `raise` hold that `holds` says."""
    return loudest([rule.severity, *(each.severity for each in rule.raise_ if holds(each))])


def _each_once(parts: tuple[KeyPart, ...]) -> tuple[KeyPart, ...]:
    if len(set(parts)) < len(parts):
        raise ValueError(f"key names a part twice: {', '.join(parts)}")
    return parts


Key = Annotated[tuple[KeyPart, ...], AfterValidator(some), AfterValidator(_each_once), Field(json_schema_extra={"minItems": 1})]


def one_or_more(value: Any) -> Any:
    """A list, or one without brackets."""
    return [value] if isinstance(value, str) else value


Ids = Annotated[tuple[Id, ...], BeforeValidator(one_or_more, json_schema_input_type=str | list[str])]
"""Several names, or one without brackets."""

Receivers = Ids


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
