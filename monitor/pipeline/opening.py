"""Opens the emergency plan of an alert: once per incident, and again when a crisis comes back after its run was closed."""

from __future__ import annotations

from datetime import datetime

from monitor.domain.alert import Alert
from monitor.domain.plan import Plan, PlanRun, RunState, UnreadableRunError, opens_as
from monitor.storage import UnitOfWork


async def open_plan(tx: UnitOfWork, plan: Plan, alert: Alert, now: datetime) -> tuple[PlanRun | None, str]:
    """The run, and whether it was `opened` or `reopened`; None when it is open already, or stays closed.

    The snapshot keeps a run as it was when the file is edited. A crisis that comes back after its run was closed opens the same
    run again: its people must hear of it.
    """
    run = await tx.plans.open(
        plan=plan.id,
        incident_id=alert.incident_id,
        snapshot=plan.model_dump(mode="json"),
        steps=[step.id for step in plan.steps],
        state=opens_as(plan),
        at=now,
    )
    return (run, "opened") if run is not None else (await _reopen(tx, plan, alert.incident_id), "reopened")


async def _reopen(tx: UnitOfWork, plan: Plan, incident_id: int) -> PlanRun | None:
    """Go on with the incident's run if it was closed, its steps as they were: it waits if it did then, or would now."""
    runs = await tx.plans.of_incident(incident_id)
    closed = next((run for run in runs if run.plan == plan.id and run.state is RunState.CLOSED), None)
    if closed is None:
        return None
    try:
        waits = RunState.AWAITING_CONFIRMATION in {closed.opened_as, opens_as(plan)}
    except UnreadableRunError:
        return None  # it stays closed; whoever the rule names is told
    return await tx.plans.reopen(plan.id, incident_id, state=RunState.AWAITING_CONFIRMATION if waits else RunState.RUNNING)
