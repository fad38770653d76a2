"""What holds of every kind of rule, all at work beside each other, whatever is said."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import Engine, Finding, States
from rules.model import RULE_KINDS

if TYPE_CHECKING:
    from tests.rules.conftest import Daemon, MakeDaemon

Mention = Callable[..., Observed]
Make = Callable[..., Engine]
Said = tuple[int, int, str, str]  # when (minutes), who, about what, and what

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
# A long hunt: TOCSIN_EXAMPLES=5000 .venv/bin/pytest tests/rules/test_rules_every_kind.py
EXAMPLES = int(os.environ.get("TOCSIN_EXAMPLES", "25"))
LOOK = timedelta(minutes=2)

OTHERS = {"author.own": False}
PLAIN = {"baseline": {"min_history": "30m", "level": "6h"}}
WINDOW: dict[str, Any] = {"kind": "window", "where": OTHERS, "window": "30m", "keep_firing_for": "10m"}
RULES: list[dict[str, Any]] = [
    {"id": "complaint", "kind": "mention", "where": {**OTHERS, "sentiment": {"lt": -0.5}}, "key": ["author", "subject"]},
    WINDOW | {"id": "count", "fire": {"at_least": 5}, "for": "4m"},
    WINDOW | PLAIN | {"id": "people", "measure": {"distinct": "author"}, "fire": {"at_least": 3, "times_expected": 1.5}},
    WINDOW | PLAIN | {"id": "surprise", "fire": {"at_least": 3, "surprise": 1}},
    WINDOW | {"id": "share", "measure": {"share": {"sentiment": {"lt": 0}}}, "fire": {"at_least": 2, "share": 0.5}},
    WINDOW | {"id": "sum", "measure": {"sum": "author.reach"}, "fire": {"at_least": 80}},
    WINDOW | {"id": "mean", "measure": {"mean": "author.reach"}, "fire": {"at_least": 2, "above": 25}},
    WINDOW
    | {
        "id": "carried",
        "fire": {"at_least": 3},
        "signals": {"of": [{"id": "new", "new_term": {"field": "hashtags", "warm_up": "0s"}, "at_least": 2}]},
    },
    {"id": "drop", "kind": "sentiment_drop", "where": OTHERS, "window": "30m", "fire": {"drop": 0.3, "at_least": 2}, **PLAIN},
    {
        "id": "flat",
        "kind": "flatline",
        "where": OTHERS,
        "window": "30m",
        "fire": {"usually": 1, "at_most_expected": 0.5},
        **PLAIN,
    },
    {
        "id": "term",
        "kind": "new_term",
        "where": OTHERS,
        "field": "hashtags",
        "memory": "2h",
        "warm_up": "10m",
        "fire": {"at_least": 2, "within": "10m", "times_expected": 2},
    },
    {
        "id": "unanswered",
        "kind": "absence",
        "where": {**OTHERS, "intents": "question"},
        "within": "20m",
        "raise": [{"waited": "40m", "severity": "critical"}],
    },
    {"id": "ill", "kind": "source_health"},
]
# Twenty minutes of talk, a storm, a question without an answer, and then silence.
STORY: list[Said] = [
    (0, 1, "acme", "likes"),
    (1, 2, "globex", "likes"),
    (2, 2, "acme", "answers"),
    *((minute, 1 + minute % 5, "acme", "likes") for minute in range(4, 60, 2)),
    *((90 + who, who, "acme", "hates") for who in range(1, 6)),
    (96, 3, "acme", "asks"),
]
WHAT = ["likes", "hates", "hates", "says", "asks", "answers"]
_story = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 5), st.sampled_from(["acme", "globex"]), st.sampled_from(WHAT)), max_size=30
)


def _mentions(mention: Mention, story: Sequence[Said]) -> list[Observed]:
    """What people say, and what we answer: to whoever asked last about the same."""
    found: list[Observed] = []
    asked: dict[str, int] = {}
    for number, (minute, who, about, what) in enumerate(sorted(story), 1):
        more: dict[str, Any] = {"author": who, "own": False, "reach": 10 * who, "hashtags": {"ab"[who % 2]}}
        more["sentiment"] = {"likes": 0.6, "hates": -0.8}.get(what)
        if what == "hates":
            more["hashtags"] = {"fire"}
        elif what == "asks":
            asked[about] = number
            more["intents"] = {"question"}
        elif what == "answers":
            more = {"author": 99, "own": True, "in_thread": True, "replies_to": asked.get(about)}
        found.append(mention(number, at=NOON + timedelta(minutes=minute), subjects={about}, **more))
    return found


def _told(daemon: Daemon, mentions: Sequence[Observed], happens: Callable[[int], object] = bool) -> list[Finding]:
    """What rings in a story and in the hour after it; `happens` after each mention."""
    for number, each in enumerate(mentions):
        daemon.hear(each)
        happens(number)
    daemon.wait(NOON + timedelta(hours=5))
    return daemon.rang


def test_the_story_rings_every_kind(mention: Mention, engine: Make, daemon: MakeDaemon) -> None:
    """So that what is said of all kinds here is said of something. How our sources are does not follow from mentions."""
    rang = _told(daemon(engine(*RULES), look=LOOK), _mentions(mention, STORY))
    assert {rule["id"] for rule in RULES} - {each.rule for each in rang} == {"ill"}
    assert {rule["kind"] for rule in RULES} == set(RULE_KINDS)


@settings(max_examples=EXAMPLES, deadline=None)
@given(story=_story, cuts=st.sets(st.integers(0, 30)))
@example(story=STORY, cuts=set(range(40)))
def test_a_restart_at_any_point_changes_nothing(
    story: list[Said], cuts: set[int], mention: Mention, engine: Make, daemon: MakeDaemon
) -> None:
    """To the last digit, of mentions and of time that passes."""
    rules, mentions = engine(*RULES), _mentions(mention, story)
    through, cut = daemon(rules, look=LOOK), daemon(rules, look=LOOK)

    def restart(number: int) -> None:
        if number in cuts:
            cut.restart()

    assert _told(cut, mentions, restart) == _told(through, mentions)


@settings(max_examples=EXAMPLES, deadline=None)
@given(story=_story)
@example(story=STORY)
def test_splitting_a_stream_by_key_changes_nothing(story: list[Said], mention: Mention, engine: Make, daemon: MakeDaemon) -> None:
    """What is said of others is nothing to any kind. What we answer, all are shown: it says where answers are seen."""
    rules, mentions = engine(*RULES), _mentions(mention, story)
    together = _told(daemon(rules, look=LOOK), mentions)
    for subject in ("acme", "globex"):
        apart = [each for each in mentions if each.author.own or subject in each.subjects]
        assert _told(daemon(rules, look=LOOK), apart) == [each for each in together if each.subject == subject]


@settings(max_examples=EXAMPLES, deadline=None)
@given(story=_story)
@example(story=STORY)
def test_a_rule_rings_among_others_as_it_rings_alone(
    story: list[Said], mention: Mention, engine: Make, daemon: MakeDaemon
) -> None:
    """However many share the index of words and the states."""
    mentions = _mentions(mention, story)
    among = _told(daemon(engine(*RULES), look=LOOK), mentions)
    for rule in RULES:
        alone = _told(daemon(engine(rule), look=LOOK), mentions)
        assert alone == [each for each in among if each.rule == rule["id"]]


@settings(max_examples=4 * EXAMPLES, deadline=None)
@given(
    said=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6), st.sampled_from("ab")), max_size=20),
    more=st.integers(0, 9),
)
def test_one_more_who_says_a_new_term_never_silences_it(
    said: list[tuple[int, int, str]], more: int, mention: Mention, engine: Make
) -> None:
    """Somebody else within the while of the last one: whatever rings, rings beside them, and as loud."""
    rules = engine(RULES[-3] | {"raise": [{"at_least": 4, "severity": "critical"}]})
    told = [
        mention(number, author=who, own=False, hashtags={tag}, at=NOON + timedelta(minutes=20 + minute))
        for number, (minute, who, tag) in enumerate(sorted(said), 2)
    ]
    end = told[-1].written_at if told else NOON + timedelta(minutes=20)
    extra = mention(98, author=7, own=False, hashtags={"a"}, at=end - timedelta(minutes=more))
    last = mention(99, author=8, own=False, hashtags={"a"}, at=end)
    rang = []
    for stream in (told, [*told, extra]):
        states = States()
        for each in [mention(1, own=False, at=NOON), *stream]:
            rules.observe(each, states)
        rang.append([each.severity for each in rules.observe(last, states)])
    without, beside = rang
    assert not without or beside in (without, ["critical"])
