"""Whether conditions can hold at all, looked at field by field. What is not certain counts as possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain, combinations, pairwise
from typing import Any, Generic, NamedTuple, TypeVar

from rules.figures import FiguresWhere
from rules.lists import Lists, folded
from rules.matching import SETS, Compiler
from rules.where import FlagTest, LabelTest, NumberTest, Where, WordsTest
from rules.words import Entry, parse_entry

FieldTest = NumberTest | LabelTest | FlagTest | WordsTest
Block = TypeVar("Block", Where, FiguresWhere)
"""Conditions on a mention, or on the figures of a crisis."""
Answers = frozenset[bool | None]
Path = tuple[str | int, ...]

HOLDS: Answers = frozenset({True})
FAILS: Answers = frozenset({False})
DOES_NOT_HOLD: Answers = frozenset({False, None})
DOES_NOT_FAIL: Answers = frozenset({True, None})

RANGES: Mapping[str, tuple[float, float]] = {
    "sentiment": (-1, 1), "confidence": (0, 1), "complaint": (0, 1), "safety_risk": (0, 1), "negative_share": (0, 1),
}  # fmt: skip
"""Between which values (both included) a number lies."""

COUNTS = frozenset(
    {
        *("copies", "author.reach", "author.prior_mentions", "engagement.replies", "engagement.shares", "engagement.likes"),
        *("level", "mentions", "authors", "scored", "reach"),
    }
)
"""Numbers that are whole, and nought or more."""

_OPPOSITE = {HOLDS: FAILS, FAILS: HOLDS, DOES_NOT_HOLD: DOES_NOT_FAIL, DOES_NOT_FAIL: DOES_NOT_HOLD}
_SAME = {"is_own": "author.own"}  # two names of one field
_WAYS = 1_000  # in which conditions may hold; where there are more, nobody looks at them all
_SORTS = 8  # of names that tests tell apart; where there are more, any set of them counts as possible
_OTHER = "\0"  # a name that nobody can write


class Asked(NamedTuple):
    """A test of a field, where it stands, and the answers that are wanted of it."""

    path: Path
    field: str
    test: FieldTest
    answers: Answers


class Wanted(NamedTuple, Generic[Block]):
    """Conditions, the answers that are wanted of them, and where they stand."""

    where: Block
    answers: Answers = HOLDS
    path: Path = ("where",)


Way = tuple[Asked, ...]
"""Tests that must all answer as wanted."""


class Possibilities:
    """What can be, with these lists and, by field, these names: of a field that is not in `names` there may be any."""

    def __init__(self, lists: Mapping[str, Sequence[str]], names: Mapping[str, Collection[str]]) -> None:
        self._lists = Lists(lists)
        self._entries = lists
        self._names = {field: folded(known) for field, known in names.items()}
        self._compiler = Compiler(self._lists)
        self._known: dict[tuple[str, tuple[tuple[FieldTest, Answers], ...]], bool] = {}

    def clash(self, *wanted: Wanted[Any]) -> Way | None:
        """Why nothing can answer all of this as wanted: tests of one field that exclude each other. None: it is possible.

        Of several reasons the first; no test at all where there is nothing that could be answered so.
        """
        first: Way = ()
        for tried, way in enumerate(_together([_deferred(each) for each in wanted])):
            found = self._clashing(way)
            if found is None or tried >= _WAYS:
                return None
            first = first or found
        return first

    def implies(self, one: Block, other: Block) -> bool:
        """Whether it is certain that the other holds wherever the one does."""
        return self.clash(Wanted(one), Wanted(other, DOES_NOT_HOLD)) is not None

    def subjects(self, where: Where) -> Collection[str]:
        """The subjects that the conditions let through, each by itself: only these are the key of an alert."""
        admits = self._compiler.admits(where)
        return frozenset(subject for subject in self._names.get("subjects", ()) if admits is None or admits((subject,)))

    def _clashing(self, way: Way) -> Way | None:
        by_field: dict[str, list[Asked]] = {}
        for asked in way:
            by_field.setdefault(_SAME.get(asked.field, asked.field), []).append(asked)
        return next((tuple(asked) for field, asked in by_field.items() if not self._possible(field, asked)), None)

    def _possible(self, field: str, asked: Sequence[Asked]) -> bool:
        """The same few tests meet again and again: what became of it is remembered."""
        key = (field, tuple((each.test, each.answers) for each in asked))
        if key not in self._known:
            self._known[key] = self._can_be(field, asked)
        return self._known[key]

    def _can_be(self, field: str, asked: Sequence[Asked]) -> bool:
        if any(one.test == other.test and not one.answers & other.answers for one, other in combinations(asked, 2)):
            return False
        if isinstance(asked[0].test, WordsTest):
            return self._can_be_said(asked)
        certain = [(test, each.answers) for each in asked if (test := _without_patterns(each)) is not None]
        tests = [(self._compiler.decider(field, test), answers) for test, answers in certain]
        values = self._values(field, asked)
        return values is None or any(all(decide(value) in answers for decide, answers in tests) for value in values)

    def _values(self, field: str, asked: Sequence[Asked]) -> Iterable[Any] | None:
        """Values of which one answers as wanted if any value does; None where there are too many to look at."""
        tests = [each.test for each in asked]
        if isinstance(tests[0], NumberTest):
            marks = [limit for test in tests if isinstance(test, NumberTest) for limit in limits(test)]
            return (None, *(_whole(marks) if field in COUNTS else _between(marks, RANGES.get(field))))
        if isinstance(tests[0], FlagTest):
            return (True, False, None)
        groups = [group for test in tests if isinstance(test, LabelTest) for group in self._groups(test)]
        names = self._names[field] if field in self._names else {*chain(*groups), _OTHER}
        return _sets(names, groups) if field in SETS else (None, *names)

    def _groups(self, test: LabelTest) -> Iterator[frozenset[str]]:
        """The names that an operator treats alike."""
        yield from (folded(names) for names in ((test.is_,) if test.is_ else None, test.in_, test.not_) if names)
        if test.in_list is not None:
            yield self._lists.labels(test.in_list)

    def _can_be_said(self, asked: Sequence[Asked]) -> bool:
        """Whether there is a text: not where all that it must say one of is forbidden, or where it must be empty."""
        needed: list[frozenset[Entry]] = []
        forbidden: set[Entry] = set()
        empty = False
        for each in asked:
            assert isinstance(each.test, WordsTest)
            for operator, value, holds in _operators(each.test, each.answers):
                if operator == "exists":
                    empty |= value is not holds
                elif operator == "all_of":
                    needed += [self._said([entry]) for entry in value] if holds else []
                elif (operator == "any_of") is holds:
                    needed.append(self._said(value))
                else:
                    forbidden |= self._said(value)
        return not any(words <= forbidden or empty for words in needed)

    def _said(self, written: Iterable[str]) -> frozenset[Entry]:
        return frozenset(_entry(entry) for each in written for entry in self._entries.get(each, [each]))


@lru_cache(maxsize=20_000)
def _entry(written: str) -> Entry:
    return parse_entry(written)


def _deferred(wanted: Wanted[Any]) -> Callable[[], Iterator[Way]]:
    return lambda: _ways(*wanted)


def _ways(where: Where | FiguresWhere, answers: Answers, path: Path) -> Iterator[Way]:
    """Every way in which all conditions of a block together answer as wanted."""
    given = [(name, value) for name, value in vars(where).items() if value is not None]
    parts = [_part(name, value, answers, (*path, _written(type(where), name))) for name, value in given]
    return _together(parts) if True in answers else _one_of(parts)


@cache
def _written(where: type[Where | FiguresWhere], name: str) -> str:
    """The name of a field as it is written."""
    return where.model_fields[name].alias or name


def _part(name: str, value: Any, answers: Answers, path: Path) -> Callable[[], Iterator[Way]]:
    if isinstance(value, Where | FiguresWhere):
        return _deferred(Wanted(value, _OPPOSITE[answers], path))
    if isinstance(value, tuple):
        blocks = [_deferred(Wanted(block, answers, (*path, at))) for at, block in enumerate(value)]
        whole = (True in answers) is (name == "all_")
        return lambda: _together(blocks) if whole else _one_of(blocks)
    return lambda: iter([(Asked(path, str(path[-1]), value, answers),)])


def _together(parts: Sequence[Callable[[], Iterator[Way]]]) -> Iterator[Way]:
    if not parts:
        yield ()
        return
    for first in parts[0]():
        for rest in _together(parts[1:]):
            yield (*first, *rest)


def _one_of(parts: Sequence[Callable[[], Iterator[Way]]]) -> Iterator[Way]:
    return chain.from_iterable(part() for part in parts)


def _without_patterns(asked: Asked) -> Any:
    """The test less patterns and misspellings, of which nobody knows what they fit; None where nothing certain is left."""
    test = asked.test
    if not isinstance(test, LabelTest) or (test.regex is None and test.near is None):
        return test
    return test.model_copy(update={"regex": None, "near": None}) if True in asked.answers else None


def _operators(test: WordsTest, answers: Answers) -> Iterator[tuple[str, Any, bool]]:
    """What a test of text asks, and whether it must hold; nothing where it is not certain which operator must not."""
    asked = [(name, value) for name, value in test if value is not None]
    if True in answers:
        yield from ((name, value, True) for name, value in asked if name != "regex")
    elif len(asked) == 1 and asked[0][0] != "regex":
        yield (*asked[0], False)


def limits(test: NumberTest) -> Iterator[float]:
    """The numbers that a test compares with."""
    for _, value in test:
        if value is not None and not isinstance(value, bool):
            yield from value if isinstance(value, tuple) else (value,)


def _whole(marks: Sequence[float]) -> set[int]:
    """A count on either side of each mark, and on it."""
    near = {side + step for mark in marks for side in (math.floor(mark), math.ceil(mark)) for step in (-1, 0, 1)}
    return {0, *(count for count in near if count >= 0)}


def _between(marks: Sequence[float], range_: tuple[float, float] | None) -> list[float]:
    """The marks themselves, a number between each two, and the ends, as far as there are such numbers."""
    low, high = range_ or (min(marks, default=0) - 1, max(marks, default=0) + 1)
    inside = sorted({low, high, *(mark for mark in marks if low <= mark <= high)})
    return [*inside, *((one + other) / 2 for one, other in pairwise(inside))]


def _sets(names: Iterable[str], groups: Sequence[frozenset[str]]) -> Iterable[frozenset[str]] | None:
    """Sets of names; of names that no test tells apart one stands for all."""
    sorts = {tuple(name in group for group in groups): name for name in sorted(names)}
    if len(sorts) > _SORTS:
        return None
    chosen = list(sorts.values())
    return (frozenset(each) for size in range(len(chosen) + 1) for each in combinations(chosen, size))
