"""The kind `window`: many matching mentions within a while, against a floor and against what is usual."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from rules.campaign import Campaign, Raised, Timetable
from rules.condition import Condition, Seen
from rules.duration import format_duration
from rules.finding import Calm, Finding, Verdict
from rules.kinds.figures import amount, counted_as, measured, odds
from rules.kinds.keys import Keys, canonical, labels
from rules.matching import Compiler
from rules.model import DISTINCT_COUNTED, Distinct, RaisedByWindow, Severity, Share, WindowRule, loudest
from rules.observation import Observation
from rules.state import SLICES, StateKey, States, WindowState
from rules.surprise import BUCKETS, RING, Surprise
from rules.tally import Different, Mentions, ShareOf, Tally
from rules.where import scores_asked

_SHAPING = {"kind", "where", "key", "measure", "window"}
_FORMAT = 1
_CAMPAIGN = 3  # copies of one text from which they are news, if they are one mention in ten
_NOTHING = 0.01  # a usual level that counts as none
_ROUNDING = 1e-9  # what is usual is learnt in more or fewer steps, whose last digits differ: they must not decide


class CompiledWindow:
    """A window rule, ready to look at mentions. What it remembers stands in `States`."""

    def __init__(self, rule: WindowRule, compiler: Compiler, campaigns: Iterable[Campaign] = ()) -> None:
        self.rule = rule
        self._campaigns = [] if getattr(rule, "exempt", False) else [each for each in campaigns if each.raises(rule.id) > 1]
        self._timetables: dict[str | None, Timetable] = {}  # by subject
        self.where: Condition = compiler.compile(rule.where, rule.id)
        self.admits = compiler.admits(rule.where)
        self.needs = compiler.needs(rule.where)
        measure = rule.measure
        self._shared = compiler.compile(measure.share, rule.id, "measure.share") if isinstance(measure, Share) else None
        self._scores = frozenset() if self._shared else scores_asked(rule.where)  # a share counts what has none by itself
        self._keys = Keys(rule.key, self.admits)
        self._measure = measured(rule.measure)
        self.shape = _shape(rule)
        self.waits: timedelta | None = rule.for_
        self.patience = rule.window + rule.keep_firing_for
        self._for = rule.for_.total_seconds()
        self._as_written = _Asked(rule, None)

    def observe(self, seen: Seen, states: States) -> Iterable[Finding]:
        """Count the mention, and a finding for each of its keys whose window now rings."""
        holds = self.where.holds(seen)
        if holds is not True:
            if holds is None:
                self._pass_by(seen.mention, states)
            return ()
        matches = True if self._shared is None else self._shared.holds(seen)
        found = (self._count(seen.mention, key, states, matches=matches) for key in self._keys.of(seen.mention))
        return [finding for finding in found if finding is not None]

    def tick(self, key: Mapping[str, str], states: States, at: datetime) -> Finding | Calm:
        """Whether the window rings at this moment; it does until `keep_firing_for` has passed since it last held."""
        here = (self.rule.id, self.shape, canonical(key))
        if here not in states:
            return self._calm(key, at, None)
        state, now = self._state(here, key, states), at.timestamp()
        states.changed(here)
        rings = self._fires(state, now, key) or self._lingers(state, now)
        return self._finding(key, {}, state) if rings else self._calm(key, at, state)

    def keys(self, mention: Observation) -> list[dict[str, str]]:
        """The keys of the windows in which a mention counts if it matches."""
        return self._keys.of(mention)

    def remembers(self, key: Mapping[str, str], states: States) -> bool:
        """Whether there is a state for this key."""
        return (self.rule.id, self.shape, canonical(key)) in states

    def due(self, states: States, at: datetime, seen_until: datetime) -> list[Finding]:  # noqa: ARG002 what is missing delays nothing
        """The windows that held and waited for `for` to pass, and ring now for the first time."""
        if not self._for:
            return []
        found = []
        for here in states.keys(self.rule.id, self.shape):
            key = json.loads(here[2])
            state = self._state(here, key, states)
            if _waits(state):
                states.changed(here)
                if self._fires(state, at.timestamp(), key):
                    found.append(self._finding(key, {}, state))
        return found

    def sweep(self, states: States, at: datetime) -> int:
        """Forget keys that have been silent so long that nothing is usual for them. Returns how many."""
        before = len(states)
        for here in states.keys(self.rule.id, self.shape):
            state = self._state(here, json.loads(here[2]), states)
            if at.timestamp() - state.latest > self._idle_after:
                state.advance(at.timestamp())
                forget = states.forget if (state.expected or 0) < _NOTHING else states.changed
                forget(here)
        return before - len(states)

    def explain(self, seen: Seen) -> list[Verdict]:
        """How each condition fared, those of the share included."""
        shared = self._shared.explain(seen) if self._shared else ()
        return [*self.where.explain(seen), *shared]

    def _count(self, mention: Observation, key: dict[str, str], states: States, *, matches: bool | None) -> Finding | None:
        here = (self.rule.id, self.shape, canonical(key))
        state, at = self._state(here, key, states), mention.written_at.timestamp()
        states.changed(here)
        if state.pending_since is not None and self._for:
            self._fires(state, at, key)  # whether it held without a break is seen just before the window fills again
        who, copy_of = counted_as(self._measure, mention), mention.cluster if mention.copies else None
        reach = mention.author.reach if mention.author.reach is not None else -1
        contributor = (reach, at, mention.id) if matches else None
        if not state.add(at, who, matches=matches, contributor=contributor, copy_of=copy_of):
            return None
        return self._finding(key, labels(mention), state) if self._fires(state, at, key) else None

    def _pass_by(self, mention: Observation, states: States) -> None:
        """Nobody can tell whether it matches: where that is for lack of a score, say so beside what was counted."""
        if any(getattr(mention, score) is None for score in self._scores):
            for key in self._keys.of(mention):
                here = (self.rule.id, self.shape, canonical(key))
                self._state(here, key, states).pass_by(mention.written_at.timestamp())
                states.changed(here)

    def _state(self, here: StateKey, key: Mapping[str, str], states: States) -> WindowState:
        return states.get(here, partial(self._fresh, key))

    def _fresh(self, key: Mapping[str, str]) -> WindowState:
        memory, window = self.rule.baseline.level, self.rule.window
        timetable = self._timetable(key) if self._campaigns else None
        teaches = timetable.outside if timetable else None
        return WindowState(
            _tally(self.rule),
            slice_seconds=window.total_seconds() / SLICES,
            half_life=memory.total_seconds(),
            surprise=_surprise(self.rule, teaches),
            teaches=teaches,
        )

    def _timetable(self, key: Mapping[str, str]) -> Timetable:
        """When more is asked of this window: while there are campaigns about its subject, or about any that it may count."""
        subject = key.get("subject")
        if subject not in self._timetables:
            about = self._campaigns if subject is None else [each for each in self._campaigns if subject in each.subjects]
            self._timetables[subject] = Timetable(filter(self._counts, about), self.rule.id, _lasting(self.rule))
        return self._timetables[subject]

    def _counts(self, campaign: Campaign) -> bool:
        """Whether the rule lets through what is about a campaign's subjects."""
        return self.admits is None or any(self.admits((subject,)) for subject in campaign.subjects)

    def _asked(self, key: Mapping[str, str], state: WindowState) -> _Asked:
        """What is asked of the window now."""
        raised = self._timetable(key).at(state.latest) if self._campaigns else None
        return _Asked(self.rule, raised) if raised else self._as_written

    def _fires(self, state: WindowState, now: float, key: Mapping[str, str]) -> bool:
        """Whether the condition holds and has lasted, at this moment or at the newest the window has seen."""
        state.advance(now)
        if not self._holds(state, self._asked(key, state)):
            state.pending_since = None
            return False
        if state.pending_since is None:
            state.pending_since = state.latest
        if state.latest - state.pending_since < self._for:
            return False
        state.last_fired = state.latest
        return True

    def _holds(self, state: WindowState, more: _Asked) -> bool:
        fire, value = self.rule.fire, state.tally.value
        if value is None or state.tally.floor < more.floor(fire.at_least) or value < (fire.share or 0):
            return False
        if self._learns(state):
            return True
        if value < more.ratio(fire.times_expected) * (state.expected or 0) * (1 - _ROUNDING):
            return False
        surprise = self._surprise(state, more)
        return surprise is None or surprise >= (fire.surprise or 0) * (1 - _ROUNDING)

    def _severity(self, state: WindowState, more: _Asked) -> Severity:
        louder = (each.severity for each in self.rule.raise_ if self._is_louder(each, state, more))
        return loudest([self.rule.severity, *louder])

    def _is_louder(self, asked: RaisedByWindow, state: WindowState, more: _Asked) -> bool:
        """Whether all that is asked holds; what is not known yet holds for nobody."""
        value, learns = state.tally.value or 0, self._learns(state)
        if asked.times_expected and (
            learns or value < more.ratio(asked.times_expected) * (state.expected or 0) * (1 - _ROUNDING)
        ):
            return False
        if asked.surprise and (learns or (self._surprise(state, more) or 0) < asked.surprise * (1 - _ROUNDING)):
            return False
        return state.tally.floor >= more.floor(asked.at_least) and value >= (asked.share or 0)

    def _surprise(self, state: WindowState, more: _Asked) -> float | None:
        """None where the rule does not ask, or too little is known yet."""
        baseline = self.rule.baseline
        if state.surprise is None or state.surprise_history < baseline.min_history.total_seconds():
            return None
        return state.surprised(slow_storms=baseline.sensitivity == "high", times=more.times)

    def _learns(self, state: WindowState) -> bool:
        return state.latest - state.started < self.rule.baseline.min_history.total_seconds()

    def _lingers(self, state: WindowState, now: float) -> bool:
        return state.last_fired is not None and now - state.last_fired < self.rule.keep_firing_for.total_seconds()

    @property
    def _idle_after(self) -> float:
        return self.patience.total_seconds() * 2

    def _finding(self, key: Mapping[str, str], said: Mapping[str, str], state: WindowState) -> Finding:
        rule, more = self.rule, self._asked(key, state)
        return Finding(
            rule=rule.id,
            kind=rule.kind,
            key=key,
            labels={**said, **key},
            subject=key.get("subject"),
            at=_moment(state.latest),
            severity=self._severity(state, more),
            category=rule.category,
            observed=state.tally.value or 0,
            expected=self._usual(state),
            measure=self._measure,
            window=rule.window,
            learning=self._learns(state),
            reasons=self._reasons(state, more),
            evidence=state.evidence(rule.evidence.top),
            plan=rule.plan,
            notify=rule.notify,
            unscored=_unscored(state),
            copies=state.beside.copied.most,
        )

    def _calm(self, key: Mapping[str, str], at: datetime, state: WindowState | None) -> Calm:
        more = self._asked(key, state) if state else self._as_written
        return Calm(
            rule=self.rule.id,
            key=key,
            at=at,
            observed=(state.tally.value or 0) if state else 0,
            expected=self._usual(state) if state else None,
            measure=self._measure,
            window=self.rule.window,
            reasons=self._reasons(state, more) if state else ("nothing was seen yet",),
            pending_since=_moment(state.pending_since) if state and state.pending_since is not None else None,
            last_fired=_moment(state.last_fired) if state and state.last_fired is not None else None,
        )

    def _usual(self, state: WindowState) -> float | None:
        return None if self._learns(state) else state.expected

    def _reasons(self, state: WindowState, more: _Asked) -> tuple[str, ...]:
        """What was seen against what is usual, and what the rule asks."""
        within, usual = format_duration(self.rule.window), self._usual(state)
        seen = f"{self._seen(state.tally, _unscored(state))} within {within}"
        if self._learns(state):
            return (
                seen,
                *_copied(state),
                f"what is usual is still being learnt (needs {format_duration(self.rule.baseline.min_history)})",
                self._asks(more),
                *more.reasons,
            )
        surprise = self._surprise(state, more)
        chance = () if surprise is None else (odds(surprise, self.rule.window / BUCKETS * RING),)
        usually = f"{seen}, usually {amount(usual or 0, self._measure)}"
        return (usually, *chance, *_copied(state), self._asks(more), *more.reasons)

    def _seen(self, tally: Tally, unscored: int) -> str:
        """What was observed; a share says of how many, and each measure how many could not be told."""
        if not isinstance(tally, ShareOf):
            said = amount(tally.value or 0, self._measure)
            return f"{said} ({unscored:,} more could not be scored)" if unscored else said
        of = f"{tally.value or 0:.0%} of {tally.judged:,}"
        return f"{of} scored mentions ({unscored:,} not scored)" if unscored else f"{of} mentions"

    def _asks(self, more: _Asked) -> str:
        fire = self.rule.fire
        floor = f"rings from {more.floor(fire.at_least)} {'mentions' if self._measure == 'share' else self._measure}"
        share = f", {fire.share:.0%} of the mentions" if fire.share else ""
        times = f", {more.ratio(fire.times_expected):g} times the usual" if fire.times_expected else ""
        surprise = f", a surprise of {fire.surprise:g}" if fire.surprise else ""
        return floor + share + times + surprise


class _Asked:
    """How much more is asked than the rule says. A share does not grow with how many speak: of it, the floor alone is raised."""

    __slots__ = ("_capped", "_raised", "_share", "times")

    def __init__(self, rule: WindowRule, raised: Raised | None) -> None:
        self._raised = raised
        self.times = raised.times if raised else 1.0
        self._share = isinstance(rule.measure, Share)
        self._capped = isinstance(rule.measure, Distinct)

    def floor(self, at_least: int | None) -> int:
        """So many, from which it may ring; never more than can be counted."""
        if self._raised is None or at_least is None:
            return at_least or 0
        more = math.ceil(at_least * self.times - _ROUNDING)
        return max(at_least, min(more, DISTINCT_COUNTED)) if self._capped else more

    def ratio(self, times_expected: float | None) -> float:
        """So many times the usual."""
        return (times_expected or 0) * (1.0 if self._share else self.times)

    @property
    def reasons(self) -> Iterable[str]:
        """Why more is asked."""
        if self._raised is not None:
            yield f"the campaign “{self._raised.campaign}” multiplies the thresholds by {self.times:g}"


def _lasting(rule: WindowRule) -> float:
    """For how many seconds after a campaign what it made people say is still looked at."""
    looked_at = (RING + 1) / BUCKETS if rule.asks_for_surprise else (SLICES + 1) / SLICES
    return rule.window.total_seconds() * looked_at


def _surprise(rule: WindowRule, teaches: Callable[[float, float], float] | None) -> Surprise | None:
    if not rule.asks_for_surprise:
        return None
    bucket = rule.window / BUCKETS
    level, dispersion, width = rule.baseline.level / bucket, rule.baseline.dispersion / bucket, bucket.total_seconds()

    def whole(at: int) -> bool:
        return teaches is None or teaches(at * width, (at + 1) * width) == width

    return Surprise(level=level, dispersion=dispersion, teaches=whole if teaches else None)


def _unscored(state: WindowState) -> int:
    """How many nobody could judge for lack of a score."""
    return state.tally.untold if isinstance(state.tally, ShareOf) else state.beside.unscored.floor


def _copied(state: WindowState) -> Iterable[str]:
    """That a crowd says one text: a campaign of copies is not so many people who found their own words."""
    most, mentions = state.beside.copied.most, state.beside.mentions.floor
    if most >= _CAMPAIGN and most * 10 >= mentions:
        yield f"{most:,} of {mentions:,} mentions are copies of one text"


def _waits(state: WindowState) -> bool:
    """Whether it holds but has not rung since."""
    return state.pending_since is not None and (state.last_fired is None or state.last_fired < state.pending_since)


def _tally(rule: WindowRule) -> Tally:
    if isinstance(rule.measure, Share):
        return ShareOf()
    return Different() if isinstance(rule.measure, Distinct) else Mentions()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _shape(rule: WindowRule) -> str:
    """A hash of what the state depends on: a rule that tells other people keeps its state, one that counts otherwise starts anew.

    The entries of lists are left out: after a word more or less the old level is a better guess than none.
    """
    shaping = rule.model_dump(mode="json", by_alias=True, exclude_none=True, include=_SHAPING)
    said = json.dumps([_FORMAT, SLICES, shaping, format_duration(rule.baseline.level)], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
