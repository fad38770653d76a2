"""Opens the emergency plan of an alert: once per crisis, and again when one comes back after its run was closed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from monitor.domain.alert import Alert, Incident
from monitor.domain.errors import UsageError
from monitor.domain.plan import EventKind, Plan, PlanRun, RunState, TimelineEvent, UnreadableRunError, opens_as
from monitor.pipeline.incidents import room_about, shared_key
from monitor.plans import ONLY_OBSERVED, Tell, Why, beginning_again, owe, reopened
from monitor.storage import UnitOfWork

_Fate = Literal["stays", "goes on", "gives way"]


async def open_plan(
    tx: UnitOfWork, plan: Plan, alert: Alert, now: datetime, *, observed: bool = False
) -> tuple[PlanRun | None, EventKind]:
    """The run, and whether it was opened, opened again or joined; None when it is open already, or stays as it is.

    The snapshot keeps a run as it was when the file is edited. A crisis that comes back after its run was closed opens the same
    run again: its people must hear of it. What a person opened by hand, or an earlier alert did, is the same crisis as long as
    its run is open: one room (`room_about`). One customer's thread and another's have each their own.

    What was only observed is no room: once the plan is in force its run gives way to one of the plan as it is by now, also for
    what rings still. Of what is `observed` itself nobody is told, and it joins nothing that is carried out.
    """
    while True:
        try:
            return await _open_plan(tx, plan, alert, now, observed=observed)
        except _ActedMeanwhileError:
            continue


class _ActedMeanwhileError(Exception):
    """A person has changed a run since it was read: what becomes of it is asked anew."""


async def _open_plan(
    tx: UnitOfWork, plan: Plan, alert: Alert, now: datetime, *, observed: bool
) -> tuple[PlanRun | None, EventKind]:
    own, over = await _of_incident(tx, plan, alert.incident_id), await tx.timeline.called_over(alert.id)
    fate = await _fate(tx, plan, own, alert, over=over) if own is not None else "gives way"
    if own is not None and fate != "gives way":
        return (await _reopen(tx, plan, own, now) if fate == "goes on" else None), EventKind.PLAN_REOPENED
    if over or (opens_as(plan) is RunState.OBSERVING and await _is_over(tx, alert.incident_id)):
        if own is not None:
            await _ended(tx, own, now)
        return None, EventKind.PLAN_OPENED
    if own is not None:
        await _set_aside(tx, own, now)
    room = await _room(tx, plan, alert, observed=observed)
    if room is not None:
        return await _go_on(tx, room, alert.incident_id, now), EventKind.PLAN_JOINED
    return await _open_again_or_anew(tx, plan, alert, now)


async def _open_again_or_anew(tx: UnitOfWork, plan: Plan, alert: Alert, now: datetime) -> tuple[PlanRun | None, EventKind]:
    """The run that left the incident, if that goes on; else a new one."""
    left = await _that_left(tx, plan, alert.incident_id)
    fate = await _fate(tx, plan, left, alert, over=False) if left is not None else "gives way"
    if left is None or fate == "gives way":
        return await _opened(tx, plan, alert.incident_id, opens_as(plan), now), EventKind.PLAN_OPENED
    if fate == "stays":
        return None, EventKind.PLAN_JOINED
    return await _reopen(tx, plan, await _go_on(tx, left, alert.incident_id, now), now), EventKind.PLAN_REOPENED


async def _fate(tx: UnitOfWork, plan: Plan, run: PlanRun, alert: Alert, *, over: bool) -> _Fate:
    """What becomes of a run for whose incident an alert rings; `over`: the alert remembers that somebody has called it over.

    What was called over stays so for what rang before, and rings still. What was carried out stays closed for a plan that is only
    observed by now; what was only observed is nothing to go on with.
    """
    observes = opens_as(plan) is RunState.OBSERVING
    trial = await _is_trial(tx, run)
    if run.open:
        return "gives way" if trial and not observes else "stays"
    if over or await tx.timeline.rang_before_end(alert.id, run.id):
        return "stays"
    if trial:
        return "gives way"
    return "stays" if observes else "goes on"


async def _is_over(tx: UnitOfWork, incident_id: int) -> bool:
    incident = await tx.incidents.get(incident_id)
    return incident is None or incident.resolved_at is not None


async def _is_trial(tx: UnitOfWork, run: PlanRun) -> bool:
    """Whether a run is, or was until its end, only observed."""
    return run.state is RunState.OBSERVING or await tx.timeline.was_observed(run.id)


async def _of_incident(tx: UnitOfWork, plan: Plan, incident_id: int) -> PlanRun | None:
    return next((run for run in await tx.plans.of_incident(incident_id) if run.plan == plan.id), None)


async def _that_left(tx: UnitOfWork, plan: Plan, incident_id: int) -> PlanRun | None:
    """The run that was the incident's, and went on as that of another."""
    number = await tx.timeline.went_on(incident_id, plan.id)
    return await tx.plans.get(number) if number is not None else None


async def _room(tx: UnitOfWork, plan: Plan, alert: Alert, *, observed: bool) -> PlanRun | None:
    """The run that goes on as that of an alert's incident, if one does. What is only observed is joined by its like alone."""
    incident = await tx.incidents.get(alert.incident_id)
    if incident is None or incident.subject is None:
        return None
    kinds = ([] if observed else [False]) + ([True] if opens_as(plan) is RunState.OBSERVING else [])
    for only_observed in kinds:
        room, goes_on = await room_about(tx, plan.id, incident.subject, personal=alert.personal, observed=only_observed)
        if room is not None and goes_on:
            return room
    return None


async def _go_on(tx: UnitOfWork, run: PlanRun, incident_id: int, now: datetime) -> PlanRun:
    """A run goes on as that of another incident. The one that it leaves remembers it: what comes back there finds it."""
    await _move(tx, run, incident_id, now)
    detail = {"plan": run.plan, "run": run.id}
    await tx.timeline.add(TimelineEvent(now, EventKind.PLAN_WENT_ON, detail=detail, incident_id=run.incident_id))
    moved = await tx.plans.get(run.id)
    assert moved is not None, "a run is not forgotten while it goes on"
    return moved


async def _move(tx: UnitOfWork, run: PlanRun, incident_id: int, now: datetime) -> None:
    await tx.timeline.write()
    if not await tx.plans.move_to(run, incident_id, now):
        raise _ActedMeanwhileError


async def close_observed(tx: UnitOfWork, run: PlanRun, now: datetime) -> PlanRun | None:
    """End a run that was only observed: nothing rings for it any more, or its plan is in force by now.

    None: a person acted in it meanwhile.
    """
    closed = replace(run, state=RunState.CLOSED, closed_at=now, closed_by="tocsin", wake_at=None, owed=())
    if not await tx.plans.save(run, closed):
        return None
    about: dict[str, Any] = {"at": now, "incident_id": run.incident_id, "plan_run_id": run.id}
    over = {"to": list(run.definition.notify) if run.is_readable else [], "why": Why.OVER}
    await tx.timeline.add(TimelineEvent(kind=EventKind.PLAN_CLOSED, detail={"why": ONLY_OBSERVED}, **about))
    await tx.timeline.add(TimelineEvent(kind=EventKind.PLAN_WOULD_TELL, detail=over, **about))
    return await tx.plans.get(run.id)


async def _ended(tx: UnitOfWork, run: PlanRun, now: datetime) -> PlanRun:
    """A run that was only observed, and is so no more."""
    closed = await close_observed(tx, run, now) if run.open else run
    if closed is None:
        raise _ActedMeanwhileError
    return closed


async def _set_aside(tx: UnitOfWork, run: PlanRun, now: datetime) -> None:
    """What was only observed leaves its incident to a run that is carried out, and keeps its story."""
    closed = await _ended(tx, run, now)
    incident = await tx.incidents.get(run.incident_id)
    aside = await _silent(tx, f"observed run:{run.id}", incident.subject if incident is not None else None, now)
    await _move(tx, closed, aside.id, now)


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
    if not drill:
        await tx.plans.wait_to_open()
        await _refuse_second(tx, plan, subject)
    rings = None if drill or subject is None else await tx.incidents.open_by_key(shared_key(subject))
    if rings is not None:
        await _clear(tx, plan, rings.id, now)
    run = await _opened(tx, plan, rings.id, RunState.RUNNING, now) if rings is not None else None
    if run is None:  # nothing rings, or it has a run of this plan: one that was closed, or that its rule opened this moment
        if not drill:
            await _refuse_second(tx, plan, subject)
        silent = await _silent(tx, f"by hand:{plan.id}:{now.isoformat()}", subject, now)
        run = await _opened(tx, plan, silent.id, RunState.RUNNING, now, drill=drill)
    assert run is not None, "the incident is new"
    graded = replace(run, level=level, level_since=now) if level is not None else run
    opened = replace(graded, confirmed_at=now, confirmed_by=by, owed=tuple(owe([Tell(plan.notify, Why.OPENED)])))
    await tx.plans.save(run, opened)
    return opened


async def _clear(tx: UnitOfWork, plan: Plan, incident_id: int, now: datetime) -> None:
    """What was only observed leaves an incident to what a person opens."""
    while (known := await _of_incident(tx, plan, incident_id)) is not None and await _is_trial(tx, known):
        with suppress(_ActedMeanwhileError):
            await _set_aside(tx, known, now)


async def _refuse_second(tx: UnitOfWork, plan: Plan, subject: str | None) -> None:
    """One crisis, one room. Raises `UsageError`."""
    room = await tx.plans.open_about(plan.id, subject)
    if room is not None:
        raise UsageError(
            f"plan {plan.id} is open about this already: run {room.id}. `tocsin plan show {room.id}` shows where it stands,"
            f" `tocsin plan confirm {room.id}` says that it is a crisis"
        )


async def _silent(tx: UnitOfWork, key: str, subject: str | None, now: datetime) -> Incident:
    """An incident for which nothing rings."""
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

    Within the plan's cooldown what was confirmed stays confirmed. After that it waits if it did then, or would now.
    """
    if closed.closed_at is None:
        return None
    try:
        then = closed.opened_as
    except UnreadableRunError:
        return None  # it stays closed; whoever the rule names is told
    soon = closed.confirmed_at is not None and now - closed.closed_at < plan.activation.cooldown
    waits = RunState.AWAITING_CONFIRMATION in {then, opens_as(plan)} and not soon
    state = RunState.AWAITING_CONFIRMATION if waits else RunState.RUNNING
    asked = _confirm_by(plan, now) if waits else None
    if not await tx.plans.save(closed, reopened(closed, now, state=state, confirm_by=asked)):
        raise _ActedMeanwhileError
    await tx.notifications.detach(closed.id, beginning_again(closed))
    return await tx.plans.get(closed.id)
