"""A clock that is set back by a day amid a crisis: nothing sleeps until it has caught up, and nothing is done twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from monitor.domain.plan import EventKind, RunState, StepRun, StepState
from monitor.plans import Why
from tests.monitor.plans.walking import Walk, minutes, plan

_DAY = 24 * 60
_AUTOMATIC = {"mode": "automatic"}
_LADDER = [{"at": 0, "notify": "cm"}, {"at": 1, "notify": "head"}, {"repeat_from": 0, "every": "15m", "max": 2}]


def test_the_chase_goes_on() -> None:
    """The next rung is told when the time to acknowledge has passed by the clock of now; the first is not told again."""
    walk = Walk(plan(activation=_AUTOMATIC, escalation=_LADDER))
    walk.at(0)
    walk.at(5 - _DAY)
    walk.at(20 - _DAY)
    walk.at(35 - _DAY)
    assert walk.whom(Why.UNTAKEN) == [("cm",), ("head",), ("cm",)]


def test_an_unseen_confirmation_escalates() -> None:
    """As soon as the plan says, by the clock of now."""
    walk = Walk(plan(escalation=_LADDER))
    walk.at(0)
    walk.at(5 - _DAY)
    walk.at(15 - _DAY)
    assert walk.whom(Why.UNCONFIRMED) == [("head",)]
    assert walk.run.state is RunState.AWAITING_CONFIRMATION


def test_deadlines_approvals_waits_and_reports_are_no_further_off_than_the_plan_says() -> None:
    """Each counts anew, once."""
    steps: list[dict[str, Any]] = [
        {"id": "facts", "deadline": "30m"},
        {"id": "answer", "action": "statement", "statement": "holding", "approval": {"role": "legal", "within": "20m"}},
        {"id": "rest", "action": "wait", "for": "10m"},
        {"id": "board", "action": "notify", "receiver": "board", "every": "2h"},
    ]
    walk = Walk(plan(*steps, activation=_AUTOMATIC))
    walk.at(0)
    walk.at(5 - _DAY)
    walk.at(15 - _DAY)
    assert walk.state("rest") is StepState.DONE
    walk.at(25 - _DAY)
    walk.at(35 - _DAY)
    walk.at(125 - _DAY)
    wanted = [EventKind.STEP_UNAPPROVED, EventKind.STEP_LATE]
    assert [each for each in walk.kinds if each in wanted] == wanted
    assert len(walk.whom(Why.STEP)) == 2


def test_a_run_that_was_taken_is_brought_to_mind() -> None:
    """An hour after the clock was set back, not a day and an hour."""
    walk = Walk(plan(activation=_AUTOMATIC))
    walk.at(0)
    walk.act("acknowledge")
    walk.at(5 - _DAY)
    walk.at(65 - _DAY)
    assert walk.whom(Why.QUIET) == [("ana",)]


def test_a_calm_is_counted_from_now() -> None:
    """A level falls no later than the rule says."""
    severity = [{"level": 2, "name": {"en": "alert"}, "when": {"firing": True}}, {"level": 1, "name": {"en": "calm"}}]
    walk = Walk(plan(severity=severity, activation=_AUTOMATIC, deescalate={"below_level": 2, "for": "1h", "by": "rule"}))
    walk.at(0, firing=True)
    walk.at(5, firing=False)
    walk.at(10 - _DAY)
    walk.at(69 - _DAY)
    assert walk.run.level == 2
    walk.at(70 - _DAY)
    assert walk.run.level == 1


def test_a_step_that_this_version_does_not_know_is_left_alone() -> None:
    """A run that another version opened goes on with what this one understands."""
    walk = Walk(plan(activation=_AUTOMATIC))
    walk.at(0)
    strange = StepRun("strange", 1, StepState.WAITING)
    walk.run = replace(walk.run, steps=(*walk.run.steps, strange))
    walk.at(5 - _DAY)
    assert walk.run.steps[-1] == strange


def test_what_was_done_stays_done() -> None:
    """When it was done, too: history is what was seen then."""
    walk = Walk(plan({"id": "keep", "action": "capture"}, activation=_AUTOMATIC))
    walk.at(0)
    before = walk.run
    assert not walk.at(-_DAY)
    assert walk.run.step("keep") == before.step("keep")
    assert walk.now == before.opened_at - minutes(_DAY)
