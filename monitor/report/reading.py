"""What a report is made from, read from the store: the run, its incident's alerts and timeline, who was told, what was said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

from monitor.domain.alert import Alert, Incident
from monitor.domain.errors import UsageError
from monitor.domain.plan import PlanRun
from monitor.report.material import Material
from monitor.report.value import Column, Course
from monitor.storage import UnitOfWork

_MOST_COLUMNS: Final = 60
_WIDTHS: Final = tuple(timedelta(minutes=each) for each in (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440))
_LEAST_AROUND, _MOST_AROUND = timedelta(hours=1), timedelta(hours=6)
_FURTHEST: Final = timedelta(days=1)
"""How long before the first alert an incident may begin, and how long after calm its run may be closed, to stand on the chart: an
old post that came late, or a signature, stretches it over no weeks."""


async def read(tx: UnitOfWork, run_id: int, now: datetime) -> Material:
    """Read it. Raises `UsageError` for a run that does not exist."""
    run = await tx.plans.get(run_id)
    if run is None:
        raise UsageError(f"there is no plan run {run_id}; `tocsin plan list` lists them")
    incident = await tx.incidents.get(run.incident_id)
    assert incident is not None
    alerts = await tx.alerts.of_incident(run.incident_id)
    behind = [alert.id for alert in alerts]
    first = await tx.alerts.first_post(behind)
    told = await tx.notifications.of_run(run_id)
    return Material(
        now,
        run,
        incident,
        alerts,
        await tx.timeline.of_incident(run.incident_id),
        await tx.timeline.of_run(run_id),
        told,
        await tx.deliveries.of_messages([each.id for each in told]),
        first,
        await tx.alerts.evidence_count(behind),
        await tx.alerts.deleted_count(behind),
        await _course(tx, incident.subject, *_extent(run, incident, alerts, first, now)),
    )


def _extent(
    run: PlanRun, incident: Incident, alerts: Sequence[Alert], first: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """From some time before the first post to some time after the end, or to now.

    A run may be left open for weeks after all is calm: what was said then says nothing of the crisis.
    """
    rang = min((alert.opened_at for alert in alerts), default=run.opened_at)
    began = max(min(first or rang, rang), rang - _FURTHEST)
    ended, calm = run.closed_at or now, incident.resolved_at if alerts else None
    if calm is not None and not calm <= ended <= calm + _FURTHEST:
        ended = calm
    around = min(max((ended - began) / 4, _LEAST_AROUND), _MOST_AROUND)
    return began - around, min(ended + around, max(now, ended))


async def _course(tx: UnitOfWork, subject: str | None, since: datetime, until: datetime) -> Course:
    each = _width(until - since)
    begins = _floor(since, each)
    columns = [begins + each * place for place in range(max(ceil((until - begins) / each), 1))]
    return Course(each, tuple([await _column(tx, subject, at, at + each) for at in columns]))


async def _column(tx: UnitOfWork, subject: str | None, since: datetime, until: datetime) -> Column:
    said = await tx.mentions.crowd(subject, since, until)
    return Column(since, said.mentions, said.authors, said.scored, said.negative)


def _width(length: timedelta) -> timedelta:
    day = _WIDTHS[-1]
    return next((each for each in _WIDTHS if length / each <= _MOST_COLUMNS), day * ceil(length / day / _MOST_COLUMNS))


def _floor(moment: datetime, each: timedelta) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (moment - epoch) // each * each
