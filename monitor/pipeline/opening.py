"""Opens the emergency plan of an alert: once per crisis, and again when one comes back after its run was closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from monitor.domain.alert import OBSERVED, Alert, Incident
from monitor.domain.errors import UsageError
from monitor.domain.plan import EventKind, Plan, PlanRun, RunState, TimelineEvent, UnreadableRunError, opens_as
from monitor.pipeline.incidents import room_about, shared_key
from monitor.plans import ONLY_OBSERVED, Tell, Why, beginning_again, owe, reopened
from monitor.storage import UnitOfWork


async def open_plan(
    tx: UnitOfWork, plan: Plan, alert: Alert, now: datetime, *, again: bool = True
) -> tuple[PlanRun | None, EventKind]:
    """The run, and whether it was opened, opened again or joined; None when it is open already, or stays closed.

    The snapshot keeps a run as it was when the file is edited. A crisis that comes back after its run was closed opens the same
    run again: its people must hear of it. Not so (`again`) what rang before, and rings still: somebody said that it is over.
    What a person opened by hand, or an earlier alert did, is the same crisis as long as its run is open: one room
    (`room_about`). One customer's thread and another's have each their own. What was only observed is carried out once its plan
    is in force, also for what rings still.
    """
    runs = await tx.plans.of_incident(alert.incident_id)
    known = next((run for run in runs if run.plan == plan.id), None)
    if known is not None and known.state is RunState.OBSERVING and opens_as(plan) is not RunState.OBSERVING:
        known, again = await close_observed(tx, known, now), True
    if known is not None:
        return (await _reopen(tx, plan, known, now) if again else None), EventKind.PLAN_REOPENED
    incident = await tx.incidents.get(alert.incident_id)
    if incident is not None and incident.subject is not None and OBSERVED not in alert.labels:
        room, goes_on = await room_about(tx, plan.id, incident.subject, personal=alert.personal)
        if room is not None and goes_on:
            await tx.plans.move_to(room.id, incident.id, now)
            return await tx.plans.get(room.id), EventKind.PLAN_JOINED
        if room is not None and not again:  # it was the first to ring, and its room has gone on to the crowd's incident
            return None, EventKind.PLAN_JOINED
    return await _opened(tx, plan, alert.incident_id, opens_as(plan), now), EventKind.PLAN_OPENED


async def close_observed(tx: UnitOfWork, run: PlanRun, now: datetime) -> PlanRun:
    """End a run that was only observed, for its plan is in force by now."""
    closed = replace(run, state=RunState.CLOSED, closed_at=now, closed_by="tocsin", wake_at=None, owed=())
    if await tx.plans.save(run, closed):
        about: dict[str, Any] = {"at": now, "incident_id": run.incident_id, "plan_run_id": run.id}
        over = {"to": list(run.definition.notify), "why": Why.OVER}
        await tx.timeline.add(TimelineEvent(kind=EventKind.PLAN_CLOSED, detail={"why": ONLY_OBSERVED}, **about))
        await tx.timeline.add(TimelineEvent(kind=EventKind.PLAN_WOULD_TELL, detail=over, **about))
    return await tx.plans.get(run.id) or closed


async def open_by_hand(
    tx: UnitOfWork,
    plan: Plan,
    subject: str | None,
    by: str,
    now: datetime,
    *,
    drill: bool = False,
    level: int | None = None,
) -> PlanRun:
    """A run that a person opens, for what no rule can see or as a drill: confirmed by that, and told to its people.

    It joins what rings about its subject. Else its incident is nothing that rings, so it is over as soon as it is written; the
    run keeps it from being forgotten. A drill has no figures that could grade it: it is held at `level`. Raises `UsageError` when
    the plan is open about this subject already.
    """
    if not drill and (room := await tx.plans.open_about(plan.id, subject)) is not None:
        raise UsageError(
            f"plan {plan.id} is open about this already: run {room.id}. `tocsin plan show {room.id}` shows where it stands,"
            f" `tocsin plan confirm {room.id}` says that it is a crisis"
        )
    rings = None if drill or subject is None else await tx.incidents.open_by_key(shared_key(subject))
    run = await _opened(tx, plan, rings.id, RunState.RUNNING, now) if rings is not None else None
    if run is None:  # nothing rings, or it has a run of this plan that was closed
        silent = await _silent(tx, plan, subject, now)
        run = await _opened(tx, plan, silent.id, RunState.RUNNING, now, drill=drill)
    assert run is not None, "the incident is new"
    graded = replace(run, level=level, level_since=now) if level is not None else run
    opened = replace(graded, confirmed_at=now, confirmed_by=by, owed=tuple(owe([Tell(plan.notify, Why.OPENED)])))
    await tx.plans.save(run, opened)
    return opened


async def _silent(tx: UnitOfWork, plan: Plan, subject: str | None, now: datetime) -> Incident:
    key = f"by hand:{plan.id}:{now.isoformat()}"
    incident = await tx.incidents.open(subject=subject, open_key=key, severity="critical", at=now)
    await tx.incidents.resolve(incident.id, now)
    return incident


async def _opened(
    tx: UnitOfWork, plan: Plan, incident_id: int, state: RunState, now: datetime, *, drill: bool = False
) -> PlanRun | None:
    return await tx.plans.open(
        plan=plan.id,
        incident_id=incident_id,
        snapshot=plan.snapshot(),
        steps=[step.id for step in plan.steps],
        state=state,
        at=now,
        confirm_by=_confirm_by(plan, now) if state is RunState.AWAITING_CONFIRMATION else None,
        drill=drill,
    )


def _confirm_by(plan: Plan, now: datetime) -> datetime | None:
    """Until when somebody should have said whether it is a crisis."""
    return now + plan.activation.confirm_within if plan.activation.mode == "confirm" else None


async def _reopen(tx: UnitOfWork, plan: Plan, closed: PlanRun, now: datetime) -> PlanRun | None:
    """Go on with the incident's run if it was closed. What its end took back is done anew, as a new effect.

    Within the plan's cooldown what was confirmed stays confirmed. After that it waits if it did then, or would now. It is only
    observed if the plan is now; if it was then, Tocsin does in earnest what it had only written down.
    """
    if closed.open or closed.closed_at is None:
        return None
    try:
        then, state = closed.opened_as, opens_as(plan)
    except UnreadableRunError:
        return None  # it stays closed; whoever the rule names is told
    observed = await tx.timeline.was_observed(closed.id, closed.closed_at)
    if state is not RunState.OBSERVING:
        soon = closed.confirmed_at is not None and not observed and now - closed.closed_at < plan.activation.cooldown
        waits = RunState.AWAITING_CONFIRMATION in {then, state} and not soon
        state = RunState.AWAITING_CONFIRMATION if waits else RunState.RUNNING
    pretended = observed and state is not RunState.OBSERVING
    asked = _confirm_by(plan, now) if state is RunState.AWAITING_CONFIRMATION else None
    if not await tx.plans.save(closed, reopened(closed, now, state=state, confirm_by=asked, pretended=pretended)):
        return None
    await tx.notifications.detach(closed.id, beginning_again(closed, pretended=pretended))
    return await tx.plans.get(closed.id)
