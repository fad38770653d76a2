"""Compiles conditions, once, into closures: True, False, or None for unknown, which never matches, not even under `not`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter
from typing import Any

from rules import patterns
from rules.condition import Condition, Seen
from rules.lists import BadListError, Lists, UnknownListError, folded
from rules.logic import Test, every, known, negation, some
from rules.misspelling import misspelt
from rules.patterns import BadPatternError
from rules.where import FlagTest, LabelTest, NumberTest, Where, WordsTest
from rules.word_index import WordIndex
from rules.words import BadEntryError, Said, WordList, fold_label

SETS = frozenset({"subjects", "hashtags", "topics", "intents"})
"""Fields that hold several names: a condition holds if it does for any of them."""

_ASKED_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps a rule from being compiled: where it stands, what is wrong, what to do. `rule` is empty for a list."""

    rule: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{f'rule {self.rule}: ' if self.rule else ''}{self.path}: {self.message}"


class Compiler:
    """Compiles conditions against the lists they name; gathers problems (each once) instead of stopping at the first."""

    def __init__(self, lists: Lists) -> None:
        self.problems: dict[Problem, None] = {}
        self.index = WordIndex()  # of every list that a condition looks for
        self._shared: dict[tuple[str, str], Test[Seen]] = {}
        self._met: set[tuple[str, str]] = set()
        self._needed: dict[int, frozenset[WordList]] = {}  # by the id of a test of text: what it looks for any of
        self._lists = lists
        self._rule = ""

    def compile(self, where: Where, rule: str, path: str = "where") -> Condition:
        """The condition of a rule. What cannot be compiled is added to `problems` and never holds."""
        self._rule = rule
        condition = self._block(where, path)
        return replace(condition, holds=self._answered_once(where, condition.holds)) if condition.children else condition

    def admits(self, where: Where) -> Test[Collection[str]] | None:
        """Which subjects the conditions let through, if they ask for any outside `any` and `not` blocks."""
        tests = [test for part in where.all_ or () if (test := self.admits(part))]
        if where.subjects:
            tests.append(self._set_test(where.subjects))
        return every(tests) if tests else None

    def needs(self, where: Where) -> frozenset[WordList] | None:
        """The lists of which one must be found, if conditions that were compiled ask for any outside `any` and `not` blocks."""
        for asked in (where.text, where.title):
            if asked is not None and id(asked) in self._needed:
                return self._needed[id(asked)]
        return next((needed for part in where.all_ or () if (needed := self.needs(part)) is not None), None)

    def number(self, test: NumberTest) -> Test[float | None]:
        """Whether a number that is no field of a mention passes a test."""
        return self.decider("", test)

    def _block(self, where: Where, path: str) -> Condition:
        asked = [(name, field) for name, field in _fields(type(where)).items() if getattr(where, name) is not None]
        parts = tuple(self._part(field, getattr(where, name), f"{path}.{field}") for name, field in asked)
        if len(parts) == 1:
            return parts[0]
        # In whichever order they are asked, the answer is the same: numbers first, for few mentions pass them.
        numbers = [part for (name, _), part in zip(asked, parts, strict=True) if isinstance(getattr(where, name), NumberTest)]
        soonest = [*numbers, *(part for part in parts if part not in numbers)]
        return Condition(path, every([part.holds for part in soonest]), children=parts)

    def _part(self, field: str, value: Any, path: str) -> Condition:
        if isinstance(value, Where):
            inner = self._block(value, path)
            return Condition(path, negation(inner.holds), children=(inner,), negates=True)
        if isinstance(value, tuple):
            combine = some if field == "any" else every
            children = tuple(self._block(part, f"{path}[{at}]") for at, part in enumerate(value))
            return Condition(path, combine([child.holds for child in children]), children=children)
        try:
            return self._leaf(field, value, path)
        except BadListError as wrong:
            self.problems[Problem("", f"lists.{wrong.name}", str(wrong))] = None
        except (UnknownListError, BadEntryError, BadPatternError) as wrong:
            self.problems[Problem(self._rule, path, str(wrong))] = None
        return Condition(path, lambda _: None)

    def _leaf(self, field: str, test: Any, path: str) -> Condition:
        if isinstance(test, WordsTest):
            return self._words_leaf(field, test, path)
        get = self._getter(field)
        return Condition(path, self._asked_once(field, test), asked_in_words(test), lambda seen: get(seen.mention))

    def _asked_once(self, field: str, test: Any) -> Test[Seen]:
        """A test that several rules share is answered once for each mention."""
        asked = (field, repr(test))
        if asked not in self._shared:
            get, decide = self._getter(field), self.decider(field, test)
            self._shared[asked] = _remembering(len(self._shared), lambda seen: decide(get(seen.mention)))
        return self._shared[asked]

    def _answered_once(self, where: Where, holds: Test[Seen]) -> Test[Seen]:
        """All rules with the same conditions take one answer, but the first: a rule that is alone would save nothing by it."""
        asked = ("", repr(where))
        if asked not in self._met:
            self._met.add(asked)
            return holds
        if asked not in self._shared:
            self._shared[asked] = _remembering(len(self._shared), holds)
        return self._shared[asked]

    def _getter(self, field: str) -> Callable[[Any], Any]:
        """Reads a field of a mention; an empty name is an unknown one."""
        get = attrgetter(field)
        return get if field in SETS else lambda mention: None if (value := get(mention)) == "" else value

    def _words_leaf(self, field: str, test: WordsTest, path: str) -> Condition:
        said: Callable[[Seen], Said] = attrgetter(field)
        any_of, all_of = self._lists.words(test.any_of or ()), self._lists.words_apart(test.all_of or ())
        sought = patterns.compiled(test.regex or ())
        tests: list[Test[Seen]] = [self._says_any([each], said) for each in all_of]
        if test.any_of is not None:
            tests.append(self._says_any(any_of, said))
            self._needed[id(test)] = frozenset(any_of)
        if test.none_of is not None:
            tests.append(negation(self._says_any(self._lists.words(test.none_of), said)))
        if test.regex is not None:
            tests.append(lambda seen: patterns.first(sought, said(seen).written) is not None)
        if test.exists is not None:
            tests.append(lambda seen: bool(said(seen).tokens) is test.exists)
        return Condition(path, every(tests), asked_in_words(test), lambda seen: _quoted(said(seen), any_of + all_of, sought))

    def _says_any(self, lists: list[WordList], said: Callable[[Seen], Said]) -> Test[Seen]:
        for words in lists:
            self.index.add(words)
        wanted = frozenset(lists)

        def holds(seen: Seen) -> bool:
            possible = wanted & seen.possible
            return bool(possible) and any(said(seen).find(words) is not None for words in possible)

        return holds

    def decider(self, field: str, test: NumberTest | FlagTest | LabelTest) -> Test[Any]:
        """What answers a test of a field by its value alone. Raises UnknownListError, BadPatternError."""
        if field in SETS:
            assert isinstance(test, LabelTest)
            return self._set_test(test)
        return _of_a_value(self._label_tests(test), test.exists) if isinstance(test, LabelTest) else value_test(test)

    def _label_tests(self, test: LabelTest) -> list[Test[str]]:
        tests: list[Test[str]] = [*map(_is_among, self._wanted(test)), *self._alike(test)]
        if test.not_ is not None:
            tests.append(negation(_is_among(folded(test.not_))))
        return tests

    def _set_test(self, test: LabelTest) -> Test[Collection[str]]:
        tests: list[Test[Collection[str]]] = [*map(_holds_one_of, self._wanted(test)), *map(_any, self._alike(test))]
        if test.not_ is not None:
            tests.append(negation(_holds_one_of(folded(test.not_))))
        if test.exists is not None:
            tests.append(lambda names: bool(names) is test.exists)
        return every(tests)

    def _wanted(self, test: LabelTest) -> list[frozenset[str]]:
        wanted = [folded([test.is_])] if test.is_ is not None else []
        wanted += [folded(test.in_)] if test.in_ is not None else []
        return wanted + ([self._lists.labels(test.in_list)] if test.in_list is not None else [])

    def _alike(self, test: LabelTest) -> list[Test[str]]:
        """What is not asked by equality."""
        tests: list[Test[str]] = []
        if test.near is not None:
            near = test.near
            tests.append(misspelt(self._lists.labels(near.list_), distance=near.distance, min_length=near.min_length))
        if test.regex is not None:
            sought = patterns.compiled(test.regex)
            tests.append(lambda name: patterns.first(sought, name) is not None)
        return tests


@cache
def _fields(where: type[Where]) -> dict[str, str]:
    """The fields of conditions as they are written, by their names in the model."""
    return {name: field.alias or name for name, field in where.model_fields.items()}


def _remembering(number: int, decide: Test[Seen]) -> Test[Seen]:
    def holds(seen: Seen) -> bool | None:
        answers = seen.answers
        if number not in answers:
            answers[number] = decide(seen)
        return answers[number]

    return holds


def _any(test: Test[str]) -> Test[Collection[str]]:
    return lambda names: any(test(name) for name in names)


def _is_among(names: frozenset[str]) -> Test[str]:
    return lambda name: fold_label(name) in names


def _holds_one_of(wanted: frozenset[str]) -> Test[Collection[str]]:
    return lambda names: any(fold_label(name) in wanted for name in names)


def _quoted(said: Said, lists: list[WordList], sought: Sequence[patterns.Pattern]) -> str | None:
    """What was found, for the reasons: of each list its first, as it was said; lists that found the same are quoted once."""
    found = [said.quote(words) for words in map(said.find, lists) if words is not None]
    if (matched := patterns.first(sought, said.written)) is not None:
        found.append(" ".join(matched.split()))
    return ", ".join(f"“{each}”" for each in dict.fromkeys(found)) or None


def value_test(test: NumberTest | FlagTest) -> Test[Any]:
    """What answers a test of a number or a flag by its value alone; of the unknown it knows only that."""
    return _of_a_value(_value_tests(test), test.exists)


def _of_a_value(tests: Sequence[Test[Any]], exists: bool | None) -> Test[Any]:
    asked: list[Test[Any]] = [known(every(tests))] if tests else []
    if exists is not None:
        asked.append(lambda value: (value is not None) is exists)
    return every(asked)


def _value_tests(test: NumberTest | FlagTest) -> list[Test[Any]]:
    return [_comparison(_OPERATORS[name], value) for name, value in test if value is not None and name in _OPERATORS]


def _comparison(compare: Callable[[Any, Any], bool], wanted: Any) -> Test[Any]:
    return lambda value: compare(value, wanted)


def _is_none_of(value: Any, unwanted: Any) -> bool:
    return value not in unwanted if isinstance(unwanted, tuple) else value is not unwanted


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "is_": lambda value, wanted: bool(value == wanted),
    "in_": lambda value, wanted: value in wanted,
    "not_": _is_none_of,
    "lt": lambda value, limit: bool(value < limit),
    "lte": lambda value, limit: bool(value <= limit),
    "gt": lambda value, limit: bool(value > limit),
    "gte": lambda value, limit: bool(value >= limit),
    "between": lambda value, ends: bool(ends[0] <= value <= ends[1]),
}


def asked_in_words(test: NumberTest | FlagTest | LabelTest | WordsTest) -> str:
    """What a test asks, operator by operator, as it is written."""
    asked = test.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return ", ".join(f"{operator} {_brief(value)}" for operator, value in asked.items())


def _brief(value: Any) -> str:
    if isinstance(value, list):
        more = ", …" if len(value) > _ASKED_AT_MOST else ""
        return ", ".join(map(_brief, value[:_ASKED_AT_MOST])) + more
    if isinstance(value, dict):
        return " ".join(f"{name} {_brief(each)}" for name, each in value.items())
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
