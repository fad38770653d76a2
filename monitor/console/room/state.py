"""How a run stands, for its room: the clocks that tick, and each step with what may be done in it at this moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from monitor.console.room.publishing import Cut, cuts
from monitor.console.tongue import N_
from monitor.domain.plan import ChecklistStep, PlanRun, RunState, StatementStep, Step, StepState, WebhookStep
from monitor.plans import approval, report_due
from monitor.plans.ladder import next_climb
from monitor.plans.steps import is_automatic, is_delivered
from notifiers.message import Language, PlanFacts, PlanStepFacts, StandingFacts
from notifiers.render.view import StepView

_DOABLE: Final = frozenset({StepState.WAITING, StepState.READY, StepState.OVERDUE, StepState.FAILED})


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment until which something must happen. `label` is a msgid, `about` a title or name beside it."""

    label: str
    at: datetime
    about: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A statement in one language: `text` as it is read, `raw` as it is written, `cuts` for the networks."""

    language: Language
    text: str
    raw: str
    cuts: Sequence[Cut]


@dataclass(frozen=True, slots=True)
class RoomStep:
    """One step. `shown` is what messages show of it; `can` are the verbs that are possible, whoever asks.

    `approvers` may say yes; None: any other person. `why_asked`: why a yes is needed, empty where none is.
    """

    id: str
    shown: StepView
    owner: str
    deadline: datetime | None
    late: bool
    approval_by: datetime | None
    approvers: Sequence[str]
    why_asked: str
    edited_by: str
    approved_by: str
    fingerprint: str
    publishes: bool
    takes_back: bool
    can: Collection[str]
    words: Sequence[Words]


def clocks(run: PlanRun, standing: StandingFacts, facts: PlanFacts) -> list[Clock]:
    """What is waited for, the nearest first."""
    return sorted(_clocks(run, standing, facts), key=lambda each: each.at)


def _clocks(run: PlanRun, standing: StandingFacts, facts: PlanFacts) -> Iterator[Clock]:
    if not run.open:
        due = report_due(run)
        if due is not None:
            yield Clock(N_("Report to be signed"), due)
        return
    if run.state is RunState.AWAITING_CONFIRMATION and run.confirm_by is not None:
        yield Clock(N_("Is it a crisis? Others are called"), run.confirm_by)
    climb = next_climb(run.definition, run)
    if climb is not None:
        yield Clock(N_("Nobody has it: the next people are called"), climb)
    yield from _of_steps(run, facts)
    for group in standing.groups:
        if group.due is not None:
            yield Clock(N_("News due"), group.due, group.name)
    if standing.next_at is not None:
        yield Clock(N_("Next situation report"), standing.next_at)


def _of_steps(run: PlanRun, facts: PlanFacts) -> Iterator[Clock]:
    for told in facts.steps:
        at = run.step(told.id)
        if at.deadline_at is not None and not at.ended:
            yield Clock(N_("Step due"), at.deadline_at, told.title)
        if at.approval_by is not None and not at.ended:
            yield Clock(N_("Yes or no due"), at.approval_by, told.title)


def steps(run: PlanRun, facts: PlanFacts, shown: Sequence[StepView], today: date, called: Callable[[str], str]) -> list[RoomStep]:
    """All steps, in their order."""
    plan = run.definition
    return [_step(run, step, told, view, today, called) for step, told, view in zip(plan.steps, facts.steps, shown, strict=True)]


def _step(run: PlanRun, step: Step, told: PlanStepFacts, shown: StepView, today: date, called: Callable[[str], str]) -> RoomStep:
    at, plan = run.step(step.id), run.definition
    statement = isinstance(step, StatementStep)
    takes_back = isinstance(step, WebhookStep) and step.undo is not None and bool(step.undo.approval)
    approvers: Sequence[str] = ()
    if isinstance(step, StatementStep):
        approvers = approval.approvers(plan, run, step)
    elif isinstance(step, WebhookStep) and step.undo is not None:
        approvers = step.undo.approval
    asked = approval.why_asked(plan, run, step, today) if isinstance(step, StatementStep) else None
    return RoomStep(
        id=step.id,
        shown=shown,
        owner=told.owner,
        deadline=None if at.ended else at.deadline_at,
        late=at.late,
        approval_by=None if at.ended else at.approval_by,
        approvers=[called(name) for name in approvers],
        why_asked=asked or "",
        edited_by=called(at.edited_by) if at.edited_by else "",
        approved_by=called(at.approved_by) if at.approved_by else "",
        fingerprint=told.fingerprint,
        publishes=isinstance(step, StatementStep) and step.publish is not None,
        takes_back=takes_back,
        can=frozenset(_can(run, step, asks=asked is not None or takes_back)) if run.open else frozenset(),
        words=list(_words(run.words(step) if isinstance(step, StatementStep) else {}, told.words)) if statement else (),
    )


def _words(raw: Mapping[Language, str], told: Mapping[Language, str]) -> Iterator[Words]:
    for language, text in told.items():
        yield Words(language, text, raw.get(language, ""), cuts(text))


def _can(run: PlanRun, step: Step, *, asks: bool) -> Iterator[str]:
    """The verbs that the step allows by how it stands; whether a person may is asked when they do it."""
    at = run.step(step.id)
    by_hand = not is_automatic(step) or at.state is StepState.FAILED
    doable = at.state in _DOABLE and by_hand
    yes_due = asks and at.approved_at is None and not (at.ended and isinstance(step, StatementStep))
    if not at.ended:
        yield "assign"
    if doable and isinstance(step, ChecklistStep):
        yield "check"
    if doable and not (isinstance(step, StatementStep) and yes_due):
        yield "done"
    if not (at.state is StepState.RUNNING and is_delivered(step)) and (not at.ended or at.state is StepState.FAILED):
        yield "skip"
    if doable and isinstance(step, StatementStep):
        yield "edit"
    if yes_due and at.state is not StepState.WAITING:
        yield "approve"
        if isinstance(step, StatementStep) and at.state is not StepState.RUNNING:
            yield "reject"
