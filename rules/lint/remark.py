"""What a remark about a rule says, what the rules work amid, and why conditions exclude each other."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from rules.contradiction import COUNTS, RANGES, Asked, Block, FieldTest, Path, Wanted, Way, limits
from rules.matching import asked_in_words
from rules.model import AbsenceRule, AnyRule, FlatlineRule, MentionRule, NewTermRule, SentimentDropRule, Share, WindowRule
from rules.where import LabelTest, NumberTest, Where, WordsTest

Comparable = MentionRule | WindowRule
"""Kinds of which one rule may be held against another; of the others only the conditions are looked at."""

Conditional = Comparable | SentimentDropRule | FlatlineRule | NewTermRule | AbsenceRule


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

    `names` are all that a field can hold, where that is known; `every` says of each source how often it is asked. `usual` is the
    highest usual value of each rule's windows, with its key, where a store has learnt it. `unheard` are names behind which
    nobody is.
    """

    lists: Mapping[str, Sequence[str]]
    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    every: Mapping[str, timedelta] = field(default_factory=dict)
    usual: Mapping[str, tuple[Mapping[str, str], float]] = field(default_factory=dict)
    unheard: Collection[str] = ()


def remark(code: str, rule: AnyRule, path: Path, what: str, fix: str) -> Remark:
    """A remark about a rule."""
    return Remark(code, rule.id, path, what, fix)


def conditions(rule: Conditional) -> list[Wanted[Where]]:
    """What a mention must be to count."""
    wanted = [Wanted(rule.where)]
    if isinstance(rule, WindowRule) and isinstance(rule.measure, Share):
        wanted.append(Wanted(rule.measure.share, path=("measure", "share")))
    return wanted


def blocks(where: Block, path: Path) -> Iterator[tuple[Path, Block]]:
    """Every block inside conditions, however deep, with its path."""
    for name, inside in (("any", where.any_ or ()), ("all", where.all_ or ()), ("not", (where.not_,) if where.not_ else ())):
        for at, block in enumerate(inside):
            here = (*path, name) if name == "not" else (*path, name, at)
            yield here, block
            yield from blocks(block, here)


def waits_for_a_list(clash: Way, amid: Surroundings) -> bool:
    """Whether it never rings because a list is still empty: whoever ships or writes such a rule knows."""
    named = (each.test.in_list for each in clash if isinstance(each.test, LabelTest))
    return any(name is not None and not amid.lists.get(name) for name in named)


def place(clash: Way) -> Path:
    """Where a clash shows: at the last of its tests."""
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
