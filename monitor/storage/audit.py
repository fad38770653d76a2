"""What was done with accounts, written down for good: rows are added, read, and let go of when their time is over."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import select

from monitor.domain.sign_in import Audited
from monitor.storage.session import Repository
from monitor.storage.tables import audit as table

_FIELDS = [table.c[field.name] for field in fields(Audited)]


class AuditLog(Repository):
    """Nothing here changes or removes a row: only retention does, after `storage.retention.incidents`."""

    async def add(self, entry: Audited) -> None:
        """Write one entry; its number is the store's to give."""
        values = {field.name: getattr(entry, field.name) for field in fields(Audited) if field.name != "id"}
        await self._session.run(self._session.insert(table).values(values | {"detail": dict(entry.detail)}))

    async def page(self, limit: int, *, before: int | None = None, whom: str | None = None) -> list[Audited]:
        """The newest entries first; with `before`, those older than the one of this number; with `whom`, by or about somebody."""
        query = select(*_FIELDS).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(table.c.id < before)
        if whom is not None:
            query = query.where((table.c.whom == whom) | (table.c.actor == whom))
        return [Audited(**row) for row in await self._session.rows(query)]
