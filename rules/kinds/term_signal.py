"""The signal `new_term` of a window: those whom the window counts speak of one thing of which hardly anybody spoke before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from rules.condition import Seen
from rules.duration import format_duration
from rules.finding import Verdict
from rules.kinds.keys import Keys
from rules.kinds.listening import Listening, shown, who
from rules.kinds.shaping import shaped
from rules.matching import Compiler
from rules.model import NewTerm, Signal, WindowRule
from rules.state import SPAN, StateKey, States, window_slice
from rules.terms import LEAST_EXACT, Carrying, Span, Term

MOST_NEW = 20
"""So many terms of one key are watched at once: one is reason enough."""

_FORMAT = 1
_TIMES_EXPECTED = 5.0
_SHAPING = {"where", "new_term"}


class TermSignal:
    """One such signal, ready to look at mentions. What was said before is learnt from all that it looks at."""

    def __init__(self, rule: WindowRule, signal: Signal, new_term: NewTerm, compiler: Compiler) -> None:
        self.rule = rule
        self.where = compiler.compile(signal.where, rule.id, f"signals.{signal.id}.where")
        self.shape = _shape(rule, signal)
        self.memory = new_term.memory
        self._signal = signal
        self._field = new_term.field
        self._window = signal.window or rule.window
        self._times = signal.times_expected or _TIMES_EXPECTED
        self._most = max(LEAST_EXACT, 2 * signal.at_least)
        span = Span(self._window.total_seconds(), new_term.memory.total_seconds(), self._most)
        self._listening = Listening(rule.id, self.shape, new_term.field, span, new_term.warm_up, Carrying)

    def takes(self, seen: Seen, keys: Keys, states: States, *, counts: bool) -> bool:
        """Note who says what, and what those say whom the window counts. What it does not count makes nothing hold."""
        if self.where.holds(seen) is True:
            terms, at = self._listening.terms(seen), self._slice(seen.mention.written_at.timestamp())
            for key in keys.of(seen.mention):
                for name, term in self._listening.hear(seen.mention, key, terms, states):
                    if counts:
                        term.carry(who(seen.mention), at, SPAN, self._most)
                        if len(term.carriers) >= self._signal.at_least:
                            self._note(key, name, term, states)
        return False

    def says(self, here: StateKey, states: States, now: float, *, past: bool) -> str | None:
        """The term that most carry, if one is new at this moment, or was at one that is past.

        Of the past it is known who carried it; what is usual is as it is now.
        """
        if here not in states:
            return None
        clock, key = states.get(here, Carrying), json.loads(here[2])
        terms = [(name, term) for name in clock.names if (term := self._listening.find(key, name, states)) is not None]
        if not past:
            self._move_on(key, terms, states, now)
        carried = ((term.carried(self._slice(now), SPAN), name, term) for name, term in terms)
        for carriers, _, term in sorted(carried, key=lambda each: (-each[0], each[1])):
            if self._holds(term, carriers, clock, now):
                return self._sentence(term, carriers, clock, now)
        return None

    def explain(self, seen: Seen) -> Iterator[Verdict]:
        """How each of its conditions fared, and which terms it finds."""
        yield from self.where.explain(seen)
        terms = frozenset(self._listening.terms(seen))
        yield Verdict(f"signals.{self._signal.id}.new_term {self._field}", terms, bool(terms))

    def sweep(self, states: States, at: datetime) -> int:
        """Forget terms that nobody has said for as long as the memory goes. Returns how many."""
        return self._listening.sweep(states, at.timestamp(), 0)

    def learnt(self, key: Mapping[str, str], states: States, at: datetime, age: timedelta) -> None:
        """Remember of a key that it was listened to since `age` before `at`, and that nobody said anything that is said now."""
        here, until = self._listening.clock(key), at.timestamp()
        clock = states.get(here, Carrying)
        clock.hear(until - age.total_seconds())
        clock.hear(until)
        states.changed(here)

    def _slice(self, at: float) -> int:
        return window_slice(at, self._window.total_seconds())

    def _note(self, key: Mapping[str, str], name: str, term: Term, states: States) -> None:
        """Watch a term that may be new and carry a burst. Once a slice those that do so no more make room."""
        here = self._listening.clock(key)
        clock = states.get(here, Carrying)
        if name in clock.names or not self._holds(term, len(term.carriers), clock, term.newest):
            return
        at = self._slice(clock.until)
        if len(clock.names) >= MOST_NEW and at > clock.cleared:
            clock.cleared = at
            clock.names = {each for each in clock.names if self._holds_still(key, each, clock, states)}
        if len(clock.names) < MOST_NEW:
            clock.names.add(name)
            states.changed(here)

    def _holds_still(self, key: Mapping[str, str], name: str, clock: Carrying, states: States) -> bool:
        term = self._listening.find(key, name, states)
        return term is not None and self._holds(term, term.carried(self._slice(clock.until), SPAN), clock, clock.until)

    def _move_on(self, key: Mapping[str, str], terms: list[tuple[str, Term]], states: States, now: float) -> None:
        for name, term in terms:
            if term.advance(max(now, term.newest), self._listening.span):
                states.changed(self._listening.part(key, name))

    def _holds(self, term: Term, carriers: int, clock: Carrying, now: float) -> bool:
        """Whether so many carry it, and so many more than usually say it, as far as that is known."""
        return (
            carriers >= self._signal.at_least
            and self._listening.has_warmed_up(clock)
            and carriers >= self._times * self._listening.usual(term, clock, now)
        )

    def _sentence(self, term: Term, carriers: int, clock: Carrying, now: float) -> str:
        bound = "at least " if carriers >= self._most else ""
        usual = self._listening.usual(term, clock, now)
        usually = f", usually {usual:,.1f}" if usual else ""
        within, said = format_duration(self._window), shown(self._field, term)
        return f"signal {self._signal.id}: the new term “{said}” by {bound}{carriers:,} authors within {within}{usually}"


def _shape(rule: WindowRule, signal: Signal) -> str:
    """A hash of what its memory depends on: which mentions it hears, whom the window counts, and for how long."""
    shaping = signal.model_dump(mode="json", by_alias=True, exclude_none=True, include=_SHAPING)
    counted = rule.model_dump(mode="json", by_alias=True, exclude_none=True, include={"where", "key"})
    within = format_duration(signal.window or rule.window)
    return shaped(_FORMAT, SPAN, shaping, counted, within, signal.id)
