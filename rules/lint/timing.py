"""Times that do not fit each other, or the pace at which the sources are asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from rules.duration import format_duration
from rules.lint.remark import Conditional, Remark, Surroundings, remark
from rules.model import AbsenceRule, Fire, FlatlineRule, RaisedByWindow, WindowRule
from rules.where import sources_asked

_FORGOTTEN = 5  # half-lives after which three hundredths are left


def timing(rule: Conditional, amid: Surroundings) -> Iterator[Remark]:
    """Everything about the times of a rule."""
    if isinstance(rule, WindowRule):
        yield from _rings_again(rule)
        yield from _outlasts(rule)
        yield from _flaps(rule, amid)
        yield from _forgets(rule)
    elif isinstance(rule, FlatlineRule | AbsenceRule):
        yield from _told_late(rule, amid)


def _rings_again(rule: WindowRule) -> Iterator[Remark]:
    if (first := rule.rest(timedelta(0))) < rule.window:
        again, window = format_duration(first), format_duration(rule.window)
        what = f"the same mentions are told again every {again}: they stay in the window for {window}."
        yield remark("rings-again", rule, ("realert",), what, f"Write `realert: {window}` or longer.")


def _outlasts(rule: WindowRule) -> Iterator[Remark]:
    if rule.for_ > rule.window:
        what = f"a wave must go on for {format_duration(rule.for_)}, longer than the window of {format_duration(rule.window)}."
        yield remark("outlasts-window", rule, ("for",), what, "Write a shorter `for`, or a longer `window`.")


def _flaps(rule: WindowRule, amid: Surroundings) -> Iterator[Remark]:
    slowest = _slowest(amid)
    if rule.keep_firing_for < slowest:
        kept, every = format_duration(rule.keep_firing_for), format_duration(slowest)
        what = f"its alert ends after {kept}, and a source is asked only every {every}: it may end and ring again in between."
        yield remark("flaps", rule, ("keep_firing_for",), what, f"Write `keep_firing_for: {every}` or longer.")


def _told_late(rule: FlatlineRule | AbsenceRule, amid: Surroundings) -> Iterator[Remark]:
    """What is missing is missing only once every source has been asked."""
    name, length = ("window", rule.window) if isinstance(rule, FlatlineRule) else ("within", rule.within)
    slowest = _slowest(amid, sources_asked(rule.where) if isinstance(rule, FlatlineRule) else None)
    if length < slowest:
        short, every = format_duration(length), format_duration(slowest)
        what = f"it waits for {short}, and a source is asked only every {every}: nobody knows sooner what is missing."
        yield remark("told-late", rule, (name,), what, f"Ask that source more often (`every`), or write `{name}: {every}`.")


def _slowest(amid: Surroundings, named: Collection[str] | None = None) -> timedelta:
    """The longest time between two looks at one of these sources; at any, where none is named."""
    return max((every for source, every in amid.every.items() if named is None or source in named), default=timedelta(0))


def _forgets(rule: WindowRule) -> Iterator[Remark]:
    baseline = rule.baseline
    if not _asks_for_what_is_usual(rule):
        if "min_history" in baseline.model_fields_set:
            what = "nothing is compared with what is usual: how long that is learnt does not matter."
            fix = "Add `times_expected` or `surprise` to `fire`, or remove it."
            yield remark("no-effect", rule, ("baseline", "min_history"), what, fix)
    elif baseline.season == "none" and baseline.min_history > baseline.level * _FORGOTTEN:
        history, level = format_duration(baseline.min_history), format_duration(baseline.level)
        what = f"after {history} nothing is left of what was learnt first: its weight halves every {level}."
        yield remark("forgets", rule, ("baseline", "min_history"), what, "Write a shorter one, or a longer `level`.")


def _asks_for_what_is_usual(rule: WindowRule) -> bool:
    asked: Sequence[Fire | RaisedByWindow] = (rule.fire, *rule.raise_)
    return rule.asks_for_surprise or any(each.times_expected is not None or each.drop is not None for each in asked)
