"""The figures of a report: how long it took to detect, to acknowledge, to speak and to recover; and the peaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from monitor.domain.alert import Alert
from monitor.domain.plan import EventKind, Plan, PlanRun, StatementStep, StepState, TimelineEvent
from monitor.report.material import Material
from monitor.report.value import Column, Span

ENOUGH: Final = 10
"""Posts with a sentiment that a stretch of time must have before its negative share counts as a peak: one of one says nothing."""

_BEGAN = frozenset({EventKind.PLAN_OPENED, EventKind.LEVEL_SET})
_TAKEN = frozenset({EventKind.PLAN_ACKNOWLEDGED, EventKind.ALERT_ACKNOWLEDGED})


def spans(seen: Material) -> list[Span]:
    """The four times. What rang counts from its first alert, a run that a person opened from then."""
    run, plan = seen.run, seen.run.definition
    rang = first_alert(seen.alerts)
    since = rang or run.opened_at
    found = [Span("detect", seen.first_post, rang)] if rang is not None and seen.first_post is not None else []
    found.append(Span("acknowledge", since, _first(seen.story, _TAKEN, run.id), _ack_within(plan, seen.story, run.id)))
    if any(isinstance(step, StatementStep) for step in plan.steps):
        spoken, step = _first_statement(plan, run)
        found.append(Span("statement", since, spoken, step.deadline if step is not None else None))
    found.append(Span("recovery", since, _recovered(seen)))
    return found


def first_alert(alerts: Sequence[Alert]) -> datetime | None:
    """When the incident first rang; None: nothing did, a person opened the run."""
    return min((alert.opened_at for alert in alerts), default=None)


def loudest(columns: Iterable[Column]) -> Column | None:
    """The stretch in which most was said."""
    return max((each for each in columns if each.mentions), key=lambda each: each.mentions, default=None)


def angriest(columns: Iterable[Column]) -> Column | None:
    """The stretch with the greatest negative share, of those that have enough to tell."""
    known = [each for each in columns if each.scored >= ENOUGH]
    return max(known, key=lambda each: (each.negative / each.scored, each.scored), default=None)


def _first(story: Iterable[TimelineEvent], kinds: Iterable[str], run: int) -> datetime | None:
    return next((each.at for each in story if each.kind in kinds and each.plan_run_id in {None, run}), None)


def _ack_within(plan: Plan, story: Iterable[TimelineEvent], run: int) -> timedelta | None:
    """What the plan gives at the level at which the run began: figures set it, or whoever opened a drill."""
    began = (each.detail or {} for each in story if each.plan_run_id == run and each.kind in _BEGAN)
    number = next((detail["level"] for detail in began if "level" in detail), None)
    level = plan.level(number) if isinstance(number, int) else None
    return level.ack_within if level is not None else None


def _first_statement(plan: Plan, run: PlanRun) -> tuple[datetime | None, StatementStep | None]:
    """When words were first said to be out, or at least approved; with its step. Without any, the step that is due first."""
    steps = [step for step in plan.steps if isinstance(step, StatementStep)]
    out = [(at, step) for step in steps if (at := _spoken(run, step)) is not None]
    if out:
        return min(out, key=lambda each: each[0])
    return None, min(steps, key=lambda step: step.deadline or timedelta.max)


def _spoken(run: PlanRun, step: StatementStep) -> datetime | None:
    at = run.step(step.id)
    return at.ended_at if at.state is StepState.DONE else at.approved_at if not at.ended else None


def _recovered(seen: Material) -> datetime | None:
    """When the last alert was over; of what a person opened, when it was stood down."""
    if seen.alerts and seen.incident.resolved_at is not None:
        return seen.incident.resolved_at
    return seen.run.stood_down_at or seen.run.closed_at
