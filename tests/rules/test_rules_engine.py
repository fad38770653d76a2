"""The engine: whose alert it is, what it carries, and which rules look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from monitor.domain.mention import Observed
from rules import Calm, Engine, States
from tests.rules.conftest import NOON

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

RIVALS = {"id": "rival", "kind": "mention", "where": {"subjects": {"in_list": "rivals"}}, "key": ["subject"]}


REMEMBERING = [
    {"kind": "window", "window": "1h", "fire": {"at_least": 2}},
    {"kind": "sentiment_drop", "fire": {"drop": 0.5}},
    {"kind": "flatline", "where": {}, "window": "1h", "fire": {"usually": 5, "at_most_expected": 0.5}},
    {"kind": "new_term", "field": "hashtags", "fire": {"at_least": 2}},
    {"kind": "absence", "where": {"intents": "question"}, "within": "4h"},
]


@pytest.mark.parametrize("rule", REMEMBERING, ids=lambda rule: rule["kind"])
@pytest.mark.parametrize("key", [{}, {"author": "42"}, {"subject": "acme"}, {"mention": "7"}, {"network": "mastodon"}])
def test_a_key_of_another_kind_is_calm(rule: dict[str, Any], key: dict[str, str], mention: Mention, engine: Make) -> None:
    """An alert outlives an edit that makes a rule of its id one of another kind: that rings for nothing it does not know."""
    rules, states = engine(rule | {"id": "r"}), States()
    rules.observe(mention(1, own=True, in_thread=True), states)  # makes a state of its own, under the key of a network
    assert isinstance(rules.tick("r", key, states, NOON), Calm)
    assert isinstance(rules.tick("r", {**key, "term": "fire", "colour": "red"}, States(), NOON), Calm)


def test_a_mention_rings_with_all_a_person_needs(mention: Mention, engine: Make) -> None:
    """Key, labels, time, severity, evidence, receivers and plan stand in the finding."""
    rule = {"id": "safety", "kind": "mention", "where": {"text": {"any_of": "burnt"}}, "severity": "critical",
            "notify": ["care", "room"], "plan": "recall", "category": "alert"}  # fmt: skip
    said = mention(7, text="It burnt my hand", author=42)
    (finding,) = engine(rule).observe(said, States())
    assert (finding.rule, finding.kind, finding.severity, finding.category) == ("safety", "mention", "critical", "alert")
    assert (finding.key, finding.subject, finding.at, finding.evidence) == ({"author": "42"}, "acme", said.written_at, (7,))
    assert (finding.observed, finding.expected, finding.measure, finding.window) == (1, None, "mentions", None)
    assert (finding.notify, finding.plan, finding.learning) == (("care", "room"), "recall", False)
    assert finding.labels == {"author": "42", "network": "mastodon", "source": "here", "form": "post", "language": "en"}


def test_what_does_not_match_does_not_ring(mention: Mention, engine: Make) -> None:
    """Nor what cannot be known."""
    rules = engine({"id": "a", "kind": "mention", "where": {"sentiment": {"lt": 0}}})
    assert rules.observe(mention(sentiment=0.5), States()) == []
    assert rules.observe(mention(sentiment=None), States()) == []


def test_anonymous_complaints_are_apart(mention: Mention, engine: Make) -> None:
    """Two mentions without an author are two alerts: the second must not hide behind the first."""
    rules = engine({"id": "a", "kind": "mention"})
    keys = [rules.observe(mention(number, author=None), States())[0].key for number in (1, 2)]
    assert keys == [{"author": "mention:1"}, {"author": "mention:2"}]


def test_a_key_may_have_several_parts(mention: Mention, engine: Make) -> None:
    """One alert for each subject, network, source and language; an unknown language is `und`."""
    rules = engine({"id": "a", "kind": "mention", "key": ["subject", "network", "source", "language"]})
    found = rules.observe(mention(subjects={"b", "a"}, language=None), States())
    rest = {"network": "mastodon", "source": "here", "language": "und"}
    assert [finding.key for finding in found] == [{"subject": "a", **rest}, {"subject": "b", **rest}]
    assert [finding.subject for finding in found] == ["a", "b"]


def test_only_the_subjects_asked_for_make_keys(mention: Mention, engine: Make) -> None:
    """A rule about rivals raises no alert about the brand that is named beside them."""
    rules = engine(RIVALS, lists={"rivals": ["globex", "initech"]})
    (finding,) = rules.observe(mention(subjects={"acme", "globex"}), States())
    assert (finding.key, finding.subject) == ({"subject": "globex"}, "globex")
    assert rules.observe(mention(subjects={"acme"}), States()) == []


def test_subjects_asked_for_in_an_all_block_count_too(mention: Mention, engine: Make) -> None:
    """Conditions that must hold anyway choose the keys, wherever they stand."""
    where = {"all": [{"subjects": {"not": "acme"}}, {"network": "mastodon"}], "subjects": {"in": ["globex", "initech"]}}
    rules = engine({"id": "a", "kind": "mention", "where": where, "key": ["subject"]})
    (finding,) = rules.observe(mention(subjects={"globex", "umbrella"}), States())
    assert finding.key == {"subject": "globex"}
    assert rules.observe(mention(subjects={"acme", "globex"}), States()) == []


def test_a_mention_without_a_subject_is_heard(mention: Mention, engine: Make) -> None:
    """Unless the rule asks for subjects, or makes its keys of them."""
    rules = engine({"id": "a", "kind": "mention"}, {"id": "b", "kind": "mention", "key": ["subject"]})
    (finding,) = rules.observe(mention(subjects=set()), States())
    assert (finding.rule, finding.subject) == ("a", None)


def test_rules_speak_in_their_order(mention: Mention, engine: Make) -> None:
    """As they stand in the files, for every set of subjects, however many there are."""
    rules = engine(*({"id": name, "kind": "mention"} for name in "cab"))
    for number in range(5000):
        assert [finding.rule for finding in rules.observe(mention(subjects={str(number)}), States())] == ["c", "a", "b"]


def test_a_rule_can_be_asked_for_by_its_id(engine: Make) -> None:
    """Those who deliver need its realert; None says that it is gone."""
    rules = engine({"id": "a", "kind": "mention", "realert": "48h"})
    rule = rules.rule("a")
    assert rule is not None
    assert rule.realert == timedelta(hours=48)
    assert rules.rule("b") is None


@pytest.mark.parametrize("title", ["", "Panne"])
def test_title_and_text_are_read_together(title: str, mention: Mention, engine: Make) -> None:
    """A review's title complains as loudly as its text."""
    rules = engine({"id": "a", "kind": "mention", "where": {"text": {"any_of": "panne"}}})
    assert len(rules.observe(mention(title=title, text="Rien à dire"), States())) == bool(title)
