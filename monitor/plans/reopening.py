"""A crisis comes back after its run was closed: the same run goes on, and what its end took back is to be done anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from monitor.domain.plan import NotifyStep, PlanRun, RunState, Step, StepRun, StepState, WebhookStep

_OPEN = frozenset({StepState.READY, StepState.OVERDUE})
_TAKEN_BACK = frozenset({StepState.RUNNING, StepState.DONE, StepState.FAILED})
_ENDED = ("closed_at", "closed_by", "stood_down_at", "stood_down_by")
_CHASED = ("acknowledged_at", "acknowledged_by", "lead", "rung_at")
_JUDGED = ("proposed_level", "lowered_from", "outside_since", "calm_since")
_BEGUN = ("ready_at", "deadline_at", "started_at", "ended_at", "next_at", "approval_by", "approved_at", "approved_by", "detail")


def reopened(run: PlanRun, at: datetime, *, state: RunState, confirm_by: datetime | None = None) -> PlanRun:
    """The closed run as it goes on from now: chased anew, its clocks at their beginning. What was done, and stands, is done."""
    begin = {*beginning_again(run)}
    nobody: dict[str, Any] = dict.fromkeys((*_ENDED, *_CHASED, *_JUDGED))
    steps = tuple(_anew(each) if each.step in begin or each.state in _OPEN else each for each in run.steps)
    going_on = replace(run, state=state, steps=steps, reopened_at=at, level_since=at, rung=0, confirm_by=confirm_by, wake_at=at)
    return replace(going_on, **nobody)


def beginning_again(run: PlanRun) -> Sequence[str]:
    """The steps whose messages are sent once more: those that were taken back at the end, and those that it cut off.

    What was told every so often is told so again, from when the crisis is one again.
    """
    steps = ((run.definition.step(each.step), each) for each in run.steps)
    return tuple(each.step for step, each in steps if _is_sent_again(step, each))


def _is_sent_again(step: Step | None, at: StepRun) -> bool:
    if isinstance(step, WebhookStep):
        return step.undo is not None and at.state in _TAKEN_BACK
    return isinstance(step, NotifyStep) and (at.state is StepState.RUNNING or at.next_at is not None)


def _anew(at: StepRun) -> StepRun:
    """What people ticked and wrote stands; a yes is asked for anew."""
    begun: dict[str, Any] = dict.fromkeys(_BEGUN)
    return replace(at, state=StepState.WAITING, late=False, **begun)
