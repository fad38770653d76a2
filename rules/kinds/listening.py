"""Listens to who says which terms, under each key of a rule: how many say one now, and how many usually do."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from rules.condition import Seen
from rules.kinds.keys import canonical
from rules.model import TermField
from rules.observation import Observation
from rules.state import StateKey, States
from rules.telling import tells
from rules.terms import Listened, Part, Span, Term, Voice, part_of
from rules.words import fold_label

_LONGEST = 100  # letters of a term: a longer one is no word


class Listening:
    """What is said under the keys of one rule and shape. It stands in `States`: a clock for each key, and its terms in parts."""

    def __init__(
        self, rule: str, shape: str, field: TermField, span: Span, warm_up: timedelta, clock: Callable[[], Listened] = Listened
    ) -> None:
        """`clock` makes the one of a key of which nothing was heard yet."""
        self.span = span
        self._rule = rule
        self._shape = shape
        self._field = field
        self._warm_up = warm_up.total_seconds()
        self._clock = clock

    def terms(self, seen: Seen) -> dict[str, str]:
        """The terms of a mention, folded, each with its spelling."""
        if self._field == "words":
            said = ((token, token) for token in seen.text.tokens if tells(token))
        else:
            said = ((fold_label(name), name) for name in sorted(getattr(seen.mention, self._field)))
        return {name: spelt for name, spelt in said if 0 < len(name) <= _LONGEST}

    def hear(
        self, mention: Observation, key: Mapping[str, str], terms: Mapping[str, str], states: States
    ) -> Iterator[tuple[str, Term]]:
        """Note who says what; gives each of the terms as it stands then. `key` must be that of a mention that matches."""
        at, here = mention.written_at.timestamp(), self.clock(key)
        listened = states.get(here, self._clock)
        if listened.hear(at):
            states.changed(here)
        reach = mention.author.reach if mention.author.reach is not None else -1
        voice = Voice(at, mention.id, reach, mention.sentiment)
        for name, spelt in terms.items():
            part = self.part(key, name)
            term = states.get(part, Part).get(name, spelt, listened.until, self.span)
            term.add(who(mention), voice, self.span)
            states.changed(part)
            yield name, term

    def find(self, key: Mapping[str, str], name: str, states: States) -> Term | None:
        """A term, if it is among those that are remembered."""
        part = self.part(key, name)
        return states.get(part, Part).terms.get(name) if part in states else None

    def listened(self, key: Mapping[str, str], states: States) -> Listened:
        """Since when a key is listened to."""
        here = self.clock(key)
        return states.get(here, self._clock) if here in states else self._clock()

    def has_warmed_up(self, listened: Listened) -> bool:
        """Whether not everything would be new."""
        return listened.until - listened.since >= self._warm_up

    def usual(self, term: Term, listened: Listened, now: float) -> float:
        """By how many authors it was said before, in a while of the same length."""
        return sum(term.before.values()) / max(self.known(listened, now) / self.span.within, 1)

    def known(self, listened: Listened, now: float) -> float:
        """For how many seconds before the last while it is remembered what was said."""
        return max(now - self.span.within - max(listened.since, now - self.span.memory), 0)

    def sweep(self, states: States, at: float, rest: float) -> int:
        """Forget terms that nobody has said for as long as the memory goes, and `rest` seconds more. Returns how many."""
        forgotten = 0
        for here in states.keys(self._rule, self._shape):
            if "part" not in json.loads(here[2]):
                continue
            terms = states.get(here, Part).terms
            silent = [name for name, term in terms.items() if self._is_silent(term, at, rest)]
            for name in silent:
                del terms[name]
            if silent:
                (states.changed if terms else states.forget)(here)
            forgotten += len(silent)
        return forgotten

    def clock(self, key: Mapping[str, str]) -> StateKey:
        """Where it stands since when a key is listened to."""
        return (self._rule, self._shape, canonical(key))

    def part(self, key: Mapping[str, str], name: str) -> StateKey:
        """Where a term stands."""
        return (self._rule, self._shape, canonical({**key, "part": part_of(name)}))

    def _is_silent(self, term: Term, now: float, rest: float) -> bool:
        if max(term.newest, term.fired_at or -math.inf) > now - self.span.within - rest:
            return False
        term.advance(now, self.span)
        term.forget(now, self.span)
        return not term.voices and not term.before


def who(mention: Observation) -> int:
    """The number of an author; one whom nobody knows is nobody else either."""
    return mention.author.id if mention.author.id is not None else -mention.id


def shown(field: TermField, term: Term) -> str:
    """A term as people know it."""
    return f"#{term.spelt.lstrip('#')}" if field == "hashtags" else term.spelt
