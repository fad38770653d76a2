"""What is remarked about rules, and what is not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from rules import RuleFile
from rules.lint import CODES, Remark, Surroundings, lint

MENTION: Mapping[str, Any] = {"id": "one", "kind": "mention", "where": {"text": {"any_of": ["broken"]}}}
WINDOW: Mapping[str, Any] = {"id": "one", "kind": "window", "window": "1h", "fire": {"at_least": 10}}
DROP: Mapping[str, Any] = {"id": "one", "kind": "sentiment_drop"}
FLAT: Mapping[str, Any] = {"id": "one", "kind": "flatline", "window": "6h", "fire": {"surprise": 3, "at_most_expected": 0.2}}
NEW: Mapping[str, Any] = {"id": "one", "kind": "new_term", "field": "topics", "fire": {"at_least": 9}}
WAITS: Mapping[str, Any] = {"id": "one", "kind": "absence", "within": "4h"}
TERM: Mapping[str, Any] = {"id": "new", "new_term": {"field": "topics"}, "at_least": 5}
MOOD: Mapping[str, Any] = {"id": "mood", "measure": {"mean": "sentiment"}, "below": 0, "at_least": 5}
NOBODY: Mapping[str, Any] = {"author.own": True, "not": {"author.own": True}}
AMID = Surroundings(
    lists={"trouble": ("broken", "awful"), "nobody": ()},
    names={"subjects": ("acme", "globex")},
    every={"net": timedelta(minutes=10)},
    unheard=("ghost",),
)


def _lint(*written: Mapping[str, Any], amid: Surroundings = AMID) -> list[Remark]:
    return lint(RuleFile.model_validate({"version": 1, "rules": list(written)}).effective(), amid)


@pytest.mark.parametrize(
    ("code", "place", "rule"),
    [
        ("never-rings", "where.sentiment", {**MENTION, "where": {"sentiment": {"lt": -0.5, "gt": 0.5}}}),
        ("never-rings", "where.text", {**MENTION, "where": {"text": {"any_of": "nobody"}}}),
        ("never-rings", "where", {**WINDOW, "where": {"all": [{"subjects": "acme"}, {"subjects": "globex"}]}}),
        ("never-rings", "where", {**WINDOW, "where": {"subjects": {"exists": False}}}),
        ("never-rings", "key", {**WINDOW, "key": ["author"], "measure": {"distinct": "author"}}),
        (
            "never-rings",
            "measure.share.author.own",
            {
                **WINDOW,
                "where": {"author.own": True},
                "measure": {"share": {"author.own": False}},
                "fire": {"at_least": 3, "share": 0.2},
            },
        ),
        ("dead-alternative", "where.any.1", {**MENTION, "where": {"any": [{"network": "web"}, {"complaint": {"gte": 80}}]}}),
        ("never-louder", "raise.0.severity", {**MENTION, "raise": [{"where": {"network": "web"}, "severity": "info"}]}),
        (
            "never-louder",
            "raise.0.where",
            {**MENTION, "raise": [{"where": {"text": {"none_of": "trouble"}}, "severity": "critical"}]},
        ),
        (
            "never-louder",
            "raise.0.at_least",
            {**WINDOW, "measure": {"distinct": "author"}, "raise": [{"at_least": 6000, "severity": "critical"}]},
        ),
        ("always-louder", "raise.0", {**MENTION, "raise": [{"where": {"text": {"any_of": "trouble"}}, "severity": "critical"}]}),
        ("always-louder", "raise.0", {**WINDOW, "raise": [{"at_least": 10, "severity": "critical"}]}),
        ("always-louder", "raise.0", {**DROP, "raise": [{"drop": 0.2, "severity": "critical"}]}),
        ("never-louder", "raise.0.severity", {**DROP, "raise": [{"drop": 0.5, "severity": "info"}]}),
        ("always-louder", "raise.0", {**FLAT, "raise": [{"surprise": 2, "usually": 5, "severity": "critical"}]}),
        ("always-louder", "raise.0", {**FLAT, "raise": [{"at_most_expected": 0.3, "severity": "critical"}]}),
        ("always-louder", "raise.0", {**NEW, "raise": [{"at_least": 9, "severity": "critical"}]}),
        ("always-louder", "raise.0", {**WAITS, "raise": [{"waited": "3h", "severity": "critical"}]}),
        ("never-louder", "raise.0.waited", {**WAITS, "raise": [{"waited": "8d", "severity": "critical"}]}),
        (
            "never-louder",
            "raise.0.where",
            {**WAITS, "where": {"sentiment": {"gt": 0}}, "raise": [{"where": {"sentiment": {"lt": 0}}, "severity": "critical"}]},
        ),
        ("never-rings", "signals.of.0.where", {**WINDOW, "signals": {"of": [{**TERM, "where": NOBODY}]}}),
        (
            "never-rings",
            "signals.of.0.where",
            {**WINDOW, "where": {"network": "web"}, "signals": {"of": [{**TERM, "where": {"network": "x"}}]}},
        ),
        ("dead-signal", "signals.of.1.where", {**WINDOW, "signals": {"of": [TERM, {**MOOD, "where": NOBODY}]}}),
        (
            "never-rings",
            "signals.of.0.at_least",
            {**WINDOW, "key": ["author"], "signals": {"of": [{"id": "a", "measure": {"distinct": "author"}, "at_least": 2}]}},
        ),
        ("low-floor", "fire.at_least", {**WINDOW, "fire": {"at_least": 2}}),
        ("unheard", "notify", {**MENTION, "notify": ["ghost"]}),
        ("rings-again", "realert", {**WINDOW, "realert": "30m"}),
        ("outlasts-window", "for", {**WINDOW, "for": "2h"}),
        ("flaps", "keep_firing_for", {**WINDOW, "keep_firing_for": "9m"}),
        (
            "forgets",
            "baseline.min_history",
            {**WINDOW, "fire": {"at_least": 10, "surprise": 2}, "baseline": {"level": "1d", "min_history": "6d"}},
        ),
        ("no-effect", "baseline.min_history", {**WINDOW, "baseline": {"min_history": "2d"}}),
        ("bad-language", "where.language", {**MENTION, "where": {"language": "french"}}),
    ],
)
def test_what_cannot_be_meant_is_remarked(code: str, place: str, rule: Mapping[str, Any]) -> None:
    """By its name, at its place, with what to do; and nothing else is."""
    (remark,) = _lint(rule)
    assert (remark.code, ".".join(map(str, remark.path)), remark.rule) == (code, place, "one")
    assert remark.code in CODES
    assert remark.what.endswith(".")
    assert remark.fix.endswith(".")


@pytest.mark.parametrize(
    "rule",
    [
        MENTION,
        WINDOW,
        {**MENTION, "where": {"any": [{"complaint": {"gte": 0.8}}, {"sentiment": {"lte": -0.3}}]}},
        {**MENTION, "raise": [{"where": {"author.reach": {"gte": 1000}}, "severity": "critical"}]},
        {**MENTION, "notify": ["ghost", "somebody"]},
        {**WINDOW, "fire": {"at_least": 2, "times_expected": 3}},
        {**WINDOW, "raise": [{"at_least": 20, "severity": "critical"}, {"times_expected": 2, "severity": "critical"}]},
        {**WINDOW, "key": ["author"], "measure": {"distinct": "author"}, "fire": {"at_least": 1, "times_expected": 5}},
        {**WINDOW, "fire": {"at_least": 5, "times_expected": 2}, "baseline": {"min_history": "7d"}},
        {**MENTION, "where": {"language": {"in": ["fr", "und"]}}},
        {
            **WINDOW,
            "measure": {"mean": "sentiment"},
            "fire": {"at_least": 9, "drop": 0.2},
            "raise": [{"drop": 0.5, "severity": "critical"}],
        },
        {**DROP, "raise": [{"drop": 0.5, "severity": "critical"}, {"at_least": 40, "severity": "critical"}]},
        {**FLAT, "raise": [{"at_most_expected": 0.1, "severity": "critical"}, {"surprise": 5, "severity": "critical"}]},
        {**FLAT, "fire": {"surprise": 3}, "raise": [{"at_most_expected": 0.3, "severity": "critical"}]},
        {
            **WAITS,
            "raise": [{"waited": "8h", "severity": "critical"}, {"where": {"author.reach": {"gte": 9}}, "severity": "critical"}],
        },
        {**WINDOW, "signals": {"of": [TERM, MOOD]}},
        {**NEW, "raise": [{"at_least": 40, "severity": "critical"}]},
    ],
)
def test_what_can_be_meant_is_not(rule: Mapping[str, Any]) -> None:
    """However strict or loose."""
    assert _lint(rule) == []


def test_a_floor_below_what_is_usual_is_remarked() -> None:
    """With the figures and the key; not where the rule asks for more than usual anyway."""
    amid = Surroundings(lists={}, usual={"one": ({"subject": "acme"}, 23.4)})
    (remark,) = _lint(WINDOW, amid=amid)
    assert remark.code == "always-rings"
    assert remark.what == "it rings nearly always: 23 are usual within 1h for subject acme."
    assert _lint({**WINDOW, "fire": {"at_least": 10, "times_expected": 3}}, amid=amid) == []
    assert _lint({**WINDOW, "fire": {"at_least": 24}}, amid=amid) == []


@pytest.mark.parametrize(
    ("first", "second", "needless"),
    [
        (MENTION, MENTION, "two"),
        (WINDOW, WINDOW, "two"),
        (MENTION, {**MENTION, "where": {"text": {"any_of": ["broken"]}, "network": "web"}}, "two"),
        ({**MENTION, "where": {"author.reach": {"gt": 10}}}, {**MENTION, "where": {"author.reach": {"gte": 10}}}, "one"),
        (WINDOW, {**WINDOW, "fire": {"at_least": 20}}, "two"),
        (MENTION, {**MENTION, "severity": "info"}, "two"),
    ],
)
def test_a_rule_that_says_nothing_new_is_remarked(first: Mapping[str, Any], second: Mapping[str, Any], needless: str) -> None:
    """Of two that are the same, the later one; of two of which one says more, the other."""
    (remark,) = _lint(first, {**second, "id": "two"})
    assert (remark.code, remark.rule) == ("adds-nothing", needless)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (MENTION, {**MENTION, "severity": "critical", "where": {"text": {"any_of": ["broken"]}, "author.reach": {"gte": 10}}}),
        (MENTION, {**MENTION, "notify": ["somebody"]}),
        (MENTION, {**MENTION, "key": ["subject"]}),
        (MENTION, {**MENTION, "plan": "storm", "where": {"network": "web", "text": {"any_of": ["broken"]}}}),
        ({**WINDOW, "fire": {"at_least": 10, "times_expected": 3}}, {**WINDOW, "where": {"network": "web"}}),
        (WINDOW, {**WINDOW, "window": "2h"}),
        (MENTION, {**WINDOW, "key": ["author"]}),
    ],
)
def test_a_rule_that_says_something_else_is_not(first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    """Louder, to other people, for other keys, with a plan, or over another time."""
    assert _lint(first, {**second, "id": "two"}) == []


def test_what_never_rings_is_not_compared() -> None:
    """Whatever is impossible implies all else: that would be no news."""
    dead = {**MENTION, "id": "two", "where": {"sentiment": {"gt": 2}}}
    assert [remark.code for remark in _lint(MENTION, dead)] == ["never-rings"]
