"""A clock that was set back lets no crisis sleep until it has caught up: nothing is further off than the plan says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.domain.plan import CALLED_WITHIN, NotifyStep, Plan, PlanRun, StatementStep, Step, StepRun, WaitStep
from monitor.plans import approval, news

_NO_TIME = timedelta(0)


def by_this_clock(plan: Plan, run: PlanRun, now: datetime) -> PlanRun:
    """The run as it is, but what counts from a moment yet to come counts from now. What was done stays done."""
    since = run.level_since or (run.began_at if run.began_at > now else None)
    return replace(
        news.by_this_clock(plan, run, now),
        confirm_by=_within(run.confirm_by, now, plan.activation.confirm_within),
        level_since=_within(since, now),
        asked_since=_within(run.asked_since, now),
        calm_since=_within(run.calm_since, now),
        outside_since=_within(run.outside_since, now),
        rung_at=_within(run.rung_at, now),
        touched_at=_within(run.touched_at, now),
        steps=tuple(_step_by_this_clock(plan.step(each.step), each, now) for each in run.steps),
    )


def _step_by_this_clock(step: Step | None, at: StepRun, now: datetime) -> StepRun:
    if step is None:
        return at
    return replace(
        at,
        deadline_at=_within(at.deadline_at, now, step.deadline or CALLED_WITHIN),
        approval_by=_within(at.approval_by, now, approval.within(step) if isinstance(step, StatementStep) else None),
        next_at=_within(at.next_at, now, _rests(step)),
    )


def _rests(step: Step) -> timedelta | None:
    """How long it is from one moment of a step to the next."""
    if isinstance(step, NotifyStep):
        return step.every
    return step.lasting if isinstance(step, WaitStep) else None


def _within(moment: datetime | None, now: datetime, lasting: timedelta | None = _NO_TIME) -> datetime | None:
    return min(moment, now + lasting) if moment is not None and lasting is not None else moment
