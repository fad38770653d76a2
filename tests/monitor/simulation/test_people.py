"""What people who are made up do next in a run: the same each time, and enough to bring every run to its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from monitor.domain.plan import RunState, StepState
from monitor.simulation.people import Answers, Deed, next_deed
from tests.monitor.plans.walking import OPENED, Walk, minutes, plan

_ANSWER = {"id": "answer", "action": "statement", "statement": "holding", "approval": {"role": "head", "within": "20m"}}
_LISTED = {"id": "facts", "deadline": "30m"}
_PAUSE = {"id": "pause", "action": "webhook", "receiver": "queue", "undo": {"receiver": "on", "approval": ["head"]}}


def _walk(*steps: dict[str, Any], **more: Any) -> Walk:
    walk = Walk(plan(*steps, **more))
    walk.at(0)
    return walk


def _next(walk: Walk, answers: Answers = Answers.PROMPT) -> Deed | None:
    return next_deed(walk.plan, walk.run, answers, "cm")


def _do(walk: Walk, deed: Deed) -> None:
    """Somebody does it at its moment, with the role that it is for."""
    walk.at((deed.at - OPENED) / timedelta(minutes=1))
    walk.act(deed.verb, "eve" if deed.name == "legal" else "bob", step=deed.step, level=deed.level, text=deed.text)


def test_nobody_does_nothing() -> None:
    """Whatever is open."""
    assert _next(_walk(), Answers.NOBODY) is None


def test_somebody_confirms_a_few_minutes_after_it_rang() -> None:
    """Those who are late do so when everybody should have."""
    walk = _walk(severity=[{"level": 1, "name": {"en": "alert"}, "ack_within": "15m"}])
    assert _next(walk) == Deed(OPENED + minutes(4), "confirm", "cm")
    assert _next(walk, Answers.LATE) == Deed(OPENED + minutes(25), "confirm", "cm")


def test_words_are_approved_by_whom_the_step_names_then_used() -> None:
    """Past the time that the plan gives, when they are late."""
    walk = _walk(_ANSWER, activation={"mode": "automatic"})
    walk.act("acknowledge")
    assert _next(walk) == Deed(OPENED + minutes(10), "approve", "head", "answer")
    assert _next(walk, Answers.LATE) == Deed(OPENED + minutes(30), "approve", "head", "answer")


def test_a_step_is_late_when_people_are() -> None:
    """Past its deadline."""
    walk = _walk(_LISTED, activation={"mode": "automatic"})
    walk.act("acknowledge")
    prompt, late = (_next(walk, each) for each in (Answers.PROMPT, Answers.LATE))
    assert prompt is not None
    assert late is not None
    assert prompt.at < OPENED + minutes(30) < late.at


def test_what_tocsin_still_does_is_waited_for() -> None:
    """Nobody ends a run in the middle of a wait."""
    walk = _walk({"id": "rest", "action": "wait", "for": "5h"}, activation={"mode": "automatic"})
    walk.act("acknowledge")
    assert _next(walk) is None
    walk.at(300)
    assert (_next(walk) or Deed(OPENED, "", "")).verb == "stand_down"


def test_a_plan_that_is_only_observed_asks_nobody() -> None:
    """Its timeline says what it would have done."""
    assert _next(_walk(activation={"mode": "observe"})) is None


def test_every_run_comes_to_its_end() -> None:
    """Confirmed, worked through, its undo given free, stood down, signed."""
    for answers in (Answers.PROMPT, Answers.LATE):
        walk = _walk(_PAUSE, _LISTED, {**_ANSWER, "needs": ["facts"]}, closure={"sign_off": "legal"})
        done = []
        while (deed := _next(walk, answers)) is not None:
            _do(walk, deed)
            done.append(deed.verb)
            if walk.state("pause") is StepState.RUNNING:
                walk.arrives("pause")
        assert walk.run.state is RunState.CLOSED
        assert done == ["confirm", "done", "approve", "done", "approve", "stand_down", "sign_off"]
