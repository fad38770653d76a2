"""A source asked once, from the beginning: what it understands is shown, and nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.cli.context import clock
from monitor.sources.nobody import Nobody

if TYPE_CHECKING:
    from monitor.sources import HttpSettings, Preview, SourceSettings


async def preview(name: str, source: SourceSettings, http_settings: HttpSettings, limit: int) -> Preview:
    """What it brings, the newest `limit` of it. Raises `SourceError`."""
    from monitor import sources as networks
    from monitor.sources.http import HttpClient
    from monitor.workshop.pool import Workshop

    async with HttpClient(http_settings, clock) as http, Workshop() as workshop:
        built = networks.build(name, source, http=http, clock=clock, inbox=Nobody(), workshop=workshop)
        return await networks.preview(built, limit)
