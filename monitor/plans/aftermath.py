"""What is left when a run is closed: the report that somebody owes, who is reminded of it until it is signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from monitor.domain.plan import EventKind, PlanRun, UnreadableRunError
from monitor.plans.effects import Moved, Note, Tell, Why

REMIND: Final = timedelta(days=1)
"""How long a report that is overdue rests before its author is reminded again, or after somebody did something in the run."""


def report_due(run: PlanRun) -> datetime | None:
    """Until when the report is owed. None: the run goes on, or its plan says nobody who writes it.

    Whether it is owed at all is not known here: of a false alarm, or of what was only observed when it ended, it is not.
    """
    return run.closed_at + run.definition.after_action.due if run.closed_at is not None and _author(run) else None


def ask_for_report(closed: PlanRun) -> Moved:
    """Tell whoever writes the report that it is theirs, and look again when it is due."""
    author = _author(closed)
    if author is None:
        return Moved(closed)
    return Moved(replace(closed, wake_at=report_due(closed)), (Tell((author,), Why.REPORT, times=closed.version),))


def remind_of_report(closed: PlanRun, now: datetime, *, settled: bool) -> Moved:
    """Each day that the report is overdue its author is reminded. `settled`: it is signed, or none is owed."""
    due, author = report_due(closed), _author(closed)
    if settled or due is None or author is None:
        return Moved(replace(closed, wake_at=None))
    touched = min(closed.touched_at or due, now)  # a clock that was set back puts nothing off
    at = due if touched < due else touched + REMIND
    if now < at:
        return Moved(replace(closed, wake_at=at))
    reminded = replace(closed, touched_at=now, wake_at=now + REMIND)
    return Moved(reminded, (Note(EventKind.REPORT_OVERDUE), Tell((author,), Why.UNSIGNED, times=closed.version)))


def _author(run: PlanRun) -> str | None:
    """Who writes it. A run that another version opened names nobody whom this one can read."""
    try:
        return run.definition.after_action.owner
    except UnreadableRunError:
        return None
