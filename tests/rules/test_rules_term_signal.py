"""The signal `new_term`: a burst that speaks of one new thing rings, and one that speaks of what it always does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.mention import Observed
from rules import Calm, Engine, Finding, RuleFile, States
from rules.cases import History
from rules.state import SPAN
from rules.terms import KEPT, Term
from tests.rules.conftest import NOON

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEY = {"subject": "acme"}
TOPIC: dict[str, Any] = {"id": "topic", "new_term": {"field": "topics"}, "at_least": 3}
RULE: dict[str, Any] = {
    "id": "w",
    "kind": "window",
    "where": {"sentiment": {"lt": 0}},
    "window": "1h",
    "fire": {"at_least": 5},
    "signals": {"of": [TOPIC]},
}
BAD, GOOD = -0.9, 0.9


def listening(made: Engine, age: timedelta = 14 * DAY) -> States:
    """What is remembered of a subject that was listened to for so long, and of which nobody said anything."""
    states = States()
    made.learnt(History(rule="w", level=0, age=age), KEY, states, NOON - MINUTE)
    return states


def fed(made: Engine, states: States, mentions: Sequence[Observed]) -> list[Finding]:
    """What rings because of them."""
    return [finding for each in mentions for finding in made.observe(each, states)]


def crowd(mention: Mention, size: int, first: int = 100, at: timedelta = MINUTE, **said: Any) -> list[Observed]:
    """So many people, ten seconds apart."""
    return [mention(first + n, at=NOON + at + n * timedelta(seconds=10), **said) for n in range(size)]


def reloaded(states: States) -> States:
    """What a new process would know."""
    return States.load({key: json.loads(json.dumps(state)) for key, state in states.take_dirty().items() if state is not None})


def test_a_burst_rings_for_what_is_new(mention: Mention, engine: Make) -> None:
    """And says which term that is, and how many carry it; a burst of nothing new is calm, and says what is missing."""
    made = engine(RULE)
    states = listening(made)
    assert fed(made, states, crowd(mention, 20, sentiment=BAD)) == []
    calm = made.tick("w", KEY, states, NOON + 5 * MINUTE)
    assert isinstance(calm, Calm)
    assert "0 of 1 signals hold, and 1 must" in calm.reasons
    states = reloaded(states)
    found = fed(made, states, crowd(mention, 4, 500, 6 * MINUTE, sentiment=BAD, topics={"Brakes"}))
    assert [each.observed for each in found] == [23, 24]
    assert "signal topic: the new term “Brakes” by 3 authors within 1h" in found[0].reasons
    assert not any("signals hold" in reason for reason in found[0].reasons)


def test_what_is_always_said_is_not_new(mention: Mention, engine: Make) -> None:
    """However many say it in the burst: five times as many as usually say it must."""
    made, states = engine(RULE), States()
    usual = [
        mention(1000 + n, at=NOON - 10 * DAY + n * HOUR / 4, author=n % 7, sentiment=GOOD, topics={"price"}) for n in range(960)
    ]
    fed(made, states, usual)
    assert fed(made, states, crowd(mention, 19, sentiment=BAD, topics={"price"})) == []
    found = fed(made, states, crowd(mention, 40, 500, 5 * MINUTE, sentiment=BAD, topics={"price"}))
    assert found
    (said,) = (reason for reason in found[0].reasons if reason.startswith("signal topic"))
    assert said.startswith("signal topic: the new term “price” by ")
    assert ", usually " in said


def test_it_must_be_carried_by_those_whom_the_window_counts(mention: Mention, engine: Make) -> None:
    """What happy people call by a new name is no reason for the anger of others."""
    made = engine(RULE)
    states = listening(made)
    assert fed(made, states, crowd(mention, 10, sentiment=GOOD, topics={"festival"})) == []
    assert fed(made, states, crowd(mention, 20, 500, 3 * MINUTE, sentiment=BAD)) == []
    assert fed(made, states, crowd(mention, 3, 900, 8 * MINUTE, sentiment=BAD, topics={"festival"}))


def test_a_signal_may_look_at_less(mention: Mention, engine: Make) -> None:
    """`where` says of which mentions its terms are; what it does not look at is neither new nor old."""
    made = engine(RULE | {"signals": {"of": [TOPIC | {"where": {"network": "web"}}]}})
    states = listening(made)
    assert fed(made, states, crowd(mention, 10, sentiment=BAD, topics={"brakes"})) == []
    assert fed(made, states, crowd(mention, 10, 500, 3 * MINUTE, sentiment=BAD, topics={"brakes"}, network="web"))


def test_one_person_carries_once(mention: Mention, engine: Make) -> None:
    """However often they say it."""
    made = engine(RULE)
    states = listening(made)
    assert fed(made, states, crowd(mention, 50, sentiment=BAD, author=7, topics={"brakes"})) == []
    assert fed(made, states, crowd(mention, 1, 500, 10 * MINUTE, sentiment=BAD, author=8, topics={"brakes"})) == []
    assert fed(made, states, crowd(mention, 1, 600, 11 * MINUTE, sentiment=BAD, author=9, topics={"brakes"}))


def test_until_it_has_listened_for_long_nothing_is_new(mention: Mention, engine: Make) -> None:
    """Everything would be."""
    made = engine(RULE)
    states = listening(made, 6 * DAY)
    assert fed(made, states, crowd(mention, 20, sentiment=BAD, topics={"brakes"})) == []


def test_hashtags_and_words_are_terms_too(mention: Mention, engine: Make) -> None:
    """As of the kind `new_term`: folded, and of words those that say something."""
    for field, said, shown in (("hashtags", {"hashtags": {"AcmeFail"}}, "#AcmeFail"), ("words", {"text": "La Panne !"}, "panne")):
        made = engine(RULE | {"signals": {"of": [TOPIC | {"new_term": {"field": field}}]}})
        found = fed(made, listening(made), crowd(mention, 5, sentiment=BAD, **said))
        assert f"signal topic: the new term “{shown}” by 5 authors within 1h" in found[0].reasons


def test_of_several_terms_the_one_that_most_carry_is_told(mention: Mention, engine: Make) -> None:
    """One reason is enough."""
    made = engine(RULE)
    few, many = crowd(mention, 3, sentiment=BAD, topics={"aaa"}), crowd(mention, 9, 500, sentiment=BAD, topics={"zzz"})
    found = fed(made, listening(made), [*few, *many])
    assert any("“zzz” by 9 authors" in reason for reason in found[-1].reasons)


def test_a_window_of_its_own(mention: Mention, engine: Make) -> None:
    """Carriers leave it; the burst goes on without a reason, and ends."""
    made = engine(RULE | {"window": "6h", "keep_firing_for": "0s", "signals": {"of": [TOPIC | {"window": "10m"}]}})
    states = listening(made)
    assert fed(made, states, crowd(mention, 5, sentiment=BAD, topics={"brakes"}))
    assert isinstance(made.tick("w", KEY, states, NOON + 9 * MINUTE), Finding)
    assert isinstance(made.tick("w", KEY, states, NOON + 14 * MINUTE), Calm)


def test_it_explains_which_terms_it_finds(mention: Mention, engine: Make) -> None:
    """Beside its conditions."""
    made = engine(RULE)
    verdicts = made.explain("w", mention(1, sentiment=BAD, topics={"Brakes", "price"}))
    assert verdicts[-1] == ("signals.topic.new_term topics", frozenset({"brakes", "price"}), True)
    assert made.explain("w", mention(1, sentiment=BAD))[-1].held is False


def test_a_rule_without_such_a_signal_remembers_no_terms(mention: Mention, engine: Make) -> None:
    """And pays nothing for them; one with it forgets those that nobody says any more."""
    plain, states = engine({**RULE, "signals": None}), States()
    fed(plain, states, crowd(mention, 20, sentiment=BAD, topics={"brakes"}))
    assert len(states) == 1
    made = engine(RULE)
    states = listening(made)
    fed(made, states, crowd(mention, 20, sentiment=BAD, topics={"brakes"}))
    assert len(states) == 3  # the window, since when it listens, and the terms
    made.sweep(states, NOON + 40 * DAY)
    assert not any("part" in key[2] for key in states.take_dirty() if key in states)


def test_a_rule_that_is_told_otherwise_keeps_what_it_knows(engine: Make) -> None:
    """One that hears other people does not; and both look back as far as the terms go."""
    made = engine(RULE)
    assert made.shapes() == engine(RULE | {"severity": "critical"}).shapes()
    assert not made.shapes() <= engine(RULE | {"where": {"sentiment": {"lt": -0.5}}}).shapes()
    assert made.remembering("w").memory >= 30 * DAY  # type: ignore[union-attr]


_CARRIED = st.lists(st.tuples(st.integers(0, 2 * SPAN), st.integers(1, 6)), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(carried=_CARRIED, order=st.randoms())
def test_who_carries_a_term_is_known_of_every_slice(carried: list[tuple[int, int]], order: Random) -> None:
    """In whatever order they are heard, however often, and after a restart: as many as were within a window."""
    term, head = Term("it"), max(at for at, _ in carried)
    for at, who in [*order.sample(carried, len(carried)), *carried]:
        term.carry(who, at, SPAN, 50)
        term = Term.load(json.loads(json.dumps(term.dump())))
    for slice_ in range(max(head - (KEPT - 1) * SPAN + 1, 0), head + 1):
        inside = {who for at, who in carried if slice_ - SPAN < at <= slice_}
        assert term.carried(slice_, SPAN) == len(inside)


def test_authors_of_a_term_are_bounded() -> None:
    """Beyond so many those longest silent are forgotten: the figure is a lower bound."""
    term = Term("it")
    for who in range(500):
        term.carry(who, who // 50, SPAN, 50)
    assert term.carried(9, SPAN) == 50


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        ({"surprise": 2}, "`surprise` says nothing of a new term: use at_least and times_expected"),
        ({"measure": {"distinct": "author"}}, "`measure` says nothing of a new term"),
        ({"at_least": 1}, "write at_least from 2 to 1000"),
        ({"new_term": {}}, "field"),
        ({"new_term": {"field": "text"}}, "hashtags"),
        (
            {"new_term": {"field": "topics", "memory": "6h", "warm_up": "1h"}},
            "`memory` must be far longer than `window`: write at least memory: 12h",
        ),
        ({"new_term": {"field": "topics", "warm_up": "60d"}}, "longer than `memory`"),
        ({"window": "5m"}, "write one from 10m to 2d"),
    ],
)
def test_mistakes_are_named(signal: dict[str, Any], says: str) -> None:
    """Each with what to write instead."""
    with pytest.raises(ValidationError) as wrong:
        RuleFile.model_validate({"version": 1, "rules": [RULE | {"signals": {"of": [TOPIC | signal]}}]})
    assert says in str(wrong.value)


def test_a_key_of_one_author_has_no_crowd() -> None:
    """Nobody else speaks in their window."""
    with pytest.raises(ValidationError, match="take `author` out of `key`"):
        RuleFile.model_validate({"version": 1, "rules": [RULE | {"key": ["author"]}]})
