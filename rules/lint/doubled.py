"""Rules without which nothing would be missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import combinations

from rules.contradiction import Possibilities
from rules.lint.remark import Comparable, Remark, remark
from rules.model import MentionRule, WindowRule, gravity


def doubled(rules: Sequence[Comparable], possible: Possibilities) -> Iterator[Remark]:
    """Rules without which nothing would be missed; of two that are the same, the later one."""
    superfluous: set[str] = set()
    for alike in _comparable(rules, possible):
        for one, other in combinations(alike, 2):
            for needless, instead in ((other, one), (one, other)):
                if {needless.id, instead.id} & superfluous or not _adds_nothing(needless, instead, possible):
                    continue
                superfluous.add(needless.id)
                what = f"whenever it rings, the rule `{instead.id}` rings, no quieter, and tells the same people."
                yield remark("adds-nothing", needless, ("id",), what, "Remove one of the two, or say in which they differ.")


def _comparable(rules: Sequence[Comparable], possible: Possibilities) -> Iterable[Sequence[Comparable]]:
    """Rules of which one can stand for another: of one kind, with one key, and about the same subjects.

    There may be a thousand rules, and a million pairs of them.
    """
    found: dict[tuple[object, ...], list[Comparable]] = {}
    for rule in rules:
        found.setdefault((rule.kind, frozenset(rule.key), rule.category, possible.subjects(rule.where)), []).append(rule)
    return found.values()


def _adds_nothing(rule: Comparable, other: Comparable, possible: Possibilities) -> bool:
    """Whether it is certain that another rule tells all that this one does."""
    return _tells_no_more(rule, other) and _rings_no_more(rule, other) and possible.implies(rule.where, other.where)


def _tells_no_more(rule: Comparable, other: Comparable) -> bool:
    return (
        set(rule.notify or ("default",)) <= set(other.notify or ("default",))
        and rule.plan in {None, other.plan}
        and gravity(rule.severity) <= gravity(other.severity)
        and rule.raise_ in {(), other.raise_}
        and rule.rest(timedelta(0)) >= other.rest(timedelta(0))
        and (rule.mode, rule.exempt) == (other.mode, other.exempt)
        and _limit(rule) == _limit(other)
    )


def _limit(rule: Comparable) -> object:
    return rule.limit if isinstance(rule, MentionRule) else None


def _rings_no_more(rule: Comparable, other: Comparable) -> bool:
    if isinstance(rule, MentionRule):
        return isinstance(other, MentionRule) and rule.resolve.after <= other.resolve.after
    if isinstance(other, MentionRule):
        return False
    alike = (rule.measure, rule.window, rule.baseline) == (other.measure, other.window, other.baseline)
    if not alike or rule.for_ < other.for_ or rule.keep_firing_for > other.keep_firing_for:
        return False
    if _by_floor_alone(other):
        return rule.fire.at_least >= other.fire.at_least
    return (rule.fire, rule.where, rule.signals, rule.unless) == (other.fire, other.where, other.signals, other.unless)


def _by_floor_alone(rule: WindowRule) -> bool:
    """Whether nothing but `at_least` is asked."""
    more = (rule.fire.share, rule.fire.times_expected, rule.fire.surprise, rule.fire.drop, rule.fire.above, rule.fire.below)
    return all(each is None for each in (*more, rule.signals, rule.unless))
