"""The kind `flatline`: far fewer matching mentions than usual. It rings because time has passed, and never for lack of data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from rules.condition import Condition, Seen
from rules.duration import format_duration
from rules.finding import Calm, Finding, Verdict
from rules.kinds.figures import amount, counted_as, measured, odds
from rules.kinds.keys import Keys, canonical
from rules.kinds.kind import Wellness
from rules.kinds.shaping import shaped
from rules.matching import Compiler
from rules.model import Distinct, FlatlineFire, FlatlineRule, RaisedByFlatline, louder
from rules.observation import Observation
from rules.season import usual
from rules.state import StateKey, States
from rules.traffic import BUCKETS, Traffic
from rules.where import sources_asked

_SHAPING = {"kind", "where", "key", "measure", "window"}
_FORMAT = 1
_ROUNDING = 1e-9


class CompiledFlatline:
    """A flatline rule, ready to look at mentions. What it remembers stands in `States`."""

    def __init__(self, rule: FlatlineRule, compiler: Compiler) -> None:
        self.rule = rule
        self.where: Condition = compiler.compile(rule.where, rule.id)
        self.admits = compiler.admits(rule.where)
        self.needs = compiler.needs(rule.where)
        self.feeds = sources_asked(rule.where)
        self.shape = _shape(rule)
        self.rings_within: timedelta | None = None
        self.pace = rule.window / BUCKETS
        self.patience = rule.window + rule.keep_firing_for
        self.memory = self.patience + max(rule.baseline.min_history, 4 * rule.baseline.level)
        self._keys = Keys(rule.key, self.admits)
        self._measure = measured(rule.measure)
        self._width = rule.window.total_seconds() / BUCKETS
        self._declared = {canonical(key): key for key in rule.declared()}

    def observe(self, seen: Seen, states: States) -> Iterable[Finding]:
        """Count the mention. It never rings: one more is no fewer."""
        if self.where.holds(seen) is True:
            at, who = self._bucket(seen.mention.written_at), counted_as(self._measure, seen.mention)
            for key in self._keys.of(seen.mention):
                here = self._here(key)
                states.get(here, self._fresh).add(at, who)
                states.changed(here)
        return ()

    def tick(self, key: Mapping[str, str], states: States, at: datetime) -> Finding | Calm:
        """Whether it is too quiet at this moment; it is until `keep_firing_for` has passed since it last was."""
        here = self._here(key)
        if here not in states:
            return self._calm(key, at, None)
        state = states.get(here, self._fresh)
        self._move(here, state, states, at)
        return self._finding(key, state) if self._rings(state) or self._lingers(state) else self._calm(key, at, state)

    def keys(self, mention: Observation) -> list[dict[str, str]]:
        """The keys for which a mention counts if it matches."""
        return self._keys.of(mention)

    def remembers(self, key: Mapping[str, str], states: States) -> bool:
        """Whether there is a state for this key."""
        return self._here(key) in states

    def due(self, states: States, at: datetime, seen_until: datetime, well: Wellness = None) -> list[Finding]:  # noqa: ARG002 what may be missing is waited for
        """The keys that are too quiet, each time a bucket is over up to which everything was seen."""
        found = []
        for here in sorted({*states.keys(self.rule.id, self.shape), *map(self._at, self._declared)}):
            state = states.get(here, self._fresh)
            if self._move(here, state, states, seen_until) and self._rings(state):
                found.append(self._finding(json.loads(here[2]), state))
        return found

    def sweep(self, states: States, at: datetime) -> int:  # noqa: ARG002  states move with what was seen
        """Forget keys of which nothing has come for so long that nothing is usual; never those that are named."""
        before = len(states)
        for here in states.keys(self.rule.id, self.shape):
            if here[2] not in self._declared and states.get(here, self._fresh).forgotten:
                states.forget(here)
        return before - len(states)

    def usual(self, states: States) -> Iterator[tuple[Mapping[str, str], float]]:
        """What is usual at this hour for each key for which that has been learnt."""
        for here in states.keys(self.rule.id, self.shape):
            state = states.get(here, self._fresh)
            if not self._learns(state) and state.expected is not None:
                yield json.loads(here[2]), state.expected

    def learnt(
        self, key: Mapping[str, str], states: States, at: datetime, *, level: float, dispersion: float | None, age: timedelta
    ) -> None:
        """Remember that its window has held `level` since `age` before `at`; what is missing is looked for from then on."""
        here = self._here(key)
        states.get(here, self._fresh).learnt(level, dispersion, since=self._bucket(at - age), until=self._bucket(at))
        states.changed(here)

    def explain(self, seen: Seen) -> list[Verdict]:
        """How each condition fared."""
        return list(self.where.explain(seen))

    def _here(self, key: Mapping[str, str]) -> StateKey:
        return self._at(canonical(key))

    def _at(self, key: str) -> StateKey:
        return (self.rule.id, self.shape, key)

    def _bucket(self, moment: datetime) -> int:
        return int(moment.timestamp() // self._width)

    def _fresh(self) -> Traffic:
        baseline = self.rule.baseline
        return Traffic(
            self._width,
            usual(baseline.level, self._zone),
            dispersion=baseline.dispersion.total_seconds(),
            different=isinstance(self.rule.measure, Distinct),
        )

    @property
    def _zone(self) -> str | None:
        return None if self.rule.baseline.season == "none" else self.rule.timezone or "UTC"

    def _move(self, here: StateKey, state: Traffic, states: States, until: datetime) -> bool:
        """Look at every bucket that is over by now. False where none is."""
        to = self._bucket(until)
        if state.edge is None:
            state.begin(to)
            states.changed(here)
        if state.edge is None or state.edge >= to:
            return False
        while state.edge < to:
            state.move()
            if self._holds(state, here[2]):
                state.last_fired = state.edge * self._width
        states.changed(here)
        return True

    def _holds(self, state: Traffic, key: str) -> bool:
        """Whether it is too quiet at the edge."""
        if self._learns(state):
            return False
        if state.never_came:
            return key in self._declared
        return _is_too_low(self.rule.fire, state)

    def _learns(self, state: Traffic) -> bool:
        return state.history < self.rule.baseline.min_history.total_seconds()

    def _rings(self, state: Traffic) -> bool:
        return state.last_fired is not None and state.last_fired == self._edge(state)

    def _lingers(self, state: Traffic) -> bool:
        return state.last_fired is not None and self._edge(state) - state.last_fired < self.rule.keep_firing_for.total_seconds()

    def _edge(self, state: Traffic) -> float:
        return (state.edge or 0) * self._width

    def _finding(self, key: Mapping[str, str], state: Traffic) -> Finding:
        rule = self.rule
        return Finding(
            rule=rule.id,
            kind=rule.kind,
            key=key,
            labels=dict(key),
            subject=key.get("subject"),
            at=datetime.fromtimestamp(self._edge(state), UTC),
            severity=louder(rule, lambda each: _is_too_low(each, state)),
            category=rule.category,
            observed=state.value or 0,
            expected=None if state.never_came else state.expected,
            measure=self._measure,
            window=rule.window,
            learning=False,
            reasons=self._reasons(state),
            evidence=(),
            plan=rule.plan,
            notify=rule.notify,
        )

    def _calm(self, key: Mapping[str, str], at: datetime, state: Traffic | None) -> Calm:
        learns = state is None or self._learns(state)
        return Calm(
            rule=self.rule.id,
            key=key,
            at=datetime.fromtimestamp(self._edge(state), UTC) if state else at,
            observed=(state.value or 0) if state else 0,
            expected=None if state is None or learns else state.expected,
            measure=self._measure,
            window=self.rule.window,
            reasons=self._reasons(state) if state else ("nothing was seen yet",),
            last_fired=datetime.fromtimestamp(state.last_fired, UTC) if state and state.last_fired is not None else None,
        )

    def _reasons(self, state: Traffic) -> tuple[str, ...]:
        """What was seen against what is usual, and what the rule asks."""
        within, needed = format_duration(self.rule.window), format_duration(self.rule.baseline.min_history)
        seen = f"{amount(state.value or 0, self._measure)} within {within}"
        if self._learns(state):
            return (seen, f"what is usual is still being learnt (needs {needed})", self._asks())
        if state.never_came:
            return (f"nothing has ever come of a key that the rule names, in {needed} and more", self._asks())
        if state.expected is None:
            return (seen, "what is usual at this hour of the week is not known yet", self._asks())
        return (
            f"{seen}, usually {amount(state.expected, self._measure)}",
            *([odds(state.scarcity, self.rule.window, "so few")] if self.rule.asks_for_surprise else []),
            *([f"usually means at this hour of the week ({self._zone})"] if self._zone else []),
            self._asks(),
        )

    def _asks(self) -> str:
        fire = self.rule.fire
        few = f", at {fire.at_most_expected:.0%} of it or less" if fire.at_most_expected is not None else ""
        surprise = f", a surprise of {fire.surprise:g}" if fire.surprise else ""
        return f"rings where {fire.usually:g} {self._measure} are usual{few}{surprise}"


def _is_too_low(asked: FlatlineFire | RaisedByFlatline, state: Traffic) -> bool:
    """Whether all that is asked holds of what came and what is usual; where that is not known, nothing does."""
    value, expected = state.value, state.expected
    if value is None or expected is None or expected < (asked.usually or 0) or value >= expected:
        return False
    if asked.at_most_expected is not None and value > asked.at_most_expected * expected * (1 + _ROUNDING):
        return False
    return asked.surprise is None or state.scarcity >= asked.surprise * (1 - _ROUNDING)


def _shape(rule: FlatlineRule) -> str:
    """A hash of what the state depends on; the entries of lists are left out, as of a window."""
    shaping = rule.model_dump(mode="json", by_alias=True, exclude_none=True, include=_SHAPING)
    season = rule.timezone if rule.baseline.season != "none" else None
    return shaped(_FORMAT, BUCKETS, shaping, format_duration(rule.baseline.level), season)
