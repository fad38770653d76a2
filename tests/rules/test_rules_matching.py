"""Conditions: what holds, what does not, and what cannot be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import Engine, RuleError, States
from rules.logic import every, negation, some
from rules.misspelling import misspelt

Mention = Callable[..., Observed]
Holds = Callable[..., bool | None]
Make = Callable[..., Engine]

CAMPAIGN = ["AcmeFest2026", "acmecares", "acme"]


@pytest.mark.parametrize(
    ("where", "said", "held"),
    [
        ({"network": "mastodon"}, {}, True),
        ({"network": "Mastodon"}, {}, True),
        ({"network": {"is": "x"}}, {}, False),
        ({"network": {"in": ["x", "mastodon"]}}, {}, True),
        ({"network": {"not": "mastodon"}}, {}, False),
        ({"network": {"not": ["x", "y"]}}, {}, True),
        ({"network": {"in_list": "networks"}}, {}, True),
        ({"network": {"in_list": "rivals"}}, {}, False),
        ({"language": {"exists": False}}, {"language": None}, True),
        ({"language": {"exists": True}}, {"language": "fr"}, True),
        ({"language": "fr"}, {"language": None}, None),
        ({"language": {"not": "fr"}}, {"language": None}, None),
        ({"author.handle": "@Léa"}, {"handle": "lea"}, True),
        ({"author.handle": {"exists": True}}, {"handle": ""}, False),
        ({"subjects": "acme"}, {}, True),
        ({"subjects": {"in": ["globex", "acme"]}}, {}, True),
        ({"subjects": {"not": "acme"}}, {"subjects": {"acme", "globex"}}, False),
        ({"subjects": {"not": "acme"}}, {"subjects": {"globex"}}, True),
        ({"subjects": {"in_list": "rivals"}}, {"subjects": {"acme", "globex"}}, True),
        ({"subjects": {"exists": True}}, {"subjects": set()}, False),
        ({"subjects": {"exists": False}}, {"subjects": set()}, True),
        ({"hashtags": "#AcmeFest"}, {"hashtags": {"acmefest"}}, True),
        ({"topics": "price"}, {"topics": set()}, False),
        ({"hashtags": {"near": {"list": "campaign"}}}, {"hashtags": {"acmefset2026"}}, True),
        ({"hashtags": {"near": {"list": "campaign"}}}, {"hashtags": {"#AcmeFest26"}}, True),
        ({"hashtags": {"near": {"list": "campaign"}}}, {"hashtags": {"acmefest2026"}}, False),
        ({"hashtags": {"near": {"list": "campaign"}}}, {"hashtags": {"fun", "acmecare"}}, True),
        ({"hashtags": {"near": {"list": "campaign"}}}, {"hashtags": {"acmecares", "fun"}}, False),
        ({"hashtags": {"near": {"list": "campaign", "distance": 1}}}, {"hashtags": {"acmefst206"}}, False),
        ({"hashtags": {"near": {"list": "campaign", "min_length": 9}}}, {"hashtags": {"acmecare"}}, False),
        ({"hashtags": {"near": {"list": "campaign"}}}, {"hashtags": set()}, False),
        ({"hashtags": {"near": {"list": "campaign"}}}, {"hashtags": {"fest"}}, False),
        ({"hashtags": {"regex": "^acme.*20[0-9]{2}$"}}, {"hashtags": {"acmefest2026"}}, True),
        ({"url": {"regex": r"//(www\.)?acme\."}}, {"url": "https://acme.example/a"}, True),
        ({"url": {"regex": r"//(www\.)?acme\."}}, {"url": None}, None),
        ({"author.handle": {"regex": ["^bot", "bot$"]}}, {"handle": "robot"}, True),
        ({"text": {"regex": r"[0-9]+ ?€"}}, {"text": "Facturé 12 € de trop"}, True),
        ({"text": {"regex": r"(?i)FACTUR\p{L}+"}}, {"text": "Facturé 12 € de trop"}, True),
        ({"text": {"regex": r"FACTUR"}}, {"text": "Facturé 12 € de trop"}, False),
        ({"text": {"regex": "^Objet", "none_of": "trop"}}, {"title": "Objet", "text": "de trop"}, False),
        ({"not": {"text": {"regex": "€"}}}, {"text": "trop cher"}, True),
        ({"intents": {"in": ["refund"], "not": "praise"}}, {"intents": {"refund", "praise"}}, False),
        ({"author.own": False}, {"own": False}, True),
        ({"author.own": False}, {"own": None}, None),
        ({"author.own": {"not": True}}, {"own": None}, None),
        ({"author.own": {"not": True}}, {"own": False}, True),
        ({"author.own": {"exists": False}}, {"own": None}, True),
        ({"is_own": True}, {"own": True}, True),
        ({"author.reach": 10}, {"reach": 10}, True),
        ({"author.reach": {"in": [1, 10]}}, {"reach": 10}, True),
        ({"author.reach": {"not": [1, 10]}}, {"reach": 10}, False),
        ({"author.reach": {"not": 11}}, {"reach": 10}, True),
        ({"author.reach": {"gte": 10, "lt": 20}}, {"reach": 10}, True),
        ({"author.reach": {"gt": 10}}, {"reach": 10}, False),
        ({"author.reach": {"lte": 10}}, {"reach": 10}, True),
        ({"author.reach": {"between": [5, 10]}}, {"reach": 10}, True),
        ({"author.reach": {"gte": 0}}, {"reach": None}, None),
        ({"author.reach": {"exists": False}}, {"reach": None}, True),
        ({"author.reach": {"exists": True, "gte": 5}}, {"reach": None}, False),
        ({"engagement.shares": {"gte": 3}}, {"shares": 3}, True),
        ({"sentiment": {"lte": -0.4}}, {"sentiment": -0.4}, True),
        ({"sentiment": {"lte": -0.4}}, {"sentiment": None}, None),
        ({"text": {"any_of": ["panne", "honte"]}}, {"text": "Quelle honte"}, True),
        ({"text": {"any_of": "words"}}, {"text": "en rade"}, True),
        ({"text": {"any_of": ["words", "honte"]}}, {"text": "rien"}, False),
        ({"text": {"all_of": ["words", "honte"]}}, {"text": "honte"}, False),
        ({"text": {"all_of": ["words", "honte"]}}, {"text": "honte, en panne"}, True),
        ({"text": {"none_of": ["merci"]}}, {"text": "non merci"}, False),
        ({"text": {"none_of": ["merci"]}}, {"text": ""}, True),
        ({"text": {"any_of": "honte"}}, {"title": "Honte", "text": "…"}, True),
        ({"title": {"any_of": "honte"}}, {"title": "Rien", "text": "honte"}, False),
        ({"title": {"exists": False}}, {}, True),
        ({"text": {"exists": True}}, {}, True),
        ({}, {}, True),
        ({"any": [{"network": "x"}, {"sentiment": {"lt": 0}}]}, {"sentiment": None}, None),
        ({"any": [{"network": "mastodon"}, {"sentiment": {"lt": 0}}]}, {"sentiment": None}, True),
        ({"all": [{"network": "mastodon"}, {"sentiment": {"lt": 0}}]}, {"sentiment": None}, None),
        ({"all": [{"network": "x"}, {"sentiment": {"lt": 0}}]}, {"sentiment": None}, False),
        ({"not": {"sentiment": {"lt": 0}}}, {"sentiment": None}, None),
        ({"not": {"sentiment": {"lt": 0}}}, {"sentiment": 0.5}, True),
        ({"not": {"network": "mastodon", "sentiment": {"lt": 0}}}, {"sentiment": -1}, False),
    ],
)
def test_every_operator_means_what_it_says(
    where: dict[str, Any], said: dict[str, Any], held: bool | None, mention: Mention, holds: Holds
) -> None:
    """True, False, or None where the mention does not say."""
    lists = {"networks": ["Mastodon"], "rivals": ["Globex", "Initech"], "words": ["panne", "en rade"], "campaign": CAMPAIGN}
    assert holds(where, mention(**said), lists) is held


_three = st.sampled_from([True, False, None])


@given(values=st.lists(_three, min_size=1, max_size=6))
def test_blocks_follow_the_logic_of_the_unknown(values: list[bool | None]) -> None:
    """As if each unknown were tried both ways: certain only if both ways agree."""
    tests = [lambda _, value=value: value for value in values]
    assert every(tests)(0) is (False if False in values else None if None in values else True)
    assert some(tests)(0) is (True if True in values else None if None in values else False)
    assert negation(every(tests))(0) is some([negation(test) for test in tests])(0)


@given(
    where=st.sampled_from([{"sentiment": {"lt": 0}}, {"author.reach": {"gte": 5}}, {"complaint": 0.5}, {"author.verified": True}])
)
def test_the_unknown_never_matches_however_it_is_wrapped(where: dict[str, Any], mention: Mention, holds: Holds) -> None:
    """Neither bare, nor under `not`, nor under `not` twice."""
    for wrapped in (where, {"not": where}, {"not": {"not": where}}, {"any": [where]}, {"all": [{"not": where}]}):
        assert holds(wrapped, mention()) is None


def test_everything_wrong_is_said_at_once(engine: Make) -> None:
    """Unknown lists, misspelt list names, words that cannot be found, ids used twice: each with its rule and place."""
    bad = {"id": "bad", "kind": "mention"}
    with pytest.raises(RuleError) as wrong:
        engine(
            bad
            | {
                "where": {"text": {"any_of": "word_list"}, "not": {"network": {"in_list": "network"}}, "title": {"none_of": "**"}}
            },
            bad | {"where": {"any": [{"text": {"any_of": "broken"}}, {"title": {"any_of": "broken"}}]}},
            lists={"words": ["ok"], "broken": ["..."], "networks": ["x"]},
        )
    assert [str(problem) for problem in wrong.value.problems] == [
        "rule bad: id: 2 rules have this id: give each its own",
        "rule bad: where.text: there is no list `word_list`; did you mean `words`?",
        "rule bad: where.title: '**' holds no word and no emoji to look for: remove it, or write a word",
        "rule bad: where.not.network: there is no list `network`; did you mean `networks`?",
        "lists.broken: '...' holds no word and no emoji to look for: remove it, or write a word",
    ]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "missing ): ("),
        (r"(\w+) \1", r"invalid escape sequence: \1"),
        ("acme(?=fest)", "invalid perl operator: (?="),
        ("a{9000}", "invalid repetition size: {9000}"),
        ("*", "no argument for repetition operator: *"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(pattern: str, why: str, engine: Make) -> None:
    """In the words of RE2, with what its language does not have."""
    with pytest.raises(RuleError) as wrong:
        engine({"id": "r", "kind": "mention", "where": {"text": {"regex": pattern}}})
    (problem,) = wrong.value.problems
    assert str(problem).startswith(f"rule r: where.text: the pattern `{pattern}` cannot be used: {why}. It is RE2's language:")


def test_a_pattern_is_no_list_of_words(engine: Make) -> None:
    """Thousands of words in one pattern are told where they belong."""
    with pytest.raises(RuleError, match="a pattern has 1,001 characters, and may have 1,000: write words in any_of"):
        engine({"id": "r", "kind": "mention", "where": {"url": {"regex": "x" * 1001}}})


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "((a{1,30}){1,30})c", r"(\s*a\s*)+!"])
def test_no_pattern_explodes(pattern: str, mention: Mention, holds: Holds) -> None:
    """Where a backtracking engine takes longer than the universe, RE2 reads the text once: this test would not end."""
    assert holds({"text": {"regex": pattern}}, mention(text="a" * 50_000 + "é")) is False


@given(st.text(alphabet="abcd", min_size=6, max_size=12), st.integers(0, 11), st.sampled_from(["swap", "drop", "double"]))
def test_one_slip_of_the_finger_is_near(name: str, at: int, slip: str) -> None:
    """Two letters exchanged, one missing or one too many: distance 1, unless it spells the same."""
    at %= len(name) - 1
    typed = {
        "swap": name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        "drop": name[:at] + name[at + 1 :],
        "double": name[: at + 1] + name[at:],
    }[slip]
    assert misspelt({name}, distance=1, min_length=5)(typed) is (typed != name)


def test_an_explanation_quotes_what_a_pattern_found(mention: Mention, engine: Make) -> None:
    """As it was written; what is asked is shown, too."""
    where = {"text": {"regex": r"[0-9]+ €"}, "hashtags": {"near": {"list": "campaign"}}}
    rules = engine({"id": "r", "kind": "mention", "where": where}, lists={"campaign": CAMPAIGN})
    whole, hashtags, text = rules.explain("r", mention(text="Facturé 12 € et 3 €", hashtags={"acmecare"}))
    assert [each.held for each in (whole, hashtags, text)] == [True, True, True]
    assert (text.condition, text.seen) == ("where.text regex [0-9]+ €", "“12 €”")
    assert hashtags.condition == "where.hashtags near list campaign"


def test_an_explanation_shows_each_condition_and_what_it_saw(mention: Mention, engine: Make) -> None:
    """For the question « why was I not told? »."""
    where = {"sentiment": {"lte": -0.4}, "any": [{"text": {"any_of": ["panne", "honte"]}}, {"author.reach": {"gte": 1000}}]}
    told = engine({"id": "a", "kind": "mention", "where": where}).explain("a", mention(text="Quelle honte", sentiment=-0.1))
    assert told == [
        ("where", None, False),
        ("where.sentiment lte -0.4", -0.1, False),
        ("where.any", None, True),
        ("where.any[0].text any_of panne, honte", "“honte”", True),
        ("where.any[1].author.reach gte 1000", None, None),
    ]


def test_an_explanation_of_a_share_shows_both_conditions(mention: Mention, engine: Make) -> None:
    """Those that choose the mentions, and those that are counted."""
    rule = {"id": "s", "kind": "window", "window": "1h", "measure": {"share": {"sentiment": {"lt": 0}}},
            "fire": {"at_least": 1, "share": 0.5}, "where": {"subjects": "acme"}}  # fmt: skip
    assert engine(rule).explain("s", mention(sentiment=-1)) == [
        ("where.subjects is acme", frozenset({"acme"}), True),
        ("measure.share.sentiment lt 0", -1, True),
    ]


def test_a_rule_that_is_not_there_cannot_be_explained(mention: Mention, engine: Make) -> None:
    """The error suggests one that is."""
    with pytest.raises(KeyError, match="did you mean `complaint`"):
        engine({"id": "complaint", "kind": "mention"}).explain("complaints", mention())


@pytest.mark.parametrize(
    ("where", "said", "reason"),
    [
        (
            {"text": {"any_of": ["march* pas", "honte"]}},
            {"text": "ça marche pas, honte"},
            "text “marche pas” (any_of march* pas, honte)",
        ),
        ({"text": {"all_of": ["box", "honte"]}}, {"text": "honte de la box"}, "text “box”, “honte” (all_of box, honte)"),
        ({"author.reach": {"gte": 1000}, "author.own": False}, {"reach": 2500, "own": False}, "author.reach 2,500 (gte 1000)"),
        ({"author.verified": True}, {"verified": True}, "author.verified yes (is true)"),
        ({"any": [{"network": {"in": ["a", "b", "c", "mastodon"]}}, {"form": "x"}]}, {}, "network mastodon (in a, b, c, …)"),
        ({"subjects": {"exists": True}, "not": {"network": "x"}}, {}, "about acme"),
        ({"subjects": "acme"}, {}, "about acme"),
        ({"network": {"exists": True}}, {}, "network mastodon (any)"),
        ({"network": {"exists": True, "not": "web"}}, {}, "network mastodon (not web)"),
        (
            {"text": {"none_of": ["ah"]}, "topics": {"exists": False}, "sentiment": {"lt": 1}},
            {"sentiment": 0},
            "sentiment 0 (lt 1)",
        ),
    ],
)
def test_an_alert_says_why(where: dict[str, Any], said: dict[str, Any], reason: str, mention: Mention, engine: Make) -> None:
    """The facts that made the condition hold; what had to be absent is no fact to show."""
    (finding,) = engine({"id": "a", "kind": "mention", "where": where}).observe(mention(**said), States())
    assert finding.reasons == (reason,)


def test_a_sensitive_mention_is_not_quoted(mention: Callable[..., Any], engine: Make) -> None:
    """Why it rings is said without the words that rang: reasons travel by e-mail, and outlive the mention."""
    rule = {"id": "r", "kind": "mention", "where": {"text": {"any_of": ["ill*", "sick"]}}}
    plain, sensitive = mention(1, text="An illness, “sick”"), mention(2, text="An illness, “sick”", sensitive=True)
    (told,), (masked,) = (engine(rule).observe(each, States()) for each in (plain, sensitive))
    assert told.reasons == ("text “illness” (any_of ill*, sick)",)
    assert masked.reasons == ("text “…” (any_of ill*, sick)",)


def test_a_large_audience_makes_a_complaint_louder(mention: Mention, engine: Make) -> None:
    """The rule rings for everybody; the reason says why it is louder, and an explanation shows both conditions."""
    louder = {"where": {"author.reach": {"gte": 20_000}}, "severity": "critical"}
    rules = engine({"id": "r", "kind": "mention", "where": {"text": {"any_of": "broken"}}, "raise": [louder]})
    (quiet,) = rules.observe(mention(1, text="broken", reach=10), States())
    (loud,) = rules.observe(mention(2, text="broken", reach=20_000), States())
    (unknown,) = rules.observe(mention(3, text="broken", reach=None), States())
    assert [each.severity for each in (quiet, loud, unknown)] == ["warning", "critical", "warning"]
    assert loud.reasons == ("text “broken” (any_of broken)", "author.reach 20,000 (gte 20000)")
    assert [(each.condition, each.held) for each in rules.explain("r", mention(4, text="fine", reach=10))] == [
        ("where.text any_of broken", False),
        ("raise[0].where.author.reach gte 20000", False),
    ]
