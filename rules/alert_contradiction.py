"""Whether conditions on alerts can hold: as of mentions, but that there may be no mention, of which then nothing is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rules.alert_condition import AlertCompiler, of_the_unknown
from rules.alert_where import AlertWhere, SeverityTest
from rules.contradiction import Asked, Possibilities, Wanted
from rules.matching import SETS
from rules.model import SEVERITIES
from rules.where import LabelTest, WordsTest


class AlertPossibilities(Possibilities):
    """What can be of alerts, with these lists. Of an alert of yesterday nobody knows which names there were: there may be any."""

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        super().__init__(lists, {})
        self._compiler = AlertCompiler(self._lists)

    def shadows(self, one: AlertWhere, other: AlertWhere) -> bool:
        """Whether it is certain that the one takes every alert that the other does, and that the other may take any."""
        return self.clash(Wanted(other)) is None and self.implies(other, one)

    def _can_be(self, field: str, asked: Sequence[Asked]) -> bool:
        return _can_be_unknown(field, asked) or super()._can_be(field, asked)

    def _values(self, field: str, asked: Sequence[Asked]) -> Iterable[Any] | None:
        test: object = asked[0].test
        return SEVERITIES if isinstance(test, SeverityTest) else super()._values(field, asked)


def _can_be_unknown(field: str, asked: Sequence[Asked]) -> bool:
    """Whether texts and sets of names, of which there are none without a mention, answer so where there is none."""
    tests = [(each.test, each.answers) for each in asked if isinstance(each.test, LabelTest | WordsTest)]
    empty = field in SETS or isinstance(asked[0].test, WordsTest)
    return empty and all(of_the_unknown(test) in answers for test, answers in tests)
