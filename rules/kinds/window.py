"""The kind `window`: many matching mentions within a while, against a floor and against what is usual."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import TypeGuard

from rules.campaign import Campaign, Raised, Timetable
from rules.condition import Condition, Seen
from rules.duration import format_duration
from rules.finding import Calm, Finding, Reading, Verdict
from rules.kinds.figures import amount, counted_as, measured, odds
from rules.kinds.keys import Keys, canonical, labels
from rules.kinds.kind import Wellness
from rules.matching import Compiler
from rules.model import (
    DISTINCT_COUNTED,
    AnyMeasure,
    Distinct,
    Fire,
    Mean,
    RaisedByWindow,
    Severity,
    Share,
    Signal,
    Sum,
    WindowRule,
    loudest,
)
from rules.observation import Observation
from rules.season import HourOfWeek
from rules.state import SLICES, StateKey, States, WindowState
from rules.surprise import BUCKETS, RING, Surprise
from rules.tally import Different, MeanOf, Mentions, ShareOf, SumOf, Tally
from rules.thresholds import OF_WINDOWS
from rules.where import scores_asked

_SHAPING = {"kind", "where", "key", "measure", "window"}
_FORMAT = 1
_STRAYS = 2  # times its standard error that a mean may stray by chance
_HALF_LIVES = 4  # after so many, one sixteenth of what was usual then is left
_CAMPAIGN = 3  # copies of one text from which they are news, if they are one mention in ten
_NOTHING = 0.01  # a usual level that counts as none
_A_FEW = 2
_ROUNDING = 1e-9  # what is usual is learnt in more or fewer steps, whose last digits differ: they must not decide


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
        self.rule = _of_signal(rule, signal) if signal else rule
        rule, at = self.rule, f"signals.{signal.id}." if signal else ""
        self.where: Condition = compiler.compile(rule.where, rule.id, f"{at}where")
        self.admits = compiler.admits(rule.where)
        self.needs = None if rule.signals else compiler.needs(rule.where)  # a signal may hear other words
        measure = rule.measure
        self._kind = kind
        self._signal = signal
        self._shared = compiler.compile(measure.share, rule.id, f"{at}measure.share") if isinstance(measure, Share) else None
        self._figure = attrgetter(measure.mean if isinstance(measure, Mean) else measure.sum) if _has_figures(measure) else None
        self._scores = frozenset() if self._shared else scores_asked(rule.where)  # a share counts what has none by itself
        self._keys = Keys(rule.key, self.admits)
        self._measure = measured(rule.measure)
        self.shape = _shape(rule, signal)
        self._campaigns = [] if rule.exempt else [each for each in campaigns if each.raises(rule.id) > 1]
        self._timetables: dict[str | None, Timetable] = {}  # by subject
        self._as_written = _Asked(rule, None)
        # A campaign makes many speak; what a signal sees of them is asked as it is written.
        self.parts = [CompiledWindow(rule, compiler, signal=each) for each in rule.signals.of] if rule.signals else []
        self._unless = {name: compiler.number(test) for name, test in rule.unless or () if test is not None}
        self.waits: timedelta | None = rule.for_
        self.patience = rule.window + rule.keep_firing_for
        self.memory = self.patience + max(rule.baseline.min_history, _HALF_LIVES * _half_life(rule))
        self._for = rule.for_.total_seconds()

    def observe(self, seen: Seen, states: States) -> Iterable[Finding]:
        """Count the mention, and a finding for each of its keys whose window now rings."""
        signalled = [part for part in self.parts if part.takes(seen, self._keys, states)]
        holds = self.where.holds(seen)
        if holds is not True:
            if holds is None:
                self._pass_by(seen.mention, states)
            return self._since_signalled(seen.mention, states) if signalled else ()
        matches = True if self._shared is None else self._shared.holds(seen)
        found = (self._count(seen.mention, key, states, matches=matches) for key in self._keys.of(seen.mention))
        return [finding for finding in found if finding is not None]

    def takes(self, seen: Seen, keys: Keys, states: States) -> bool:
        """Of a signal: count the mention for these keys, if it is one that the signal looks at."""
        if self.where.holds(seen) is not True:
            return False
        matches = True if self._shared is None else self._shared.holds(seen)
        for key in keys.of(seen.mention):
            self._add(seen.mention, self._here(key), states, matches=matches)
        return True

    def _since_signalled(self, mention: Observation, states: States) -> list[Finding]:
        """What rings because a signal has seen one more: a window that held, and waited for it."""
        found = []
        for key in self._keys.of(mention):
            here, now = self._here(key), mention.written_at.timestamp()
            if here in states and self._fires(here, states, now):
                states.changed(here)
                found.append(self._finding(key, labels(mention), states))
        return found

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
        more = self._asked(here, state)
        return Reading(
            at=max(at, _moment(state.latest)) if state.latest != -math.inf else at,
            observed=state.tally.value or 0,
            expected=self._usual(state),
            measure=self._measure,
            bar=self._bar(state, more),
            surprise=self._surprise(state, more),
            reached=self._reached(here, states, more),
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
            usual = self._usual(self._state(here, states))
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
        for here in states.keys(self.rule.id, self.shape):
            state = self._state(here, states)
            if at.timestamp() - state.latest > self._idle_after:
                state.advance(at.timestamp())
                forget = states.forget if (state.expected or 0) < _NOTHING else states.changed
                forget(here)
        return before - len(states)

    def learnt(
        self, key: Mapping[str, str], states: States, at: datetime, *, level: float, dispersion: float | None, age: timedelta
    ) -> None:
        """Remember of a key that its window has shown `level` since `age` before `at`."""
        here, until = self._here(key), at.timestamp()
        self._state(here, states).learnt(level, dispersion, since=until - age.total_seconds(), until=until)
        states.changed(here)

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
        return self._finding(key, labels(mention), states) if self._fires(here, states, at) else None

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
        rule, width = self.rule, self.rule.window.total_seconds() / SLICES
        memory = rule.baseline.level.total_seconds()
        timetable = self._timetable(here) if self._campaigns else None
        teaches = timetable.outside if timetable else None
        return WindowState(
            _tally(rule, memory / width),
            slice_seconds=width,
            half_life=memory,
            surprise=_surprise(rule, teaches),
            teaches=teaches,
            season=HourOfWeek(memory, rule.timezone or "UTC") if rule.baseline.season != "none" else None,
            mood=MeanOf(memory / width) if rule.unless and rule.unless.mean_sentiment else None,
            newest_first=rule.evidence.by == "newest",
        )

    def _timetable(self, here: StateKey) -> Timetable:
        """When more is asked of this window: while there are campaigns about its subject, or about any that it may count."""
        subject = json.loads(here[2]).get("subject")
        if subject not in self._timetables:
            about = self._campaigns if subject is None else [each for each in self._campaigns if subject in each.subjects]
            self._timetables[subject] = Timetable(filter(self._counts, about), self.rule.id, _lasting(self.rule))
        return self._timetables[subject]

    def _counts(self, campaign: Campaign) -> bool:
        """Whether the rule lets through what is about a campaign's subjects."""
        return self.admits is None or any(self.admits((subject,)) for subject in campaign.subjects)

    def _asked(self, here: StateKey, state: WindowState) -> _Asked:
        """What is asked of the window now."""
        raised = self._timetable(here).at(state.latest) if self._campaigns else None
        return _Asked(self.rule, raised) if raised else self._as_written

    def _fires(self, here: StateKey, states: States, now: float) -> bool:
        """Whether the condition holds and has lasted, at this moment or at the newest the window has seen."""
        state = self._state(here, states)
        state.advance(now)
        holds = self._holds(state, self._asked(here, state))
        if not holds or self._held_back(state) or not self._is_signalled(here, states, state.latest):
            state.pending_since = None
            return False
        if state.pending_since is None:
            state.pending_since = state.latest
        if state.latest - state.pending_since < self._for:
            return False
        state.last_fired = state.latest
        return True

    def _is_signalled(self, here: StateKey, states: States, now: float) -> bool:
        """Whether enough of the rule's signals hold, if it has any."""
        return self.rule.signals is None or len(list(self._signals(here, states, now))) >= self.rule.signals.need

    def _signals(self, here: StateKey, states: States, now: float) -> Iterator[str]:
        """What the signals that hold at this moment have seen."""
        for part in self.parts:
            there = (here[0], part.shape, here[2])
            if there in states:
                state = part._state(there, states)  # noqa: SLF001  a signal is one of us
                state.advance(now)
                states.changed(there)
                if part._holds(state, part._as_written):  # noqa: SLF001
                    yield part._said(state)  # noqa: SLF001

    def _held_back(self, state: WindowState) -> bool:
        """Whether all holds that keeps it from ringing."""
        return bool(self._unless) and all(test(_SEEN[name](state)) is True for name, test in self._unless.items())

    def _holds(self, state: WindowState, more: _Asked) -> bool:
        fire, value = self.rule.fire, state.tally.value
        if value is None or state.tally.floor < more.floor(fire.at_least) or not _within(fire, value):
            return False
        if self._learns(state):
            return fire.drop is None or fire.above is not None or fire.below is not None
        if fire.drop is not None and not _has_dropped(state, fire.drop):
            return False
        if fire.times_expected and value < more.ratio(fire.times_expected) * (state.expected or 0) * (1 - _ROUNDING):
            return False
        surprise = self._surprise(state, more)
        return surprise is None or surprise >= (fire.surprise or 0) * (1 - _ROUNDING)

    def _bar(self, state: WindowState, more: _Asked) -> float | None:
        """What the window must show to ring, as far as it can be said in what is measured: a surprise is asked besides."""
        fire, usual = self.rule.fire, self._usual(state)
        if isinstance(self.rule.measure, Mean):
            lower = usual - fire.drop if fire.drop is not None and usual is not None else None
            return next((bar for bar in (fire.above, fire.below, lower) if bar is not None), None)
        floor = more.floor(fire.at_least) if fire.share is None else fire.share
        return max(floor, more.ratio(fire.times_expected) * (usual or 0))

    def _reached(self, here: StateKey, states: States, more: _Asked) -> dict[str, float]:
        """Up to which value of each threshold the window would hold, if the others stay as they are."""
        state = self._state(here, states)
        fire, value, usual = self.rule.fire, state.tally.value or 0, self._usual(state)
        surprise = None if self._learns(state) else self._surprise(state, more)
        levels = {
            "at_least": state.tally.floor / more.times,
            "times_expected": value / usual / more.ratio(1) if usual else math.inf,
            "surprise": math.inf if surprise is None else surprise,
            "share": value,
            "drop": usual - value if usual is not None else 0.0,
        }
        asked = {name: getattr(fire, name) for name in OF_WINDOWS if getattr(fire, name) is not None}
        failing = {name for name, least in asked.items() if levels[name] < least * (1 - _ROUNDING)}
        kept = isinstance(self.rule.measure, Mean) and not _within(fire, value)
        if kept or self._held_back(state) or not self._is_signalled(here, states, state.latest):
            return dict.fromkeys(asked, 0.0)
        return {name: levels[name] if failing <= {name} else 0.0 for name in asked}

    def _severity(self, state: WindowState, more: _Asked) -> Severity:
        louder = (each.severity for each in self.rule.raise_ if self._is_louder(each, state, more))
        return loudest([self.rule.severity, *louder])

    def _is_louder(self, asked: RaisedByWindow, state: WindowState, more: _Asked) -> bool:
        """Whether all that is asked holds; what is not known yet holds for nobody."""
        value, learns = state.tally.value or 0, self._learns(state)
        times = more.ratio(asked.times_expected)
        if asked.times_expected and (learns or value < times * (state.expected or 0) * (1 - _ROUNDING)):
            return False
        if asked.surprise and (learns or (self._surprise(state, more) or 0) < asked.surprise * (1 - _ROUNDING)):
            return False
        if asked.drop is not None and (learns or not _has_dropped(state, asked.drop)):
            return False
        return state.tally.floor >= more.floor(asked.at_least) and _within(asked, value)

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

    def _finding(self, key: Mapping[str, str], said: Mapping[str, str], states: States) -> Finding:
        rule, here = self.rule, self._here(key)
        state = self._state(here, states)
        more = self._asked(here, state)
        return Finding(
            rule=rule.id,
            kind=self._kind,
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
            reasons=self._reasons(here, states),
            evidence=state.evidence(rule.evidence.top),
            plan=rule.plan,
            notify=rule.notify,
            unscored=_unscored(state),
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
            expected=self._usual(state) if state else None,
            measure=self._measure,
            window=self.rule.window,
            reasons=self._reasons(here, states) if state else ("nothing was seen yet",),
            pending_since=_moment(state.pending_since) if state and state.pending_since is not None else None,
            last_fired=_moment(state.last_fired) if state and state.last_fired is not None else None,
        )

    def _usual(self, state: WindowState) -> float | None:
        return None if self._learns(state) else state.expected

    def _reasons(self, here: StateKey, states: States) -> tuple[str, ...]:
        """What was seen against what is usual, and what the rule asks."""
        state = self._state(here, states)
        more = self._asked(here, state)
        surprise = None if self._learns(state) else self._surprise(state, more)
        odd = () if surprise is None else (odds(surprise, self.rule.window / BUCKETS * RING),)
        learns = f"what is usual is still being learnt (needs {format_duration(self.rule.baseline.min_history)})"
        return (
            self._said(state),
            *odd,
            *_copied(state),
            *((learns,) if self._learns(state) else ()),
            *self._signals(here, states, state.latest),
            *(("held back by `unless`",) if self._held_back(state) else ()),
            self._asks(more),
            *more.reasons,
        )

    def _said(self, state: WindowState) -> str:
        """What was seen against what is usual; of a signal with its name."""
        seen = f"{self._seen(state.tally, _unscored(state))} within {format_duration(self.rule.window)}"
        usual = "" if self._learns(state) else f", usually {amount(self._usual(state) or 0, self._measure)}"
        return f"signal {self._signal.id}: {seen}{usual}" if self._signal else seen + usual

    def _seen(self, tally: Tally, unscored: int) -> str:
        """What was observed; a share or a mean says of how many, and each measure how many could not be told."""
        not_scored = f" ({unscored:,} not scored)" if unscored else ""
        if isinstance(tally, MeanOf):
            return (
                f"a {self._measure} of {amount(tally.value or 0, self._measure)} in {tally.floor:,} scored mentions{not_scored}"
            )
        if isinstance(tally, SumOf):
            return f"a {self._measure} of {amount(tally.value, self._measure)}"
        if not isinstance(tally, ShareOf):
            said = amount(tally.value or 0, self._measure)
            return f"{said} ({unscored:,} more could not be scored)" if unscored else said
        of = f"{tally.value or 0:.0%} of {tally.judged:,}"
        return f"{of} scored mentions{not_scored}" if unscored else f"{of} mentions"

    def _asks(self, more: _Asked) -> str:
        fire = self.rule.fire
        floor = f"rings from {_floor(more.floor(fire.at_least), self._measure)}"
        share = f", {fire.share:.0%} of the mentions" if fire.share else ""
        times = f", {more.ratio(fire.times_expected):g} times the usual" if fire.times_expected else ""
        surprise = f", a surprise of {fire.surprise:g}" if fire.surprise else ""
        means = {"a mean of at least": fire.above, "a mean of at most": fire.below, "a mean lower than usual by": fire.drop}
        return floor + share + times + surprise + "".join(f", {what} {n:g}" for what, n in means.items() if n is not None)


def _floor(at_least: int, measure: str) -> str:
    """What `at_least` counts: of a sum it is the sum itself."""
    if measure.startswith("sum "):
        return f"a {measure} of {at_least:,}"
    return f"{at_least} {'mentions' if measure == 'share' or measure.startswith('mean ') else measure}"


def _within(asked: Fire | RaisedByWindow, value: float) -> bool:
    """Whether a share or a mean lies where it is asked to; any other measure does."""
    if asked.share is not None and value < asked.share:
        return False
    return (asked.above is None or value >= asked.above - _ROUNDING) and (asked.below is None or value <= asked.below + _ROUNDING)


def _has_dropped(state: WindowState, drop: float) -> bool:
    """Whether a mean is so much lower than usual, and by more than it strays by chance."""
    tally = state.tally
    if not isinstance(tally, MeanOf) or tally.value is None or tally.usual is None:
        return False
    return tally.usual - tally.value >= max(drop, _STRAYS * tally.stray) - _ROUNDING


def _share_copied(state: WindowState) -> float | None:
    mentions = state.beside.mentions.floor
    return state.beside.copied.most / mentions if mentions else None


_SEEN: dict[str, Callable[[WindowState], float | None]] = {
    "mean_sentiment": lambda state: state.mood.value if state.mood else None,
    "copied": _share_copied,
    "mentions": lambda state: float(state.beside.mentions.floor),
}


class _Asked:
    """How much more is asked than the rule says. A share or mean does not grow with a crowd: only its floor is raised."""

    __slots__ = ("_capped", "_raised", "_share", "times")

    def __init__(self, rule: WindowRule, raised: Raised | None) -> None:
        self._raised = raised
        self.times = raised.times if raised else 1.0
        self._share = isinstance(rule.measure, Share | Mean)
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


def _half_life(rule: WindowRule) -> timedelta:
    """That of what is remembered longest."""
    return max(rule.baseline.level, rule.baseline.dispersion) if rule.asks_for_surprise else rule.baseline.level


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
    return state.tally.untold if isinstance(state.tally, ShareOf | MeanOf | SumOf) else state.beside.unscored.floor


def _copied(state: WindowState) -> Iterable[str]:
    """That a crowd says one text: a campaign of copies is not so many people who found their own words."""
    most, mentions = state.beside.copied.most, state.beside.mentions.floor
    if most >= _CAMPAIGN and most * 10 >= mentions:
        yield f"{most:,} of {mentions:,} mentions are copies of one text"


def _waits(state: WindowState) -> bool:
    """Whether it holds but has not rung since."""
    return state.pending_since is not None and (state.last_fired is None or state.last_fired < state.pending_since)


def _has_figures(measure: AnyMeasure) -> TypeGuard[Mean | Sum]:
    return isinstance(measure, Mean | Sum)


def _of_signal(rule: WindowRule, signal: Signal) -> WindowRule:
    """A signal as a window of its own, with the rule's keys and its idea of what is usual."""
    own = {"where": signal.where, "measure": signal.measure, "window": signal.window or rule.window, "fire": signal}
    return rule.model_copy(update={**own, "raise_": (), "signals": None, "unless": None, "for_": timedelta(0)})


def _tally(rule: WindowRule, half_life: float) -> Tally:
    """`half_life` is in slices."""
    match rule.measure:
        case Share():
            return ShareOf()
        case Mean():
            return MeanOf(half_life)
        case Sum():
            return SumOf()
        case Distinct():
            return Different()
    return Mentions()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _shape(rule: WindowRule, signal: Signal | None) -> str:
    """A hash of what the state depends on: a rule that tells other people keeps it, one that counts otherwise needs another.

    The entries of lists are left out: after a word more or less the old level is a better guess than none.
    """
    shaping = rule.model_dump(mode="json", by_alias=True, exclude_none=True, include=_SHAPING)
    more = [signal.id] if signal else []
    more += [rule.timezone or "UTC"] if rule.baseline.season != "none" else []
    said = json.dumps([_FORMAT, SLICES, shaping, format_duration(rule.baseline.level), *more], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
