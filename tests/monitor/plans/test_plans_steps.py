"""The steps of a plan run: which may begin, what that asks for, which are late, which go on, and which are over."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.domain.plan import EventKind, RunState, StepState
from monitor.plans import Capture, Tell, Why
from rules.figures import Figures
from tests.monitor.plans.walking import OPENED, Walk, minutes, plan

_AUTOMATIC = {"mode": "automatic"}
_SUPPORT = {"id": "support", "action": "notify", "receiver": "support"}
_PAUSE = {"id": "pause", "action": "webhook", "receiver": "queue"}
_ANSWER = {"id": "answer", "action": "statement", "statement": "holding", "approval": {"role": "legal", "within": "20m"}}


def _walk(*steps: dict[str, Any], **more: Any) -> Walk:
    """A walk in which nobody is chased for a day."""
    return Walk(plan(*steps, **{"activation": _AUTOMATIC, "escalation": [{"at": 100, "notify": "cm"}], **more}))


# --- what may begin ------------------------------------------------------------------------------------------------------


def test_automatic_steps_wait_for_a_yes_and_people_do_not() -> None:
    """Until somebody confirms, nothing leaves the house; what people do themselves is ready."""
    walk = Walk(plan(_SUPPORT, {"id": "facts"}))
    walk.at(0)
    assert (walk.state("support"), walk.state("facts")) == (StepState.WAITING, StepState.READY)
    walk.act("confirm")
    walk.at(1)
    assert walk.state("support") is StepState.RUNNING


def test_a_step_waits_for_what_it_needs() -> None:
    """All of it must have ended, well or not: a dead publishing queue keeps nobody from being told."""
    walk = _walk(_PAUSE, {"id": "facts"}, {"id": "call", "needs": ["pause", "facts"]})
    walk.at(0)
    walk.arrives("pause", StepState.FAILED, "queue: gone")
    assert walk.state("call") is StepState.WAITING
    walk.act("done", step="facts")
    walk.at(1)
    assert walk.state("call") is StepState.READY


def test_what_one_step_ends_another_begins_at_once() -> None:
    """However many there are in a row, and in whatever order they are written."""
    steps = [
        {"id": "third", "action": "notify", "receiver": "cm", "needs": "second"},
        {"id": "second", "action": "assign", "to": "head", "needs": "first"},
        {"id": "first", "action": "capture"},
    ]
    walk = _walk(*steps)
    walk.at(0)
    assert [walk.state(each) for each in ("first", "second", "third")] == [StepState.DONE, StepState.DONE, StepState.RUNNING]
    assert [each for each in walk.effects if isinstance(each, Capture)] == [Capture("first")]
    assert walk.run.lead == "head"
    assert walk.whom(Why.ASSIGNED) == [("head",)]


def test_who_leads_already_is_not_told_again() -> None:
    """Two steps give the run to the same person."""
    walk = _walk(*({"id": f"give-{n}", "action": "assign", "to": "head"} for n in (1, 2)))
    walk.at(0)
    assert walk.whom(Why.ASSIGNED) == [("head",)]
    assert walk.kinds.count(EventKind.PLAN_ASSIGNED) == 2


def test_a_step_waits_for_its_level() -> None:
    """It begins when the run has reached it, and not before."""
    severity = [{"level": 2, "name": {"en": "alert"}, "when": {"mentions": {"gte": 10}}}, {"level": 1, "name": {"en": "calm"}}]
    walk = Walk(plan({"id": "call", "min_level": 2, "role": "cm"}, severity=severity, activation=_AUTOMATIC), Figures(mentions=0))
    walk.at(0)
    assert walk.state("call") is StepState.WAITING
    walk.at(5, mentions=10)
    assert walk.state("call") is StepState.READY
    assert walk.whom(Why.READY) == [("cm",)]


def test_without_levels_no_level_is_reached() -> None:
    """A step that waits for one waits until somebody does it."""
    walk = _walk({"id": "call", "min_level": 1})
    walk.at(600)
    assert walk.state("call") is StepState.WAITING
    walk.act("done", step="call")
    assert walk.state("call") is StepState.DONE


@pytest.mark.parametrize(("reach", "state"), [(5000, StepState.READY), (10, StepState.SKIPPED), (None, StepState.SKIPPED)])
def test_a_gate_opens_by_figures(reach: int | None, state: StepState) -> None:
    """What needs a condition that did not hold is skipped with it, and the timeline says which figures were asked."""
    steps: list[dict[str, Any]] = [
        {"id": "press", "action": "condition", "when": {"reach": {"gte": 1000}}},
        {"id": "call", "needs": "press"},
        {"id": "after", "needs": "call"},
    ]
    walk = _walk(*steps)
    walk.at(0, reach=reach)
    assert walk.state("call") is state
    if state is StepState.SKIPPED:
        assert walk.state("after") is StepState.SKIPPED
        assert walk.noted[0].detail == {"step": "press", "why": "its condition did not hold", "reach": reach}


def test_figures_are_asked_when_a_step_begins() -> None:
    """What holds later opens no gate that was closed."""
    walk = _walk({"id": "call", "when": {"reach": {"gte": 1000}}})
    walk.at(0, reach=1)
    walk.at(5, reach=5000)
    assert walk.state("call") is StepState.SKIPPED


def test_what_a_person_left_out_holds_up_nobody() -> None:
    """Only gates close what comes behind them."""
    walk = _walk({"id": "facts"}, {"id": "call", "needs": "facts"})
    walk.at(0)
    walk.act("skip", step="facts", text="we know already")
    walk.at(1)
    assert walk.state("call") is StepState.READY


# --- what that asks for --------------------------------------------------------------------------------------------------


def test_people_are_told_of_their_step_when_it_can_be_done() -> None:
    """Those of the beginning stand in the message that opens the plan; who does not get that is told, too."""
    steps = [{"id": "one", "role": "cm"}, {"id": "two", "role": "legal"}, {"id": "three", "role": "cm", "needs": "two"}]
    walk = _walk(*steps, {"id": "four", "needs": "two"})
    walk.at(0.1)
    assert [(tell.to, tell.step) for tell in walk.told] == [(("legal",), "two")]
    walk.act("done", step="two")
    walk.at(1)
    assert [(tell.to, tell.step) for tell in walk.told][1:] == [(("cm",), "three")]


def test_a_step_that_was_given_to_somebody_is_theirs_when_it_begins() -> None:
    """Whoever it was assigned to meanwhile is told, not the role of the plan."""
    walk = _walk({"id": "facts"}, {"id": "call", "role": "cm", "needs": "facts"})
    walk.at(0)
    walk.act("assign", step="call", to="bob")
    walk.act("done", step="facts")
    walk.at(1)
    assert walk.whom(Why.READY) == [("bob",)]


def test_words_that_need_a_yes_ask_for_it() -> None:
    """Whoever may give it is asked when the step begins."""
    walk = _walk(_ANSWER)
    walk.at(0)
    assert walk.whom(Why.APPROVAL) == [("legal",)]
    assert walk.run.step("answer").approval_by == OPENED + minutes(20)


def test_a_step_left_to_a_person_sends_nothing() -> None:
    """`auto: false`."""
    walk = _walk({**_SUPPORT, "auto": False}, {**_PAUSE, "auto": False}, {"id": "keep", "action": "capture", "auto": False})
    walk.at(0)
    assert {walk.state(each) for each in ("support", "pause", "keep")} == {StepState.READY}
    assert not walk.told


# --- what is late --------------------------------------------------------------------------------------------------------


def test_a_deadline_passes_once() -> None:
    """The step is overdue, its owner and who is next are told, and that is all, however long it stays undone."""
    walk = _walk({"id": "facts", "role": "cm", "deadline": "30m"}, escalation=[{"at": 99, "notify": "head"}])
    for minute in (0, 29, 30, 31, 24 * 60):
        walk.at(minute)
    assert walk.state("facts") is StepState.OVERDUE
    assert walk.whom(Why.LATE) == [("cm", "head")]
    assert walk.kinds.count(EventKind.STEP_LATE) == 1


def test_a_deadline_passes_once_after_a_downtime_of_a_day() -> None:
    """It is said when somebody is there to say it."""
    walk = _walk({"id": "facts", "deadline": "30m"})
    walk.at(0)
    walk.at(24 * 60)
    walk.at(24 * 60 + 1)
    assert walk.kinds.count(EventKind.STEP_LATE) == 1


def test_a_step_may_be_late_in_silence() -> None:
    """`on_failure: continue` notes it, and tells nobody."""
    walk = _walk({"id": "facts", "deadline": "30m", "on_failure": "continue"})
    walk.at(0)
    walk.at(30)
    assert walk.kinds == [EventKind.STEP_LATE]
    assert not walk.told


def test_whoever_leads_hears_of_what_is_late_before_anybody_else() -> None:
    """Then who is next on the ladder; those of the plan when nobody leads and the ladder has ended."""
    ladder = [{"at": 0, "notify": "cm"}, {"at": 50, "notify": "head"}]
    steps = [{"id": "facts", "deadline": "10m"}, {"id": "call", "deadline": "20m"}, {"id": "more", "deadline": "900m"}]
    walk = _walk(*steps, escalation=ladder)
    walk.at(0)
    walk.at(10)
    walk.act("assign", to="bob")
    walk.at(20)
    walk.act("assign", to="eve")
    walk.at(900)
    assert walk.whom(Why.LATE) == [("head",), ("bob", "head"), ("eve", "head")]


def test_a_message_under_way_may_be_late_and_still_arrive() -> None:
    """A receiver that is down: who is next hears of it at the deadline; the step is done when the message has arrived."""
    walk = _walk({**_PAUSE, "deadline": "5m"})
    walk.at(0)
    walk.at(5)
    assert (walk.state("pause"), walk.run.step("pause").late) == (StepState.RUNNING, True)
    assert walk.whom(Why.LATE) == [("cm",)]
    walk.arrives("pause")
    assert walk.state("pause") is StepState.DONE


def test_a_yes_that_does_not_come_is_asked_of_more_people_and_never_taken_for_given() -> None:
    """The approver of the level and who is next are asked, once; days later the words are as unapproved as before."""
    severity = [{"level": 1, "name": {"en": "alert"}, "approver": "head"}]
    walk = _walk({**_ANSWER, "publish": "site"}, severity=severity, escalation=[{"at": 99, "notify": "board"}])
    for minute in (0, 20, 21, 7 * 24 * 60):
        walk.at(minute)
    assert walk.whom(Why.APPROVAL) == [("legal",), ("head", "board")]
    assert walk.run.step("answer").approved_at is None
    assert walk.state("answer") is StepState.READY
    assert not walk.whom(Why.STEP)


def test_a_yes_may_be_waited_for() -> None:
    """`on_timeout: wait` notes that it did not come."""
    walk = _walk({**_ANSWER, "approval": {"role": "legal", "within": "20m", "on_timeout": "wait"}})
    walk.at(0)
    walk.at(20)
    assert walk.kinds == [EventKind.STEP_UNAPPROVED]
    assert walk.whom(Why.APPROVAL) == [("legal",)]


# --- what goes on, and ends ----------------------------------------------------------------------------------------------


def test_a_message_that_arrived_ends_its_step() -> None:
    """With what became of it."""
    walk = _walk(_SUPPORT)
    walk.at(0)
    walk.arrives("support", detail="support: delivered")
    step = walk.run.step("support")
    assert (step.state, step.detail, step.ended_at) == (StepState.DONE, "support: delivered", OPENED)
    assert walk.kinds == [EventKind.STEP_STARTED, EventKind.STEP_DONE]


@pytest.mark.parametrize(("on_failure", "told"), [("escalate", [("cm",)]), ("continue", [])])
def test_a_message_that_failed_is_told_to_people(on_failure: str, told: list[tuple[str, ...]]) -> None:
    """Unless the plan says that it does not matter."""
    walk = _walk({**_PAUSE, "on_failure": on_failure})
    walk.at(0)
    walk.arrives("pause", StepState.FAILED, "queue: gone")
    assert walk.state("pause") is StepState.FAILED
    assert walk.whom(Why.FAILED) == told


def test_what_is_told_every_so_often_goes_on_after_it_arrived() -> None:
    """The situation report: each has its own number, and the end of the run ends them."""
    walk = _walk({**_SUPPORT, "every": "2h"})
    walk.at(0)
    walk.arrives("support")
    for minute in (119, 120, 121, 240):
        walk.at(minute)
    assert [tell.times for tell in walk.told] == [0, 1, 2]
    walk.act("false_alarm", text="a test")
    walk.at(600)
    assert len(walk.whom(Why.STEP)) == 3


@pytest.mark.parametrize("first", [None, StepState.FAILED])
def test_what_is_told_every_so_often_waits_for_no_message_before(first: StepState | None) -> None:
    """One of the receivers is down: the others go on being told, and nobody looks at the run without need."""
    walk = _walk({**_SUPPORT, "every": "2h"})
    walk.at(0)
    if first is not None:
        walk.arrives("support", first)
    walk.at(120)
    assert [tell.times for tell in walk.told if tell.why is Why.STEP] == [0, 1]
    assert walk.run.wake_at == OPENED + minutes(240)


def test_what_is_told_every_so_often_rests_from_standing_down_until_it_is_a_crisis_again() -> None:
    """No board reads reports of what is over; nobody looks at the run for them."""
    walk = _walk({**_SUPPORT, "every": "2h"}, closure={"sign_off": "head"}, remind_every="7d")
    walk.at(0)
    walk.arrives("support")
    walk.act("stand_down")
    for minute in (120, 240, 250):
        walk.at(minute)
    assert len(walk.whom(Why.STEP)) == 1
    assert walk.run.wake_at == OPENED + minutes(7 * 24 * 60)
    walk.act("confirm")
    walk.at(250)
    assert len(walk.whom(Why.STEP)) == 2
    assert walk.run.step("support").next_at == OPENED + minutes(360)


@pytest.mark.parametrize("arrived", [StepState.DONE, StepState.FAILED])
def test_what_is_told_every_so_often_waits_for_the_yes_when_a_crisis_comes_back(arrived: StepState) -> None:
    """Whoever reads it knows then that it is one, and reads it at once; the next is counted from there."""
    walk = _walk({**_SUPPORT, "every": "2h"})
    walk.at(0)
    walk.arrives("support", arrived)
    walk.act("stand_down")
    walk.effects.clear()
    walk.reopen(300, RunState.AWAITING_CONFIRMATION)
    walk.at(300)
    walk.at(500)
    assert not walk.whom(Why.STEP)
    walk.act("confirm")
    walk.at(500)
    assert walk.whom(Why.STEP) == [("support",)]
    assert walk.run.step("support").next_at == OPENED + minutes(620)


def test_what_was_missed_is_told_once() -> None:
    """After a downtime of a day there is one report, and the next at its own pace."""
    walk = _walk({**_SUPPORT, "every": "2h"})
    walk.at(0)
    walk.arrives("support")
    walk.at(24 * 60 + 30)
    assert len(walk.told) == 2
    assert walk.run.step("support").next_at == OPENED + minutes(26 * 60)


def test_a_wait_lasts_as_long_as_it_says() -> None:
    """And then lets begin what needs it."""
    walk = _walk({"id": "rest", "action": "wait", "for": "30m"}, {**_SUPPORT, "needs": "rest"})
    walk.at(0)
    walk.at(29)
    assert walk.state("support") is StepState.WAITING
    walk.at(30)
    assert (walk.state("rest"), walk.state("support")) == (StepState.DONE, StepState.RUNNING)


def test_waits_in_a_row_take_no_longer_because_nobody_looked() -> None:
    """What follows a wait counts from its end, whenever that is noticed."""
    steps = [
        {"id": "one", "action": "wait", "for": "1h"},
        {"id": "two", "action": "wait", "for": "1h", "needs": "one"},
        {"id": "facts", "needs": "two", "deadline": "30m"},
    ]
    walk = _walk(*steps)
    walk.at(0)
    walk.at(24 * 60)
    assert walk.state("facts") is StepState.OVERDUE
    assert walk.run.step("facts").deadline_at == OPENED + minutes(150)


def test_a_wait_begins_with_the_level_that_it_waited_for() -> None:
    """And with the yes that automatic steps wait for."""
    severity = [{"level": 1, "name": {"en": "alert"}, "when": {"firing": True}}]
    walk = Walk(plan({"id": "rest", "action": "wait", "for": "1h", "min_level": 1}, severity=severity))
    walk.at(0)
    walk.at(10, firing=True)
    walk.act("confirm")
    walk.at(20)
    assert walk.run.step("rest").next_at == OPENED + minutes(70)


def test_after_standing_down_nothing_begins_by_itself() -> None:
    """What people do goes on."""
    rest = {"id": "rest", "action": "wait", "for": "30m"}
    walk = _walk(rest, {**_PAUSE, "needs": "rest"}, {"id": "thank", "needs": "rest"}, closure={"sign_off": "head"})
    walk.at(0)
    walk.act("stand_down")
    walk.at(31)
    assert (walk.state("pause"), walk.state("thank")) == (StepState.WAITING, StepState.READY)
    walk.act("confirm")
    walk.at(32)
    assert walk.state("pause") is StepState.RUNNING


def test_a_chain_of_one_message_tells_each_receiver() -> None:
    """A step may have several."""
    walk = _walk({**_SUPPORT, "receiver": ["support", "board"]})
    walk.at(0)
    assert walk.told == [Tell(("support", "board"), Why.STEP, "support")]
