"""Who did what, when, through what: events are added, never changed."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import select

from monitor.domain.plan import TimelineEvent
from monitor.storage.session import Repository
from monitor.storage.tables import timeline as table

_FIELDS = [table.c[field.name] for field in fields(TimelineEvent)]
_Events = list[TimelineEvent]
_Numbered = list[tuple[int, TimelineEvent]]


class Timeline(Repository):
    """Append-only."""

    async def add(self, event: TimelineEvent) -> None:
        """Remember an event."""
        said = {field.name: getattr(event, field.name) for field in fields(event)}
        said["detail"] = None if event.detail is None else dict(event.detail)
        await self._session.run(self._session.insert(table).values(said))

    async def of_incident(self, incident_id: int) -> _Events:
        """An incident's story, from its beginning."""
        query = select(*_FIELDS).where(table.c.incident_id == incident_id).order_by(table.c.at, table.c.id)
        return [TimelineEvent(**row) for row in await self._session.rows(query)]

    async def after(self, number: int, limit: int) -> _Numbered:
        """What was added after event `number` (0: from the beginning), in the order of its adding, each with its number."""
        query = select(table.c.id, *_FIELDS).where(table.c.id > number).order_by(table.c.id).limit(limit)
        rows = await self._session.rows(query)
        return [(row["id"], TimelineEvent(**{name: row[name] for name in row if name != "id"})) for row in rows]

    async def list(self, limit: int = 100) -> _Events:
        """The newest first."""
        query = select(*_FIELDS).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
        return [TimelineEvent(**row) for row in await self._session.rows(query)]
