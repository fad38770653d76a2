"""The kind `window`: many matching mentions within a while, against a floor and against what is usual."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Protocol

from rules.campaign import Campaign, Timetables
from rules.condition import Condition, Seen
from rules.epoch import moment
from rules.finding import Calm, Finding, Reading, Verdict
from rules.kinds.asked import Asked
from rules.kinds.figures import counted_as, measured
from rules.kinds.keys import Keys, canonical, labels
from rules.kinds.kind import Wellness
from rules.kinds.term_signal import TermSignal
from rules.kinds.window_memory import fresh, history, looked_at, of_signal, shape
from rules.kinds.window_reasons import reasons, shown, unscored
from rules.matching import Compiler
from rules.model import AnyMeasure, Mean, Share, Signal, Sum, WindowRule, loudest
from rules.observation import Observation
from rules.state import StateKey, States, WindowState
from rules.where import scores_asked

_A_FEW = 2


class CompiledWindow:
    """A window rule, ready to look at mentions. What it remembers stands in `States`."""

    def __init__(
        self,
        rule: WindowRule,
        compiler: Compiler,
        campaigns: Sequence[Campaign] = (),
        *,
        kind: str = "window",
        signal: Signal | None = None,
    ) -> None:
        """`kind` is what its findings are called. With `signal`, this is that signal of the rule."""
        self.rule = of_signal(rule, signal) if signal else rule
        rule, at = self.rule, f"signals.{signal.id}." if signal else ""
        self.where: Condition = compiler.compile(rule.where, rule.id, f"{at}where")
        self.admits = compiler.admits(rule.where)
        self.needs = None if rule.signals else compiler.needs(rule.where)  # a signal may hear other words
        measure = rule.measure
        self._kind = kind
        self._name = signal.id if signal else ""
        self._shared = compiler.compile(measure.share, rule.id, f"{at}measure.share") if isinstance(measure, Share) else None
        self._figure = _figure(measure)
        self._scores = frozenset() if self._shared else scores_asked(rule.where)  # a share counts what has none by itself
        self._keys = Keys(rule.key, self.admits)
        self._measure = measured(rule.measure)
        self.shape = shape(rule, signal)
        self._as_written = Asked(rule)
        raising = [] if rule.exempt else [each for each in campaigns if each.raises(rule.id) > 1]
        self._timetables = Timetables(raising, rule.id, looked_at(rule), self.admits) if raising else None
        # A campaign makes many speak; what a signal sees of them is asked as it is written.
        self.parts: list[CompiledSignal] = (
            [_compiled_signal(rule, each, compiler) for each in rule.signals.of] if rule.signals else []
        )
        self._unless = {name: compiler.number(test) for name, test in rule.unless or () if test is not None}
        self.rings_within: timedelta | None = rule.for_
        self.patience = rule.window + rule.keep_firing_for
        self.memory = max([self.patience + history(rule), *(part.memory for part in self.parts)])
        self._for = rule.for_.total_seconds()

    def observe(self, seen: Seen, states: States) -> Iterable[Finding]:
        """Count the mention, and a finding for each of its keys whose window now rings."""
        holds = self.where.holds(seen)
        signalled = [part for part in self.parts if part.takes(seen, self._keys, states, counts=holds is True)]
        if holds is not True:
            if holds is None:
                self._pass_by(seen.mention, states)
            return self._since_signalled(seen.mention, states) if signalled else ()
        matches = True if self._shared is None else self._shared.holds(seen)
        found = (self._count(seen.mention, key, states, matches=matches) for key in self._keys.of(seen.mention))
        return [finding for finding in found if finding is not None]

    def takes(self, seen: Seen, keys: Keys, states: States, *, counts: bool) -> bool:  # noqa: ARG002  it looks for itself
        """Of a signal: count the mention for these keys, if it is one that the signal looks at."""
        if self.where.holds(seen) is not True:
            return False
        matches = True if self._shared is None else self._shared.holds(seen)
        for key in keys.of(seen.mention):
            self._add(seen.mention, self._here(key), states, matches=matches)
        return True

    def says(self, here: StateKey, states: States, now: float, *, past: bool) -> str | None:
        """Of a signal: what it has seen, if it holds at this moment, or held at one that is past.

        A campaign asks no more of it than is written.
        """
        if here not in states:
            return None
        state = self._state(here, states)
        state.advance(now)
        states.changed(here)
        stood = state.as_of(now) if past else state
        if stood is None or not self._as_written.holds(stood):
            return None
        return f"signal {self._name}: {shown(self.rule, self._as_written, stood)}"

    def tick(self, key: Mapping[str, str], states: States, at: datetime) -> Finding | Calm:
        """Whether the window rings at this moment; it does until `keep_firing_for` has passed since it last held."""
        here, now = self._here(key), at.timestamp()
        if here not in states:
            return self._calm(key, at, states)
        states.changed(here)
        rings = self._fires(here, states, now) or self._lingers(self._state(here, states), now)
        return self._finding(key, {}, states) if rings else self._calm(key, at, states)

    def read(self, key: Mapping[str, str], states: States, at: datetime) -> Reading | None:
        """What the window of a key shows at this moment; None for one of which nothing is known.

        Only its clock moves: it neither rings nor waits because of this.
        """
        here = self._here(key)
        if here not in states:
            return None
        state = self._state(here, states)
        state.advance(at.timestamp())
        asked = self._asked(here, state)
        return Reading(
            at=max(at, moment(state.latest)) if state.latest != -math.inf else at,
            observed=state.tally.value or 0,
            expected=asked.usual(state),
            measure=self._measure,
            bar=asked.bar(state),
            surprise=asked.surprise(state),
            reached=self._reached(here, states, asked),
            quiet=state.tally.floor < min(self.rule.fire.at_least, _A_FEW),
        )

    def keys(self, mention: Observation) -> list[dict[str, str]]:
        """The keys of the windows in which a mention counts if it matches."""
        return self._keys.of(mention)

    def remembers(self, key: Mapping[str, str], states: States) -> bool:
        """Whether there is a state for this key."""
        return self._here(key) in states

    def usual(self, states: States) -> Iterator[tuple[Mapping[str, str], float]]:
        """What is usual for each key for which that has been learnt."""
        for here in states.keys(self.rule.id, self.shape):
            usual = self._as_written.usual(self._state(here, states))
            if usual is not None:
                yield json.loads(here[2]), usual

    def due(self, states: States, at: datetime, seen_until: datetime, well: Wellness = None) -> list[Finding]:  # noqa: ARG002 what is missing delays nothing
        """The windows that held and waited for `for` to pass, and ring now for the first time."""
        if not self._for:
            return []
        found = []
        for here in states.keys(self.rule.id, self.shape):
            state = self._state(here, states)
            if _waits(state):
                states.changed(here)
                if self._fires(here, states, at.timestamp()):
                    found.append(self._finding(json.loads(here[2]), {}, states))
        return found

    def sweep(self, states: States, at: datetime) -> int:
        """Forget keys that have been silent so long that nothing is usual for them. Returns how many."""
        before = len(states)
        for part in self.parts:
            part.sweep(states, at)
        patience = 2 * self.patience.total_seconds()
        for here in states.keys(self.rule.id, self.shape):
            state = self._state(here, states)
            if at.timestamp() - state.latest > patience:
                state.advance(at.timestamp())
                forget = states.forget if state.forgotten else states.changed
                forget(here)
        return before - len(states)

    def learnt(
        self, key: Mapping[str, str], states: States, at: datetime, *, level: float, dispersion: float | None, age: timedelta
    ) -> None:
        """Remember of a key that its window has shown `level` since `age` before `at`."""
        here, until = self._here(key), at.timestamp()
        self._state(here, states).learnt(level, dispersion, since=until - age.total_seconds(), until=until)
        states.changed(here)
        for part in self.parts:
            if isinstance(part, TermSignal):
                part.learnt(key, states, at, age)

    def explain(self, seen: Seen) -> list[Verdict]:
        """How each condition fared, those of the share and the signals included."""
        shared = self._shared.explain(seen) if self._shared else ()
        return [*self.where.explain(seen), *shared, *(verdict for part in self.parts for verdict in part.explain(seen))]

    def _here(self, key: Mapping[str, str]) -> StateKey:
        return (self.rule.id, self.shape, canonical(key))

    def _count(self, mention: Observation, key: dict[str, str], states: States, *, matches: bool | None) -> Finding | None:
        here, at = self._here(key), mention.written_at.timestamp()
        if self._for and self._state(here, states).pending_since is not None:
            self._fires(here, states, at)  # whether it held without a break is seen just before the window fills again
        if not self._add(mention, here, states, matches=matches):
            return None
        if self._fires(here, states, at):
            return self._finding(key, labels(mention), states)
        state = self._state(here, states)
        past = self._held_before(here, states, at) if at < state.latest else None
        return self._finding(key, labels(mention), states, past) if past else None

    def _held_before(self, here: StateKey, states: States, since: float) -> WindowState | None:
        """The window as it held since a late mention was written, where that is over and no alert that rang tells of it.

        Of several such moments it is the loudest, and of these the last. What has to last is judged by what is there now alone:
        whether it held without a break then, between two ends of slices too, nobody knows any more.
        """
        if self._for:
            return None
        state, held = self._state(here, states), {}
        for past in state.past(since):
            asked = self._asked(here, past)
            if asked.holds(past) and not self._held_back(past) and self._was_signalled(here, states, past.latest):
                held[asked.severity(past)] = past
        if not held:
            return None
        loud, last = loudest(held), max(past.latest for past in held.values())
        return held[loud] if state.rings_late(last, loud, self.rule.keep_firing_for.total_seconds()) else None

    def _was_signalled(self, here: StateKey, states: States, then: float) -> bool:
        signals = self.rule.signals
        return signals is None or len(list(self._signals(here, states, then, past=True))) >= signals.need

    def _since_signalled(self, mention: Observation, states: States) -> list[Finding]:
        """What rings because a signal has seen one more: a window that held, and waited for it."""
        found = []
        for key in self._keys.of(mention):
            here, now = self._here(key), mention.written_at.timestamp()
            if here in states and self._fires(here, states, now):
                states.changed(here)
                found.append(self._finding(key, labels(mention), states))
        return found

    def _add(self, mention: Observation, here: StateKey, states: States, *, matches: bool | None) -> bool:
        """Count a mention. False: it is older than the window."""
        state, at = self._state(here, states), mention.written_at.timestamp()
        states.changed(here)
        reach = mention.author.reach if mention.author.reach is not None else -1
        return state.add(
            at,
            counted_as(self._measure, mention),
            matches=matches,
            contributor=(reach, at, mention.id) if matches else None,
            copy_of=mention.cluster if mention.copies else None,
            figure=self._figure(mention) if self._figure else None,
            sentiment=mention.sentiment,
        )

    def _pass_by(self, mention: Observation, states: States) -> None:
        """Nobody can tell whether it matches: where that is for lack of a score, say so beside what was counted."""
        if any(getattr(mention, score) is None for score in self._scores):
            for key in self._keys.of(mention):
                here = self._here(key)
                self._state(here, states).pass_by(mention.written_at.timestamp())
                states.changed(here)

    def _state(self, here: StateKey, states: States) -> WindowState:
        return states.get(here, partial(self._fresh, here))

    def _fresh(self, here: StateKey) -> WindowState:
        timetable = self._timetables.about(_subject(here)) if self._timetables else None
        return fresh(self.rule, timetable.outside if timetable else None)

    def _asked(self, here: StateKey, state: WindowState) -> Asked:
        """What is asked of the window now."""
        raised = self._timetables.about(_subject(here)).at(state.latest) if self._timetables else None
        return Asked(self.rule, raised) if raised else self._as_written

    def _fires(self, here: StateKey, states: States, now: float) -> bool:
        """Whether the condition holds and has lasted, at this moment or at the newest the window has seen."""
        state = self._state(here, states)
        state.advance(now)
        holds = self._asked(here, state).holds(state)
        if not holds or self._held_back(state) or not self._is_signalled(here, states, state.latest):
            state.pending_since = None
            return False
        if state.pending_since is None:
            state.pending_since = state.latest
        if state.latest - state.pending_since < self._for:
            return False
        state.last_fired, state.rang_late = state.latest, None
        return True

    def _is_signalled(self, here: StateKey, states: States, now: float) -> bool:
        """Whether enough of the rule's signals hold, if it has any."""
        return self.rule.signals is None or len(list(self._signals(here, states, now))) >= self.rule.signals.need

    def _signals(self, here: StateKey, states: States, now: float, *, past: bool = False) -> Iterator[str]:
        """What the signals that hold at this moment, or held at one that is past, have seen."""
        said = (part.says((here[0], part.shape, here[2]), states, now, past=past) for part in self.parts)
        return (each for each in said if each is not None)

    def _held_back(self, state: WindowState) -> bool:
        """Whether all holds that keeps it from ringing."""
        return bool(self._unless) and all(test(_SEEN[name](state)) is True for name, test in self._unless.items())

    def _reached(self, here: StateKey, states: States, asked: Asked) -> dict[str, float]:
        """Up to which value of each threshold the window would ring, if the others stay as they are."""
        state = self._state(here, states)
        kept = not asked.lies_within(state) or self._held_back(state) or not self._is_signalled(here, states, state.latest)
        reached = asked.reached(state)
        return dict.fromkeys(reached, 0.0) if kept else reached

    def _lingers(self, state: WindowState, now: float) -> bool:
        return state.last_fired is not None and now - state.last_fired < self.rule.keep_firing_for.total_seconds()

    def _finding(
        self, key: Mapping[str, str], said: Mapping[str, str], states: States, past: WindowState | None = None
    ) -> Finding:
        """With `past`: of a moment that is over, of which we learn only now."""
        rule, here = self.rule, self._here(key)
        state = past or self._state(here, states)
        asked = self._asked(here, state)
        return Finding(
            rule=rule.id,
            kind=self._kind,
            key=key,
            labels={**said, **key},
            subject=key.get("subject"),
            at=moment(state.latest),
            severity=asked.severity(state),
            category=rule.category,
            observed=state.tally.value or 0,
            expected=asked.usual(state),
            measure=self._measure,
            window=rule.window,
            learning=asked.learns(state),
            reasons=self._reasons(here, states, past),
            evidence=state.evidence(rule.evidence.top),
            plan=rule.plan,
            notify=rule.notify,
            unscored=unscored(state),
            copies=state.beside.copied.most,
        )

    def _calm(self, key: Mapping[str, str], at: datetime, states: States) -> Calm:
        here = self._here(key)
        state = self._state(here, states) if here in states else None
        return Calm(
            rule=self.rule.id,
            key=key,
            at=at,
            observed=(state.tally.value or 0) if state else 0,
            expected=self._as_written.usual(state) if state else None,
            measure=self._measure,
            window=self.rule.window,
            reasons=self._reasons(here, states) if state else ("nothing was seen yet",),
            pending_since=moment(state.pending_since) if state and state.pending_since is not None else None,
            last_fired=moment(state.last_fired) if state and state.last_fired is not None else None,
        )

    def _reasons(self, here: StateKey, states: States, past: WindowState | None = None) -> tuple[str, ...]:
        """What was seen against what is usual, and what the rule asks."""
        state = past or self._state(here, states)
        asked, signals = self._asked(here, state), self._signals(here, states, state.latest, past=past is not None)
        seen, *more = reasons(self.rule, asked, state, signals, held_back=self._held_back(state))
        late = (f"late: held at {moment(past.latest):%Y-%m-%d %H:%M} UTC, seen only now",) if past else ()
        return (seen, *late, *more)


class CompiledSignal(Protocol):
    """A signal of a window, which remembers beside it."""

    @property
    def rule(self) -> WindowRule: ...
    @property
    def shape(self) -> str: ...
    @property
    def memory(self) -> timedelta: ...

    def takes(self, seen: Seen, keys: Keys, states: States, *, counts: bool) -> bool:
        """Take in a mention, which the window itself counts or not. Whether that may make the signal hold."""

    def says(self, here: StateKey, states: States, now: float, *, past: bool) -> str | None:
        """What it has seen, if it holds at this moment, or held at one that is past."""

    def explain(self, seen: Seen) -> Iterable[Verdict]:
        """How its conditions fared."""

    def sweep(self, states: States, at: datetime) -> int:
        """Forget what has long been silent. Returns how many."""


def _compiled_signal(rule: WindowRule, signal: Signal, compiler: Compiler) -> CompiledSignal:
    if signal.new_term is not None:
        return TermSignal(rule, signal, signal.new_term, compiler)
    return CompiledWindow(rule, compiler, signal=signal)


def _share_copied(state: WindowState) -> float | None:
    mentions = state.beside.mentions.floor
    return state.beside.copied.most / mentions if mentions else None


_SEEN: dict[str, Callable[[WindowState], float | None]] = {
    "mean_sentiment": lambda state: state.mood.value if state.mood else None,
    "copied": _share_copied,
    "mentions": lambda state: float(state.beside.mentions.floor),
}


def _waits(state: WindowState) -> bool:
    """Whether it holds but has not rung since."""
    return state.pending_since is not None and (state.last_fired is None or state.last_fired < state.pending_since)


def _figure(measure: AnyMeasure) -> Callable[[Observation], float | None] | None:
    """Reads the number of a mention that is measured, where one is."""
    match measure:
        case Mean():
            return attrgetter(measure.mean)
        case Sum():
            return attrgetter(measure.sum)
    return None


def _subject(here: StateKey) -> str | None:
    subject: str | None = json.loads(here[2]).get("subject")
    return subject
