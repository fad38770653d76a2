"""Sends what one receiver is owed, from a command: the daemon's own delivery stage, for a moment."""

from __future__ import annotations

import uuid

import notifiers
from monitor.domain.clock import Clock
from monitor.pipeline.delivery import Deliverer
from monitor.settings import Settings
from monitor.sources.http import GuardedClient, HttpClient
from monitor.storage import Store


async def send_now(settings: Settings, store: Store, clock: Clock, receiver: str) -> None:
    """Send all that is due to `receiver` now. Outcomes, good and bad, are recorded in the store."""
    async with HttpClient(settings.http, clock) as http:
        built = notifiers.build(receiver, settings.receivers[receiver], smtp=settings.smtp, http=GuardedClient(http))
        deliver = Deliverer(settings, store, clock, {receiver: built}, owner=f"command-{uuid.uuid4().hex[:12]}")
        while await deliver.step(receiver):
            pass
