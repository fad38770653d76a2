"""What people do when a crisis is over: note what is left to do, say that it is done, sign the report. Each is one event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from monitor.domain.errors import UsageError
from monitor.domain.plan import EventKind, PlanRun, TimelineEvent, since_it_began
from monitor.pipeline.operations import CONTENDED, Actor
from monitor.storage import Store, StoreContendedError

Said = tuple[EventKind, Mapping[str, object]]  # the kind of an event, and its detail
_Decide = Callable[[PlanRun, Sequence[TimelineEvent]], Said | None]


@dataclass(frozen=True, slots=True)
class NewAction:
    """Something to be done, by a person or role of contacts.yaml, until a day."""

    text: str
    owner: str
    due: date


async def add_action(store: Store, run_id: int, action: NewAction, actor: Actor, at: datetime) -> int:
    """Note an action, while the run goes on or afterwards. Returns its number, from 1. Raises `UsageError`."""
    if not action.text.strip():
        raise UsageError("say what is to be done")

    def add(_: PlanRun, story: Sequence[TimelineEvent]) -> Said:
        number = 1 + sum(each.kind == EventKind.ACTION_ADDED for each in story)
        return EventKind.ACTION_ADDED, {
            "action": number,
            "text": action.text.strip(),
            "owner": action.owner,
            "due": action.due.isoformat(),
        }

    said = await _append(store, run_id, add, actor, at)
    assert said is not None
    return int(str(said[1]["action"]))


async def end_action(store: Store, run_id: int, number: int, actor: Actor, at: datetime) -> bool:
    """Say that an action is done. False: somebody had. Raises `UsageError` for one that does not exist."""

    def end(run: PlanRun, story: Sequence[TimelineEvent]) -> Said | None:
        own = [each for each in story if (each.detail or {}).get("action") == number]
        if not own:
            raise UsageError(f"run {run.id} has no action {number}; `tocsin plan follow-up {run.id}` lists them")
        return None if any(each.kind == EventKind.ACTION_DONE for each in own) else (EventKind.ACTION_DONE, {"action": number})

    return await _append(store, run_id, end, actor, at) is not None


async def sign_report(store: Store, run_id: int, actor: Actor, at: datetime) -> bool:
    """Stand for the report on a run that is closed. False: somebody has. Raises `UsageError` while it is open."""

    def sign(run: PlanRun, story: Sequence[TimelineEvent]) -> Said | None:
        if run.closed_at is None:
            raise UsageError(f"run {run.id} goes on, and its report still changes: it can be signed once the run is closed")
        signed = any(each.kind == EventKind.REPORT_SIGNED for each in since_it_began(story))
        return None if signed else (EventKind.REPORT_SIGNED, {})

    return await _append(store, run_id, sign, actor, at) is not None


async def _append(store: Store, run_id: int, decide: _Decide, actor: Actor, at: datetime) -> Said | None:
    """Add the event that is decided by what stands there. Of two at one moment, the second decides anew.

    The run is touched with it: that puts off reminders, and makes the version by which two are told apart.
    """
    for _ in range(CONTENDED):
        async with store.begin() as tx:
            run = await tx.plans.get(run_id)
            if run is None:
                raise UsageError(f"there is no plan run {run_id}; `tocsin plan list` lists them")
            said = decide(run, await tx.timeline.of_run(run_id))
            if said is None:
                return None
            then = max(at, run.closed_at or at)  # a clock that was set back puts nothing before the end that it is about
            if await tx.plans.save(run, replace(run, touched_at=then)):
                detail = {"plan": run.plan, **said[1]}
                event = TimelineEvent(
                    then, said[0], actor.name, actor.through, detail, incident_id=run.incident_id, plan_run_id=run.id
                )
                await tx.timeline.add(event)
                await tx.commit()
                return said
    raise StoreContendedError(f"plan run {run_id} changes faster than anybody can act in it: try again")
