"""The ladder of a plan: who is told, rung by rung, as long as nobody takes the run. At its end everyone is, again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from monitor.domain.plan import EventKind, Plan, PlanRun, Rung, RunState
from monitor.plans.effects import Moved, Note, Tell, Why

ACK_WITHIN: Final = timedelta(minutes=15)
"""How soon somebody takes a run whose level says nothing of it."""

_REST: Final = timedelta(minutes=15)
_DAY: Final = timedelta(days=1)


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
            notes.append(Note(EventKind.PLAN_ESCALATED, {"rung": run.rung, "to": list(rung.notify)}))
            told.append(rung)
        run = replace(run, rung=run.rung + 1, rung_at=now)
    return Moved(run, (*notes, _telling(told, times)) if told else ())


def next_climb(plan: Plan, run: PlanRun) -> datetime | None:
    """When the next rung is told. None: somebody has taken the run, or it chases nobody."""
    due = _due(plan, run)
    return due[0] if due is not None else None


def _telling(rungs: Sequence[Rung], times: int) -> Tell:
    """Rungs that are due together, after a downtime, are one message to all of their people, by all of their channels."""
    to = dict.fromkeys(name for rung in rungs for name in rung.notify)
    by = dict.fromkeys(channel for rung in rungs for channel in rung.by)
    return Tell(tuple(to), Why.UNTAKEN, times=times, by=tuple(by) if all(rung.by for rung in rungs) else ())


def _due(plan: Plan, run: PlanRun) -> tuple[datetime, Rung] | None:
    """The next rung and its moment."""
    if not _chases(plan, run):
        return None
    rungs, since = _rungs(plan), run.level_since or run.began_at
    if run.rung < len(rungs):
        rung = rungs[run.rung]
        return since + _ack_within(plan, run) * (rung.at or 0.0), rung
    if run.acknowledged_at is not None:
        return None
    again = next((rung for rung in plan.escalation if rung.repeat_from is not None), None) if rungs else None
    more = run.rung - len(rungs)
    if again is not None and more < again.max:
        around = rungs[(again.repeat_from or 0) % len(rungs) :]
        return (run.rung_at or since) + again.every, around[more % len(around)]
    return _everyone(plan, run, since, again, more - (again.max if again is not None else 0))


def _everyone(plan: Plan, run: PlanRun, since: datetime, again: Rung | None, before: int) -> tuple[datetime, Rung]:
    """The last rung is never nobody: all whom the plan names, who were told so `before` times, each time after a longer rest."""
    rung = Rung(at=0, notify=tuple(plan.named()))
    if before:
        return (run.rung_at or since) + _longer(plan.remind_every, before - 1), rung
    if not _rungs(plan):
        return since + _ack_within(plan, run), rung
    return (run.rung_at or since) + (again.every if again is not None else _REST), rung


def _longer(rest: timedelta, times: int) -> timedelta:
    """Twice as long each time, up to a day."""
    return max(rest, min(rest * (1 << min(times, 12)), _DAY))


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
