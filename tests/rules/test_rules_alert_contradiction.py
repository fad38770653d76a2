"""Which conditions on alerts take whatever others take: said only where it is certain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import AlertCondition, AlertSeen, AlertWhere
from rules.alert_contradiction import AlertPossibilities
from rules.model import Severity

Mention = Callable[..., Observed]

LISTS = {"rivals": ["globex"], "nobody": [], "words": ["fire", "smoke"]}
SEVERITIES = get_args(Severity)
SUBJECTS = ("acme", "globex", "initech")


def _operators(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """One or two operators of a test."""
    one = [st.fixed_dictionaries({name: value}) for name, value in values.items()]
    return st.one_of(*one, *(st.builds(lambda a, b: {**a, **b}, first, other) for first, other in pairwise(one)))


def _names(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
    lists = st.sampled_from(["rivals", "nobody"])
    return _operators(is_=st.sampled_from(names), **{"in": some, "not": some, "exists": st.booleans(), "in_list": lists}).map(
        lambda test: {name.rstrip("_"): value for name, value in test.items()}
    )


_REACH = st.sampled_from([0, 1, 10, 11, 100])
_SAID = st.lists(st.sampled_from(["fire", "smoke", "ice", "words", "nobody"]), min_size=1, max_size=2, unique=True)
_LOUD = st.sampled_from(SEVERITIES)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "rule": _names("crisis", "storm"),
    "subjects": _names(*SUBJECTS),
    "severity": _operators(**{"in": st.lists(_LOUD, min_size=1, unique=True), "not": _LOUD, "gte": _LOUD, "lte": _LOUD}),
    "author.reach": _operators(gte=_REACH, lt=_REACH, gt=_REACH, lte=_REACH, exists=st.booleans()),
    "author.own": st.sampled_from([{"is": True}, {"not": True}, {"exists": False}]),
    "is_own": st.sampled_from([{"is": True}, {"is": False}, {"exists": True}]),
    "text": _operators(any_of=_SAID, none_of=_SAID, all_of=_SAID, exists=st.booleans()),
}
_FLAT = st.dictionaries(st.sampled_from(sorted(FIELDS)), st.none(), min_size=1, max_size=3).flatmap(
    lambda chosen: st.fixed_dictionaries({name: FIELDS[name] for name in chosen})
)
_BLOCKS = st.one_of(
    st.fixed_dictionaries({"any": st.lists(_FLAT, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"all": st.lists(_FLAT, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"not": _FLAT}),
)
WHERE = st.one_of(_FLAT, st.builds(lambda flat, blocks: {**flat, **blocks}, _FLAT, _BLOCKS), _BLOCKS, st.just({}))


@pytest.fixture(scope="module")
def alerts(mention: Mention) -> list[AlertSeen]:
    """Of all that the tests tell apart, every combination: alerts about one mention, and alerts of which only a key is known."""
    return [*_without_mention(), *_with_mention(mention)]


def _facts() -> Iterator[dict[str, object]]:
    for rule, severity in product(("crisis", "storm", "other"), SEVERITIES):
        yield {"rule": rule, "kind": "mention", "severity": severity, "category": "alert"}


def _without_mention() -> Iterator[AlertSeen]:
    for facts in _facts():
        yield AlertSeen(facts)
        yield from (AlertSeen({**facts, "subjects": frozenset({subject})}) for subject in (*SUBJECTS, "other"))


def _with_mention(mention: Mention) -> Iterator[AlertSeen]:
    subjects = ((), ("acme",), ("globex", "initech"), ("other",))
    for about, reach, own, text in product(
        subjects, (None, 0, 5, 10, 11, 500), (None, True, False), ("", "ice", "fire", "fire, smoke")
    ):
        said = mention(1, subjects=set(about), reach=reach, own=own, text=text)
        yield from (AlertSeen(facts, said) for facts in (*_facts(),)[::4])


TESTS: dict[str, list[Any]] = {
    "severity": ["info", {"gte": "warning"}, {"lte": "warning"}, {"not": "info"}, {"in": ["info", "critical"]}],
    "rule": ["crisis", {"in": ["crisis", "storm"]}, {"not": "crisis"}, {"regex": "^c"}],
    "subjects": ["acme", {"in": ["acme", "globex"]}, {"not": "acme"}, {"in_list": "rivals"}, {"exists": False, "not": "acme"}],
    "author.reach": [{"gte": 10}, {"gt": 10}, {"lt": 10}, {"between": [0, 10]}, {"not": 5}],
    "is_own": [True, {"not": True}],
    "author.own": [False, {"exists": True, "not": False}],
    "text": [{"any_of": "fire"}, {"any_of": "words"}, {"none_of": "words"}, {"all_of": ["fire", "smoke"]}],
}
_KNOWN = [{"exists": True}, {"exists": False}]
PLAIN = [{field: test} for field, tests in TESTS.items() for test in (*tests, *([] if field in {"severity", "rule"} else _KNOWN))]
CONDITIONS: list[dict[str, Any]] = [{}, *PLAIN, *({"not": each} for each in PLAIN), *({"any": pair} for pair in pairwise(PLAIN))]


def test_of_all_pairs_of_conditions_none_is_accused_wrongly(alerts: list[AlertSeen]) -> None:
    """Whoever is said to take all that another takes does, and many a pair is found."""
    possible = AlertPossibilities(LISTS)
    wheres = [AlertWhere.model_validate(each) for each in CONDITIONS]
    compiled = [AlertCondition(where, LISTS) for where in wheres]
    taken = [{at for at, alert in enumerate(alerts) if each.matches(alert)} for each in compiled]
    certain = [
        (one, other)
        for one, other in product(range(len(wheres)), repeat=2)
        if one != other and possible.shadows(wheres[one], wheres[other])
    ]
    assert [(CONDITIONS[one], CONDITIONS[other]) for one, other in certain if not taken[one] >= taken[other]] == []
    really = sum(taken[one] >= taken[other] != set() for one, other in product(range(len(wheres)), repeat=2) if one != other)
    assert len(certain) > really / 2


@given(one=WHERE, other=WHERE)
def test_no_condition_is_accused_wrongly(alerts: list[AlertSeen], one: dict[str, Any], other: dict[str, Any]) -> None:
    """Wherever it is said that the one takes all that the other does, no alert shows otherwise."""
    first, second = AlertWhere.model_validate(one), AlertWhere.model_validate(other)
    if AlertPossibilities(LISTS).shadows(first, second):
        takes, asks = AlertCondition(first, LISTS), AlertCondition(second, LISTS)
        assert [alert for alert in alerts if asks.matches(alert) and not takes.matches(alert)] == []


@given(one=_FLAT, more=_FLAT)
def test_fewer_conditions_take_no_less(one: dict[str, Any], more: dict[str, Any]) -> None:
    """What asks the same and more is found, whatever it asks, unless nothing can pass it."""
    possible, both = AlertPossibilities(LISTS), AlertWhere.model_validate({"all": [one, more]})
    can_be = possible.shadows(AlertWhere(), both)
    assert possible.shadows(AlertWhere.model_validate(one), both) is can_be


@pytest.mark.parametrize(
    ("one", "other", "shadows"),
    [
        ({"severity": {"gte": "warning"}}, {"severity": "critical"}, True),
        ({"severity": {"in": ["info", "warning", "critical"]}}, {"rule": "crisis"}, True),
        ({"rule": {"in": ["crisis", "storm"]}}, {"rule": "Crisis"}, True),
        ({"subjects": {"not": "globex"}}, {"subjects": "acme"}, False),
        ({"text": {"any_of": ["fire", "ice"]}}, {"text": {"any_of": "fire"}}, True),
        ({"text": {"any_of": "words"}}, {"text": {"any_of": "smoke"}}, True),
        ({"text": {"none_of": "fire"}}, {"text": {"exists": False}}, False),
        ({"text": {"none_of": "fire"}}, {"rule": "crisis"}, False),
        ({"author.reach": {"gte": 10}}, {"author.reach": {"gt": 9}}, True),
        ({"author.reach": {"exists": True}}, {"author.reach": {"gte": 1}}, True),
        ({"subjects": {"in_list": "nobody"}}, {"subjects": {"in_list": "nobody"}}, False),
        ({"rule": {"regex": "^crisis"}}, {"rule": "crisis"}, False),
        ({"rule": {"regex": "^crisis"}}, {"rule": {"regex": "^crisis"}, "severity": "critical"}, True),
    ],
)
def test_what_is_certain(one: dict[str, Any], other: dict[str, Any], *, shadows: bool) -> None:
    """Unknown is no answer: who asks what a text does not say does not take an alert without one."""
    assert AlertPossibilities(LISTS).shadows(AlertWhere.model_validate(one), AlertWhere.model_validate(other)) is shadows
