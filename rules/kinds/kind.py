"""What the engine asks of a kind of rule. A new kind is a module beside this one, and a line in `rules/kinds/__init__.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from rules.condition import Condition, Seen
from rules.finding import Calm, Finding, Reading, Verdict
from rules.logic import Test
from rules.observation import Observation
from rules.state import States
from rules.words import WordList

Wellness = Mapping[str, bool] | None
"""Of every source that is asked, whether it answers; None where nothing is asked, and all is there: of a recording."""


class Kind(Protocol):
    """A rule, compiled."""

    rule: Any  # of the model that belongs to the kind
    where: Condition
    admits: Test[Collection[str]] | None  # which subjects it lets through; None: all
    needs: frozenset[WordList] | None  # the lists of which one must be found; None: it needs none

    def observe(self, seen: Seen, states: States) -> Iterable[Finding]:
        """What rings because of this mention, which comes once."""

    def explain(self, seen: Seen) -> list[Verdict]:
        """How each condition of the rule fared."""


@runtime_checkable
class Remembering(Kind, Protocol):
    """A kind that remembers mentions in `States`, and whose alert is over when what it remembers says so."""

    shape: str
    """A hash of what its states depend on: a rule that tells other people keeps them, one that counts otherwise needs others."""

    rings_within: timedelta | None
    """For how long after a mention it may still ring because time has passed; None: for ever. A kind that is `Scheduled` says
    that by itself."""

    patience: timedelta
    """How long an alert stays open whose rule was changed, and which therefore nobody knows to be over."""

    memory: timedelta
    """How far back it remembers: what was said before then is next to no part of it. 0: a new rule begins with nothing."""

    def tick(self, key: Mapping[str, str], states: States, at: datetime) -> Finding | Calm:
        """How the alert of this key stands at a moment up to which everything was seen (event time)."""

    def keys(self, mention: Observation) -> list[dict[str, str]]:
        """The keys for which a mention counts if it matches."""

    def remembers(self, key: Mapping[str, str], states: States) -> bool:
        """Whether there is a state for this key."""

    def due(self, states: States, at: datetime, seen_until: datetime, well: Wellness = None) -> list[Finding]:
        """What rings at `at` without a new mention. Up to `seen_until` everything was seen: what is missing is not on its way."""

    def sweep(self, states: States, at: datetime) -> int:
        """Forget keys that have long been silent. Returns how many."""


@runtime_checkable
class Watermarked(Remembering, Protocol):
    """A kind that rings for what is missing: it looks no further than every source that feeds it has delivered."""

    feeds: frozenset[str] | None
    """The sources that feed it; None: all that are asked."""

    pace: timedelta
    """How often it is worth looking, counted from the epoch."""


@runtime_checkable
class Scheduled(Remembering, Protocol):
    """A kind that knows of each mention when its time has come: nobody need look sooner."""

    def next_due(self, states: States) -> float:
        """Before when (epoch seconds of event time) nothing rings without a new mention; infinity: nothing waits."""


@runtime_checkable
class Learning(Remembering, Protocol):
    """A kind that learns what is usual, and can be told it."""

    def usual(self, states: States) -> Iterable[tuple[Mapping[str, str], float]]:
        """What is usual for each key for which that has been learnt."""

    def learnt(
        self, key: Mapping[str, str], states: States, at: datetime, *, level: float, dispersion: float | None, age: timedelta
    ) -> None:
        """Remember of a key, of which nothing is known, that `level` was usual for `age` until `at` (event time)."""


@runtime_checkable
class Readable(Remembering, Protocol):
    """A kind that says what it sees of a key, and how far its thresholds lie, for a chart."""

    def read(self, key: Mapping[str, str], states: States, at: datetime) -> Reading | None:
        """What it sees at this moment; None of a key of which nothing is known. Nothing rings or waits because of this."""
