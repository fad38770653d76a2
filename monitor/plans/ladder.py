"""The ladder of a plan: who is told, rung by rung, as long as nobody takes the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from monitor.domain.plan import EVERYONE, Plan, PlanRun, Rung, RunState
from monitor.plans.effects import Moved, Note, Tell, Why

ACK_WITHIN: Final = timedelta(minutes=15)
"""How soon somebody takes a run whose level says nothing of it."""


def next_rung(plan: Plan, run: PlanRun) -> tuple[str, ...]:
    """Whom the next rung names; nobody when the ladder has ended."""
    return next((rung.notify for rung in _rungs(plan)[run.rung :]), ())


def above(plan: Plan, run: PlanRun) -> tuple[str, ...]:
    """Whom the next rung names, or the last one: who hears of trouble beside whoever leads. Nobody without a ladder."""
    return next_rung(plan, run) or next((rung.notify for rung in reversed(_rungs(plan))), ())


def climb(plan: Plan, run: PlanRun, now: datetime) -> Moved:
    """Tell the rungs whose time has come. Who has taken the run ends the chase, not what is told whatever happens."""
    notes: list[Note] = []
    told: list[Rung] = []
    times = run.version if run.rung_at is not None else 0  # 0: nobody has been chased before
    while (due := _due(plan, run)) is not None and due[0] <= now:
        rung = due[1]
        if run.acknowledged_at is None or rung.unless is None:
            notes.append(Note("escalated", {"rung": run.rung, "to": list(rung.notify)}))
            told.append(rung)
        run = replace(run, rung=run.rung + 1, rung_at=now)
    return Moved(run, (*notes, _telling(told, times)) if told else ())


def next_climb(plan: Plan, run: PlanRun) -> datetime | None:
    """When the next rung is told. None: the ladder has ended, or chases nobody."""
    due = _due(plan, run)
    return due[0] if due is not None else None


def _telling(rungs: Sequence[Rung], times: int) -> Tell:
    """Rungs that are due together, after a downtime, are one message to all of their people, by all of their channels."""
    to = dict.fromkeys(name for rung in rungs for name in rung.notify)
    by = dict.fromkeys(channel for rung in rungs for channel in rung.by)
    return Tell(tuple(to), Why.UNTAKEN, times=times, by=tuple(by) if all(rung.by for rung in rungs) else ())


def _due(plan: Plan, run: PlanRun) -> tuple[datetime, Rung] | None:
    """The next rung and its moment."""
    rungs = _rungs(plan)
    if not _chases(plan, run) or not rungs:
        return None
    since = run.level_since or run.opened_at
    if run.rung < len(rungs):
        rung = rungs[run.rung]
        return since + _ack_within(plan, run) * (rung.at or 0.0), rung
    again = next((rung for rung in plan.escalation if rung.repeat_from is not None), None)
    if again is None or run.acknowledged_at is not None:
        return None
    rung_again = _once_more(plan, again, run.rung - len(rungs))
    return ((run.rung_at or since) + again.every, rung_again) if rung_again is not None else None


def _once_more(plan: Plan, again: Rung, more: int) -> Rung | None:
    """The rung that is told after `more` others were told again; everyone at last. None: it was the last."""
    rungs = _rungs(plan)
    if more < again.max:
        around = rungs[(again.repeat_from or 0) % len(rungs) :]
        return around[more % len(around)]
    return Rung(at=0, notify=tuple(plan.named())) if more == again.max and again.then == EVERYONE else None


def _chases(plan: Plan, run: PlanRun) -> bool:
    """A plan that is observed chases nobody, nor one that waits to be begun by hand, nor one that was stood down."""
    waits = run.state is RunState.AWAITING_CONFIRMATION and plan.activation.mode == "manual"
    return run.state not in {RunState.OBSERVING, RunState.STOOD_DOWN} and not waits


def _ack_within(plan: Plan, run: PlanRun) -> timedelta:
    level = plan.level(run.level)
    return (level.ack_within if level is not None else None) or ACK_WITHIN


def _rungs(plan: Plan) -> Sequence[Rung]:
    """Those that name somebody; the other says how they are told again."""
    return [rung for rung in plan.escalation if rung.repeat_from is None]
