"""Asks the network of a mention for the thread around it, beside the daemon's own polls."""

from __future__ import annotations

from monitor import sources as networks
from monitor.domain.clock import Clock
from monitor.domain.mention import Observed
from monitor.pipeline import threads
from monitor.pipeline.threads import Asked
from monitor.settings import Settings
from monitor.sources.http import HttpClient
from monitor.sources.nobody import Nobody
from monitor.storage import Store
from monitor.workshop.pool import Workshop


async def ask_network(store: Store, settings: Settings, post: Observed, clock: Clock) -> Asked:
    """What the network shows of it now. Connections of its own are opened, and closed again; nothing of the answer is stored."""
    async with HttpClient(settings.http, clock) as http, Workshop() as workshop:
        able = {
            name: networks.build(name, settings.sources[name], http=http, clock=clock, inbox=Nobody(), workshop=workshop)
            for name in threads.askable(post, settings)
        }
        return await threads.ask(store, post, able, settings)
