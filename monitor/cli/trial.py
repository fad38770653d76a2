"""A source asked once, from the beginning: what it understands is shown, and nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.cli.context import clock

if TYPE_CHECKING:
    from monitor.sources import HttpSettings, InboxItem, Preview, SourceSettings


async def preview(name: str, source: SourceSettings, http_settings: HttpSettings, limit: int) -> Preview:
    """What it brings, the newest `limit` of it. Raises `SourceError`."""
    from monitor import sources as networks
    from monitor.sources.http import HttpClient
    from monitor.workshop.pool import Workshop

    async with HttpClient(http_settings, clock) as http, Workshop() as workshop:
        built = networks.build(name, source, http=http, clock=clock, inbox=Nobody(), workshop=workshop)
        return await networks.preview(built, limit)


class Nobody:
    """The inbox of a preview: what was really brought stays for the daemon."""

    async def pending(self, source: str, limit: int, most: int) -> Sequence[InboxItem]:
        del source, limit, most
        return ()

    async def processed(self, id: int, at: datetime, error: str | None = None) -> None:  # noqa: A002 the protocol's own name
        """Never called: nothing is ever pending."""
        del id, at, error
