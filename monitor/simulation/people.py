"""People who do not exist, for a plan that is tried: what each would do next in a run, and when. Nothing here is drawn by lot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from monitor.domain.plan import Plan, PlanRun, RunState, StatementStep, Step, StepRun, StepState, WebhookStep
from monitor.plans.ladder import ACK_WITHIN
from monitor.plans.steps import is_automatic


class Answers(StrEnum):
    """How these people answer."""

    PROMPT = "prompt"  # within minutes
    LATE = "late"  # past each limit that the plan sets
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that `name` (a person or role of the plan) does at `at`, unless the run changes before."""

    at: datetime
    verb: str
    name: str
    step: str | None = None
    level: int | None = None
    text: str | None = None


_TAKEN: Final = timedelta(minutes=4)
_DONE: Final = timedelta(minutes=4)  # a step, one after the other
_APPROVED: Final = timedelta(minutes=10)
_PAST: Final = timedelta(minutes=10)  # by which those who are late are late
_NO_HURRY: Final = datetime.max.replace(tzinfo=UTC)
_TO_DO = frozenset({StepState.READY, StepState.OVERDUE, StepState.FAILED})
_CALMER = "the figures have fallen"


def next_deed(plan: Plan, run: PlanRun, answers: Answers, first: str) -> Deed | None:
    """The first thing that anybody does in a run of this plan as it stands; None: nobody does anything any more.

    `first` is who takes a run that nobody leads.
    """
    if answers is Answers.NOBODY or not run.open or run.state is RunState.OBSERVING:
        return None
    return min(_deeds(plan, run, run.lead or first, late=answers is Answers.LATE), key=lambda deed: deed.at, default=None)


def _deeds(plan: Plan, run: PlanRun, lead: str, *, late: bool) -> Iterator[Deed]:
    if run.state is RunState.STOOD_DOWN and run.stood_down_at is not None:
        yield Deed(run.stood_down_at + _APPROVED, "sign_off", plan.closure.sign_off or lead)
    elif run.acknowledged_at is None or run.state is RunState.AWAITING_CONFIRMATION:
        waits = run.state is RunState.AWAITING_CONFIRMATION
        yield Deed(_taken_at(plan, run, late=late), "confirm" if waits else "acknowledge", lead)
    else:
        yield from _work(plan, run, lead, run.touched_at or run.acknowledged_at, late=late)


def _taken_at(plan: Plan, run: PlanRun, *, late: bool) -> datetime:
    """Somebody takes it a few minutes after it rang, or when everybody of the level should have."""
    level = plan.level(run.level)
    limit = (level.ack_within if level is not None else None) or ACK_WITHIN
    return (run.level_since or run.opened_at) + (limit + _PAST if late else _TAKEN)


def _work(plan: Plan, run: PlanRun, lead: str, since: datetime, *, late: bool) -> Iterator[Deed]:
    """What is to be done, one thing after the other; when nothing is left, the end."""
    if run.proposed_level is not None:
        yield Deed(since + _DONE, "level", lead, level=run.proposed_level, text=_CALMER)
    waiting = [step for step in plan.steps if _is_for_people(step, run.step(step.id))]
    todo = sorted(waiting, key=lambda step: run.step(step.id).deadline_at or _NO_HURRY)  # what is most urgent comes first
    for step in todo:
        at = run.step(step.id)
        yield _approval(step, at, since, late=late) or Deed(_done_at(at, since, late=late), "done", at.owner or lead, step.id)
    if not todo and not any(each.state is StepState.RUNNING for each in run.steps):
        yield from _end(plan, run, lead, since)


def _is_for_people(step: Step, at: StepRun) -> bool:
    return at.state is StepState.FAILED if is_automatic(step) else at.state in _TO_DO


def _done_at(at: StepRun, since: datetime, *, late: bool) -> datetime:
    soon = max(at.ready_at or since, since) + _DONE
    return max(soon, at.deadline_at + _PAST) if late and at.deadline_at is not None else soon


def _approval(step: Step, at: StepRun, since: datetime, *, late: bool) -> Deed | None:
    """The yes that a step waits for; None: it waits for none, or has it."""
    if not isinstance(step, StatementStep) or step.approval is None or at.approved_at is not None:
        return None
    asked = at.ready_at or since
    when = asked + step.approval.within + _PAST if late else asked + _APPROVED
    return Deed(max(when, since), "approve", step.approval.role[0], step.id)


def _end(plan: Plan, run: PlanRun, lead: str, since: datetime) -> Iterator[Deed]:
    """What steps changed outside is given free by whoever may, then it is over."""
    for step in plan.steps:
        at = run.step(step.id)
        undo = step.undo if isinstance(step, WebhookStep) else None
        if undo is not None and undo.approval and at.state is not StepState.SKIPPED and at.approved_at is None:
            yield Deed(since + _DONE, "approve", undo.approval[0], step.id)
            return
    yield Deed(since + _DONE, "stand_down", lead)
