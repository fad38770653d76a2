"""What was pushed to us: committed raw before it is acknowledged, read afterwards as often as it takes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update

from monitor.domain.source import InboxItem
from monitor.storage.mention_rows import short_key
from monitor.storage.session import Repository, clipped
from monitor.storage.tables import inbox as table

# Asked every few seconds: an index of unread bodies alone answers it, however many have been read.
WAITING = select(table.c.source, func.count().label("n")).where(table.c.processed_at.is_(None)).group_by(table.c.source)


class Inbox(Repository):
    """Bodies by (source, delivery id): a sender who repeats itself is recognised."""

    async def put(self, source: str, delivery_id: str, body: bytes, received_at: datetime) -> bool:
        """Keep a body. False: this delivery was seen before, and is not kept again."""
        add = self._session.insert(table).values(
            source=source, delivery_id=short_key(delivery_id), body=body, received_at=received_at
        )
        return await self._session.scalar(add.on_conflict_do_nothing().returning(table.c.id)) is not None

    async def mark(self, source: str, delivery_id: str, at: datetime) -> bool:
        """Remember that something was done once, of which nothing is left to read. False: it was done before."""
        add = self._session.insert(table).values(
            source=source, delivery_id=short_key(delivery_id), body=b"", received_at=at, processed_at=at
        )
        return await self._session.scalar(add.on_conflict_do_nothing().returning(table.c.id)) is not None

    async def marked(self, source: str, delivery_id: str) -> datetime | None:
        """When it was done, if it was."""
        query = select(table.c.received_at).where(table.c.source == source, table.c.delivery_id == short_key(delivery_id))
        found: datetime | None = await self._session.scalar(query)
        return found

    async def pending(self, source: str, limit: int, most: int = 2**62) -> list[InboxItem]:
        """What was not read yet, oldest first: up to the one with which their bodies reach `most` bytes."""
        mine = table.c.source == source, table.c.processed_at.is_(None)
        sizes = select(table.c.id, func.length(table.c.body).label("size")).where(*mine).order_by(table.c.id).limit(limit)
        chosen, total = [], 0
        for row in await self._session.rows(sizes):
            if total >= most:
                break
            chosen.append(row["id"])
            total += row["size"]
        query = select(table.c.id, table.c.source, table.c.body, table.c.received_at)
        return [InboxItem(**row) for row in await self._session.rows(query.where(table.c.id.in_(chosen)).order_by(table.c.id))]

    async def waiting(self) -> dict[str, int]:
        """How many bodies each source still has to read."""
        return {row["source"]: row["n"] for row in await self._session.rows(WAITING)}

    async def processed(self, id_: int, at: datetime, error: str | None = None) -> None:
        """It was read. A body that was understood is emptied (it may hold personal data); one that was not is kept to look at."""
        done = {"processed_at": at, "error": error and clipped(error)} | ({} if error else {"body": b""})
        await self._session.run(update(table).where(table.c.id == id_).values(done))
