"""Who did what, when, through what: added, never changed; what joins an incident, a run or an alert, takes its own along."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select, update

from monitor.domain.alert import AlertState
from monitor.domain.plan import RUN_BEGINS, TOCSIN, EventKind, TimelineEvent
from monitor.storage.session import Repository, Session
from monitor.storage.tables import alert
from monitor.storage.tables import timeline as table

_NAMES = [field.name for field in fields(TimelineEvent)]
_FIELDS = [table.c[name] for name in _NAMES]
_STUCK_OR_FREED = (EventKind.PLAN_STUCK, EventKind.PLAN_FREED)
_SETTLING = (EventKind.REPORT_SIGNED, EventKind.PLAN_FALSE_ALARM, EventKind.PLAN_WOULD_TELL)
_limited = table.alias("limited")
_OPENINGS = (EventKind.ALERT_OPENED, EventKind.ALERT_REOPENED)
_BEGINNINGS = (EventKind.ALERT_OPENED, EventKind.ALERT_REOPENED, EventKind.ALERT_TOLD)
_WITHHOLDING = (EventKind.ALERT_INHIBITED, EventKind.ALERT_RELEASED, EventKind.ALERT_RESOLVED)
_Events = list[TimelineEvent]
_Numbered = list[tuple[int, TimelineEvent]]


def _row(event: TimelineEvent) -> dict[str, Any]:
    said = {name: getattr(event, name) for name in _NAMES}
    return said | {"detail": None if event.detail is None else dict(event.detail)}


class Timeline(Repository):
    """Append-only. What a transaction adds is written at its end, in one statement."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._added: list[dict[str, Any]] = []

    async def add(self, event: TimelineEvent) -> None:
        """Remember an event."""
        self._added.append(_row(event))

    async def add_all(self, events: Sequence[TimelineEvent]) -> None:
        """Remember events, in their order."""
        self._added += map(_row, events)

    async def write(self) -> None:
        """Write what was added: before the commit, and before anybody reads."""
        if self._added:
            await self._session.run(self._session.insert(table), self._added)
            self._added = []

    async def of_incident(self, incident_id: int) -> _Events:
        """An incident's story, from its beginning."""
        await self.write()
        query = select(*_FIELDS).where(table.c.incident_id == incident_id).order_by(table.c.at, table.c.id)
        return [TimelineEvent(**row) for row in await self._session.rows(query)]

    async def settled(self, run_id: int) -> bool:
        """Whether nobody owes a report on a run that is closed: it is signed, was a false alarm, or only observed."""
        return await self._says(run_id, _SETTLING)

    async def was_observed(self, run_id: int) -> bool:
        """Whether a run was only observed, up to its end: it says whom it would have told."""
        return await self._says(run_id, (EventKind.PLAN_WOULD_TELL,))

    async def _says(self, run_id: int, kinds: Sequence[str]) -> bool:
        """Since it was opened, or opened again last: in the order of adding, which no clock that is set back changes."""
        await self.write()
        own = table.c.plan_run_id == run_id
        began = select(func.coalesce(func.max(table.c.id), 0)).where(own, table.c.kind.in_(RUN_BEGINS)).scalar_subquery()
        said = select(table.c.id).where(own, table.c.kind.in_(kinds), table.c.id > began).limit(1)
        return await self._session.scalar(said) is not None

    async def called_false(self, alert_ids: Collection[int]) -> set[int]:
        """Those of these alerts of which somebody said that they rang for nothing."""
        said = (table.c.alert_id.in_(alert_ids), table.c.kind == EventKind.ALERT_FALSE_ALARM)
        return {row.alert_id for row in await self._session.all(select(table.c.alert_id).where(*said))}

    async def ended_false(self, incident_ids: Collection[int]) -> set[int]:
        """Those of these incidents of which somebody ended a plan run as a false alarm."""
        said = (table.c.incident_id.in_(incident_ids), table.c.kind == EventKind.PLAN_FALSE_ALARM)
        return {row.incident_id for row in await self._session.all(select(table.c.incident_id).where(*said))}

    async def called_over(self, alert_id: int) -> bool:
        """Whether an alert remembers that somebody called it over, since it rang (again) last: in the order of adding."""
        await self.write()
        own = table.c.alert_id == alert_id
        rang = select(func.coalesce(func.max(table.c.id), 0)).where(own, table.c.kind.in_(_OPENINGS)).scalar_subquery()
        over = select(table.c.id).where(own, table.c.kind == EventKind.ALERT_CALLED_OVER, table.c.id > rang)
        return await self._session.scalar(over.limit(1)) is not None

    async def rang_before_end(self, alert_id: int, run_id: int) -> bool:
        """Whether an alert was opened, or opened again, before somebody closed a run last: in the order of adding.

        What Tocsin closes by itself, when nothing rings for it any more, nobody has called over.
        """
        await self.write()
        opened = func.max(case((table.c.kind.in_(_OPENINGS), table.c.id)))  # NULL: nobody was told of it when it was opened
        rang = select(func.coalesce(opened, func.min(table.c.id))).where(table.c.alert_id == alert_id).scalar_subquery()
        closed = (table.c.plan_run_id == run_id, table.c.kind == EventKind.PLAN_CLOSED, table.c.actor != TOCSIN)
        ended = select(table.c.id).where(*closed, table.c.id > rang)
        return await self._session.scalar(ended.limit(1)) is not None

    async def left_by(self, run_id: int) -> set[int]:
        """The numbers of the incidents that a run was of, before it went on as that of another."""
        await self.write()
        rows = await self._session.rows(select(table.c.incident_id, table.c.detail).where(table.c.kind == EventKind.PLAN_WENT_ON))
        return {row["incident_id"] for row in rows if row["detail"]["run"] == run_id}

    async def went_on(self, incident_id: int, plan: str) -> int | None:
        """The number of the run of a plan that was last an incident's, and has gone on as that of another."""
        await self.write()
        left = (table.c.incident_id == incident_id, table.c.kind == EventKind.PLAN_WENT_ON)
        rows = await self._session.rows(select(table.c.detail).where(*left).order_by(table.c.id.desc()))
        return next((row["detail"]["run"] for row in rows if row["detail"]["plan"] == plan), None)

    async def of_run(self, run_id: int) -> _Events:
        """A plan run's story, in the order in which it was written down: a clock that is set back changes nothing in it."""
        await self.write()
        query = select(*_FIELDS).where(table.c.plan_run_id == run_id).order_by(table.c.id)
        return [TimelineEvent(**row) for row in await self._session.rows(query)]

    async def move_alert(self, alert_id: int, incident_id: int) -> None:
        """What an alert has to tell belongs to another incident from now on."""
        await self.write()
        await self._session.run(update(table).where(table.c.alert_id == alert_id).values(incident_id=incident_id))

    async def of_kinds(self, kinds: Sequence[str], *, alone: bool = False) -> _Events:
        """What happened of these kinds that belongs to no incident, in order; `alone`: nobody else adds to it meanwhile."""
        await self.write()
        if alone:
            await self._session.lock("readings")
        query = select(*_FIELDS).where(table.c.incident_id.is_(None), table.c.kind.in_(kinds)).order_by(table.c.at, table.c.id)
        return [TimelineEvent(**row) for row in await self._session.rows(query)]

    async def between(self, since: datetime, until: datetime, kinds: Sequence[str]) -> _Events:
        """What happened of these kinds from `since` until before `until`, in order."""
        await self.write()
        within = (table.c.at >= since, table.c.at < until, table.c.kind.in_(kinds))
        return [
            TimelineEvent(**row)
            for row in await self._session.rows(select(*_FIELDS).where(*within).order_by(table.c.at, table.c.id))
        ]

    async def told_alone(self, rule: str, since: datetime, limit: int, *, but: tuple[int, datetime]) -> list[datetime]:
        """When telling of alerts of a rule began on their own and in no digest: the newest `limit` after `since`.

        `but`: an alert, and the moment of the beginning that does not count, for it is being decided.
        """
        await self.write()
        limited = select(_limited.c.id).where(
            _limited.c.kind == EventKind.ALERT_LIMITED, _limited.c.alert_id == table.c.alert_id, _limited.c.at == table.c.at
        )
        other = or_(alert.c.id != but[0], table.c.at != but[1])
        began = (table.c.kind.in_(_BEGINNINGS), table.c.at > since, alert.c.rule == rule, other, ~limited.exists())
        query = select(table.c.at).join(alert, alert.c.id == table.c.alert_id).where(*began).order_by(table.c.at.desc())
        return [row["at"] for row in await self._session.rows(query.limit(limit))]

    async def withheld(self) -> dict[int, set[str]]:
        """By open alert: the receivers who are not told of it because another keeps it quiet."""
        await self.write()
        wanted = (table.c.kind.in_(_WITHHOLDING), alert.c.state == AlertState.OPEN)
        query = select(table.c.alert_id, table.c.kind, table.c.detail).join(alert, alert.c.id == table.c.alert_id).where(*wanted)
        found: dict[int, set[str]] = {}
        for row in await self._session.rows(query.order_by(table.c.id)):
            waiting = found.setdefault(row["alert_id"], set())
            if row["kind"] == EventKind.ALERT_INHIBITED:
                waiting.update(row["detail"]["receivers"])
            elif row["kind"] == EventKind.ALERT_RELEASED:
                waiting.difference_update(row["detail"]["receivers"])
            else:
                waiting.clear()
        return found

    async def after(self, number: int, limit: int) -> _Numbered:
        """What was added after event `number` (0: from the beginning), in the order of its adding, each with its number."""
        await self.write()
        query = select(table.c.id, *_FIELDS).where(table.c.id > number).order_by(table.c.id).limit(limit)
        rows = await self._session.rows(query)
        return [(row["id"], TimelineEvent(**{name: row[name] for name in row if name != "id"})) for row in rows]

    async def stuck_runs(self) -> dict[int, TimelineEvent]:
        """Of each plan run that is stuck, by its number, the event that says so: it was not followed by `plan.freed`."""
        await self.write()
        newest = select(func.max(table.c.id)).where(table.c.kind.in_(_STUCK_OR_FREED)).group_by(table.c.plan_run_id)
        query = select(*_FIELDS).where(table.c.id.in_(newest), table.c.kind == EventKind.PLAN_STUCK)
        events = [TimelineEvent(**row) for row in await self._session.rows(query)]
        return {event.plan_run_id: event for event in events if event.plan_run_id is not None}

    async def list(self, limit: int = 100) -> _Events:
        """The newest first."""
        await self.write()
        query = select(*_FIELDS).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
        return [TimelineEvent(**row) for row in await self._session.rows(query)]
