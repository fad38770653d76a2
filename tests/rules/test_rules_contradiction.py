"""Whether conditions can hold: what is called impossible never happens, and the plain contradictions are seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import Engine, States
from rules.contradiction import DOES_NOT_HOLD, Possibilities, Wanted
from rules.figures import FiguresWhere
from rules.where import Where

Make = Callable[..., Engine]
Mention = Callable[..., Observed]

LISTS = {"trouble": ("broken", "refund ~", "no answer"), "rivals": ("globex", "initech"), "nobody": ()}
NAMES = {"subjects": ("acme", "globex"), "network": ("mastodon", "web")}
WORDS = ("broken", "refund", "refund ~", "no answer", "trouble", "nobody", "re*", "not")

_share = st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0])
_count = st.sampled_from([-1, 0, 1, 2, 2.5, 10])
_name = st.sampled_from(["acme", "globex", "Umbrella", "mastodon"])
_words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2)


def _some_of(**operators: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.sets(st.sampled_from(sorted(operators)), min_size=1, max_size=2).flatmap(
        lambda names: st.fixed_dictionaries({name: operators[name] for name in sorted(names)})
    )


def _number(value: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    between = st.tuples(value, value).map(sorted)
    several = st.lists(value, min_size=1, max_size=2)
    return value | _some_of(
        lt=value, lte=value, gt=value, gte=value, between=between, exists=st.booleans(), **{"in": several, "not": several}
    )


_labels = _name | _some_of(
    regex=st.sampled_from(["acme", "^$", "."]),
    exists=st.booleans(),
    in_list=st.sampled_from(["rivals", "nobody"]),
    near=st.just({"list": "rivals"}),
    **{"in": st.lists(_name, min_size=1, max_size=2), "not": _name},
)
_flags = st.booleans() | _some_of(**{"not": st.booleans(), "exists": st.booleans()})
_texts = _some_of(any_of=_words, all_of=_words, none_of=_words, exists=st.booleans(), regex=st.sampled_from(["broken", "."]))

_FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    "sentiment": _number(_share),
    "author.reach": _number(_count),
    "author.own": _flags,
    "is_own": _flags,
    "network": _labels,
    "subjects": _labels,
    "text": _texts,
}


@st.composite
def _conditions(draw: st.DrawFn, depth: int = 1) -> dict[str, Any]:
    """One or two conditions, and blocks of such."""
    where = {name: draw(_FIELDS[name]) for name in draw(st.sets(st.sampled_from(sorted(_FIELDS)), min_size=1, max_size=2))}
    for block in draw(st.sets(st.sampled_from(["any", "all", "not"]), max_size=2)) if depth else ():
        inner = _conditions(depth - 1)
        where[block] = draw(inner if block == "not" else st.lists(inner, min_size=1, max_size=2))
    return where


_said = st.fixed_dictionaries(
    {
        "sentiment": st.none() | st.sampled_from([-1.0, -0.75, -0.5, 0.0, 0.3, 0.5, 1.0]),
        "reach": st.none() | st.sampled_from([0, 1, 2, 3, 10, 11]),
        "own": st.none() | st.booleans(),
        "network": st.sampled_from(["mastodon", "web", "Web"]),
        "subjects": st.sets(st.sampled_from(NAMES["subjects"])),
        "text": st.lists(st.sampled_from(["broken", "refund", "no answer", "not", "hello", "."]), max_size=4).map(" ".join),
    }
)


def _possible() -> Possibilities:
    return Possibilities(LISTS, NAMES)


def _answers(engine: Make, where: Mapping[str, Any], said: Iterable[Observed]) -> set[bool | None]:
    probe = engine({"id": "probe", "kind": "mention", "where": where}, lists=LISTS)
    return {probe.explain("probe", each)[0].held for each in said}


def _parsed(where: Mapping[str, Any]) -> Where:
    return Where.model_validate(where)


@settings(max_examples=60)
@given(_conditions(), st.lists(_said, min_size=1, max_size=8))
def test_what_is_called_impossible_never_happens(
    engine: Make, mention: Mention, where: dict[str, Any], said: list[dict[str, Any]]
) -> None:
    """Whatever the conditions and the mentions: no false alarm."""
    never = _possible().clash(Wanted(_parsed(where))) is not None
    always = _possible().clash(Wanted(_parsed(where), DOES_NOT_HOLD)) is not None
    if never or always:
        answers = _answers(engine, where, (mention(**each) for each in said))
        assert not (never and True in answers)
        assert not (always and answers - {True})


@settings(max_examples=60)
@given(_conditions(), _conditions(), st.lists(_said, min_size=1, max_size=8))
def test_what_is_called_implied_holds(
    engine: Make, mention: Mention, one: dict[str, Any], other: dict[str, Any], said: list[dict[str, Any]]
) -> None:
    """Wherever the one holds, the other does."""
    if _possible().implies(_parsed(one), _parsed(other)):
        both = engine(
            {"id": "one", "kind": "mention", "where": one}, {"id": "other", "kind": "mention", "where": other}, lists=LISTS
        )
        for each in said:
            rang = {finding.rule for finding in both.observe(mention(**each), States())}
            assert rang != {"one"}


@pytest.mark.parametrize(
    "where",
    [
        {"sentiment": {"lt": -0.5, "gt": 0.5}},
        {"all": [{"sentiment": {"lt": 0}}, {"sentiment": {"gte": 0}}]},
        {"sentiment": {"lt": -0.5}, "not": {"sentiment": {"lte": 0}}},
        {"complaint": {"gte": 80}},
        {"complaint": {"gt": 1}},
        {"author.reach": {"gt": 10, "lt": 11}},
        {"author.reach": {"lt": 0}},
        {"sentiment": {"lt": 0, "exists": False}},
        {"all": [{"author.own": True}, {"any": [{"author.own": False}, {"author.own": {"exists": False}}]}]},
        {"author.own": True, "is_own": False},
        {"all": [{"network": "web"}, {"network": {"in": ["mastodon", "x"]}}]},
        {"network": "tiktok"},
        {"network": {"not": ["web", "mastodon"]}},
        {"subjects": {"exists": False, "in": ["acme"]}},
        {"all": [{"subjects": "acme"}, {"subjects": {"not": "acme"}}]},
        {"all": [{"url": {"regex": "blog"}}, {"not": {"url": {"regex": "blog"}}}]},
        {"url": {"in_list": "nobody"}},
        {"text": {"any_of": "nobody"}},
        {"text": {"any_of": ["broken"], "none_of": "trouble"}},
        {"all": [{"text": {"all_of": ["broken", "hello"]}}, {"not": {"text": {"any_of": ["hello"]}}}]},
        {"text": {"any_of": ["broken"], "exists": False}},
        {"not": {}},
    ],
)
def test_a_contradiction_is_seen(where: Mapping[str, Any]) -> None:
    """Of numbers, flags, names, sets and words, in blocks and out of them."""
    assert _possible().clash(Wanted(_parsed(where))) is not None


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"sentiment": {"lte": 0, "gte": 0}},
        {"all": [{"subjects": "acme"}, {"subjects": "globex"}]},
        {"author.reach": {"gte": 10, "lte": 10}},
        {"author.id": {"gt": 7, "lt": 8}},
        {"network": {"not": "web"}},
        {"url": {"regex": "blog", "not": "blog"}},
        {"text": {"any_of": ["broken", "hello"], "none_of": ["broken"]}},
        {"any": [{"complaint": {"gte": 80}}, {"text": {"any_of": ["broken"]}}]},
    ],
)
def test_what_can_be_is_left_alone(where: Mapping[str, Any]) -> None:
    """However narrow."""
    assert _possible().clash(Wanted(_parsed(where))) is None


def test_more_ways_than_anybody_looks_at_count_as_possible() -> None:
    """Ten choices among ten, and a contradiction behind them all: nobody waits for the answer."""
    choice = {"any": [{"url": f"u{number}"} for number in range(10)]}
    where = {"all": [*[choice] * 6, {"any": [{"sentiment": {"gt": 2}}]}]}
    assert _possible().clash(Wanted(_parsed(where))) is None


@pytest.mark.parametrize(
    ("figures", "possible"),
    [
        ({"negative_share": {"gte": 0.4}, "scored": {"gte": 30}}, True),
        ({"negative_share": {"gte": 40}}, False),
        ({"authors": {"between": [0.2, 0.8]}}, False),
        ({"firing": True, "not": {"firing": {"is": True}}}, False),
        ({"any": [{"safety_risk": True}, {"reach": {"lt": 0}}]}, True),
    ],
)
def test_conditions_on_figures_are_judged_likewise(figures: Mapping[str, Any], *, possible: bool) -> None:
    """Shares go from 0 to 1, counts are whole, and a level of a plan that nothing asks for is found out."""
    assert (Possibilities({}, {}).clash(Wanted(FiguresWhere.model_validate(figures))) is None) is possible
