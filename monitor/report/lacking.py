"""What the plan lacked, read off the timeline: each finding is something to decide in calm weather, and nobody's fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.domain.alert import DeliveryRecord, DeliveryState
from monitor.domain.plan import EventKind, PlanRun, StatementStep, Step, StepState, TimelineEvent
from monitor.plans.steps import is_automatic
from monitor.report.material import Material
from monitor.report.naming import Naming
from monitor.report.value import Lack, Span


def lacks(seen: Material, spans: Sequence[Span], naming: Naming) -> list[Lack]:
    """All of them, from the beginning of a crisis to its end."""
    story = [each for each in seen.story if each.plan_run_id == seen.run.id]
    return [*_told(seen, story, naming), *_taken(seen.run, story, spans), *_said(seen.run, story, spans), *_done(seen.run, story)]


def _told(seen: Material, story: Sequence[TimelineEvent], naming: Naming) -> Iterator[Lack]:
    """Who should have heard of it."""
    failed = [each.receiver for each in seen.deliveries.values() if _was_missed(each, seen.run)]
    if failed:
        yield Lack("undelivered", tuple(dict.fromkeys(naming.addressee(name, seen.run.opened_at) for name in failed)))
    if any(each.kind == EventKind.PLAN_STUCK for each in story):
        yield Lack("stuck")


def _was_missed(delivery: DeliveryRecord, run: PlanRun) -> bool:
    """Whether a message did not arrive; one that was called off because the run was closed is missed by nobody."""
    called_off = run.closed_at is not None and delivery.ended_at is not None and delivery.ended_at >= run.closed_at
    return delivery.state is DeliveryState.FAILED and not called_off


def _taken(run: PlanRun, story: Sequence[TimelineEvent], spans: Sequence[Span]) -> Iterator[Lack]:
    """Who should have taken it."""
    taken = next((span for span in spans if span.name == "acknowledge"), None)
    if taken is not None and taken.until is None:
        yield Lack("untaken")
    if any(each.kind == EventKind.PLAN_UNCONFIRMED for each in story):
        yield Lack("unconfirmed")
    ladder = [rung for rung in run.definition.escalation if rung.repeat_from is None]
    rungs = [each for each in story if each.kind == EventKind.PLAN_ESCALATED]
    if len(ladder) > 1 and any(_rung(each) >= len(ladder) - 1 for each in rungs):
        yield Lack("last_rung")
    if any(each.by_hand for each in rungs):
        yield Lack("asked_for_help")


def _rung(event: TimelineEvent) -> int:
    number = (event.detail or {}).get("rung")
    return number if isinstance(number, int) else -1


def _said(run: PlanRun, story: Sequence[TimelineEvent], spans: Sequence[Span]) -> Iterator[Lack]:
    """Which words were not ready."""
    for code, kind in (
        ("edited", EventKind.STEP_EDITED),
        ("rejected", EventKind.STEP_REJECTED),
        ("unapproved", EventKind.STEP_UNAPPROVED),
    ):
        if steps := _steps(story, kind):
            yield Lack(code, steps)
    if drafts := [step.id for step in run.definition.steps if _is_draft(run, step)]:
        yield Lack("draft", tuple(drafts))
    if not run.open and any(span.name == "statement" and span.until is None for span in spans):
        yield Lack("silent")


def _is_draft(run: PlanRun, step: Step) -> bool:
    """Whether words went out that nobody had approved, in calm weather or in the run."""
    if not isinstance(step, StatementStep) or run.step(step.id).state is not StepState.DONE:
        return False
    prepared = run.definition.statement(step.statement)
    return run.step(step.id).approved_at is None and (prepared is None or prepared.status == "draft")


def _done(run: PlanRun, story: Sequence[TimelineEvent]) -> Iterator[Lack]:
    """Which steps did not carry."""
    if failed := _steps(story, EventKind.STEP_FAILED):
        yield Lack("failed", failed)
    if late := _steps(story, EventKind.STEP_LATE):
        yield Lack("late", late)
    unowned = [step.id for step in run.definition.steps if not is_automatic(step) and not (run.step(step.id).owner or step.role)]
    if unowned:
        yield Lack("unowned", tuple(unowned))
    if any(each.kind == EventKind.PLAN_REOPENED for each in story):
        yield Lack("reopened")
    if run.definition.after_action.owner is None:
        yield Lack("unreported")


def _steps(story: Sequence[TimelineEvent], kind: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str((each.detail or {}).get("step", "")) for each in story if each.kind == kind))
