"""The numbers of a rule are found and moved, and what a rule saw says up to which value of each it would have held."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import Engine, Rule, RuleFile, States
from rules.thresholds import thresholds, with_value
from tests.rules.conftest import NOON

WINDOW: dict[str, Any] = {"id": "crisis", "kind": "window", "window": "60m", "key": ["subject"]}


def rule(**written: Any) -> Rule:
    """One rule, written as in a file."""
    return RuleFile.model_validate({"version": 1, "rules": [written]}).effective()[0]


def test_a_window_has_the_thresholds_that_its_fire_names() -> None:
    """Those that say nothing are none, and each can be set while the others stay."""
    crisis = rule(**WINDOW, fire={"at_least": 15, "times_expected": 3})
    found = thresholds(crisis)
    assert [(each.name, each.value, each.step) for each in found] == [("fire.at_least", 15, 1), ("fire.times_expected", 3, 0.1)]
    assert with_value(crisis, found[0], 20.0) == rule(**WINDOW, fire={"at_least": 20, "times_expected": 3})
    assert with_value(crisis, found[1], 4.5) == rule(**WINDOW, fire={"at_least": 15, "times_expected": 4.5})


def test_a_single_number_is_found_however_deep_it_stands() -> None:
    """In a block of alternatives, as the shipped complaint has it."""

    def complaint(least: float) -> Rule:
        any_ = {"any": [{"complaint": {"gte": least}}, {"text": {"any_of": ["broken"]}}]}
        return rule(id="complaint", kind="mention", where={"all": [{"author.own": False}, any_]})

    (found,) = thresholds(complaint(0.8))
    assert (found.name, found.field, found.value, found.rising) == ("complaint.gte", "complaint", 0.8, True)
    assert with_value(complaint(0.8), found, 0.93) == complaint(0.93)


def test_less_rings_less_where_a_number_must_be_low() -> None:
    """A mood below -0.4 is rarer than one below -0.3."""
    (found,) = thresholds(rule(id="mood", kind="mention", where={"sentiment": {"lte": -0.3}}))
    assert (found.name, found.rising) == ("sentiment.lte", False)
    assert found.strength(-0.9) > found.strength(-0.4)


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"subjects": "acme"},
        {"author.reach": {"gte": 1000}, "sentiment": {"lte": -0.3}},
        {"not": {"author.reach": {"lt": 1000}}},
        {"complaint": {"between": [0.5, 0.9]}},
    ],
)
def test_no_number_or_several_are_no_threshold(where: dict[str, Any]) -> None:
    """Which of several to move is a question that only a person can answer."""
    assert thresholds(rule(id="one", kind="mention", where=where)) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6)), min_size=1, max_size=40),
    st.sampled_from(
        [
            {"at_least": 3},
            {"at_least": 2, "times_expected": 1.5},
            {"at_least": 2, "surprise": 1.0},
            {"at_least": 2, "times_expected": 1.2, "surprise": 0.5},
        ]
    ),
)
def test_what_was_reached_tells_when_a_window_rings(said: list[tuple[int, int]], fire: dict[str, Any]) -> None:
    """It rings at a mention if and only if each threshold is reached; and would not with any of them a little higher."""
    crisis = rule(**WINDOW, fire=fire, measure={"distinct": "author"}, baseline={"min_history": "2h"})
    judging, looking, engine = States(), States(), Engine([crisis], {})
    at = NOON
    for number, (minutes, author) in enumerate(said, 1):
        at += timedelta(minutes=minutes)
        mention = observed(number, at, author)
        rang = bool(engine.observe(mention, judging))
        engine.observe(mention, looking)
        reading = engine.read("crisis", {"subject": "acme"}, looking, at)
        assert reading is not None
        asked = {each.path[-1]: each.value for each in thresholds(crisis)}
        assert rang is all(reading.reached[str(name)] >= value * (1 - 1e-9) for name, value in asked.items())
        if rang:
            for each in thresholds(crisis):
                reached = reading.reached[str(each.path[-1])]
                if math.isfinite(reached):
                    higher = Engine([with_value(crisis, each, reached * 1.01 + 1)], {})
                    assert not higher.observe(mention, _again(higher, said[:number]))


def observed(number: int, at: Any, author: int) -> Observed:
    """A mention of acme."""
    from tests.rules.conftest import _mention  # noqa: PLC0415 hypothesis takes no fixture of a function

    return _mention(number, at=at, author=author)


def _again(engine: Engine, said: list[tuple[int, int]]) -> States:
    """What an engine remembers of all but the last mention."""
    states, at = States(), NOON
    for number, (minutes, author) in enumerate(said[:-1], 1):
        at += timedelta(minutes=minutes)
        engine.observe(observed(number, at, author), states)
    return states


def test_reading_rings_nothing(engine: Callable[..., Engine], mention: Callable[..., Observed]) -> None:
    """However often somebody looks, `for` begins when the window fills, and no sooner."""
    made = engine({**WINDOW, "fire": {"at_least": 2}, "for": "10m"})
    states = States()
    assert made.read("crisis", {"subject": "acme"}, states, NOON) is None
    for number in (1, 2):
        assert made.observe(mention(number, at=NOON + timedelta(minutes=number)), states) == []
    for minutes in (5, 11):
        seen = made.read("crisis", {"subject": "acme"}, states, NOON + timedelta(minutes=minutes))
        assert seen is not None
        assert (seen.observed, seen.bar, seen.quiet) == (2, 2, False)
    assert [each.rule for each in made.due(states, NOON + timedelta(minutes=13))] == ["crisis"]


def test_what_counts_nothing_has_no_readings(engine: Callable[..., Engine]) -> None:
    """A rule for single mentions, and one that nobody knows."""
    made = engine({"id": "complaint", "kind": "mention"})
    assert made.read("complaint", {"author": "1"}, States(), NOON) is None
    assert made.read("nobody", {}, States(), NOON) is None
