"""Every `raise` that can never apply, or applies whenever the rule rings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from rules.contradiction import Path, Possibilities, Wanted
from rules.duration import format_duration
from rules.lint.remark import Conditional, Remark, Surroundings, remark, why
from rules.model import (
    DISTINCT_COUNTED,
    AbsenceRule,
    AnyRule,
    Distinct,
    MentionRule,
    Raised,
    RaisedByAbsence,
    RaisedByMention,
    Severity,
    WindowRule,
    gravity,
)
from rules.where import Where

_FALLING = ("below", "at_most_expected")  # the lower these are, the less often they hold


def pointless_raises(rule: Conditional, amid: Surroundings, possible: Possibilities) -> Iterator[Remark]:
    """Each that never makes the rule louder, or always does."""
    for at, raised in enumerate(rule.raise_):
        path: Path = ("raise", at)
        if gravity(raised.severity) <= gravity(rule.severity):
            what = f"the rule is {rule.severity} by itself: {raised.severity} is no louder."
            yield remark("never-louder", rule, (*path, "severity"), what, "Raise it further, or remove it.")
        elif isinstance(raised, RaisedByMention | RaisedByAbsence):
            yield from _pointless_conditions(rule, raised, path, amid, possible)
        elif _never_so_many(rule, raised):
            what = f"it is never this loud: no more than {DISTINCT_COUNTED:,} are counted."
            yield remark("never-louder", rule, (*path, "at_least"), what, "Write a lower number, or `measure: count`.")
        elif _asks_no_more(rule, raised):
            yield _always_louder(rule, path, raised.severity)


def _pointless_conditions(
    rule: Conditional, raised: RaisedByMention | RaisedByAbsence, path: Path, amid: Surroundings, possible: Possibilities
) -> Iterator[Remark]:
    asked = raised.where or Where()
    clash = possible.clash(Wanted(rule.where), Wanted(asked, path=(*path, "where")))
    if clash is not None:
        what = f"it is never this loud: {why(clash, amid)}."
        yield remark("never-louder", rule, (*path, "where"), what, "Mind the rule's own `where`, which must hold, too.")
    elif not (waits := _waits_on(rule, raised)) and possible.implies(rule.where, asked):
        yield _always_louder(rule, path, raised.severity)
    elif waits and isinstance(rule, AbsenceRule) and not rule.hours and waits >= rule.resolve.after:
        what = f"it is never this loud: its alert is over {format_duration(rule.resolve.after)} after it rang."
        yield remark("never-louder", rule, (*path, "waited"), what, "Write a shorter time, or a longer `resolve.after`.")


def _waits_on(rule: Conditional, raised: RaisedByMention | RaisedByAbsence) -> timedelta:
    """For how long the alert of an absence must be open before it is so loud."""
    waited = raised.waited if isinstance(raised, RaisedByAbsence) else None
    return max(waited - rule.within, timedelta(0)) if waited and isinstance(rule, AbsenceRule) else timedelta(0)


def _never_so_many(rule: Conditional, raised: Raised) -> bool:
    distinct = isinstance(rule, WindowRule) and isinstance(rule.measure, Distinct)
    return distinct and (getattr(raised, "at_least", None) or 0) > DISTINCT_COUNTED


def _asks_no_more(rule: Conditional, raised: Raised) -> bool:
    """Whether it is certain that it holds whenever the rule rings. What asks for the usual may ring while that is learnt."""
    assert not isinstance(rule, MentionRule | AbsenceRule)
    asked = {name: value for name, value in raised if name != "severity" and value is not None}
    if isinstance(rule, WindowRule) and asked.keys() & {"times_expected", "surprise", "drop"}:
        return False
    fired = {name: getattr(rule.fire, name) for name in asked}
    return all(
        fired[name] is not None and (fired[name] <= value if name in _FALLING else fired[name] >= value)
        for name, value in asked.items()
    )


def _always_louder(rule: AnyRule, path: Path, severity: Severity) -> Remark:
    what = f"whenever the rule rings, it is {severity}."
    return remark("always-louder", rule, path, what, f"Write `severity: {severity}` at the rule, or ask for more here.")
