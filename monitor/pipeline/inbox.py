"""What other systems brought us, as a source reads it: each call to the store is a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.sources import InboxItem
from monitor.storage import Store


class StoredInbox:
    """Satisfies `monitor.sources.Inbox` with the store's inbox."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def pending(self, source: str, limit: int, most: int) -> Sequence[InboxItem]:
        """The oldest calls not yet marked as processed, up to the one with which their bodies reach `most` bytes."""
        async with self._store.read() as tx:
            return await tx.inbox.pending(source, limit, most)

    async def processed(self, id: int, at: datetime, error: str | None = None) -> None:  # noqa: A002 the protocol's own name
        """Mark one call as read."""
        async with self._store.begin() as tx:
            await tx.inbox.processed(id, at, error)
            await tx.commit()
