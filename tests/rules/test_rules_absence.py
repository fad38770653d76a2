"""Answers that do not come: what waits, what rings, and what nobody can know."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.mention import Observed
from rules import AbsenceRule, Calm, Engine, Finding, RuleFile, States
from rules.holidays import Holiday
from rules.kinds import absence
from tests.rules.conftest import NOON

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

HOUR = timedelta(hours=1)
RULE: dict[str, Any] = {"id": "unanswered", "kind": "absence", "where": {"intents": "question"}, "within": "4h"}
ASKS: Mapping[str, Any] = {"intents": {"question"}}


@pytest.fixture
def heard(mention: Mention, engine: Make) -> tuple[Engine, States]:
    """A rule that has seen a reply of ours."""
    states = States()
    made = engine(RULE)
    made.observe(mention(1, own=True, in_thread=True, at=NOON - HOUR), states)
    return made, states


def ringing(made: Engine, states: States, at: datetime, **known: Any) -> list[str]:
    """The mentions for which it rings at this moment."""
    return [finding.key["mention"] for finding in made.due(states, at, **known)]


def reloaded(states: States) -> States:
    """What a new process would know."""
    return States.load({key: json.loads(json.dumps(state)) for key, state in states.take_dirty().items() if state is not None})


def test_a_question_rings_once_its_time_has_passed(heard: tuple[Engine, States], mention: Mention) -> None:
    """Not before, not twice, and as itself: the question is the evidence."""
    made, states = heard
    assert made.observe(mention(2, **ASKS), states) == []
    assert ringing(made, states, NOON + 4 * HOUR - timedelta(seconds=1)) == []
    (found,) = made.due(states, NOON + 4 * HOUR)
    assert (found.key, found.evidence, found.subject, found.at) == ({"mention": "2"}, (2,), "acme", NOON + 4 * HOUR)
    assert found.reasons == ("not answered by any of our own accounts within 4h",)
    assert ringing(made, states, NOON + 5 * HOUR) == []
    assert isinstance(made.tick("unanswered", {"mention": "2"}, states, NOON + 5 * HOUR), Finding)


@pytest.mark.parametrize("link", ["replies_to", "began_by"])
def test_our_answer_ends_the_waiting(link: str, heard: tuple[Engine, States], mention: Mention) -> None:
    """A reply to the question, or in the thread that it began, whatever the answer is about."""
    made, states = heard
    made.observe(mention(2, **ASKS), states)
    made.observe(mention(3, own=True, in_thread=True, subjects=set(), at=NOON + HOUR, **{link: 2}), states)
    assert ringing(made, states, NOON + 9 * HOUR) == []


def test_another_customers_reply_is_no_answer(heard: tuple[Engine, States], mention: Mention) -> None:
    """Nor is what we say elsewhere."""
    made, states = heard
    made.observe(mention(2, **ASKS), states)
    made.observe(mention(3, own=False, replies_to=2), states)
    made.observe(mention(4, own=True, in_thread=True, replies_to=3), states)
    assert ringing(made, states, NOON + 4 * HOUR) == ["2"]


def test_a_late_answer_ends_the_alert(heard: tuple[Engine, States], mention: Mention) -> None:
    """And whoever was told of the question is told of the answer."""
    made, states = heard
    made.observe(mention(2, **ASKS), states)
    made.due(states, NOON + 4 * HOUR)
    made.observe(mention(3, own=True, in_thread=True, replies_to=2, at=NOON + 6 * HOUR), states)
    over = made.tick("unanswered", {"mention": "2"}, states, NOON + 6 * HOUR)
    assert isinstance(over, Calm)
    assert (over.why, over.tell) == ("answered", True)


def test_what_nobody_answers_is_given_up_quietly(heard: tuple[Engine, States], mention: Mention) -> None:
    """After `resolve.after`, a week by itself; nobody is told that nothing has happened."""
    made, states = heard
    made.observe(mention(2, **ASKS), states)
    made.due(states, NOON + 4 * HOUR)
    key = {"mention": "2"}
    assert isinstance(made.tick("unanswered", key, states, NOON + timedelta(days=7)), Finding)
    over = made.tick("unanswered", key, states, NOON + timedelta(days=7, hours=4))
    assert isinstance(over, Calm)
    assert (over.why, over.tell) == ("its time is over", False)


def test_what_its_author_adds_belongs_to_the_question(heard: tuple[Engine, States], mention: Mention) -> None:
    """One person who asks in three posts of a thread asks once; somebody else in the same thread asks themselves."""
    made, states = heard
    made.observe(mention(2, author=7, **ASKS), states)
    made.observe(mention(3, author=7, began_by=2, replies_to=2, **ASKS), states)
    made.observe(mention(4, author=8, began_by=2, replies_to=2, **ASKS), states)
    assert ringing(made, states, NOON + 4 * HOUR) == ["2", "4"]


def test_what_was_answered_before_it_was_seen_does_not_wait(heard: tuple[Engine, States], mention: Mention) -> None:
    """Our own source may be asked before the one that brings the question."""
    made, states = heard
    made.observe(mention(2, answered=True, **ASKS), states)
    assert ringing(made, states, NOON + 4 * HOUR) == []


def test_nothing_rings_where_we_were_never_heard(engine: Make, mention: Mention) -> None:
    """On a network on which no reply of ours was ever seen nobody knows whether we have answered."""
    made, states = engine(RULE), States()
    made.observe(mention(1, own=True, in_thread=True, network="bluesky"), states)
    made.observe(mention(5, own=True, in_thread=False), states)  # that we post does not show that replies would be seen
    made.observe(mention(2, **ASKS), states)
    assert ringing(made, states, NOON + 9 * HOUR) == []
    (stands,) = made.standing("unanswered", mention(2, **ASKS), states, NOON + 9 * HOUR)
    assert stands.reasons == (
        "waits for an answer since 2026-03-02 12:00 UTC",
        "no reply of ours was seen on mastodon in the 30 days before: nobody knows whether it was answered",
    )
    made.observe(mention(3, own=True, in_thread=True, at=NOON + 9 * HOUR), states)
    made.observe(mention(4, at=NOON + 9 * HOUR, **ASKS), states)
    assert ringing(made, states, NOON + 13 * HOUR) == ["4"]  # and not what was asked while nobody could know


def test_missing_data_never_makes_it_ring(heard: tuple[Engine, States], mention: Mention) -> None:
    """Nothing rings for what has not been seen yet, nor while a source that saw our replies is ill or is not asked."""
    made, states = heard
    made.observe(mention(2, **ASKS), states)
    late = NOON + 9 * HOUR
    assert ringing(made, states, late, seen_until=NOON + 3 * HOUR) == []
    assert ringing(made, states, late, well={"here": False, "there": True}) == []
    assert ringing(made, states, late, well={"there": True}) == []
    assert ringing(made, states, late, well={"here": True, "there": False}) == ["2"]


def test_of_too_many_the_one_that_waited_longest_rings(
    heard: tuple[Engine, States], mention: Mention, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is bounded, and what has no place is told before its time rather than never."""
    monkeypatch.setattr(absence, "MOST_WAITING", 3)
    made, states = heard
    found = [made.observe(mention(number, at=NOON + number * HOUR / 60, **ASKS), states) for number in range(2, 8)]
    assert [[each.key["mention"] for each in findings] for findings in found] == [[], [], [], ["2"], ["3"], ["4"]]


def test_what_is_settled_takes_no_place_and_is_not_looked_at(
    heard: tuple[Engine, States], mention: Mention, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what was answered, nor what has rung or was forgotten; after a restart, too. One more looks at no other."""
    monkeypatch.setattr(absence, "MOST_WAITING", 3)
    made, states = heard

    def asks(number: int, hours: float) -> list[str]:
        found = made.observe(mention(number, at=NOON + hours * HOUR, **ASKS), states)
        return [each.key["mention"] for each in found]

    assert [asks(number, 0) for number in (2, 3, 4)] == [[], [], []]
    made.observe(mention(5, own=True, in_thread=True, replies_to=2, at=NOON + HOUR), states)
    assert asks(6, 1) == []
    states = reloaded(states)
    assert ringing(made, states, NOON + 4 * HOUR) == ["3", "4"]
    assert [asks(number, 4) for number in (7, 8)] == [[], []]
    keys = states.keys
    monkeypatch.setattr(states, "keys", lambda *_: pytest.fail("all that is remembered was looked at"))
    assert asks(9, 4) == ["6"]
    monkeypatch.setattr(states, "keys", keys)
    made.sweep(states, NOON + timedelta(days=20))
    assert [asks(number, 480) for number in (10, 11, 12)] == [[], [], []]
    assert asks(13, 480) == ["10"]


def test_where_nobody_can_know_nothing_rings_and_nothing_piles_up(
    engine: Make, mention: Mention, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither when there are too many, nor for ever."""
    monkeypatch.setattr(absence, "MOST_WAITING", 3)
    made, states = engine(RULE), States()
    found = [made.observe(mention(number, at=NOON + number * HOUR / 60, **ASKS), states) for number in range(2, 12)]
    assert not any(found)
    assert len(states) == 3
    assert made.sweep(states, NOON + timedelta(days=9)) == 3


def test_what_is_over_is_forgotten(heard: tuple[Engine, States], mention: Mention) -> None:
    """A day after the answer, or after it was given up; and our silence on a network after a month."""
    made, states = heard
    made.observe(mention(2, **ASKS), states)
    made.observe(mention(3, **ASKS), states)
    made.observe(mention(4, own=True, in_thread=True, replies_to=2, at=NOON + HOUR), states)
    made.due(states, NOON + 4 * HOUR)
    assert made.sweep(states, NOON + 2 * HOUR) == 0
    assert made.sweep(states, NOON + timedelta(days=2)) == 1
    assert made.sweep(states, NOON + timedelta(days=9)) == 1
    assert made.sweep(states, NOON + timedelta(days=31)) == 1
    assert len(states) == 0


DESK: dict[str, Any] = RULE | {"hours": "mon-fri 09:00-18:00", "timezone": "Europe/Paris"}
LOUDER: dict[str, Any] = RULE | {
    "raise": [
        {"waited": "8h", "severity": "critical"},
        {"where": {"author.reach": {"gte": 10_000}}, "severity": "critical"},
    ]
}
EVENING = NOON + 9 * HOUR
"""A Monday, at ten in Paris."""


def asked(rule: Mapping[str, Any], mention: Mention, engine: Make, at: datetime = NOON, **said: Any) -> tuple[Engine, States]:
    """A rule that has seen a reply of ours, and then a question, number 2."""
    made, states = engine(rule), States()
    made.observe(mention(1, own=True, in_thread=True, at=at - HOUR), states)
    made.observe(mention(2, at=at, **ASKS, **said), states)
    return made, states


def test_what_is_asked_at_night_is_due_the_next_morning(mention: Mention, engine: Make) -> None:
    """Four hours of work after the desk has opened, at nine; it says so, and how long that is in all."""
    made, states = asked(DESK, mention, engine, EVENING)
    due = NOON + 24 * HOUR
    assert made.next_due(states) == made.next_due(reloaded(states)) == due
    assert ringing(made, states, due - timedelta(seconds=1)) == []
    (found,) = made.due(states, due)
    assert (found.at, found.window) == (due, 15 * HOUR)
    assert found.reasons == ("not answered by any of our own accounts within 4h of work",)


@pytest.mark.parametrize(
    ("saturday", "monday"),
    [("2026-03-28T20:00+01:00", "2026-03-30T13:00+02:00"), ("2026-10-24T20:00+02:00", "2026-10-26T13:00+01:00")],
)
def test_the_desk_opens_by_the_clock_on_the_wall(saturday: str, monday: str, mention: Mention, engine: Make) -> None:
    """At nine, whether clocks were set in the night before or not."""
    made, states = asked(DESK, mention, engine, datetime.fromisoformat(saturday))
    assert made.next_due(states) == datetime.fromisoformat(monday)


def test_on_holidays_nobody_is_at_the_desk(mention: Mention, engine: Make) -> None:
    """Those of the rule, else those that the people of the brand have."""
    file = {"version": 1, "rules": [DESK, DESK | {"id": "own", "holidays": "2026-03-04"}]}
    shared, own = RuleFile.model_validate(file).effective("Europe/Paris", (Holiday(3, 3),))
    assert isinstance(shared, AbsenceRule)
    assert isinstance(own, AbsenceRule)
    assert shared.holidays == (Holiday(3, 3),)
    assert own.holidays == (Holiday(3, 4, 2026),)
    for rule, due in ((shared, NOON + 48 * HOUR), (own, NOON + 24 * HOUR)):
        made, states = Engine([rule], {}), States()
        made.observe(mention(2, at=EVENING, **ASKS), states)
        assert made.next_due(states) == due


def test_an_answer_at_night_is_an_answer(mention: Mention, engine: Make) -> None:
    """The hours say when an answer may be expected, not when one counts."""
    made, states = asked(DESK, mention, engine, EVENING)
    made.observe(mention(3, own=True, in_thread=True, replies_to=2, at=EVENING + HOUR), states)
    assert ringing(made, states, NOON + 99 * HOUR) == []


def test_other_hours_are_other_times_for_what_waits(mention: Mention, engine: Make) -> None:
    """Whoever writes hours into a rule loses no question that waits, and none is told before its new time."""
    made, states = asked(RULE, mention, engine, EVENING)
    assert made.next_due(states) == EVENING + 4 * HOUR
    later = engine(DESK)
    assert later.next_due(states) == NOON + 24 * HOUR
    assert ringing(later, states, EVENING + 4 * HOUR) == []
    assert ringing(later, states, NOON + 24 * HOUR) == ["2"]


def test_it_explains_when_a_question_is_due(mention: Mention, engine: Make) -> None:
    """Nobody counts hours of work in their head."""
    made, states = asked(DESK, mention, engine, EVENING)
    (stands,) = made.standing("unanswered", mention(2, **ASKS), states, EVENING)
    assert stands.reasons == ("waits for an answer since 2026-03-02 21:00 UTC", "rings at 2026-03-03 12:00 UTC, after 4h of work")


def test_it_rings_louder_when_it_has_waited_for_longer(mention: Mention, engine: Make) -> None:
    """Once more, at that moment and once only; our answer ends it before."""
    made, states = asked(LOUDER, mention, engine)
    (first,) = made.due(states, NOON + 4 * HOUR)
    assert first.severity == "warning"
    states = reloaded(states)
    assert made.next_due(states) == NOON + 8 * HOUR
    assert ringing(made, states, NOON + 7 * HOUR) == []
    (second,) = made.due(states, NOON + 8 * HOUR)
    assert (second.key, second.severity, second.at) == (first.key, "critical", NOON + 8 * HOUR)
    assert second.reasons == ("not answered by any of our own accounts within 8h",)
    assert ringing(made, states, NOON + 99 * HOUR) == []
    stands = made.tick("unanswered", {"mention": "2"}, states, NOON + 99 * HOUR)
    assert isinstance(stands, Finding)
    assert stands.severity == "critical"
    made, states = asked(LOUDER, mention, engine)
    made.due(states, NOON + 4 * HOUR)
    made.observe(mention(3, own=True, in_thread=True, replies_to=2, at=NOON + 5 * HOUR), states)
    assert ringing(made, states, NOON + 99 * HOUR) == []


def test_it_rings_as_loud_as_the_mention_deserves(mention: Mention, engine: Make) -> None:
    """By conditions on the mention, which are remembered while it waits; and never a second time for what it has said."""
    made, states = asked(LOUDER, mention, engine, reach=20_000)
    states = reloaded(states)
    (found,) = made.due(states, NOON + 4 * HOUR)
    assert found.severity == "critical"
    assert ringing(made, states, NOON + 99 * HOUR) == []
    verdicts = made.explain("unanswered", mention(4, reach=10, **ASKS))
    assert ("raise[1].where.author.reach gte 10000", 10, False) in verdicts
    assert verdicts[0].held


def test_what_was_missed_rings_once_as_loud_as_it_is_now(mention: Mention, engine: Make) -> None:
    """After a downtime of a day nobody hears of it twice."""
    made, states = asked(LOUDER, mention, engine)
    (found,) = made.due(states, NOON + 24 * HOUR)
    assert (found.severity, found.at) == ("critical", NOON + 8 * HOUR)
    assert ringing(made, states, NOON + 99 * HOUR) == []


def test_what_is_given_up_gets_no_louder(mention: Mention, engine: Make) -> None:
    """Its alert is over by then."""
    made, states = asked(LOUDER | {"resolve": {"after": "2h"}}, mention, engine)
    assert ringing(made, states, NOON + 4 * HOUR) == ["2"]
    assert made.next_due(states) is None


def test_a_question_that_comes_twice_waits_once(mention: Mention, engine: Make) -> None:
    """The same mention changes nothing, whenever it comes again."""
    made, states = asked(LOUDER, mention, engine)
    made.observe(mention(2, **ASKS), states)
    assert ringing(made, states, NOON + 4 * HOUR) == ["2"]
    assert ringing(made, states, NOON + 8 * HOUR) == ["2"]
    assert ringing(made, states, NOON + 99 * HOUR) == []


_SAYS = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from(["asks", "answers", "talks"]), st.integers(2, 12)), min_size=1, max_size=12
)
EXAMPLES = int(os.environ.get("TOCSIN_EXAMPLES", "60"))
_RULES = st.sampled_from([RULE, LOUDER, DESK, DESK | {"raise": LOUDER["raise"]}])
END = NOON + timedelta(days=6)


def said(says: list[tuple[int, str, int]], mention: Mention) -> list[Observed]:
    """Questions of others, our answers, and what neither asks nor answers."""
    found = []
    for number, (minute, what, whom) in enumerate(sorted(says), 2):
        more: dict[str, Any] = {"own": True, "in_thread": True, "replies_to": whom} if what == "answers" else {"own": False}
        asks = ASKS if what == "asks" else {}
        found.append(mention(number, at=NOON + timedelta(minutes=minute), reach=whom * 1_000, **more, **asks))
    return found


@settings(max_examples=EXAMPLES, deadline=None)
@given(rule=_RULES, says=_SAYS, stop=st.integers(0, 12))
def test_a_restart_at_any_point_changes_nothing(
    rule: Mapping[str, Any], says: list[tuple[int, str, int]], stop: int, mention: Mention, engine: Make
) -> None:
    """What waits, rings, rings louder and ends is the same with and without one."""

    def play(*, restart: bool) -> list[object]:
        made, states, seen = engine(rule), States(), []
        made.observe(mention(1, own=True, in_thread=True, at=NOON - HOUR), states)
        for index, each in enumerate(said(says, mention)):
            if restart and index == stop:
                states = reloaded(states)
            seen.append(made.due(states, each.written_at))
            made.observe(each, states)
        seen.append(made.due(states, END))
        return [*seen, *(made.tick("unanswered", {"mention": str(n)}, states, END) for n in range(2, 14))]

    assert play(restart=True) == play(restart=False)


@settings(max_examples=EXAMPLES, deadline=None)
@given(rule=_RULES, says=_SAYS, more=st.integers(0, 3000))
def test_one_more_question_silences_no_other(
    rule: Mapping[str, Any], says: list[tuple[int, str, int]], more: int, mention: Mention, engine: Make
) -> None:
    """Whatever rings, rings as loud in the end beside somebody else's question, however often that comes."""

    def rang(extra: Sequence[Observed]) -> dict[str, str]:
        made, states, found = engine(rule), States(), []
        made.observe(mention(1, own=True, in_thread=True, at=NOON - HOUR), states)
        for each in sorted([*said(says, mention), *extra], key=lambda each: each.written_at):
            found += made.due(states, each.written_at)
            made.observe(each, states)
        found += made.due(states, END)
        return {finding.key["mention"]: finding.severity for finding in found}

    other = mention(99, at=NOON + timedelta(minutes=more), **ASKS)
    beside = rang([other, other])
    assert beside.pop("99")
    assert beside == rang(())


@settings(max_examples=EXAMPLES, deadline=None)
@given(rule=_RULES, says=_SAYS, order=st.randoms())
def test_the_order_in_which_questions_come_does_not_matter(
    rule: Mapping[str, Any], says: list[tuple[int, str, int]], order: Random, mention: Mention, engine: Make
) -> None:
    """Each waits from when it was written."""
    questions = [each for each in said(says, mention) if each.intents]
    shuffled = order.sample(questions, len(questions))
    found = []
    for each in (questions, shuffled):
        made, states = engine(rule), States()
        made.observe(mention(1, own=True, in_thread=True, at=NOON - HOUR), states)
        for question in each:
            made.observe(question, states)
        found.append([made.due(states, NOON + n * HOUR) for n in range(0, 150, 2)])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "within"),
        ({"within": "10s"}, "from 1m to 30d"),
        ({"within": "4h", "key": ["author"]}, "`key` is not known here"),
        ({"within": "4h", "wihtin": "4h"}, "did you mean `within`?"),
        ({"within": "4h", "holidays": "05-01"}, "`holidays` does nothing without `hours`"),
        ({"within": "4h", "hours": "mon-fry 09:00-18:00"}, "is not a day"),
        (
            {"within": "8d", "hours": "mon-fri 09:00-18:00"},
            "a week has 45h of them: 192h take longer than 4 weeks; write 45h for one week",
        ),
        ({"within": "4h", "raise": [{"severity": "critical"}]}, "add waited or where"),
    ],
)
def test_mistakes_are_named(wrong: Mapping[str, Any], said: str) -> None:
    """Each with what to write instead."""
    with pytest.raises(ValidationError, match=said.replace("?", r"\?")):
        RuleFile.model_validate({"version": 1, "rules": [{"id": "a", "kind": "absence", **wrong}]})


def test_it_explains_who_waits_for_no_answer(engine: Make, mention: Mention) -> None:
    """Beside the conditions: what is our own, and what was answered, waits for nothing."""
    made = engine(RULE)
    asked, own = mention(2, **ASKS), mention(3, own=True, in_thread=True, **ASKS)
    assert [made.explain("unanswered", each)[0].held for each in (asked, own)] == [True, False]
    assert made.explain("unanswered", mention(4, answered=True, **ASKS))[-1].held is False


def test_nobody_looks_before_the_first_has_waited_long_enough(heard: tuple[Engine, States], mention: Mention) -> None:
    """Nothing waits: no moment; else that of whoever asked first, also when they are seen last, and in a new process."""
    made, states = heard
    assert made.next_due(states) is None
    made.observe(mention(2, at=NOON + HOUR, **ASKS), states)
    assert made.next_due(states) == NOON + 5 * HOUR
    made.observe(mention(3, **ASKS), states)
    assert made.next_due(states) == made.next_due(reloaded(states)) == NOON + 4 * HOUR
    assert ringing(made, states, NOON + 4 * HOUR) == ["3"]
    assert made.next_due(states) == NOON + 5 * HOUR


def test_what_waited_in_vain_is_looked_at_again_once_a_reply_of_ours_is_seen(engine: Make, mention: Mention) -> None:
    """It is not looked at meanwhile; a reply that comes late says that an answer would have been seen."""
    made, states = engine(RULE), States()
    made.observe(mention(1, **ASKS), states)
    assert ringing(made, states, NOON + 5 * HOUR) == []
    assert made.next_due(states) is None
    made.observe(mention(2, own=True, in_thread=True, at=NOON + HOUR), states)
    assert made.next_due(states) is not None
    assert ringing(made, states, NOON + 5 * HOUR) == ["1"]
