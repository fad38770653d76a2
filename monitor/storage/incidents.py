"""What belongs together: one incident per trouble, while it is open."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, select, update

from monitor.domain.alert import SEVERITIES, Incident, Severity
from monitor.storage.session import Repository
from monitor.storage.tables import incident as table

_FIELDS = [table.c[field.name] for field in fields(Incident)]
_BY_KEY = select(*_FIELDS).where(table.c.open_key == bindparam("open_key"))
_OVER = (
    update(table)
    .where(table.c.id == bindparam("number"), table.c.open_key.is_not(None))
    .values(resolved_at=bindparam("at"), open_key=None)
)
_Incidents = list[Incident]


class Incidents(Repository):
    """`open_key` is unique while an incident is open, and free again afterwards."""

    async def open_by_key(self, open_key: str) -> Incident | None:
        """The open incident with this key."""
        row = await self._session.row(_BY_KEY, {"open_key": open_key})
        return Incident(**row) if row else None

    async def open_key(self, id_: int) -> str | None:
        """The key of an incident; None: it is over."""
        key: str | None = await self._session.scalar(select(table.c.open_key).where(table.c.id == id_))
        return key

    async def open(self, *, subject: str | None, open_key: str, severity: Severity, at: datetime) -> Incident:
        """A new one. Raises `StorageError` when one with this key is open already."""
        values = {"subject": subject, "open_key": open_key, "severity": severity, "opened_at": at}
        id_ = await self._session.scalar(self._session.insert(table).returning(table.c.id), values)
        return Incident(id=id_, subject=subject, severity=severity, opened_at=at)

    async def reopen(self, id_: int, *, open_key: str) -> Incident | None:
        """One that was over goes on; None when there is none with this number."""
        values = {"open_key": open_key, "resolved_at": None, "acknowledged_at": None, "acknowledged_by": None}
        row = await self._session.row(update(table).where(table.c.id == id_).values(values).returning(*_FIELDS))
        return Incident(**row) if row else None

    async def rename(self, id_: int, former: str, open_key: str) -> None:
        """Call an open incident otherwise that is called `former`, unless another has that name."""
        taken = select(table.c.id).where(table.c.open_key == open_key)
        if await self._session.scalar(taken) is None:
            named = update(table).where(table.c.id == id_, table.c.open_key == former)
            await self._session.run(named.values(open_key=open_key))

    async def get(self, id_: int) -> Incident | None:
        """The incident with this number."""
        row = await self._session.row(select(*_FIELDS).where(table.c.id == id_))
        return Incident(**row) if row else None

    async def raise_severity(self, id_: int, severity: Severity) -> bool:
        """Make it worse, never milder. Returns whether that changed anything."""
        milder = SEVERITIES[: SEVERITIES.index(severity)]
        return await self._change(id_, table.c.severity.in_(milder), severity=severity)

    async def acknowledge(self, id_: int, by: str, at: datetime) -> bool:
        """Somebody takes charge. False: it is resolved, or somebody had."""
        return await self._change(id_, table.c.acknowledged_at.is_(None), acknowledged_by=by, acknowledged_at=at)

    async def resolve(self, id_: int, at: datetime) -> bool:
        """It is over. False: it was already."""
        return bool((await self._session.run(_OVER, {"number": id_, "at": at})).rowcount)

    async def _change(self, id_: int, condition: ColumnElement[bool], **values: object) -> bool:
        still = (table.c.id == id_, table.c.resolved_at.is_(None), condition)
        return bool(await self._session.changed(update(table).where(*still).values(values)))

    async def list(self, open_only: bool = False, limit: int = 100, *, before: int | None = None) -> _Incidents:  # noqa: FBT002
        """The newest first, with numbers below `before`."""
        query = select(*_FIELDS).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(table.c.id < before)
        if open_only:
            query = query.where(table.c.resolved_at.is_(None))
        return [Incident(**row) for row in await self._session.rows(query)]
