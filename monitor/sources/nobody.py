"""The inbox of a source that is built to be asked once: what was really pushed to it stays for the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.sources import InboxItem


class Nobody:
    """Nothing ever waits in it."""

    async def pending(self, source: str, limit: int, most: int) -> Sequence[InboxItem]:
        del source, limit, most
        return ()

    async def processed(self, id: int, at: datetime, error: str | None = None) -> None:  # noqa: A002 the protocol's own name
        """Never called: nothing is ever pending."""
        del id, at, error
