"""Which value of a threshold would have rung as often as somebody wants: found in what was measured, then tried.

What was measured says for each moment up to which value a rule would have held. With the alerts' own life (`for`,
`keep_firing_for`, `resolve`, `realert`) that gives the alerts of any value without judging again. Only what is suggested is
judged, and what then rang is what is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from monitor.backtest.judging import Judged, Rang
from monitor.backtest.measuring import Held, Key
from monitor.backtest.past import Span
from rules import MentionRule, Rule
from rules.thresholds import Threshold

_ROUNDING = 1e-9
_TRIES = 3  # values that are judged for one suggestion


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value of one threshold, and how often it rang when it was tried.

    `value` None: whatever it is, more ring than was wanted, and `alerts` were estimated, not tried. `days` counts an alert again
    for each further day that it lasts.
    """

    rule: str
    threshold: Threshold
    value: float | None
    alerts: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class Life:
    """How long an alert of a rule lives, in seconds: `lasting` after it last held, `realert` for what comes again."""

    waiting: float
    lasting: float
    realert: float
    holds_on: bool  # from one look to the next, as windows do; a single mention is one moment

    @classmethod
    def of(cls, rule: Rule) -> Life:
        """The life of a rule's alerts."""
        if isinstance(rule, MentionRule):
            return cls(0.0, rule.resolve.after.total_seconds(), rule.rest(timedelta(0)).total_seconds(), holds_on=False)
        waiting, lasting = getattr(rule, "for_", timedelta(0)), getattr(rule, "keep_firing_for", timedelta(0))
        return cls(waiting.total_seconds(), lasting.total_seconds(), rule.rest(timedelta(0)).total_seconds(), holds_on=True)


def days_of(alerts: Iterable[Rang], span: Span) -> int:
    """How many alerts, each counted again for every further day that it lasts: one that never ends is no rare alert.

    Those about single mentions end by their time alone, and count once.
    """
    return sum(1 if each.kind == "mention" else 1 + each.lasted(span.until) // span.day for each in alerts)


def lowest(rule: Rule, threshold: Threshold, held: Mapping[Key, Sequence[Held]], span: Span, most: int) -> Iterator[float]:
    """Values to try for a threshold: the lowest with at most `most` alerts, then those that ring less often still.

    None at all where whatever value it has rings more often.
    """
    values = _values(threshold, held)
    life = Life.of(rule)

    def rung(value: float) -> int:
        return _rung(held, threshold.strength(value), life, span)

    if not values or rung(values[-1]) > most:
        return
    first = _first(values, lambda value: rung(value) <= most)
    if threshold.strength(threshold.value) < threshold.strength(values[first]) and rung(threshold.value) <= most:
        yield threshold.value  # nothing comes between: it may stay as it is
    for _ in range(_TRIES):
        yield values[first]
        now, values = rung(values[first]), values[first + 1 :]
        if not now or not values:
            return
        first = _first(values, partial(_fewer, rung, now))


def _fewer(rung: Callable[[float], int], than: int, value: float) -> bool:
    return rung(value) < than


def has_a_say(held: Mapping[Key, Sequence[Held]]) -> bool:
    """Whether there was a moment at which it mattered what value a threshold has."""
    return any(_is_some(each.strength) for series in held.values() for each in series)


def at_best(rule: Rule, threshold: Threshold, held: Mapping[Key, Sequence[Held]], span: Span) -> int:
    """How many alerts ring whatever the value of a threshold is, each counted again for every further day."""
    return _rung(held, _most(threshold), Life.of(rule), span)


def suggested(rule: str, threshold: Threshold, value: float | None, judged: Judged, span: Span) -> Suggestion:
    """What came of trying a value."""
    alerts = judged.of(rule)
    return Suggestion(rule, threshold, value, len(alerts), days_of(alerts, span))


def _first(values: Sequence[float], fits: Callable[[float], bool]) -> int:
    """The place of the first value from which on values fit; the last one does."""
    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(values[middle]) else (middle + 1, high)
    return low


def _values(threshold: Threshold, held: Mapping[Key, Sequence[Held]]) -> list[float]:
    """Every value that is worth setting, from the one that rings most to one that nothing reaches. None where it has no say."""
    step = threshold.step
    strengths = {round(each.strength / step) for series in held.values() for each in series if _is_some(each.strength)}
    if not strengths:
        return []
    least = _least(threshold)
    steps = range(max(min(strengths), math.ceil(least / step)) if least is not None else min(strengths), max(strengths) + 2)
    return [round(threshold.strength(number * step), 6) for number in steps if number * step <= _most(threshold) + _ROUNDING]


def _is_some(strength: float) -> bool:
    return math.isfinite(strength) and strength != 0


def _least(threshold: Threshold) -> float | None:
    """Below this a rule file refuses the value, or it says nothing."""
    if threshold.field is not None:
        return None
    return 1.0 if threshold.path[-1] in {"at_least", "times_expected"} else threshold.step


def _most(threshold: Threshold) -> float:
    """Above this a rule file refuses the value."""
    return {"share": 1.0, "surprise": 300.0}.get(str(threshold.path[-1]), math.inf) if threshold.field is None else math.inf


def _rung(held: Mapping[Key, Sequence[Held]], strength: float, life: Life, span: Span) -> int:
    least = strength - abs(strength) * _ROUNDING if math.isfinite(strength) else strength
    return sum(_rung_by(series, least, life, span) for series in held.values())


def _rung_by(series: Sequence[Held], strength: float, life: Life, span: Span) -> int:
    """How many alerts one key would have had in the span, each counted again for every further day that it lasts."""
    since, until = span.since.timestamp(), span.until.timestamp()
    rung = 0
    for began, ended in _episodes(series, strength, life, until):
        if began >= since:
            rung += 1 + (int((ended - began) // span.day.total_seconds()) if life.holds_on else 0)
    return rung


@dataclass(slots=True)
class _Episode:
    """An alert while it is followed: when it began, when it was told last, and when it would be over. Epoch seconds."""

    began: float
    told: float
    over: float

    def again(self, now: float, life: Life) -> None:
        """It holds, still or again."""
        passed = now - self.told
        if now > self.over:
            self.told = now  # opened again, and told
        elif passed >= life.realert:
            self.told = self.told + passed // life.realert * life.realert if life.holds_on else now
        self.over = now + life.lasting

    def takes_in(self, now: float, life: Life) -> bool:
        """Whether what rings now is still this alert: while it is open, and within `realert` of when it was told last."""
        told = self.told + max(self.over - self.told, 0.0) // life.realert * life.realert if life.holds_on else self.told
        return now <= self.over or now - told < life.realert


def _episodes(series: Sequence[Held], strength: float, life: Life, until: float) -> Iterator[tuple[float, float]]:
    """From when to when each alert of one key would have been open, did its threshold have this strength."""
    alert: _Episode | None = None
    since: float | None = None  # it has held without a break
    for each in series:
        lasted = None if since is None else each.at - since
        if each.strength < strength:
            if alert is not None and life.holds_on and lasted is not None and lasted >= life.waiting:
                alert.over = each.at + life.lasting  # it held until about now
            since = None
            continue
        since = each.at if since is None else since
        if each.at - since < life.waiting:
            continue
        if alert is not None and alert.takes_in(each.at, life):
            alert.again(each.at, life)
            continue
        if alert is not None:
            yield alert.began, min(alert.over, until)
        alert = _Episode(each.at, each.at, each.at + life.lasting)
    if alert is not None:
        yield alert.began, min(alert.over, until)
