"""Opens the emergency plan of an alert: once per incident, and again when a crisis comes back after its run was closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor.domain.alert import Alert
from monitor.domain.plan import Plan, PlanRun, RunState, UnreadableRunError, opens_as
from monitor.plans import Tell, Why, owe
from monitor.storage import UnitOfWork


async def open_plan(tx: UnitOfWork, plan: Plan, alert: Alert, now: datetime, *, again: bool = True) -> tuple[PlanRun | None, str]:
    """The run, and whether it was `opened` or `reopened`; None when it is open already, or stays closed.

    The snapshot keeps a run as it was when the file is edited. A crisis that comes back after its run was closed opens the same
    run again: its people must hear of it. Not so (`again`) what rang before, and rings still: somebody said that it is over.
    """
    run = await tx.plans.open(
        plan=plan.id,
        incident_id=alert.incident_id,
        snapshot=plan.snapshot(),
        steps=[step.id for step in plan.steps],
        state=opens_as(plan),
        at=now,
        confirm_by=_confirm_by(plan, now),
    )
    if run is not None:
        return run, "opened"
    return (await _reopen(tx, plan, alert, now) if again else None), "reopened"


async def open_by_hand(
    tx: UnitOfWork,
    plan: Plan,
    subject: str | None,
    by: str,
    now: datetime,
    *,
    drill: bool = False,
) -> PlanRun:
    """A run that a person opens, for what no rule can see or as a drill: confirmed by that, and told to its people.

    Its incident is nothing that rings, so it is over as soon as it is written; the run keeps it from being forgotten.
    """
    key = f"by hand:{plan.id}:{now.isoformat()}"
    incident = await tx.incidents.open(subject=subject, open_key=key, severity="critical", at=now)
    await tx.incidents.resolve(incident.id, now)
    run = await tx.plans.open(
        plan=plan.id,
        incident_id=incident.id,
        snapshot=plan.snapshot(),
        steps=[step.id for step in plan.steps],
        state=RunState.RUNNING,
        at=now,
        drill=drill,
    )
    assert run is not None, "the incident is new"
    opened = replace(run, confirmed_at=now, confirmed_by=by, owed=tuple(owe([Tell(plan.notify, Why.OPENED)])))
    await tx.plans.save(run, opened)
    return opened


def _confirm_by(plan: Plan, now: datetime) -> datetime | None:
    """Until when somebody should have said whether it is a crisis."""
    return now + plan.activation.confirm_within if plan.activation.mode == "confirm" else None


async def _reopen(tx: UnitOfWork, plan: Plan, alert: Alert, now: datetime) -> PlanRun | None:
    """Go on with the incident's run if it was closed, its steps as they were.

    Within the plan's cooldown what was confirmed stays confirmed. After that it waits if it did then, or would now.
    """
    runs = await tx.plans.of_incident(alert.incident_id)
    closed = next((run for run in runs if run.plan == plan.id and run.state is RunState.CLOSED), None)
    if closed is None or closed.closed_at is None:
        return None
    try:
        waits = RunState.AWAITING_CONFIRMATION in {closed.opened_as, opens_as(plan)}
    except UnreadableRunError:
        return None  # it stays closed; whoever the rule names is told
    soon = closed.confirmed_at is not None and now - closed.closed_at < plan.activation.cooldown
    state = RunState.AWAITING_CONFIRMATION if waits and not soon else RunState.RUNNING
    asked = _confirm_by(plan, now) if state is RunState.AWAITING_CONFIRMATION else None
    return await tx.plans.reopen(plan.id, alert.incident_id, state=state, at=now, confirm_by=asked)
