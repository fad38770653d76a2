"""Something new is in the air: which terms ring, which are old, and what is remembered of a million of them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.mention import Observed
from rules import Calm, Engine, Finding, RuleFile, States
from rules.terms import PARTS, TERMS_A_PART
from tests.rules.conftest import NOON

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULE: Mapping[str, Any] = {
    "id": "trend",
    "kind": "new_term",
    "field": "hashtags",
    "warm_up": "7d",
    "fire": {"at_least": 5, "within": "2h", "times_expected": 5},
}
FEST = {"subject": "acme", "term": "acmefest"}


def rings(made: Engine, states: States, said: Observed) -> list[str]:
    """The terms that ring because of a mention."""
    return [finding.key["term"] for finding in made.observe(said, states)]


def listening(made: Engine, mention: Mention, since: timedelta = 8 * DAY) -> States:
    """A rule that has heard something that long ago."""
    states = States()
    made.observe(mention(1, at=NOON - since), states)
    return states


def reloaded(states: States) -> States:
    """What a new process would know."""
    return States.load({key: json.loads(json.dumps(state)) for key, state in states.take_dirty().items() if state is not None})


def test_what_nobody_said_before_rings(engine: Make, mention: Mention) -> None:
    """Once so many different people say it as the rule asks; whoever repeats it counts once."""
    made = engine(RULE)
    states = listening(made, mention)
    people = [2, 3, 3, 3, 4, 5, 6]
    found = [
        made.observe(mention(n, author=who, hashtags={"AcmeFest"}, at=NOON + n * MINUTE), states)
        for n, who in enumerate(people, 2)
    ]
    assert [bool(each) for each in found] == [False] * 6 + [True]
    (finding,) = found[-1]
    assert (finding.key, finding.observed, finding.expected, finding.measure) == (FEST, 5, 0, "authors")
    assert finding.labels["term"] == "#AcmeFest"
    assert finding.reasons == (
        "5 authors within 2h",
        "nobody said it in the 7d before",
        "rings from 5 authors, 5 times the usual",
    )


def test_more_people_make_a_term_louder(engine: Make, mention: Mention) -> None:
    """So many are counted as the loudest asks for."""
    made = engine({**RULE, "raise": [{"at_least": 60, "times_expected": 10, "severity": "critical"}]})
    states = listening(made, mention)
    found = [made.observe(mention(n, hashtags={"fest"}, at=NOON), states) for n in range(2, 70)]
    assert [finding.severity for each in found for finding in each] == ["warning"] * 55 + ["critical"] * 9


@pytest.mark.parametrize(("by", "shown"), [("reach", (2, 3)), ("newest", (6, 5))])
def test_it_shows_the_loudest_or_the_newest(by: str, shown: tuple[int, ...], engine: Make, mention: Mention) -> None:
    """As the rule has it."""
    made = engine({**RULE, "evidence": {"top": 2, "by": by}})
    states = listening(made, mention)
    *_, found = [made.observe(mention(n, hashtags={"fest"}, at=NOON + n * MINUTE, reach=100 - n), states) for n in range(2, 7)]
    assert found[0].evidence == shown


def test_spellings_are_one_term(engine: Make, mention: Mention) -> None:
    """Case and accents make no other hashtag."""
    made = engine(RULE)
    states = listening(made, mention)
    spelt = ["AcmeFête", "acmefete", "ACMEFETE", "acmefête", "AcmeFete"]
    found = [rings(made, states, mention(n, hashtags={tag}, at=NOON)) for n, tag in enumerate(spelt, 2)]
    assert found == [[], [], [], [], ["acmefete"]]


def test_until_warmed_up_nothing_is_new(engine: Make, mention: Mention) -> None:
    """Everything would be; and what was said meanwhile is known afterwards."""
    made = engine(RULE)
    states = listening(made, mention, since=6 * DAY)
    assert not any(rings(made, states, mention(n, hashtags={"acmefest"}, at=NOON)) for n in range(2, 30))
    stands = made.tick("trend", FEST, states, NOON)
    assert isinstance(stands, Calm)
    assert "what is usual is still being learnt (needs 1w)" in stands.reasons


def test_what_is_always_said_is_not_new(engine: Make, mention: Mention) -> None:
    """Nine people each while, for a week: nine are nothing, and nor are forty; fifty are."""
    made, states, number = engine(RULE), States(), 0
    for while_ in range(90):
        for person in range(9):
            number += 1
            said = mention(number, author=person, hashtags={"acme"}, at=NOON + while_ * 2 * HOUR)
            assert rings(made, states, said) == []
    later = NOON + 90 * 2 * HOUR
    found = [rings(made, states, mention(5_000 + n, author=100 + n, hashtags={"acme"}, at=later)) for n in range(70)]
    first = next(index for index, each in enumerate(found) if each)
    assert 40 < first + 1 <= 50


def test_a_bad_mood_keeps_an_opportunity_from_ringing(engine: Make, mention: Mention) -> None:
    """`unless` looks at the mean of those who say it; where nobody knows it, it keeps nothing from ringing."""
    made = engine({**RULE, "unless": {"mean_sentiment": {"lt": 0}}})

    def found(*moods: float | None) -> bool:
        states = listening(made, mention)
        said = [rings(made, states, mention(n, hashtags={"acmefest"}, at=NOON, sentiment=m)) for n, m in enumerate(moods, 2)]
        return bool(said[-1])

    assert found(0.5, 0.5, 0.5, 0.5, -0.9)
    assert not found(-0.5, -0.5, -0.5, -0.5, 0.9)
    assert found(None, None, None, None, None)


def test_it_stays_open_for_a_while_and_ends(engine: Make, mention: Mention) -> None:
    """As long as it holds, and `keep_firing_for` after that."""
    made = engine(RULE)
    states = listening(made, mention)
    for n in range(2, 8):
        made.observe(mention(n, hashtags={"acmefest"}, at=NOON), states)
    assert isinstance(made.tick("trend", FEST, states, NOON + 119 * MINUTE), Finding)
    assert isinstance(made.tick("trend", FEST, states, NOON + 5 * HOUR), Calm)


def test_topics_and_words_are_terms_too(engine: Make, mention: Mention) -> None:
    """Of the words, those that say something by themselves."""
    made = engine({**RULE, "id": "topics", "field": "topics"}, {**RULE, "id": "words", "field": "words"})
    states = listening(made, mention)
    said = [mention(n, at=NOON, topics={"price"}, text="Encore une Panne chez vous !") for n in range(2, 7)]
    *_, found = [made.observe(each, states) for each in said]
    assert [(each.rule, each.key["term"]) for each in found] == [("topics", "price"), ("words", "panne")]


def test_each_subject_has_its_own_terms(engine: Make, mention: Mention) -> None:
    """What is new about one was long said of another."""
    made = engine(RULE)
    states = listening(made, mention)
    for n in range(2, 6):
        made.observe(mention(n, hashtags={"acmefest"}, at=NOON, subjects={"acme", "rival"}), states)
    found = made.observe(mention(6, hashtags={"acmefest"}, at=NOON, subjects={"acme"}), states)
    assert [each.subject for each in found] == ["acme"]


def test_very_many_terms_are_bounded_and_hide_nothing(engine: Make, mention: Mention) -> None:
    """Those said least make room; what many people say meanwhile rings all the same."""
    made = engine(RULE)
    states = listening(made, mention)
    found: list[str] = []
    for n in range(2, 20_001):
        tags = {f"t{n}"} | ({"acmefest"} if n % 1_000 == 0 else set())
        found += rings(made, states, mention(n, hashtags=tags, at=NOON + timedelta(seconds=n * 0.2)))
    assert found == ["acmefest"] * 16
    saved = states.take_dirty()
    assert len(saved) <= PARTS + 1
    assert sum(len(state["terms"]) for state in saved.values() if state and "terms" in state) <= PARTS * (TERMS_A_PART + 16)
    assert len(json.dumps(list(saved.values()))) < 600_000


def test_authors_of_one_term_are_bounded(engine: Make, mention: Mention) -> None:
    """Beyond fifty the figure is a lower bound, and says so."""
    made = engine(RULE)
    states = listening(made, mention)
    *_, found = [made.observe(mention(n, hashtags={"acmefest"}, at=NOON), states) for n in range(2, 500)]
    assert found[0].observed == 50
    assert found[0].reasons[0] == "at least 50 authors within 2h"
    assert len(json.dumps(list(states.take_dirty().values()))) < 5_000


def test_what_is_silent_for_as_long_as_the_memory_goes_is_forgotten(engine: Make, mention: Mention) -> None:
    """And is new when it comes back."""
    made = engine(RULE)
    states = listening(made, mention)
    for n in range(2, 7):
        made.observe(mention(n, hashtags={"acmefest"}, at=NOON), states)
    assert made.sweep(states, NOON + 20 * DAY) == 0
    assert made.sweep(states, NOON + 32 * DAY) == 1
    assert not made.remembering("trend").remembers(FEST, states)  # type: ignore[union-attr]


_SAID = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 9), st.sampled_from("abc")), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(said=_SAID, stop=st.integers(0, 40))
def test_a_restart_at_any_point_leaves_what_rings(
    said: list[tuple[int, int, str]], stop: int, mention: Mention, engine: Make
) -> None:
    """What is saved is all that there is."""
    made = engine({**RULE, "fire": {"at_least": 2, "within": "10m", "times_expected": 3}})

    def play(*, restart: bool) -> list[object]:
        states = listening(made, mention)
        found: list[object] = []
        for n, (minute, who, tag) in enumerate(said):
            if restart and n == stop:
                states = reloaded(states)
            found.append(made.observe(mention(n + 2, author=who, hashtags={tag}, at=NOON + minute * MINUTE), states))
        return found

    assert play(restart=True) == play(restart=False)


@settings(max_examples=60, deadline=None)
@given(said=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=30), seed=st.integers(0, 1000))
def test_the_order_of_arrival_within_the_while_changes_no_figure(
    said: list[tuple[int, int]], seed: int, mention: Mention, engine: Make
) -> None:
    """The same people have said it, whoever is heard first."""
    made = engine(RULE)

    def figures(order: list[tuple[int, tuple[int, int]]]) -> tuple[float, float | None]:
        states = listening(made, mention)
        for n, (minute, who) in order:
            made.observe(mention(n + 2, author=who, hashtags={"acmefest"}, at=NOON + minute * MINUTE), states)
        stands = made.tick("trend", FEST, states, NOON + 10 * MINUTE)
        return stands.observed, stands.expected

    plain = list(enumerate(said))
    shuffled = random.Random(seed).sample(plain, len(plain))
    assert figures(plain) == figures(shuffled)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"field": "text"}, "hashtags"),
        ({"memory": "4h"}, "at least memory: 1d"),
        ({"warm_up": "60d"}, "longer than `memory`"),
        ({"fire": {"at_least": 1}}, "greater than or equal to 2"),
        ({"fire": {"at_least": 5, "within": "7d"}}, "from 10m to 2d"),
        ({"unless": {}}, "mean_sentiment"),
    ],
)
def test_mistakes_are_named(wrong: Mapping[str, Any], said: str) -> None:
    """Each with what to write instead."""
    with pytest.raises(ValidationError, match=said):
        RuleFile.model_validate({"version": 1, "rules": [{**RULE, **wrong}]})
