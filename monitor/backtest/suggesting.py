"""Which value of a threshold would have rung as often as somebody wants: found in what was measured, then tried.

What was measured says for each moment up to which value a rule would have held. With the alerts' own life (`for`,
`keep_firing_for`, `resolve`, `realert`) that gives the alerts of any value without judging again: values that ring as often lie
between what is just too quiet for them and what is just loud enough. Of these, a round one in the middle is suggested, unless the
rule has one of them already. Only what is suggested is judged, and what then rang, or did not ring any more, is what is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import product
from typing import NamedTuple

from monitor.backtest.judging import Judged, PastAlert
from monitor.backtest.measuring import Held, Key
from monitor.backtest.past import Span
from monitor.domain.alert import SEVERITIES
from rules import MentionRule, Rule
from rules.thresholds import Threshold

_ROUNDING = 1e-9
_TRIES = 3  # values that are judged for one suggestion
_MARGIN = 0.25  # above what rang, where nothing shall
_POWERS = 9  # of ten: no threshold is as large


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value of one threshold, and how often it rang when it was tried.

    `value` None: whatever it is, more ring than was wanted, and `alerts` were estimated, not tried. `days` counts an alert again
    for each further day that it lasts. `low` and `high`: as far as was measured, the values between them ring as often. `missed`
    rings today and would not ring any more, the gravest first.
    """

    rule: str
    threshold: Threshold
    value: float | None
    alerts: int = 0
    days: int = 0
    low: float = 0.0
    high: float = 0.0
    missed: Sequence[PastAlert] = ()


class Candidate(NamedTuple):
    """A value to try, and the lowest and the highest that ring as often."""

    value: float
    low: float
    high: float


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


def days_of(alerts: Iterable[PastAlert], span: Span) -> int:
    """How many alerts, each counted again for every further day that it lasts: one that never ends is no rare alert.

    Those about single mentions end by their time alone, and count once.
    """
    return sum(1 if each.kind == "mention" else span.days(each.lasted(span.until)) for each in alerts)


def candidates(
    rule: Rule, threshold: Threshold, held: Mapping[Key, Sequence[Held]], span: Span, most: int
) -> Iterator[Candidate]:
    """Values to try for a threshold, then those that ring less: its own, where that rings, and with at most `most` alerts.

    Else one that rings as often as can be. None at all where whatever value it has rings more often.
    """
    values = _values(threshold, held)
    life = Life.of(rule)

    def rung(value: float) -> int:
        return _rung(held, threshold.strength(value), life, span)

    if not values or rung(values[-1]) > most:
        return
    now = rung(threshold.value)
    limit = now if 0 < now <= most else most
    values = values[_first(values, lambda value: rung(value) <= limit) :]
    for _ in range(_TRIES):
        rings = rung(values[0])
        fewer = _first(values, partial(_fewer, rung, rings))
        alike = values[:fewer] if rung(values[fewer]) < rings else values
        stays = now == rings or (now <= most and threshold.strength(threshold.value) < threshold.strength(alike[0]))
        value = threshold.value if stays else in_the_middle(threshold, alike[0], alike[-1], open_ended=not rings)
        yield Candidate(value, alike[0], alike[-1])
        values = values[len(alike) :]
        if not values:
            return


def _fewer(rung: Callable[[float], int], than: int, value: float) -> bool:
    return rung(value) < than


def in_the_middle(threshold: Threshold, low: float, high: float, *, open_ended: bool) -> float:
    """A round value between two, as far from what must not ring as from what must: by ratio, where both are more than nought.

    `open_ended`: nothing rings from `low` on, and any margin will do.
    """
    least, most = threshold.strength(low), threshold.strength(high)
    if open_ended:
        most = min(least + abs(least) * _MARGIN, _most(threshold))
    middle, inner = _parted(least, most)
    steps = _round_steps(threshold.step, abs(middle) / 2)
    nearest = (_nearest(middle, step, *ends) for ends in (inner, (least, most)) for step in steps)
    return round(threshold.strength(next((each for each in nearest if each is not None), least)), 6)


def _nearest(middle: float, step: float, lowest: float, highest: float) -> float | None:
    """The number of whole steps between two ends that is nearest to the middle; None where there is none."""
    number = round(middle / step)
    fitting = [each * step for each in (number - 1, number, number + 1) if _lies(lowest, each * step, highest)]
    return min(fitting, key=lambda each: abs(each - middle), default=None)


def _parted(least: float, most: float) -> tuple[float, tuple[float, float]]:
    """The middle, and the middle half."""
    if least > 0:
        ratio = most / least
        return least * ratio**0.5, (least * ratio**0.25, least * ratio**0.75)
    width = most - least
    return least + width / 2, (least + width / 4, least + width * 3 / 4)


def _lies(lowest: float, value: float, highest: float) -> bool:
    return lowest - _ROUNDING <= value <= highest + _ROUNDING


def _round_steps(finest: float, coarsest: float) -> list[float]:
    """Steps of one, two or five, ten, twenty … of the finest, the coarsest first."""
    steps = [finest]
    for number, power in product(range(_POWERS), (1, 2, 5)):
        if finest * power * 10**number <= coarsest:
            steps.append(finest * power * 10**number)
    return sorted(set(steps), reverse=True)


def has_a_say(held: Mapping[Key, Sequence[Held]]) -> bool:
    """Whether there was a moment at which it mattered what value a threshold has."""
    return any(_is_some(each.strength) for series in held.values() for each in series)


def at_best(rule: Rule, threshold: Threshold, held: Mapping[Key, Sequence[Held]], span: Span) -> int:
    """How many alerts ring whatever the value of a threshold is, each counted again for every further day."""
    return _rung(held, _most(threshold), Life.of(rule), span)


def suggested(rule: str, threshold: Threshold, candidate: Candidate, now: Judged, tried: Judged, span: Span) -> Suggestion:
    """What came of trying a value, beside what rings now."""
    alerts = tried.of(rule)
    missed = [each for each in now.of(rule) if not any(_same(each, other, span) for other in alerts)]
    gravest = sorted(missed, key=lambda each: (-SEVERITIES.index(each.severity), -each.observed, each.at))
    return Suggestion(rule, threshold, candidate.value, len(alerts), days_of(alerts, span), *candidate[1:], gravest)


def _same(one: PastAlert, other: PastAlert, span: Span) -> bool:
    """Whether two alerts are about the same trouble: of one key, and at one time."""
    return one.key == other.key and one.at <= (other.over or span.until) and other.at <= (one.over or span.until)


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
            rung += span.days(timedelta(seconds=ended - began)) if life.holds_on else 1
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
