"""How the steps of a run go on by themselves: which may begin, what that asks for, which are late, and which are over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

from monitor.domain.plan import (
    CALLED_WITHIN,
    AssignStep,
    CaptureStep,
    ConditionStep,
    EventKind,
    NotifyStep,
    Plan,
    PlanRun,
    RunState,
    StatementStep,
    Step,
    StepRun,
    StepState,
    WaitStep,
    WebhookStep,
)
from monitor.plans import approval
from monitor.plans.effects import Capture, Effect, Moved, Note, Tell, Why
from rules.figures import Figures

NOT_REACHED = "its condition did not hold"
"""The detail of a step that was skipped because of figures, or because one that it needs was."""

REHEARSED = "a drill: nothing was called"
"""The detail of a step that would have changed something outside."""

SHOWN = ("mentions", "authors", "negative_share")
"""The figures by which people are told how a crisis goes."""

Delivered = Mapping[str, tuple[StepState, str]]
People = Callable[[], tuple[str, ...]]
_HELD = frozenset({RunState.AWAITING_CONFIRMATION, RunState.STOOD_DOWN})


def is_held(run: PlanRun) -> bool:
    """Whether nothing begins by itself, nor is told again: it is not confirmed yet, or somebody has said that it is over."""
    return run.state in _HELD


def is_automatic(step: Step) -> bool:
    """Whether Tocsin carries out a step; the others are for people."""
    if isinstance(step, NotifyStep | WebhookStep | CaptureStep):
        return step.auto
    return isinstance(step, AssignStep | WaitStep | ConditionStep)


def is_delivered(step: Step) -> bool:
    """Whether a step is over when its messages have arrived."""
    return isinstance(step, NotifyStep | WebhookStep) or (isinstance(step, StatementStep) and step.publish is not None)


def carry(
    plan: Plan,
    run: PlanRun,
    now: datetime,
    figures: Figures,
    delivered: Delivered,
    *,
    next_people: People,
    tried: Collection[str] = (),
) -> Moved:
    """Every step as far as it can go: what one ends, another may begin, so they are gone through until nothing moves."""
    effects: list[Effect] = []
    while True:
        before = run
        for step in plan.steps:
            if run.step(step.id).state is StepState.WAITING and _has_to_queue(plan, run, step, tried):
                continue
            moved = _carry(plan, run, step, now, figures, delivered, next_people)
            run = moved.run
            effects += moved.effects
        if run == before:
            return Moved(run, tuple(effects))


def _has_to_queue(plan: Plan, run: PlanRun, step: Step, tried: Collection[str]) -> bool:
    """What Tocsin delivers leaves in the order of the file, each when the one before was tried; `needs` says otherwise.

    A dead publishing queue must not keep the support team from being told, but the queue comes first if it stands first.
    """
    if step.needs or not isinstance(step, NotifyStep | WebhookStep):
        return False
    before = takewhile(lambda each: each.id != step.id, plan.steps)
    sent = (run.step(each.id) for each in before if isinstance(each, NotifyStep | WebhookStep))
    return any(each.state is StepState.RUNNING and each.step not in tried for each in sent)


def next_of_steps(plan: Plan, run: PlanRun) -> Iterator[datetime]:
    """The moments at which time alone moves a step."""
    for step in run.steps:
        if step.next_at is not None and not (is_held(run) and isinstance(plan.step(step.step), NotifyStep)):
            yield step.next_at
        if step.ended or run.state is RunState.STOOD_DOWN:  # nobody is called for what is over
            continue
        if step.deadline_at is not None and not step.late:
            yield step.deadline_at
        if step.approval_by is not None:
            yield step.approval_by


def _carry(plan: Plan, run: PlanRun, step: Step, now: datetime, figures: Figures, delivered: Delivered, people: People) -> Moved:
    at = run.step(step.id)
    if isinstance(step, NotifyStep) and step.every is not None and not is_held(run) and _has_come(at.next_at, now):
        return _repeat(run, step, at, step.every, now, figures)
    if at.ended:
        return Moved(run)
    if at.state is StepState.WAITING:
        return _wake(plan, run, step, at, now, figures)
    if at.state is StepState.RUNNING and step.id in delivered:
        return _arrived(run, step, at, now, *delivered[step.id], people)
    if isinstance(step, WaitStep) and at.next_at is not None and at.next_at <= now:
        return Moved(run.with_step(_over(at, StepState.DONE, at.next_at)), (Note(EventKind.STEP_DONE, {"step": step.id}),))
    return _chase(plan, run, step, at, now, people)


def _has_come(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


# --- what may begin ------------------------------------------------------------------------------------------------------


def _wake(plan: Plan, run: PlanRun, step: Step, at: StepRun, now: datetime, figures: Figures) -> Moved:
    """A step begins when what it needs has ended, its level is reached, and, if Tocsin does it, somebody has said yes."""
    needed = [run.step(id_) for id_ in step.needs]
    if any(not each.ended for each in needed) or (step.min_level and (run.level or 0) < step.min_level):
        return Moved(run)
    automatic = is_automatic(step)
    if automatic and is_held(run):
        return Moved(run)
    closed = any(each.state is StepState.SKIPPED and each.detail == NOT_REACHED for each in needed)
    if closed or (step.when is not None and step.when.holds(figures) is not True):
        seen = step.when.said(figures) if step.when is not None and not closed else {}
        skipped = replace(_over(at, StepState.SKIPPED, now), detail=NOT_REACHED)
        return Moved(run.with_step(skipped), (Note(EventKind.STEP_SKIPPED, {"step": step.id, "why": NOT_REACHED, **seen}),))
    since = _could_begin(run, step, now)
    # What Tocsin calls has its time in any case: a receiver that is down for an hour is no silence.
    within = step.deadline or (CALLED_WITHIN if automatic and isinstance(step, WebhookStep) else None)
    deadline = since + within if within is not None else None
    begun = replace(at, ready_at=since, deadline_at=deadline, owner=at.owner or step.role)
    if not automatic:
        return _hand_over(plan, run, step, begun, now)
    return _begin(run, step, replace(begun, started_at=now), now, figures)


def _could_begin(run: PlanRun, step: Step, now: datetime) -> datetime:
    """Since when nothing held a step: a chain of waits takes no longer because nobody looked when one of them was over."""
    held = [run.began_at, *(run.step(id_).ended_at for id_ in step.needs)]
    if step.min_level:
        held.append(run.level_since)
    if is_automatic(step):
        held.append(run.confirmed_at)
    return min(now, max(filter(None, held)))


def _hand_over(plan: Plan, run: PlanRun, step: Step, at: StepRun, now: datetime) -> Moved:
    """A step for people, who are told, unless it stands in the message that opens the plan, and they get that."""
    effects: list[Effect] = []
    if isinstance(step, StatementStep) and approval.why_asked(plan, run, step, now.date()) is not None:
        at = replace(at, approval_by=now + approval.within(step))
        effects.append(Tell(approval.asked(plan, run, step), Why.APPROVAL, step.id, times=run.version))
    elif at.owner is not None and (step.needs or step.min_level or at.owner not in plan.notify):
        effects.append(Tell((at.owner,), Why.READY, step.id))
    return Moved(run.with_step(replace(at, state=StepState.READY)), tuple(effects))


def _begin(run: PlanRun, step: Step, at: StepRun, now: datetime, figures: Figures) -> Moved:  # noqa: PLR0911 one for each kind of step
    """A step that Tocsin carries out itself."""
    started = Note(EventKind.STEP_STARTED, {"step": step.id})
    done = Note(EventKind.STEP_DONE, {"step": step.id})
    over = _over(at, StepState.DONE, now)
    if isinstance(step, NotifyStep):
        again = now + step.every if step.every is not None else None
        running = replace(at, state=StepState.RUNNING, times=1, next_at=again)
        reported = (_reported(step, figures),) if step.every is not None else ()
        return Moved(run.with_step(running), (started, *reported, Tell(step.receiver, Why.STEP, step.id)))
    if isinstance(step, WebhookStep):
        if run.drill:
            return Moved(run.with_step(replace(over, detail=REHEARSED)), (done,))
        running = replace(at, state=StepState.RUNNING, times=1)
        return Moved(run.with_step(running), (started, Tell((step.receiver,), Why.STEP, step.id)))
    if isinstance(step, WaitStep):
        until = (at.ready_at or now) + step.lasting
        return Moved(run.with_step(replace(at, state=StepState.RUNNING, next_at=until)), (started,))
    if isinstance(step, CaptureStep):
        return Moved(run.with_step(over), (Capture(step.id), done))
    if isinstance(step, AssignStep):
        told = (Tell((step.to,), Why.ASSIGNED, times=run.version),) if run.lead != step.to else ()
        leading = replace(run.with_step(over), lead=step.to)
        return Moved(leading, (Note(EventKind.PLAN_ASSIGNED, {"to": step.to, "step": step.id}), *told, done))
    return Moved(run.with_step(over), (done,))


# --- what goes on, and ends ----------------------------------------------------------------------------------------------


def _reported(step: NotifyStep, figures: Figures) -> Note:
    """A report leaves, with the figures that it shows: the next one is held against them."""
    return Note(EventKind.PLAN_SITUATION, {"step": step.id, **{name: getattr(figures, name) for name in SHOWN}})


def _repeat(run: PlanRun, step: NotifyStep, at: StepRun, every: timedelta, now: datetime, figures: Figures) -> Moved:
    """What is told every so often goes on being told, whether or not its last message has arrived."""
    due = at.next_at or now
    missed = (now - due) // every  # after a downtime it is told once, and then at its own pace
    again = replace(at, times=at.times + 1, next_at=due + (missed + 1) * every)
    told = Tell(step.receiver, Why.STEP, step.id, times=at.times)
    return Moved(run.with_step(again), (_reported(step, figures), told))


def _arrived(run: PlanRun, step: Step, at: StepRun, now: datetime, ended: StepState, detail: str, people: People) -> Moved:
    effects: list[Effect] = [Note(EventKind.STEP_DONE if ended is StepState.DONE else EventKind.STEP_FAILED, {"step": step.id})]
    if ended is StepState.FAILED and step.on_failure == "escalate":
        effects.append(Tell(_with_owner(at, people()), Why.FAILED, step.id, times=run.version))
    return Moved(run.with_step(replace(_over(at, ended, now), detail=detail, next_at=at.next_at)), tuple(effects))


def _chase(plan: Plan, run: PlanRun, step: Step, at: StepRun, now: datetime, people: People) -> Moved:
    """What is late is said once, and so is an approval that does not come. Neither is ever taken for a yes."""
    effects: list[Effect] = []
    if run.state is RunState.STOOD_DOWN:
        return Moved(run)  # nobody is called for what is over
    if at.deadline_at is not None and not at.late and at.deadline_at <= now:
        at = replace(at, late=True, state=StepState.OVERDUE if at.state is StepState.READY else at.state)
        effects.append(Note(EventKind.STEP_LATE, {"step": step.id}))
        if step.on_failure == "escalate":
            effects.append(Tell(_with_owner(at, people()), Why.LATE, step.id, times=run.version))
    if isinstance(step, StatementStep) and at.approval_by is not None and at.approval_by <= now:
        at = replace(at, approval_by=None)
        effects.append(Note(EventKind.STEP_UNAPPROVED, {"step": step.id}))
        if approval.escalates(step):
            level = plan.level(run.level)
            to = dict.fromkeys([*([level.approver] if level is not None and level.approver else []), *people()])
            effects.append(Tell(tuple(to), Why.APPROVAL, step.id, times=run.version))
    return Moved(run.with_step(at), tuple(effects)) if effects else Moved(run)


def _with_owner(at: StepRun, people: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*([at.owner] if at.owner else []), *people]))


def _over(at: StepRun, state: StepState, now: datetime) -> StepRun:
    return replace(at, state=state, ended_at=now, approval_by=None, next_at=None)
