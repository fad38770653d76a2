"""What a window rule asks of a window: as it is written, or more while a campaign makes people talk."""

from __future__ import annotations

import math

from rules.campaign import Raised
from rules.model import DISTINCT_COUNTED, Distinct, Fire, Mean, RaisedByWindow, Severity, Share, WindowRule, louder
from rules.state import WindowState
from rules.tally import MeanOf
from rules.thresholds import OF_WINDOWS

_STRAYS = 2  # times its standard error that a mean may stray by chance
_ROUNDING = 1e-9  # what is usual is learnt in more or fewer steps, whose last digits differ: they must not decide


class Asked:
    """What is asked of a rule's windows at a moment. A share or mean does not grow with a crowd: only its floor is raised."""

    __slots__ = ("_capped", "_raised", "_rule", "_share", "_times")

    def __init__(self, rule: WindowRule, raised: Raised | None = None) -> None:
        self._rule = rule
        self._raised = raised
        self._times = raised.times if raised else 1.0
        self._share = isinstance(rule.measure, Share | Mean)
        self._capped = isinstance(rule.measure, Distinct)

    def holds(self, state: WindowState) -> bool:
        """Whether all holds that `fire` asks. Before what is usual is known, the floors do for it, and no mean has dropped."""
        fire, learns = self._rule.fire, self.learns(state)
        knows = not learns or fire.drop is None or fire.above is not None or fire.below is not None
        if not knows or state.tally.floor < self.floor(fire.at_least):
            return False
        value = state.tally.value  # a mean is summed anew each time: it is asked for last
        if value is None or not _within(fire, value) or self.is_silent(state):
            return False
        if learns:
            return True
        if fire.drop is not None and not _has_dropped(state, fire.drop):
            return False
        if fire.times_expected and value < self.ratio(fire.times_expected) * (state.expected or 0) * (1 - _ROUNDING):
            return False
        surprise = self.surprise(state)
        return surprise is None or surprise >= (fire.surprise or 0) * (1 - _ROUNDING)

    def severity(self, state: WindowState) -> Severity:
        """How loud it rings."""
        return louder(self._rule, lambda each: self._is_louder(each, state))

    def learns(self, state: WindowState) -> bool:
        """Whether it is too early to say what is usual."""
        return state.latest - state.started < self._rule.baseline.min_history.total_seconds()

    def is_silent(self, state: WindowState) -> bool:
        """Whether it waits until it can say what is usual, and whether that is a surprise."""
        if self._rule.baseline.while_learning != "silent":
            return False
        return self.learns(state) or (self._rule.fire.surprise is not None and self.surprise(state) is None)

    def usual(self, state: WindowState) -> float | None:
        """What the window usually shows; None while that is learnt."""
        return None if self.learns(state) else state.expected

    def surprise(self, state: WindowState) -> float | None:
        """How surprising it is what the window shows; None where the rule does not ask, or too little is known yet."""
        baseline = self._rule.baseline
        if state.surprise is None or state.surprise_history < baseline.min_history.total_seconds():
            return None
        return state.surprised(slow_storms=baseline.sensitivity == "high", times=self._times)

    def bar(self, state: WindowState) -> float | None:
        """What the window must show to ring, as far as it can be said in what is measured: a surprise is asked besides."""
        fire, usual = self._rule.fire, self.usual(state)
        if isinstance(self._rule.measure, Mean):
            lower = usual - fire.drop if fire.drop is not None and usual is not None else None
            return next((bar for bar in (fire.above, fire.below, lower) if bar is not None), None)
        floor = self.floor(fire.at_least) if fire.share is None else fire.share
        return max(floor, self.ratio(fire.times_expected) * (usual or 0))

    def reached(self, state: WindowState) -> dict[str, float]:
        """Up to which value of each threshold of `fire` the window would hold, if the others stay as they are."""
        fire, value, usual = self._rule.fire, state.tally.value or 0, self.usual(state)
        surprise = None if self.learns(state) else self.surprise(state)
        levels = {
            "at_least": state.tally.floor / self._times,
            "times_expected": value / usual / self.ratio(1) if usual else math.inf,
            "surprise": math.inf if surprise is None else surprise,
            "share": value,
            "drop": usual - value if usual is not None else 0.0,
        }
        asked = {name: getattr(fire, name) for name in OF_WINDOWS if getattr(fire, name) is not None}
        failing = {name for name, least in asked.items() if levels[name] < least * (1 - _ROUNDING)}
        silent = self.is_silent(state)
        return {name: levels[name] if failing <= {name} and not silent else 0.0 for name in asked}

    def lies_within(self, state: WindowState) -> bool:
        """Whether a mean lies where `above` and `below` ask it to, which are no thresholds; any other measure does."""
        return not isinstance(self._rule.measure, Mean) or _within(self._rule.fire, state.tally.value or 0)

    def floor(self, at_least: int | None) -> int:
        """So many, from which it may ring; never more than can be counted."""
        if self._raised is None or at_least is None:
            return at_least or 0
        more = math.ceil(at_least * self._times - _ROUNDING)
        return max(at_least, min(more, DISTINCT_COUNTED)) if self._capped else more

    def ratio(self, times_expected: float | None) -> float:
        """So many times the usual."""
        return (times_expected or 0) * (1.0 if self._share else self._times)

    def why(self) -> tuple[str, ...]:
        """Why more is asked than the rule says, if it is."""
        if self._raised is None:
            return ()
        return (f"the campaign “{self._raised.campaign}” multiplies the thresholds by {self._times:g}",)

    def _is_louder(self, asked: RaisedByWindow, state: WindowState) -> bool:
        """Whether all that is asked holds; what is not known yet holds for nobody."""
        value, learns = state.tally.value or 0, self.learns(state)
        times = self.ratio(asked.times_expected)
        if asked.times_expected and (learns or value < times * (state.expected or 0) * (1 - _ROUNDING)):
            return False
        if asked.surprise and (learns or (self.surprise(state) or 0) < asked.surprise * (1 - _ROUNDING)):
            return False
        if asked.drop is not None and (learns or not _has_dropped(state, asked.drop)):
            return False
        return state.tally.floor >= self.floor(asked.at_least) and _within(asked, value)


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
