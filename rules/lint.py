"""Looks for rules that load and cannot be meant so: what never rings, rings always, or says nothing that another does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations
from typing import get_args

from rules.contradiction import COUNTS, RANGES, Asked, Block, FieldTest, Path, Possibilities, Wanted, Way, limits
from rules.duration import format_duration
from rules.matching import asked_in_words
from rules.model import (
    DISTINCT_COUNTED,
    AbsenceRule,
    AnyRule,
    Distinct,
    Fire,
    FlatlineRule,
    MentionRule,
    NewTermRule,
    Raised,
    RaisedByAbsence,
    RaisedByMention,
    RaisedByWindow,
    SentimentDropRule,
    Severity,
    Share,
    Signal,
    SourceHealthRule,
    WindowRule,
)
from rules.where import LabelTest, NumberTest, Where, WordsTest

Comparable = MentionRule | WindowRule
"""Kinds of which one rule may be held against another; of the others only the conditions are looked at."""

Listening = Comparable | SentimentDropRule | FlatlineRule | NewTermRule | AbsenceRule

CODES: Mapping[str, str] = {
    "never-rings": "no mention can ever match, or no window can ever hold so many",
    "dead-alternative": "a part of `any` can never hold: the rule rings without it",
    "dead-signal": "a signal that can never hold: the rule rings without it",
    "never-louder": "a `raise` that can never apply, or says no more than the rule's own severity",
    "always-louder": "a `raise` that applies whenever the rule rings",
    "always-rings": "a floor at or below what is usual: the alert never ends",
    "low-floor": "a window rings for one or two, and asks for nothing else",
    "adds-nothing": "another rule rings whenever this one does, no quieter, and tells the same people",
    "unheard": "nobody is behind the names in `notify`",
    "rings-again": "`realert` is shorter than the window: the same mentions are told again and again",
    "outlasts-window": "`for` is longer than the window: what is over sooner never rings",
    "flaps": "`keep_firing_for` is shorter than the time between two looks at a source: the alert ends and rings again",
    "forgets": "`min_history` is so long that what was learnt first is forgotten when it is first asked",
    "no-effect": "a setting that nothing asks for",
    "bad-language": "a language that is no code such as fr or en",
}
"""What is looked for in rules, by the stable name of each finding."""

_FALLING = ("below", "at_most_expected")  # the lower these are, the less often they hold
_LOW = 3
_FORGOTTEN = 5  # half-lives after which three hundredths are left
_CODE_LETTERS = (2, 3)


@dataclass(frozen=True, slots=True)
class Remark:
    """One finding: of which rule, where in it, what, and what to do."""

    code: str
    rule: str
    path: Path
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rules work amid.

    `names` are all that a field can hold, where that is known. `usual` is the highest usual value of each rule's windows, with
    its key, where a store has learnt it. `unheard` are names behind which nobody is.
    """

    lists: Mapping[str, Sequence[str]]
    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    slowest: timedelta = timedelta(0)
    usual: Mapping[str, tuple[Mapping[str, str], float]] = field(default_factory=dict)
    unheard: Collection[str] = ()


def lint(rules: Sequence[AnyRule], amid: Surroundings) -> list[Remark]:
    """Everything that is remarkable, in the order of the rules. The rules must compile."""
    possible = Possibilities(amid.lists, amid.names)
    found = [remark for rule in rules for remark in _of_one(rule, amid, possible)]
    dead = {remark.rule for remark in found if remark.code == "never-rings"}
    found += _doubled([rule for rule in rules if isinstance(rule, Comparable) and rule.id not in dead], possible)
    places = {rule.id: at for at, rule in enumerate(rules)}
    return sorted(found, key=lambda remark: places[remark.rule])


def _of_one(rule: AnyRule, amid: Surroundings, possible: Possibilities) -> Iterator[Remark]:
    yield from _unheard(rule, amid)
    if isinstance(rule, SourceHealthRule):
        return
    dead = list(_never_rings(rule, amid, possible))
    yield from dead
    if not dead:
        yield from _dead_alternatives(rule, amid, possible)
        yield from _pointless_raises(rule, amid, possible)
    yield from _bad_languages(rule)
    if isinstance(rule, WindowRule):
        yield from _dead_signals(rule, amid, possible) if not dead else ()
        for look in _OF_WINDOWS:
            yield from look(rule, amid)


def _remark(code: str, rule: AnyRule, path: Path, what: str, fix: str) -> Remark:
    return Remark(code, rule.id, path, what, fix)


def _never_rings(rule: Listening, amid: Surroundings, possible: Possibilities) -> Iterator[Remark]:
    clash = possible.clash(*_conditions(rule))
    if clash is not None and _waits_for_a_list(clash, amid):
        return
    if clash is not None:
        what = f"no mention ever matches: {why(clash, amid)}."
        yield _remark("never-rings", rule, _place(clash), what, "Change one of the conditions, or remove the rule.")
    elif "subject" in rule.key and amid.names.get("subjects") and not possible.subjects(rule.where):
        what = "no mention ever rings it: its key is made of the subject, and the conditions let no single subject through."
        yield _remark("never-rings", rule, ("where",), what, "Ask for one subject, or write another `key`.")
    elif isinstance(rule, WindowRule) and _counts_one(rule, rule) and rule.fire.at_least > 1:
        what = f"at most 1 author is ever counted, for each has a window of their own, and it rings from {rule.fire.at_least}."
        yield _remark("never-rings", rule, ("key",), what, "Take `author` out of `key`, or write `measure: count`.")


def _waits_for_a_list(clash: Way, amid: Surroundings) -> bool:
    """Whether it never rings because a list is still empty: whoever ships or writes such a rule knows."""
    named = (each.test.in_list for each in clash if isinstance(each.test, LabelTest))
    return any(name is not None and not amid.lists.get(name) for name in named)


def _conditions(rule: Listening) -> list[Wanted[Where]]:
    wanted = [Wanted(rule.where)]
    if isinstance(rule, WindowRule) and isinstance(rule.measure, Share):
        wanted.append(Wanted(rule.measure.share, path=("measure", "share")))
    return wanted


def _counts_one(rule: WindowRule, counted: WindowRule | Signal) -> bool:
    return isinstance(counted.measure, Distinct) and counted.measure.distinct == "author" and "author" in rule.key


def _dead_signals(rule: WindowRule, amid: Surroundings, possible: Possibilities) -> Iterator[Remark]:
    """Signals that can never hold: the rule may ring by the others alone, if it needs no more than these."""
    signals = rule.signals.of if rule.signals else ()
    dead = [found for at, each in enumerate(signals) if (found := _why_dead(rule, each, at, amid, possible)) is not None]
    hopeless = rule.signals is not None and len(signals) - len(dead) < rule.signals.need
    for path, why in dead:
        if hopeless:
            yield _remark("never-rings", rule, path, f"a signal that it needs never holds: {why}.", "Change it, or need fewer.")
        else:
            yield _remark("dead-signal", rule, path, f"this signal never holds: {why}.", "Change it, or remove it.")


def _why_dead(rule: WindowRule, signal: Signal, at: int, amid: Surroundings, possible: Possibilities) -> tuple[Path, str] | None:
    """Where and why a signal never holds; None if it may."""
    here: Path = ("signals", "of", at)
    wanted = [Wanted(signal.where, path=(*here, "where"))]
    if signal.new_term is not None:
        wanted.append(Wanted(rule.where))  # whom the rule does not count carries nothing
    if isinstance(signal.measure, Share):
        wanted.append(Wanted(signal.measure.share, path=(*here, "measure", "share")))
    clash = possible.clash(*wanted)
    if clash is not None and not _waits_for_a_list(clash, amid):
        return (*here, "where"), why(clash, amid)
    if _counts_one(rule, signal) and signal.at_least > 1:
        return (*here, "at_least"), "at most 1 author is ever counted, for each has a window of their own"
    return None


def _dead_alternatives(rule: Listening, amid: Surroundings, possible: Possibilities) -> Iterator[Remark]:
    for wanted in _conditions(rule):
        for path, block in _alternatives(wanted.where, wanted.path):
            clash = possible.clash(Wanted(block, path=path))
            if clash is not None:
                what = f"this alternative never holds: {why(clash, amid)}."
                yield _remark("dead-alternative", rule, path, what, "Change one of its conditions, or remove it.")


def _alternatives(where: Where, path: Path) -> Iterator[tuple[Path, Where]]:
    """Every block of every `any`, with its path."""
    return ((here, block) for here, block in blocks(where, path) if here[-2:-1] == ("any",))


def _pointless_raises(rule: Listening, amid: Surroundings, possible: Possibilities) -> Iterator[Remark]:
    for at, raised in enumerate(rule.raise_):
        path: Path = ("raise", at)
        if _loudness(raised.severity) <= _loudness(rule.severity):
            what = f"the rule is {rule.severity} by itself: {raised.severity} is no louder."
            yield _remark("never-louder", rule, (*path, "severity"), what, "Raise it further, or remove it.")
        elif isinstance(raised, RaisedByMention | RaisedByAbsence):
            yield from _pointless_conditions(rule, raised, path, amid, possible)
        elif _never_so_many(rule, raised):
            what = f"it is never this loud: no more than {DISTINCT_COUNTED:,} are counted."
            yield _remark("never-louder", rule, (*path, "at_least"), what, "Write a lower number, or `measure: count`.")
        elif _asks_no_more(rule, raised):
            yield _always_louder(rule, path, raised.severity)


def _pointless_conditions(
    rule: Listening, raised: RaisedByMention | RaisedByAbsence, path: Path, amid: Surroundings, possible: Possibilities
) -> Iterator[Remark]:
    asked = raised.where or Where()
    clash = possible.clash(Wanted(rule.where), Wanted(asked, path=(*path, "where")))
    if clash is not None:
        what = f"it is never this loud: {why(clash, amid)}."
        yield _remark("never-louder", rule, (*path, "where"), what, "Mind the rule's own `where`, which must hold, too.")
    elif not (waits := _waits_on(rule, raised)) and possible.implies(rule.where, asked):
        yield _always_louder(rule, path, raised.severity)
    elif waits and isinstance(rule, AbsenceRule) and not rule.hours and waits >= rule.resolve.after:
        what = f"it is never this loud: its alert is over {format_duration(rule.resolve.after)} after it rang."
        yield _remark("never-louder", rule, (*path, "waited"), what, "Write a shorter time, or a longer `resolve.after`.")


def _waits_on(rule: Listening, raised: RaisedByMention | RaisedByAbsence) -> timedelta:
    """For how long the alert of an absence must be open before it is so loud."""
    waited = raised.waited if isinstance(raised, RaisedByAbsence) else None
    return max(waited - rule.within, timedelta(0)) if waited and isinstance(rule, AbsenceRule) else timedelta(0)


def _never_so_many(rule: Listening, raised: Raised) -> bool:
    distinct = isinstance(rule, WindowRule) and isinstance(rule.measure, Distinct)
    return distinct and (getattr(raised, "at_least", None) or 0) > DISTINCT_COUNTED


def _asks_no_more(rule: Listening, raised: Raised) -> bool:
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
    return _remark("always-louder", rule, path, what, f"Write `severity: {severity}` at the rule, or ask for more here.")


def _loudness(severity: Severity) -> int:
    return get_args(Severity).index(severity)


def _bad_languages(rule: Listening) -> Iterator[Remark]:
    """What looks like a name of a language, and is none of the codes in which languages are known."""
    for wanted in _conditions(rule):
        for path, where in [(wanted.path, wanted.where), *blocks(wanted.where, wanted.path)]:
            test = where.language
            for name in (*((test.is_,) if test.is_ else ()), *(test.in_ or ()), *(test.not_ or ())) if test else ():
                if len(name) not in _CODE_LETTERS or not name.isalpha():
                    what = f"no mention is ever in the language `{name}`: languages are codes such as `fr`, `en` or `und`."
                    yield _remark("bad-language", rule, (*path, "language"), what, "Write its code (ISO 639-1).")


def blocks(where: Block, path: Path) -> Iterator[tuple[Path, Block]]:
    """Every block inside conditions, however deep, with its path."""
    for name, inside in (("any", where.any_ or ()), ("all", where.all_ or ()), ("not", (where.not_,) if where.not_ else ())):
        for at, block in enumerate(inside):
            here = (*path, name) if name == "not" else (*path, name, at)
            yield here, block
            yield from blocks(block, here)


def _unheard(rule: AnyRule, amid: Surroundings) -> Iterator[Remark]:
    names = rule.notify or (("ops",) if isinstance(rule, SourceHealthRule) else ("default",))
    if all(name in amid.unheard for name in names):
        what = f"nobody is told: there is no receiver behind {', '.join(f'`{name}`' for name in names)}."
        yield _remark("unheard", rule, ("notify",), what, "Name a receiver, a person or a role that somebody has.")


def _noise(rule: WindowRule, amid: Surroundings) -> Iterator[Remark]:
    """A floor that nothing else supports, beside what is usual, or too low to be told from chance."""
    fire = rule.fire
    if not _by_floor_alone(rule):
        return
    key, usual = amid.usual.get(rule.id, ({}, 0.0))
    path: Path = ("fire", "at_least")
    if usual >= fire.at_least:
        of = ", ".join(f"{name} {value}" for name, value in key.items())
        what = f"it rings nearly always: {usual:,.0f} are usual within {format_duration(rule.window)} for {of}."
        yield _remark("always-rings", rule, path, what, "Write a higher floor, or add `times_expected: 3`.")
    elif fire.at_least < _LOW:
        what = f"it rings for {fire.at_least} within {format_duration(rule.window)}, and asks for nothing else."
        fix = "For each single mention there is `kind: mention`; else write a higher floor, or add `times_expected: 3`."
        yield _remark("low-floor", rule, path, what, fix)


def _by_floor_alone(rule: WindowRule) -> bool:
    """Whether nothing but `at_least` is asked."""
    more = (rule.fire.share, rule.fire.times_expected, rule.fire.surprise, rule.fire.drop, rule.fire.above, rule.fire.below)
    return all(each is None for each in (*more, rule.signals, rule.unless))


def _rings_again(rule: WindowRule, amid: Surroundings) -> Iterator[Remark]:  # noqa: ARG001 as of every look at a window
    if (first := rule.rest(timedelta(0))) < rule.window:
        again, window = format_duration(first), format_duration(rule.window)
        what = f"the same mentions are told again every {again}: they stay in the window for {window}."
        yield _remark("rings-again", rule, ("realert",), what, f"Write `realert: {window}` or longer.")


def _outlasts(rule: WindowRule, amid: Surroundings) -> Iterator[Remark]:  # noqa: ARG001
    if rule.for_ > rule.window:
        what = f"a wave must go on for {format_duration(rule.for_)}, longer than the window of {format_duration(rule.window)}."
        yield _remark("outlasts-window", rule, ("for",), what, "Write a shorter `for`, or a longer `window`.")


def _flaps(rule: WindowRule, amid: Surroundings) -> Iterator[Remark]:
    if rule.keep_firing_for < amid.slowest:
        kept, every = format_duration(rule.keep_firing_for), format_duration(amid.slowest)
        what = f"its alert ends after {kept}, and a source is asked only every {every}: it may end and ring again in between."
        yield _remark("flaps", rule, ("keep_firing_for",), what, f"Write `keep_firing_for: {every}` or longer.")


def _forgets(rule: WindowRule, amid: Surroundings) -> Iterator[Remark]:  # noqa: ARG001
    baseline = rule.baseline
    if not _asks_for_what_is_usual(rule):
        if "min_history" in baseline.model_fields_set:
            what = "nothing is compared with what is usual: how long that is learnt does not matter."
            fix = "Add `times_expected` or `surprise` to `fire`, or remove it."
            yield _remark("no-effect", rule, ("baseline", "min_history"), what, fix)
    elif baseline.season == "none" and baseline.min_history > baseline.level * _FORGOTTEN:
        history, level = format_duration(baseline.min_history), format_duration(baseline.level)
        what = f"after {history} nothing is left of what was learnt first: its weight halves every {level}."
        yield _remark("forgets", rule, ("baseline", "min_history"), what, "Write a shorter one, or a longer `level`.")


def _asks_for_what_is_usual(rule: WindowRule) -> bool:
    asked: Sequence[Fire | RaisedByWindow] = (rule.fire, *rule.raise_)
    return rule.asks_for_surprise or any(each.times_expected is not None or each.drop is not None for each in asked)


_Look = Callable[[WindowRule, Surroundings], Iterator[Remark]]
_OF_WINDOWS: Sequence[_Look] = (
    _noise,
    _rings_again,
    _outlasts,
    _flaps,
    _forgets,
)


def _doubled(rules: Sequence[Comparable], possible: Possibilities) -> Iterator[Remark]:
    """Rules without which nothing would be missed; of two that are the same, the later one."""
    superfluous: set[str] = set()
    for alike in _comparable(rules, possible):
        for one, other in combinations(alike, 2):
            for needless, instead in ((other, one), (one, other)):
                if {needless.id, instead.id} & superfluous or not _adds_nothing(needless, instead, possible):
                    continue
                superfluous.add(needless.id)
                what = f"whenever it rings, the rule `{instead.id}` rings, no quieter, and tells the same people."
                yield _remark("adds-nothing", needless, ("id",), what, "Remove one of the two, or say in which they differ.")


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
        and _loudness(rule.severity) <= _loudness(other.severity)
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


def _place(clash: Way) -> Path:
    return clash[-1].path if clash else ("where",)


def why(clash: Way, amid: Surroundings) -> str:
    """Which tests exclude each other, or why a single one cannot hold."""
    if not clash:
        return "nothing is asked that could hold"
    name = clash[0].field
    asked = " and ".join(dict.fromkeys(_said(each) for each in clash))
    empty = [each for asked in clash for each in _lists(asked.test) if each in amid.lists and not amid.lists[each]]
    known = f", and the list `{empty[0]}` is empty" if empty else _known(clash, amid)
    return f"`{name}` would have to pass {asked}{known}"


def _said(asked: Asked) -> str:
    said = f"`{asked_in_words(asked.test)}`"
    return said if True in asked.answers else f"not {said}"


def _lists(test: FieldTest) -> Iterator[str]:
    """The lists that a test may name."""
    if isinstance(test, WordsTest):
        yield from (*(test.any_of or ()), *(test.all_of or ()), *(test.none_of or ()))
    elif isinstance(test, LabelTest) and test.in_list is not None:
        yield test.in_list


def _known(clash: Way, amid: Surroundings) -> str:
    """What there can be, where that has a part in it."""
    name = clash[0].field
    marks = [mark for asked in clash if isinstance(asked.test, NumberTest) for mark in limits(asked.test)]
    low, high = RANGES.get(name, (-math.inf, math.inf))
    if any(not low < mark < high for mark in marks):
        return f", and lies from {low:g} to {high:g}"
    if name in COUNTS and any(mark <= 0 or mark != int(mark) for mark in marks):
        return ", and is a whole number, never below 0"
    if name in amid.names:
        return f", and there is only {', '.join(f'`{each}`' for each in sorted(amid.names[name]))}"
    return ""
