"""What time and figures bring about in a plan run: its level, its beginning, its chase, and when to look at it again."""

from __future__ import annotations

import itertools

import pytest

from monitor.domain.plan import EventKind, RunState, StepState
from monitor.plans import Note, Tell, Why
from rules.figures import Figures
from tests.monitor.plans.walking import OPENED, Walk, minutes, plan

_SEVERITY = [
    {"level": 3, "name": {"en": "crisis"}, "ack_within": "20m", "approver": "head", "when": {"mentions": {"gte": 100}}},
    {"level": 2, "name": {"en": "alert"}, "ack_within": "40m", "approver": "head", "when": {"mentions": {"gte": 10}}},
    {"level": 1, "name": {"en": "vigilance"}, "ack_within": "2h"},
]
_LADDER = [
    {"at": 0, "notify": "cm", "by": "push"},
    {"at": 1, "unless": "acknowledged", "notify": "head", "by": ["sms", "email"]},
    {"repeat_from": 0, "every": "15m", "max": 3, "then": "everyone"},
]
_AUTOMATIC = {"mode": "automatic"}


def _graded(**more: object) -> Walk:
    return Walk(plan(severity=_SEVERITY, activation=_AUTOMATIC, **more), Figures(mentions=0))


# --- how grave it is -----------------------------------------------------------------------------------------------------


def test_the_first_level_stands_in_the_message_that_opens_the_plan() -> None:
    """At the opening the level is set and noted, with the figures that asked for it; nobody is told of it once more."""
    walk = _graded()
    walk.at(0, mentions=12)
    assert walk.run.level == 2
    assert walk.noted[0] == Note(EventKind.LEVEL_SET, {"level": 2, "asked": "mentions gte 10", "mentions": 12})
    assert not walk.told


def test_a_first_level_that_comes_late_is_told() -> None:
    """A plan without a level for calm gets its first one when the figures ask for it: its people hear of that, and are chased."""
    walk = Walk(plan(severity=_SEVERITY[:1], activation=_AUTOMATIC, escalation=_LADDER), Figures(mentions=0))
    walk.at(0)
    walk.at(60)
    walk.act("acknowledge")
    walk.at(70, mentions=100)
    assert walk.whom(Why.LEVEL) == [("cm", "head", "ana")]
    assert walk.run.acknowledged_at is None


def test_a_level_rises_by_itself() -> None:
    """Whoever follows the plan hears of it, and who approves at that level, and who leads."""
    walk = _graded()
    walk.at(0)
    walk.act("acknowledge")
    walk.at(1, mentions=100)
    assert walk.run.level == 3
    assert walk.whom(Why.LEVEL) == [("cm", "head", "ana")]
    assert walk.kinds[-1] == EventKind.LEVEL_RAISED


def test_a_rise_opens_the_chase_anew() -> None:
    """Who had taken an alert has not taken a crisis: the ladder begins again, by the new level's time."""
    walk = _graded(escalation=_LADDER)
    walk.at(0)
    walk.act("acknowledge")
    walk.at(30, mentions=100)
    assert walk.run.acknowledged_at is None
    walk.at(50)
    assert [(tell.to, tell.by) for tell in walk.told if tell.why is Why.UNTAKEN] == [
        (("cm",), ("push",)), (("cm",), ("push",)), (("head",), ("sms", "email")),
    ]  # fmt: skip


def test_rungs_of_a_chase_that_began_anew_are_told_again() -> None:
    """What was told of the first chase has another number, so that the second is not taken for it."""
    walk = _graded(escalation=_LADDER)
    walk.at(0)
    walk.at(5, mentions=10)
    walk.at(6, mentions=100)
    first, *others = [tell.times for tell in walk.told if tell.why is Why.UNTAKEN]
    assert first == 0
    assert len(set(others)) == 2
    assert 0 not in others


def test_a_level_never_falls_without_a_rule_or_a_person() -> None:
    """Calm figures for a week change nothing."""
    walk = _graded()
    walk.at(0, mentions=100)
    walk.at(7 * 24 * 60, mentions=0)
    assert walk.run.level == 3


def test_a_level_falls_by_the_rule_once_it_has_held_long_enough() -> None:
    """Below the threshold for as long as the plan says, and not a moment less."""
    walk = _graded(deescalate={"below_level": 2, "for": "1h", "by": "rule"})
    walk.at(0, mentions=100)
    walk.at(10, mentions=0)
    walk.at(69)
    assert walk.run.level == 3
    walk.at(70)
    assert walk.run.level == 1
    assert walk.kinds[-1] == EventKind.LEVEL_LOWERED
    assert walk.whom(Why.LEVEL) == [("cm",)]


def test_a_breath_of_trouble_begins_the_calm_anew() -> None:
    """The hour below the threshold is an unbroken one."""
    walk = _graded(deescalate={"below_level": 2, "for": "1h", "by": "rule"})
    for minute, mentions in ((0, 100), (10, 0), (50, 10), (60, 0), (119, 0)):
        walk.at(minute, mentions=mentions)
    assert walk.run.level == 3
    walk.at(120)
    assert walk.run.level == 1


def test_levels_below_the_threshold_are_one_calm() -> None:
    """Who waits for less than 3 does not begin to wait anew between 2 and 1."""
    walk = _graded(deescalate={"below_level": 3, "for": "1h", "by": "rule"})
    for minute, mentions in ((0, 100), (10, 10), (40, 0), (70, 0)):
        walk.at(minute, mentions=mentions)
    assert walk.run.level == 1


def test_what_nobody_knows_lets_no_level_fall() -> None:
    """While figures are missing a level stays, and the calm is counted from when they are there again."""
    walk = _graded(deescalate={"below_level": 2, "for": "1h", "by": "rule"})
    walk.at(0, mentions=100)
    walk.at(10, mentions=0)
    walk.at(30, mentions=None)
    walk.at(90, mentions=None)
    walk.at(100, mentions=0)
    walk.at(159)
    assert walk.run.level == 3
    walk.at(160)
    assert walk.run.level == 1


def test_figures_that_ask_for_no_level_at_all_let_none_fall() -> None:
    """A plan that names no level for calm has nothing to fall to, and is not looked at again and again for it."""
    walk = Walk(plan(severity=_SEVERITY[:2], activation=_AUTOMATIC, deescalate={"below_level": 3, "for": "1m", "by": "rule"}))
    walk.at(0, mentions=100)
    walk.at(1, mentions=10)
    walk.at(1.5, mentions=0)
    walk.at(30)
    assert walk.run.level == 3
    assert walk.run.wake_at == OPENED + minutes(31)


def test_a_fall_is_proposed_to_a_person_once() -> None:
    """By default a person lowers the level: who leads is asked, and not every minute."""
    walk = _graded(deescalate={"below_level": 2, "for": "1h"})
    walk.at(0, mentions=100)
    walk.at(10, mentions=0)
    for minute in (70, 71, 200):
        walk.at(minute)
    assert walk.run.level == 3
    assert walk.run.proposed_level == 1
    assert walk.whom(Why.LEVEL) == [("cm",)]


def test_after_a_rise_a_fall_is_proposed_again() -> None:
    """What was proposed before it got worse is forgotten."""
    walk = _graded(deescalate={"below_level": 2, "for": "1h"})
    for minute, mentions in ((0, 10), (1, 0), (61, 0), (70, 100), (80, 0), (140, 0)):
        walk.at(minute, mentions=mentions)
    assert walk.kinds.count(EventKind.LEVEL_PROPOSED) == 2


def test_what_a_person_lowered_stays_while_the_figures_ask_for_no_more_than_they_did() -> None:
    """A person knows that the storm is a joke: the figures raise it only once they ask for more than they did then."""
    walk = _graded()
    walk.at(0, mentions=10)
    walk.act("level", level=1, text="they laugh with us")
    walk.at(1, mentions=20)
    assert walk.run.level == 1
    walk.at(2, mentions=100)
    walk.at(6.9)
    assert walk.run.level == 1
    walk.at(7)
    assert walk.run.level == 3


def test_after_a_calm_the_figures_raise_again_what_a_person_lowered() -> None:
    """Lowered, calm for as long as the figures look back, and as bad as before: that is new, and rises at once."""
    walk = _graded()
    walk.at(0, mentions=10)
    walk.act("level", level=1, text="they laugh with us")
    walk.at(1, mentions=0)
    walk.at(61)
    walk.at(62, mentions=10)
    assert walk.run.level == 2


def test_figures_that_flap_do_not_overrule_a_person() -> None:
    """Now less, now as much, now more for a moment: the level stays as somebody set it."""
    walk = _graded()
    walk.at(0, mentions=10)
    walk.act("level", level=1, text="they laugh with us")
    for minute in range(1, 121):
        walk.at(minute, mentions=(0, 10, 100, 100, 10, 0, 100)[minute % 7])
    assert walk.run.level == 1
    assert walk.kinds.count(EventKind.LEVEL_RAISED) == 0


def test_figures_that_nobody_is_sure_of_are_no_calm() -> None:
    """What may be graver than it looks does not end what a person said."""
    walk = _graded()
    walk.at(0, mentions=10)
    walk.act("level", level=1, text="they laugh with us")
    walk.at(1, mentions=None)
    walk.at(90)
    walk.at(91, mentions=10)
    assert walk.run.level == 1


def test_what_a_person_raised_has_its_time_before_a_rule_lowers_it() -> None:
    """A long calm before a person said that it is grave counts for nothing after."""
    walk = _graded(deescalate={"below_level": 2, "for": "1h", "by": "rule"})
    walk.at(0)
    walk.at(300)
    walk.act("level", level=3, text="a minister has called")
    walk.at(359)
    assert walk.run.level == 3
    walk.at(360)
    assert walk.run.level == 1


# --- whether it begins ---------------------------------------------------------------------------------------------------


def test_an_unseen_confirmation_escalates() -> None:
    """Who is next is told, once, and nothing begins by itself."""
    walk = Walk(plan({"id": "support", "action": "notify", "receiver": "support"}, escalation=_LADDER))
    walk.at(0)
    walk.at(9)
    assert not walk.whom(Why.UNCONFIRMED)
    walk.at(10)
    walk.at(11)
    assert walk.whom(Why.UNCONFIRMED) == [("head",)]
    assert walk.run.state is RunState.AWAITING_CONFIRMATION
    assert walk.state("support") is StepState.WAITING


def test_without_a_ladder_an_unseen_confirmation_reaches_everyone() -> None:
    """The last rung is never nobody."""
    walk = Walk(plan({"id": "facts", "role": "legal"}))
    walk.at(10)
    assert walk.whom(Why.UNCONFIRMED) == [("cm", "legal")]
    walk.at(69)
    assert not walk.whom(Why.UNTAKEN), "who was asked a moment ago is not called again"
    walk.at(70)
    assert walk.whom(Why.UNTAKEN) == [("cm", "legal")]


def test_a_plan_may_begin_when_nobody_answers() -> None:
    """`on_timeout: activate` begins the automatic steps, as of the moment at which the wait was over."""
    activation = {"mode": "confirm", "confirm_within": "10m", "on_timeout": "activate"}
    walk = Walk(plan({"id": "support", "action": "notify", "receiver": "support"}, activation=activation))
    walk.at(0)
    walk.at(30)
    assert walk.run.state is RunState.RUNNING
    assert walk.run.confirmed_at == OPENED + minutes(10)
    assert walk.run.confirmed_by is None
    assert walk.whom(Why.STEP) == [("support",)]
    assert EventKind.PLAN_ACTIVATED in walk.kinds


def test_a_confirmed_run_waits_for_no_answer() -> None:
    """Somebody said yes in time: nobody is told that nobody did."""
    walk = Walk(plan())
    walk.at(0)
    walk.act("confirm")
    walk.at(60)
    assert not walk.whom(Why.UNCONFIRMED)


def test_a_manual_plan_begins_by_hand_and_chases_nobody() -> None:
    """It waits, however long; once it was begun its chase is open to a rise."""
    walk = Walk(plan({"id": "support", "action": "notify", "receiver": "s"}, activation={"mode": "manual"}, escalation=_LADDER))
    walk.at(0)
    walk.at(7 * 24 * 60)
    assert not walk.told
    assert walk.run.state is RunState.AWAITING_CONFIRMATION
    assert walk.run.wake_at is None
    walk.act("confirm")
    walk.at(7 * 24 * 60 + 1)
    assert walk.whom(Why.STEP) == [("s",)]


# --- who is chased -------------------------------------------------------------------------------------------------------


def test_rungs_are_told_at_fractions_of_the_time_to_acknowledge() -> None:
    """At 0 at once, at 1 when the level's time is over, each once and by its own channels."""
    walk = _graded(escalation=_LADDER)
    for minute in (0, 1, 39, 40, 41):
        walk.at(minute, mentions=10)
    assert [(tell.to, tell.by) for tell in walk.told] == [(("cm",), ("push",)), (("head",), ("sms", "email"))]


def test_a_level_without_a_time_to_acknowledge_has_a_quarter_of_an_hour() -> None:
    """So has a plan without levels."""
    walk = Walk(plan(activation=_AUTOMATIC, escalation=_LADDER))
    walk.at(14.9)
    assert walk.whom(Why.UNTAKEN) == [("cm",)]
    walk.at(15)
    assert walk.whom(Why.UNTAKEN) == [("cm",), ("head",)]


def test_the_ladder_repeats_and_ends_on_everyone() -> None:
    """From the rung that is named, round and round, as often as it says; at last whoever the plan names."""
    walk = Walk(plan({"id": "facts", "role": "legal"}, activation=_AUTOMATIC, escalation=_LADDER))
    for minute in range(0, 130, 5):
        walk.at(minute)
    assert walk.whom(Why.UNTAKEN) == [("cm",), ("head",), ("cm",), ("head",), ("cm",), ("cm", "head", "legal")]


def test_everyone_is_told_again_ever_more_seldom_until_somebody_takes_it() -> None:
    """No run is left without a next moment or a person: after an hour, two, four, and then each day."""
    walk = Walk(plan(activation=_AUTOMATIC, escalation=_LADDER[:2]))
    told: list[float] = []
    while len(told) < 9:
        assert walk.run.wake_at is not None
        minute = max((walk.run.wake_at - OPENED) / minutes(1), 0)
        if any(isinstance(each, Tell) and each.to == ("cm", "head") for each in walk.at(minute)):
            told.append(minute)
    assert told[0] == 30
    hours = [(later - sooner) / 60 for sooner, later in itertools.pairwise(told)]
    assert hours == [1, 2, 4, 8, 16, 24, 24, 24]
    walk.act("acknowledge")
    walk.effects.clear()
    walk.at(told[-1] + 30 * 24 * 60)
    assert not walk.whom(Why.UNTAKEN)


@pytest.mark.parametrize(
    "ladder", [[], [{"repeat_from": 0}], [{"at": 0.5, "notify": "cm"}], [{"at": 0, "notify": "cm"}, {"repeat_from": 7, "max": 1}]]
)
def test_the_last_rung_is_never_nobody(ladder: list[dict[str, object]]) -> None:
    """A plan without a ladder, or with one that ends, tells everyone all the same."""
    walk = Walk(plan({"id": "facts", "role": "legal"}, activation=_AUTOMATIC, escalation=ladder))
    for minute in (0, 15, 30, 45):
        walk.at(minute)
    assert ("cm", "legal") in walk.whom(Why.UNTAKEN)


def test_acknowledging_ends_the_chase_but_not_what_is_told_whatever_happens() -> None:
    """`unless: acknowledged` is a rung's own word; repeats are only for silence."""
    ladder = [_LADDER[0], _LADDER[1], {"at": 2, "notify": "board"}, _LADDER[2]]
    walk = Walk(plan(activation=_AUTOMATIC, escalation=ladder))
    walk.at(0)
    walk.act("acknowledge")
    for minute in range(5, 50, 5):
        walk.at(minute)
    assert walk.whom(Why.UNTAKEN) == [("cm",), ("board",)]


def test_acknowledging_chases_late_steps_and_missing_approvals_no_less() -> None:
    """Whoever leads hears of those, and who is next; once the ladder has ended, who stands at its end."""
    statement = {"id": "answer", "action": "statement", "statement": "holding", "deadline": "1h"}
    walk = Walk(plan(statement | {"approval": {"role": "legal", "within": "20m"}}, activation=_AUTOMATIC, escalation=_LADDER))
    walk.at(0)
    walk.act("acknowledge")
    walk.at(20)
    walk.at(60)
    assert walk.whom(Why.APPROVAL) == [("legal",), ("ana", "head")]
    assert walk.whom(Why.LATE) == [("ana", "head")]


def test_rungs_that_are_due_together_are_one_message() -> None:
    """After a downtime of a day nobody is told twice at once; what repeats begins only now."""
    walk = Walk(plan(activation=_AUTOMATIC, escalation=_LADDER))
    walk.at(24 * 60)
    assert [(tell.to, tell.by) for tell in walk.told] == [(("cm", "head"), ("push", "sms", "email"))]
    assert walk.run.wake_at == OPENED + minutes(24 * 60 + 15)


def test_a_late_rung_without_channels_goes_by_all_of_them() -> None:
    """Together with one that names some it loses none."""
    ladder = [{"at": 0, "notify": "cm", "by": "push"}, {"at": 1, "notify": "cm"}]
    walk = Walk(plan(activation=_AUTOMATIC, escalation=ladder))
    walk.at(60)
    assert [(tell.to, tell.by) for tell in walk.told] == [(("cm",), ())]


def test_a_run_that_was_taken_and_rests_is_brought_to_mind() -> None:
    """Whoever has it is asked after each hour without an act; an act begins the hour anew."""
    walk = Walk(plan())
    walk.at(0)
    walk.act("confirm")
    walk.at(59)
    walk.act("note", text="calling the shop")
    walk.at(60)
    assert not walk.whom(Why.QUIET)
    walk.at(119)
    walk.at(179)
    assert walk.whom(Why.QUIET) == [("ana",), ("ana",)]


def test_a_run_whose_steps_are_all_over_is_brought_to_mind_ever_more_seldom() -> None:
    """Nothing is left but to stand down, perhaps after a day of calm: an hour later, then two, then four."""
    walk = Walk(plan())
    walk.at(0)
    walk.act("confirm")
    walk.act("done", step="facts")
    asked = [hour for hour in range(1, 17) if walk.at(60 * hour)]
    assert asked == [1, 2, 4, 8, 16]
    assert walk.whom(Why.QUIET) == [("ana",)] * 5


def test_whoever_is_to_sign_is_reminded() -> None:
    """A run that was stood down and that nobody signs off is brought to mind, too: no crisis stays open unseen."""
    walk = Walk(plan(closure={"sign_off": "head"}))
    walk.at(0)
    walk.act("stand_down")
    walk.at(60)
    assert walk.whom(Why.SIGN_OFF) == [("head",), ("head",)]


def test_approvals_and_deadlines_of_what_is_over_wake_nobody() -> None:
    """It waits for its signature alone: the run would else be looked at again and again, each time for nothing."""
    answer = {"id": "answer", "action": "statement", "statement": "holding", "approval": {"role": "legal", "within": "20m"}}
    walk = Walk(plan(answer, {"id": "facts", "deadline": "30m"}, activation=_AUTOMATIC, closure={"sign_off": "head"}))
    walk.at(0)
    walk.act("stand_down")
    walk.at(45)
    assert walk.run.wake_at is not None
    assert walk.run.wake_at > OPENED + minutes(45)


# --- again ---------------------------------------------------------------------------------------------------------------


def _closed_after_an_hour() -> Walk:
    pause = {"id": "pause", "action": "webhook", "receiver": "queue", "undo": {"receiver": "queue-resume"}}
    call = {"id": "call", "action": "webhook", "receiver": "hotline"}
    walk = Walk(plan(pause, call, {"id": "facts", "deadline": "30m"}, {"id": "shops"}, activation=_AUTOMATIC, escalation=_LADDER))
    walk.at(0)
    walk.arrives("pause")
    walk.arrives("call")
    walk.act("done", step="shops")
    walk.at(60)
    walk.act("stand_down")
    walk.effects.clear()
    return walk


def test_what_the_end_took_back_is_done_anew_when_the_crisis_comes_back() -> None:
    """The queue runs again since the end: it is paused once more. What nobody took back stays done."""
    walk = _closed_after_an_hour()
    walk.reopen(90)
    walk.at(90)
    assert walk.whom(Why.STEP) == [("queue",)]
    assert (walk.state("pause"), walk.state("call"), walk.state("shops")) == (
        StepState.RUNNING,
        StepState.DONE,
        StepState.DONE,
    )
    walk.arrives("pause")
    walk.act("stand_down")
    assert walk.whom(Why.UNDO) == [("queue-resume",)]


def test_the_clocks_of_a_run_that_goes_on_begin_with_it() -> None:
    """Nobody is late by the time in which it was closed; and it is chased anew."""
    walk = _closed_after_an_hour()
    walk.reopen(90)
    walk.at(90)
    walk.arrives("pause")
    assert walk.run.step("facts").deadline_at == OPENED + minutes(120)
    assert not walk.whom(Why.LATE)
    assert (walk.run.lead, walk.run.acknowledged_at, walk.run.opened_at) == (None, None, OPENED)
    assert walk.whom(Why.UNTAKEN) == [("cm",)]
    walk.at(105)
    assert walk.whom(Why.UNTAKEN) == [("cm",), ("head",)]
    walk.at(120)
    assert walk.kinds.count(EventKind.STEP_LATE) == 1


def test_a_webhook_that_does_not_answer_is_late_though_the_plan_names_no_deadline() -> None:
    """A quarter of an hour; then whoever leads is told, and who is next."""
    walk = Walk(plan({"id": "pause", "action": "webhook", "receiver": "queue"}, activation=_AUTOMATIC, escalation=_LADDER))
    walk.at(0)
    walk.act("acknowledge")
    walk.at(14.9)
    assert not walk.whom(Why.LATE)
    walk.at(15)
    assert walk.whom(Why.LATE) == [("ana", "head")]


# --- in any case ---------------------------------------------------------------------------------------------------------


def test_a_closed_run_stays_as_it_is() -> None:
    """Time has no more to do with it."""
    walk = Walk(plan(activation=_AUTOMATIC, escalation=_LADDER))
    walk.at(0)
    walk.act("false_alarm", text="a test account")
    closed = walk.run
    assert not walk.at(600)
    assert walk.run == closed
    assert closed.wake_at is None


def test_a_plan_that_is_observed_tells_nobody_and_writes_down_what_it_would_have_done() -> None:
    """Its steps go on as if their messages arrived; waits last as long as they say; nobody is chased."""
    steps = [
        {"id": "support", "action": "notify", "receiver": "support"},
        {"id": "evidence", "action": "capture"},
        {"id": "rest", "action": "wait", "for": "30m", "needs": "support"},
        {"id": "pause", "action": "webhook", "receiver": "queue", "needs": "rest"},
    ]
    walk = Walk(plan(*steps, activation={"mode": "observe"}, escalation=_LADDER))
    walk.at(0)
    assert walk.state("support") is StepState.DONE
    assert walk.state("rest") is StepState.RUNNING
    assert not walk.at(29)
    walk.at(30)
    assert walk.state("pause") is StepState.DONE
    assert walk.run.state is RunState.OBSERVING
    assert {type(each) for each in walk.effects} == {Note}
    assert walk.kinds.count(EventKind.PLAN_WOULD_TELL) == 2
    assert walk.kinds.count(EventKind.PLAN_WOULD_CAPTURE) == 1


def test_what_waits_for_the_level_sees_the_level_of_now() -> None:
    """The level that the figures have just asked for is one of the figures that a step asks."""
    walk = Walk(plan({"id": "board", "when": {"level": {"gte": 2}}}, severity=_SEVERITY, activation=_AUTOMATIC))
    walk.at(0, mentions=10)
    assert walk.state("board") is StepState.READY


@pytest.mark.parametrize("minute", [-1, 0])
def test_a_clock_that_goes_back_brings_nothing_about(minute: int) -> None:
    """What was done stays done, and is not done again when the clock comes by once more."""
    steps = [{"id": "support", "action": "notify", "receiver": "support", "every": "2h"}, {"id": "facts", "deadline": "10m"}]
    walk = Walk(plan(*steps, activation=_AUTOMATIC, escalation=[*_LADDER[:2], {"repeat_from": 0, "every": "1h"}]))
    for past in (0, 11, 16):
        walk.at(past)
    done = list(walk.effects)
    for again in (minute, 11, 16):
        walk.at(again)
    assert walk.effects == done


def test_looking_twice_finds_nothing_the_second_time() -> None:
    """The run is the same, and nobody is told anything."""
    walk = _graded(escalation=_LADDER)
    walk.at(0, mentions=12)
    before = walk.run
    assert not walk.at(0)
    assert walk.run == before


def test_who_asks_for_figures_is_looked_at_every_minute_or_sooner() -> None:
    """The next moment is the first at which anything may change."""
    walk = _graded(deescalate={"below_level": 2, "for": "90s", "by": "rule"})
    walk.at(0, mentions=100)
    assert walk.run.wake_at == OPENED + minutes(1)
    walk.at(1, mentions=0)
    walk.at(2)
    assert walk.run.wake_at == OPENED + minutes(2.5)


def test_messages_name_people_once() -> None:
    """Somebody who follows the plan and leads the run is one person."""
    walk = Walk(plan(severity=_SEVERITY, activation=_AUTOMATIC, notify=["ana", "head"]), Figures(mentions=0))
    walk.at(0)
    walk.act("acknowledge")
    walk.at(1, mentions=100)
    assert [each for each in walk.effects if isinstance(each, Tell)][-1].to == ("ana", "head")
