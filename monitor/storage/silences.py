"""What people asked not to be told for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from monitor.domain.alert import Silence
from monitor.storage.session import Repository
from monitor.storage.tables import silence as table

_FIELDS = [table.c[field.name] for field in fields(Silence)]


class Silences(Repository):
    """Silences end by themselves; ending one early shortens it, so that the past stays told."""

    async def add(
        self,
        *,
        matcher: Mapping[str, Any],
        author: str,
        reason: str,
        created_at: datetime,
        starts_at: datetime,
        ends_at: datetime,
    ) -> int:
        """A new silence. Returns its number."""
        values = {
            "matcher": dict(matcher),
            "author": author,
            "reason": reason,
            "created_at": created_at,
            "starts_at": starts_at,
            "ends_at": ends_at,
        }
        return int(await self._session.scalar(self._session.insert(table).values(values).returning(table.c.id)))

    async def active(self, now: datetime) -> list[Silence]:
        """Those in force at `now`."""
        in_force = select(*_FIELDS).where(table.c.starts_at <= now, table.c.ends_at > now).order_by(table.c.id)
        return [Silence(**row) for row in await self._session.rows(in_force)]

    async def end(self, id_: int, at: datetime) -> bool:
        """End it early. False: there is none, or it has ended."""
        over = update(table).where(table.c.id == id_, table.c.ends_at > at).values(ends_at=at)
        return bool(await self._session.changed(over))
