"""The course of a backtest: take the past, judge it, measure it, and find the thresholds that somebody wants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from monitor.backtest.judging import Judged, judge
from monitor.backtest.measuring import Measured, measure
from monitor.backtest.past import Past, Progress, Span, extracted
from monitor.backtest.suggesting import Candidate, Suggestion, at_best, candidates, has_a_say, suggested
from monitor.replay import seldom_collected
from monitor.settings import Settings
from monitor.storage import Store
from rules import Rule
from rules.thresholds import Threshold, with_value

_SOME = 1e-9


@dataclass(frozen=True, slots=True)
class Backtest:
    """What rules would have done in a span, and what they saw in it. `wanted` are alerts of a rule a week."""

    rules: Sequence[Rule]
    span: Span
    past: Past
    judged: Judged
    seen: Measured
    wanted: float | None = None
    suggestions: Sequence[Suggestion] = ()

    def a_week(self, alerts: float) -> float:
        """So many in the span are so many a week."""
        return alerts / self.span.weeks


async def backtest(
    settings: Settings, store: Store, span: Span, folder: Path, *, wanted: float | None, progress: Progress
) -> Backtest:
    """Try the rules of `settings` on what `store` holds of a span. `folder` is for what vanishes afterwards."""
    with seldom_collected():
        past = await extracted(store, span, folder / "past.db", progress)
        judged = await judge(settings, past, span, progress)
        seen = await measure(settings, past, span, progress)
        trial = _Trial(settings, past, span, judged, seen, progress)
        suggestions = await trial.suggest(wanted) if wanted is not None else []
    return Backtest(settings.rules, span, past, judged, seen, wanted, suggestions)


def warm_up(rules: Sequence[Rule]) -> timedelta:
    """How long before a span rules learn: twice the longest time that any of them names.

    What weighs half as much after a week weighs a quarter after that; and what rang then may still be open when it begins.
    """
    return 2 * max((each for rule in rules for each in _durations(rule)), default=timedelta(0))


def _durations(tree: object) -> Iterator[timedelta]:
    if isinstance(tree, timedelta):
        yield tree
    elif isinstance(tree, BaseModel):
        for _, value in tree:
            yield from _durations(value)


@dataclass
class _Open:
    """A threshold for which a value is looked for."""

    rule: Rule
    threshold: Threshold
    candidates: Iterator[Candidate]
    last: Suggestion | None = None


class _Trial:
    """Tries values: one threshold of each rule at a time, for rules do not stand in each other's way."""

    def __init__(self, settings: Settings, past: Past, span: Span, judged: Judged, seen: Measured, progress: Progress) -> None:
        self._settings, self._past, self._span, self._seen, self._progress = settings, past, span, seen, progress
        self._judged = judged

    async def suggest(self, wanted: float) -> list[Suggestion]:
        """For each threshold of each rule that was measured: the value with at most `wanted` alerts a week, as it was tried."""
        most = math.floor(wanted * self._span.weeks + _SOME)
        rules = {rule.id: rule for rule in self._settings.rules}
        waiting = [
            _Open(rules[rule], threshold, candidates(rules[rule], threshold, held, self._span, most))
            for (rule, threshold), held in self._seen.held.items()
            if has_a_say(held)
        ]
        found: list[Suggestion] = []
        while waiting:
            together = list({each.rule.id: each for each in reversed(waiting)}.values())
            tried = await self._try(together)
            for each in together:
                last, each.last = each.last, tried.get(each.rule.id)
                if each.last is None:
                    found.append(last or self._none(each))
                elif each.last.days <= most:
                    found.append(each.last)
                else:
                    continue
                waiting.remove(each)
        order = list(self._seen.held)
        return sorted(found, key=lambda each: order.index((each.rule, each.threshold)))

    async def _try(self, together: Sequence[_Open]) -> dict[str, Suggestion]:
        """The next value of each, judged; those that have none any more are left out."""
        found = {each.rule.id: one for each in together if (one := next(each.candidates, None)) is not None}
        asked = [each for each in together if each.rule.id in found]
        changed = [each for each in asked if found[each.rule.id].value != each.threshold.value]
        judged = {each.rule.id: self._judged for each in asked}
        if changed:
            rules = tuple(with_value(each.rule, each.threshold, found[each.rule.id].value) for each in changed)
            settings = self._settings.model_copy(update={"rules": rules})
            again = await judge(settings, self._past, self._span, self._progress)
            judged |= {each.rule.id: again for each in changed}
        return {each.rule.id: self._came_of(each, found[each.rule.id], judged[each.rule.id]) for each in asked}

    def _came_of(self, each: _Open, candidate: Candidate, tried: Judged) -> Suggestion:
        return suggested(each.rule.id, each.threshold, candidate, self._judged, tried, self._span)

    def _none(self, each: _Open) -> Suggestion:
        ring = at_best(each.rule, each.threshold, self._seen.held[each.rule.id, each.threshold], self._span)
        return Suggestion(each.rule.id, each.threshold, None, ring, ring)
