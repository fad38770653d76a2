"""Conditions on alerts: what an alert says of itself, what its mention says, and what nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.alert import Alert, AlertState
from monitor.domain.mention import Observed
from rules import AlertCondition, AlertSeen, AlertWhere, Engine, RuleError, States

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

CRISIS = {"id": "crisis", "kind": "window", "window": "1h", "fire": {"at_least": 1}, "severity": "critical"}
COMPLAINT = {"id": "complaint", "kind": "mention", "where": {"subjects": {"in": ["acme", "globex"]}}}
LISTS = {"words": ["panne"], "graves": ["crisis", "safety"]}


def _condition(where: dict[str, Any]) -> AlertCondition:
    return AlertCondition(AlertWhere.model_validate(where), LISTS, path="routes[0].where")


def _alert(mention: Observed, **said: Any) -> Alert:
    """An alert as the store gives it back."""
    plain: dict[str, Any] = {
        "rule": "complaint", "kind": "mention", "category": "alert", "severity": "warning", "key": {"author": "7"},
        "labels": {"subject": "acme", "network": "mastodon", "source": "here", "form": "post", "language": "fr", "author": "7"},
    }  # fmt: skip
    at = mention.written_at
    return Alert(
        id=1, incident_id=1, fingerprint="", state=AlertState.OPEN, fired_at=at, opened_at=at, last_seen_at=at, told_at=at,
        observed=1, expected=None, measure="mentions", window=timedelta(hours=1), learning=False, coverage=None, reasons=(),
        occurrences=1, plan=None, **{**plain, **said},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("where", "held"),
    [
        ({"rule": "complaint"}, True),
        ({"rule": {"regex": "^crisis"}}, False),
        ({"rule": {"in_list": "graves"}}, False),
        ({"kind": {"in": ["mention", "absence"]}}, True),
        ({"category": {"not": "opportunity"}}, True),
        ({"severity": "warning"}, True),
        ({"severity": {"gte": "warning"}}, True),
        ({"severity": {"gte": "critical"}}, False),
        ({"severity": {"lte": "info"}}, False),
        ({"severity": {"in": ["info", "warning"], "not": "info"}}, True),
        ({"severity": {"not": ["warning"]}}, False),
        ({"subjects": "acme"}, True),
        ({"author.reach": {"gte": 1000}}, True),
        ({"author.tier": "media"}, True),
        ({"author.id": 7}, True),
        ({"intents": {"in": ["press"]}}, True),
        ({"text": {"any_of": "words"}}, True),
        ({"text": {"none_of": "words"}}, False),
        ({"url": {"exists": True}}, False),
        ({"sentiment": {"lt": 0}}, None),
        ({"any": [{"rule": "crisis"}, {"severity": {"gte": "warning"}, "not": {"author.tier": "expert"}}]}, True),
        ({"all": [{"rule": "complaint"}, {"sentiment": {"lt": 0}}]}, None),
        ({"not": {"all": [{"rule": "complaint"}, {"author.reach": 5000}]}}, False),
        ({}, True),
    ],
)
def test_an_alert_is_asked_about_itself_and_about_its_mention(where: dict[str, Any], held: bool | None, mention: Mention) -> None:
    """Both in one language, in blocks as everywhere."""
    said = mention(7, reach=5000, tier="media", intents={"press"}, text="Encore une panne")
    assert _condition(where).holds(AlertSeen.of(_alert(said), said)) is held


_OF_THE_MENTION = [
    {"text": {"any_of": "panne"}},
    {"text": {"none_of": "panne"}},
    {"title": {"regex": "a"}},
    {"topics": "price"},
    {"topics": {"not": "price"}},
    {"author.reach": {"lt": 1000}},
    {"author.own": False},
    {"network": "mastodon"},
    {"language": {"not": "fr"}},
    {"text": {"none_of": "panne", "exists": False}},
]


@given(where=st.sampled_from(_OF_THE_MENTION), wraps=st.lists(st.sampled_from(["not", "any", "all"]), max_size=3))
def test_what_only_a_mention_says_is_unknown_of_a_window(where: dict[str, Any], wraps: list[str], mention: Mention) -> None:
    """Neither true nor false however it is wrapped, and with any of its mentions at hand: that one is there by accident."""
    for wrap in wraps:
        where = {"not": where} if wrap == "not" else {wrap: [where]}
    window = _alert(mention(), rule="crisis", kind="window", key={"subject": "acme"})
    assert _condition(where).holds(AlertSeen.of(window)) is None
    assert _condition(where).holds(AlertSeen.of(window, mention(reach=5, text="panne"))) is None


def test_a_window_is_known_by_its_key(mention: Mention) -> None:
    """Its subject, network, language, or author, as far as the key of its rule names them."""
    seen = AlertSeen.of(_alert(mention(), kind="window", labels={}, key={"subject": "acme", "network": "web", "author": "12"}))
    assert _condition({"subjects": "acme", "network": "web", "author.id": 12, "kind": "window"}).matches(seen)
    assert _condition({"subjects": {"not": "globex"}}).matches(seen)
    assert _condition({"language": {"exists": False}, "text": {"exists": False}, "topics": {"exists": False}}).matches(seen)
    assert _condition({"text": {"exists": True}}).holds(seen) is False


def test_an_alert_about_our_own_health_is_known_by_its_source(mention: Mention) -> None:
    """`source: press` picks what is wrong with it, too."""
    seen = AlertSeen.of(_alert(mention(), rule="source-health", kind="source_health", category="health", key={"source": "press"}))
    assert _condition({"source": "press", "category": "health"}).matches(seen)


def test_without_its_mention_an_alert_says_what_its_labels_do(mention: Mention) -> None:
    """When the mention was erased: the subject under which it is kept, network, source, form and language; no more."""
    seen = AlertSeen.of(_alert(mention()))
    assert _condition({"subjects": "acme", "network": "mastodon", "language": "fr", "source": "here"}).matches(seen)
    assert _condition({"author.reach": {"lt": 1000}}).holds(seen) is None


def test_the_subject_of_the_key_comes_before_those_of_the_mention(mention: Mention) -> None:
    """One post about two brands rings twice: each alert is about its own."""
    said = mention(subjects={"acme", "globex"})
    about_globex = AlertSeen.of(_alert(said, key={"subject": "globex"}), said)
    about_both = AlertSeen.of(_alert(said, key={"author": "mention:7"}), said)
    assert _condition({"subjects": "acme"}).holds(about_globex) is False
    assert _condition({"subjects": "acme"}).holds(about_both) is True
    nobody = AlertSeen.of(_alert(said, key={"author": "mention:7"}, labels={"author": "mention:7"}))
    assert _condition({"author.id": {"exists": True}}).holds(nobody) is False


@pytest.mark.parametrize("rule", [COMPLAINT, CRISIS])
@pytest.mark.parametrize(
    "where", [{"subjects": "acme"}, {"network": "mastodon"}, {"severity": "critical"}, {"author.id": 3}, {"rule": "crisis"}]
)
def test_a_finding_is_seen_as_the_alert_that_it_becomes(
    rule: dict[str, Any], where: dict[str, Any], mention: Mention, engine: Make
) -> None:
    """What is decided before an alert is opened holds when it is read from the store."""
    said = mention(3)
    [finding] = engine(rule).observe(said, States())
    labels = {"subject": str(finding.subject), **finding.labels}
    stored = _alert(said, rule=finding.rule, kind=finding.kind, severity=finding.severity, key=finding.key, labels=labels)
    condition = _condition(where)
    assert condition.holds(AlertSeen.of_finding(finding, said)) is condition.holds(AlertSeen.of(stored, said))
    assert condition.holds(AlertSeen.of_finding(finding)) is condition.holds(AlertSeen.of(stored))


def test_a_condition_on_alerts_explains_itself(mention: Mention) -> None:
    """Each part with what it asks, what it saw and how it fared, and the fields that stand in the way."""
    condition = _condition({"severity": {"gte": "critical"}, "text": {"any_of": "panne"}})
    seen = AlertSeen.of(_alert(mention()), mention(text="en panne"))
    assert [(each.condition, each.seen, each.held) for each in condition.explain(seen)] == [
        ("routes[0].where", None, False),
        ("routes[0].where.text any_of panne", "“panne”", True),
        ("routes[0].where.severity gte critical", "warning", False),
    ]
    assert condition.failed_at(seen) == ["severity"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"severity": "critcal"}, "'info', 'warning' or 'critical'"),
        ({"severity": ["info"]}, "{in: [...]}"),
        ({"severity": {"above": "info"}}, "`above` is not known here"),
        ({"severty": "info"}, "did you mean `severity`?"),
        ({"any": [{"rul": "x"}]}, "did you mean `rule`?"),
        ({"any": []}, "the list is empty"),
        ({"rule": None}, "there is no value here"),
    ],
)
def test_a_mistake_in_a_condition_on_alerts_is_named(where: dict[str, Any], said: str) -> None:
    """As in the conditions of rules."""
    with pytest.raises(ValidationError) as wrong:
        AlertWhere.model_validate(where)
    assert said in str(wrong.value)


def test_what_cannot_be_compiled_is_said_with_its_place() -> None:
    """An unknown list, or a pattern that is none."""
    with pytest.raises(RuleError) as wrong:
        _condition({"any": [{"rule": {"in_list": "grave"}}, {"text": {"regex": "("}}]})
    places = [problem.path for problem in wrong.value.problems]
    assert places == ["routes[0].where.any[0].rule", "routes[0].where.any[1].text"]
    assert "did you mean `graves`?" in str(wrong.value)
