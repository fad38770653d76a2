"""Which thresholds are remarked because chance passes them, or because they wait more briefly than anybody looks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from rules import RuleFile
from rules.lint import CODES, Remark, Surroundings, lint

WINDOW: Mapping[str, Any] = {"id": "one", "kind": "window", "window": "1h", "keep_firing_for": "1h"}
SHARE: Mapping[str, Any] = {**WINDOW, "measure": {"share": {"sentiment": {"lt": 0}}}}
MEAN: Mapping[str, Any] = {**WINDOW, "measure": {"mean": "sentiment"}}
FLAT: Mapping[str, Any] = {"id": "one", "kind": "flatline", "window": "6h"}
WORD: Mapping[str, Any] = {"id": "one", "kind": "new_term", "field": "words"}
WAITS: Mapping[str, Any] = {"id": "one", "kind": "absence"}
AMID = Surroundings(lists={}, every={"net": timedelta(minutes=5), "press": timedelta(hours=1)})


def _lint(rule: Mapping[str, Any], amid: Surroundings = AMID) -> list[Remark]:
    return lint(RuleFile.model_validate({"version": 1, "rules": [rule]}).effective(), amid)


@pytest.mark.parametrize(
    ("place", "what", "rule"),
    [
        (
            "times_expected",
            "1.2 times the usual is what comes and goes from hour to hour.",
            {**WINDOW, "fire": {"at_least": 500, "times_expected": 1.2}},
        ),
        (
            "times_expected",
            "where 2 are usual, about one window in 3 holds 3 or more by chance alone.",
            {**WINDOW, "fire": {"at_least": 3, "times_expected": 1.5}},
        ),
        (
            "times_expected",
            "1 times the usual is what comes and goes from hour to hour.",
            {**WINDOW, "measure": {"sum": "author.reach"}, "fire": {"at_least": 90, "times_expected": 1}},
        ),
        (
            "times_expected",
            "1.1 times the usual is what comes and goes from hour to hour.",
            {**WORD, "field": "topics", "fire": {"at_least": 9, "times_expected": 1.1}},
        ),
        (
            "surprise",
            "it rings by chance about once in 4 windows, however many are usual.",
            {**WINDOW, "fire": {"at_least": 9, "surprise": 0.6}},
        ),
        (
            "surprise",
            "it rings by chance about once in 3 windows, however many are usual.",
            {**FLAT, "fire": {"surprise": 0.5}},
        ),
        (
            "at_most_expected",
            "where 5 are usual, about one window in 2 holds 4 or fewer by chance alone.",
            {**FLAT, "fire": {"at_most_expected": 0.8}},
        ),
        (
            "at_most_expected",
            "where 1 is usual, about one window in 3 holds none by chance alone.",
            {**FLAT, "fire": {"usually": 1, "at_most_expected": 0.2}},
        ),
    ],
)
def test_what_chance_brings_every_few_windows_is_remarked(place: str, what: str, rule: Mapping[str, Any]) -> None:
    """With how often, and where."""
    (remark,) = _lint(rule)
    assert (remark.code, remark.path, remark.what) == ("by-chance", ("fire", place), what)
    assert remark.fix.endswith(".")


@pytest.mark.parametrize(
    ("what", "rule"),
    [
        ("it rings for 2 within 1h: a share of so few is chance.", {**SHARE, "fire": {"at_least": 2, "share": 0.4}}),
        ("it rings for 1 within 1h: a mean of so few is chance.", {**MEAN, "fire": {"at_least": 1, "below": -0.3}}),
        ("it rings for 2 within 1h, and asks for nothing else.", {**WINDOW, "fire": {"at_least": 2}}),
        ("it rings for every rare word that 2 people say within 2h.", {**WORD, "fire": {"at_least": 2}}),
    ],
)
def test_a_floor_of_one_or_two_is_remarked(what: str, rule: Mapping[str, Any]) -> None:
    """Of counts, shares, means and words."""
    (remark,) = _lint(rule)
    assert (remark.code, remark.path, remark.what) == ("low-floor", ("fire", "at_least"), what)


@pytest.mark.parametrize(
    ("place", "usual", "what", "rule"),
    [
        ("share", 0.45, "0.45 is", {**SHARE, "fire": {"at_least": 10, "share": 0.4}}),
        ("above", 0.15, "0.15 is", {**MEAN, "fire": {"at_least": 10, "above": 0.1}}),
        ("at_least", 1200, "1,200 are", {**WINDOW, "fire": {"at_least": 1000}}),
    ],
)
def test_a_threshold_below_what_is_usual_is_remarked(place: str, usual: float, what: str, rule: Mapping[str, Any]) -> None:
    """Where a store has learnt that; not where half of that is usual."""
    known = Surroundings(lists={}, usual={"one": ({"subject": "acme"}, usual)})
    (remark,) = _lint(rule, known)
    assert (remark.code, remark.path) == ("always-rings", ("fire", place))
    assert remark.what == f"it rings nearly always: {what} usual within 1h for subject acme."
    assert _lint(rule, Surroundings(lists={}, usual={"one": ({"subject": "acme"}, usual / 2)})) == []


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("window", {**FLAT, "window": "30m", "fire": {"surprise": 3}}),
        ("within", {**WAITS, "within": "30m"}),
        ("within", {**WAITS, "within": "30m", "where": {"source": "net"}}),
    ],
)
def test_what_waits_more_briefly_than_anybody_looks_is_remarked(place: str, rule: Mapping[str, Any]) -> None:
    """What is missing is known once every source that may bring it was asked: an answer may come by any."""
    (remark,) = _lint(rule)
    assert (remark.code, remark.path) == ("told-late", (place,))
    assert remark.what == "it waits for 30m, and a source is asked only every 1h: nobody knows sooner what is missing."
    assert remark.fix == f"Ask that source more often (`every`), or write `{place}: 1h`."


@pytest.mark.parametrize(
    "rule",
    [
        {**WINDOW, "fire": {"at_least": 5, "times_expected": 2}},
        {**WINDOW, "fire": {"at_least": 2, "times_expected": 3}},
        {**WINDOW, "fire": {"at_least": 9, "times_expected": 1.1, "surprise": 2.1}},
        {**WINDOW, "fire": {"at_least": 9, "times_expected": 3, "surprise": 0.5}},
        {**WINDOW, "fire": {"at_least": 1, "surprise": 3}},
        {**WINDOW, "measure": {"sum": "author.reach"}, "fire": {"at_least": 2, "times_expected": 1.5}},
        {**WINDOW, "fire": {"at_least": 2}, "unless": {"mean_sentiment": {"gt": 0}}},
        {**WINDOW, "fire": {"at_least": 3, "times_expected": 1.2}, "signals": {"of": [{"id": "s", "at_least": 9}]}},
        {**SHARE, "fire": {"at_least": 3, "share": 0.2, "times_expected": 1.2}},
        {**MEAN, "fire": {"at_least": 1, "drop": 0.2}},
        {**FLAT, "fire": {"at_most_expected": 0.2}},
        {**FLAT, "fire": {"usually": 20, "at_most_expected": 0.7}},
        {**FLAT, "fire": {"at_most_expected": 0.9, "surprise": 3}},
        {**FLAT, "window": "30m", "where": {"source": "net"}, "fire": {"surprise": 3}},
        {**WORD, "field": "hashtags", "fire": {"at_least": 2}},
        {**WAITS, "within": "1h"},
    ],
)
def test_what_is_above_the_noise_is_not(rule: Mapping[str, Any]) -> None:
    """One comparison that means something is enough, whatever else is asked beside it."""
    assert _lint(rule) == []


def test_each_code_has_its_line_in_the_reference() -> None:
    """So that `--ignore` can name it."""
    assert {"by-chance", "low-floor", "always-rings", "told-late"} <= CODES.keys()
