"""What people asked not to be told for a while."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update

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
        every: Sequence[str] = (),
        timezone: str | None = None,
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
        if every:
            values |= {"every": list(every), "timezone": timezone}
        return int(await self._session.scalar(self._session.insert(table).values(values).returning(table.c.id)))

    async def active(self, now: datetime) -> list[Silence]:
        """Those that are not over and have begun at `now`. One that comes again may pause."""
        return await self._found(table.c.starts_at <= now, table.c.ends_at > now)

    async def not_over(self, now: datetime) -> list[Silence]:
        """Those in force at `now` or later."""
        return await self._found(table.c.ends_at > now)

    async def many(self, ids: Collection[int]) -> dict[str, Silence]:
        """Those of these numbers that are there, by their numbers as text; over or not."""
        return {str(each.id): each for each in await self._found(table.c.id.in_(set(ids)))}

    async def _found(self, *conditions: ColumnElement[bool]) -> list[Silence]:
        query = select(*_FIELDS).where(*conditions).order_by(table.c.id)
        return [Silence(**row) for row in await self._session.rows(query)]

    async def end(self, id_: int, at: datetime) -> bool:
        """End it early. False: there is none, or it has ended."""
        over = update(table).where(table.c.id == id_, table.c.ends_at > at).values(ends_at=at)
        return bool(await self._session.changed(over))
