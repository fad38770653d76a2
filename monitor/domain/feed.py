"""What a person wants to see of the shared inbox: filters that can be written into a link and read from it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from typing import Any

from monitor.domain.errors import UsageError
from monitor.domain.handling import HandlingState
from monitor.domain.mention import NEGATIVE, Form, Observed

POSITIVE = -NEGATIVE
_MOST_VALUES = 50  # of one filter
_LONGEST = 200  # characters of one value
_GREATEST = 10**12  # people that anybody reaches


class Tone(StrEnum):
    """A sentiment in a word: at most −0.3, at least 0.3, between, or none that anybody knows."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    UNSCORED = "unscored"


@dataclass(frozen=True, slots=True)
class FeedFilters:
    """Values of one filter are alternatives; a mention passes all filters. Empty ones let everything pass.

    `since` and `until` (aware; until is excluded) are about when we saw it, `reach` is the least its author had then,
    `sentiment_from` and `sentiment_to` are bounds from −1 to 1, both included. `words` is what somebody typed
    (`monitor.domain.search`).
    """

    subjects: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    forms: tuple[Form, ...] = ()
    intents: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    tones: tuple[Tone, ...] = ()
    states: tuple[HandlingState, ...] = ()
    assignees: tuple[str, ...] = ()
    sentiment_from: float | None = None
    sentiment_to: float | None = None
    reach: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""

    def to_query(self) -> list[tuple[str, str]]:
        """Query parameters, in a fixed order; several of one name for several values."""
        pairs: list[tuple[str, str]] = []
        for field in fields(self):
            value = getattr(self, field.name)
            values = value if isinstance(value, tuple) else () if value is None or value == "" else (value,)
            pairs += [(_PARAMETERS.get(field.name, field.name), _written(each)) for each in values]
        return pairs

    @classmethod
    def from_query(cls, query: Iterable[tuple[str, str]]) -> FeedFilters:
        """Read what `to_query` wrote, or a person. Other parameters are not ours. Raises `UsageError` naming the parameter."""
        given: dict[str, list[str]] = {}
        for name, value in query:
            if value.strip():
                given.setdefault(name, []).append(value)
        found: dict[str, Any] = {field: _read(name, given[name], _READ[field]) for field, name in _names() if name in given}
        return cls(**{field: values if field in _SEVERAL else values[-1] for field, values in found.items()})


@dataclass(frozen=True, slots=True)
class Page:
    """Mentions, the newest first. `before` continues: give it back for the next page. None: there is nothing more.

    A page may hold fewer than were asked for, even none, and yet continue: the look back ended before enough was found.
    """

    mentions: Sequence[Observed]
    before: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many mentions stand in each state. Not `whole`: there may be more of each, which nobody has counted."""

    by_state: Mapping[HandlingState, int]
    whole: bool


_PARAMETERS = {
    "subjects": "subject",
    "networks": "network",
    "sources": "source",
    "languages": "language",
    "forms": "form",
    "intents": "intent",
    "topics": "topic",
    "tones": "tone",
    "states": "state",
    "assignees": "assignee",
    "words": "q",
}


def _names() -> Iterable[tuple[str, str]]:
    return ((field.name, _PARAMETERS.get(field.name, field.name)) for field in fields(FeedFilters))


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(name: str, values: Sequence[str], read: Callable[[str], object]) -> tuple[object, ...]:
    if len(values) > _MOST_VALUES:
        raise UsageError(f"{name}: {len(values)} values are more than {_MOST_VALUES}")
    try:
        return tuple(dict.fromkeys(read(value) for value in values))
    except (ValueError, OverflowError):
        raise UsageError(f"{name}: {values[-1][:40]!r} is not understood; {_EXPECTED[read]}") from None


def _label(value: str) -> str:
    label = value.strip()
    if len(label) > _LONGEST or "\x00" in label:
        raise ValueError(label)
    return label


def _sentiment(value: str) -> float:
    number = float(value)
    if not (isfinite(number) and abs(number) <= 1):
        raise ValueError(value)
    return number


def _reach(value: str) -> int:
    number = int(value)
    if not 0 <= number <= _GREATEST:
        raise ValueError(value)
    return number


def _moment(value: str) -> datetime:
    """In UTC, unless it says otherwise; a `+` that a form has turned into a space is understood."""
    moment = datetime.fromisoformat(value.strip().replace(" ", "+") if value.count(":") > 1 else value.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


_SEVERAL = frozenset(_PARAMETERS) - {"words"}
_READ: Mapping[str, Callable[[str], object]] = {
    **dict.fromkeys(("subjects", "networks", "sources", "languages", "intents", "topics", "assignees"), _label),
    "forms": Form,
    "tones": Tone,
    "states": HandlingState,
    "sentiment_from": _sentiment,
    "sentiment_to": _sentiment,
    "reach": _reach,
    "since": _moment,
    "until": _moment,
    "words": str,
}
_EXPECTED: Mapping[Callable[[str], object], str] = {
    _label: f"a name of at most {_LONGEST} characters is",
    Form: f"one of {', '.join(Form)} is",
    Tone: f"one of {', '.join(Tone)} is",
    HandlingState: f"one of {', '.join(HandlingState)} is",
    _sentiment: "a number from -1 to 1 is",
    _reach: "a whole number is",
    _moment: "a moment such as 2026-03-02T08:00:00+00:00 is",
    str: "text is",
}
