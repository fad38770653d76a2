"""A person is taken out of what rules remember; how many spoke stays, and what others said."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import Engine, States
from rules.forgetting import Person, terms_of, without
from rules.state import StateKey

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HER = 4_711_000
KEY = {"subject": "acme"}
PEOPLE: dict[str, Any] = {"kind": "window", "window": "1h", "measure": {"distinct": "author"}, "fire": {"at_least": 9}}
RULES: dict[str, dict[str, Any]] = {
    "people": {"id": "people", **PEOPLE},
    "each": {"id": "each", **PEOPLE, "key": ["author"]},
    "reach": {"id": "reach", "kind": "window", "window": "1h", "measure": {"sum": "author.reach"}, "fire": {"at_least": 9}},
    "news": {"id": "news", "kind": "new_term", "field": "words", "fire": {"at_least": 9, "within": "1h"}},
    "waits": {"id": "waits", "kind": "absence", "within": "1h"},
    "quiet": {
        "id": "quiet", "kind": "flatline", "window": "1h", "measure": {"distinct": "author"},
        "fire": {"usually": 1, "at_most_expected": 0.1},
    },
}  # fmt: skip


def _heard(rules: Engine, said: Sequence[Observed]) -> dict[StateKey, dict[str, Any]]:
    """What is saved of it."""
    states = States()
    for mention in said:
        rules.observe(mention, states)
    saved = {key: state for key, state in states.take_dirty().items() if state is not None}
    return {key: json.loads(json.dumps(state)) for key, state in saved.items()}


def _her(said: Sequence[Observed]) -> Person:
    own = [mention for mention in said if mention.author.id == HER]
    terms: defaultdict[str, set[int]] = defaultdict(set)
    for each in own:
        for term in terms_of(each.title, each.text, each.hashtags | each.topics):
            terms[term].add(each.id)
    return Person(HER, {mention.id for mention in own}, terms)


def _forgotten(saved: dict[StateKey, dict[str, Any]], person: Person) -> dict[StateKey, Any]:
    left = {key: without(key[2], state, person) for key, state in saved.items()}
    return {key: state for key, state in left.items() if state is not None}


def _said(mention: Mention) -> list[Observed]:
    """She speaks three times, over hours, and so do others: of the fire all, of the kettle she alone."""
    times = [
        (HER, 0, "kettle on fire"),
        (2, 1, "fire"),
        (HER, 30, "kettle"),
        (3, 100, "fire"),
        (HER, 130, "kettle"),
        (2, 131, "smoke"),
    ]
    return [mention(n, author=who, at=NOON + at * MINUTE, text=text, reach=7) for n, (who, at, text) in enumerate(times, 11)]


@pytest.mark.parametrize("rule", RULES)
def test_nothing_of_a_person_is_left(rule: str, mention: Mention, engine: Make) -> None:
    """Neither our number for them, nor a word that they alone have used; and the rule goes on with what is left."""
    rules, said = engine(RULES[rule]), _said(mention)
    saved = _heard(rules, said)
    left = _forgotten(saved, _her(said))
    assert rule == "reach" or str(HER) in str(saved)
    assert str(HER) not in str(left)
    assert "kettle" not in str(left)
    states = States.load(left)
    rules.observe(mention(99, author=9, at=NOON + 140 * MINUTE), states)
    rules.due(states, NOON + 150 * MINUTE)
    assert _forgotten(left, _her(said)) == left


def test_as_many_spoke_as_spoke(mention: Mention, engine: Make) -> None:
    """Somebody whom nobody knows stands in the person's place."""
    rules, said = engine(RULES["people"]), _said(mention)[-3:]
    states = States.load(_forgotten(_heard(rules, said), _her(said)))
    assert rules.tick("people", KEY, states, NOON + 135 * MINUTE).observed == 3


def test_what_others_said_is_left(mention: Mention, engine: Make) -> None:
    """A word that one other person has used stays, also where they did so long ago."""
    rules, said = engine(RULES["news"]), _said(mention)
    terms = {name for state in _forgotten(_heard(rules, said), _her(said)).values() for name in state.get("terms", ())}
    assert terms == {"fire", "smoke"}


def test_a_name_by_which_others_called_a_person_goes(mention: Mention, engine: Make) -> None:
    """Where it was heard in nothing but that: the same word elsewhere is a word."""
    texts = ["@zelda.rose look", "a rose", "look"]
    said = [mention(n, author=n, at=NOON + n * MINUTE, text=text) for n, text in enumerate(texts, 1)]
    person = Person(HER, set(), {"zelda": {1}, "rose": {1}})
    terms = {
        name for state in _forgotten(_heard(engine(RULES["news"]), said), person).values() for name in state.get("terms", ())
    }
    assert terms == {"rose"}


def test_who_is_a_stranger_to_a_state_changes_nothing_in_it(mention: Mention, engine: Make) -> None:
    """Not a digit."""
    saved = _heard(engine(*RULES.values()), [each for each in _said(mention) if each.author.id != HER])
    assert _forgotten(saved, Person(HER, {11, 13, 15}, {"kettle": {11, 13, 15}})) == saved


def test_a_state_of_an_earlier_version_is_understood() -> None:
    """A window of people was a list of its slices once."""
    state = {"tally": [[7, [2, HER]], [8, [3]]], "contributors": [[5, 1.0, 11], [5, 2.0, 12]]}
    left = without(json.dumps(KEY), state, Person(HER, {11}, {}))
    assert left == {"tally": [[7, [-11, 2]], [8, [3]]], "contributors": [[5, 2.0, 12]]}


@given(
    said=st.lists(
        st.tuples(st.sampled_from([HER, 2, 3]), st.integers(0, 400), st.sampled_from(["kettle", "fire", "smoke"])), max_size=25
    )
)
def test_no_word_stays_that_only_one_has_used(mention: Mention, engine: Make, said: list[tuple[int, int, str]]) -> None:
    """In whatever order, and however long ago."""
    heard = [mention(n, author=who, at=NOON + at * MINUTE, text=text) for n, (who, at, text) in enumerate(said, 1)]
    left = _forgotten(_heard(engine(RULES["news"]), heard), _her(heard))
    others = {text for who, _, text in said if who != HER}
    terms = {name for state in left.values() for name in state.get("terms", ())}
    assert terms <= others
    assert str(HER) not in str(left)
