"""What was owed stands once for each digest, receiver and day, on either database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from monitor.domain.clock import ManualClock
from monitor.domain.digest import Owed
from monitor.storage import Store


async def test_a_day_is_owed_once(store: Store, clock: ManualClock) -> None:
    """Whoever comes second is told so; another receiver has a day of their own."""
    now = clock.now()
    owed = Owed("dawn", "ana", date(2026, 3, 2), now - timedelta(days=1), now, now)
    async with store.begin() as tx:
        assert await tx.digests.begin(owed)
        assert not await tx.digests.begin(owed)
        assert await tx.digests.begin(replace(owed, receiver="ben"))
        await tx.commit()
    async with store.read() as tx:
        assert await tx.digests.known("dawn", "ana")
        assert not await tx.digests.known("dusk", "ana")
        assert await tx.digests.since(now, "dawn") == [owed, replace(owed, receiver="ben")]
        assert await tx.digests.since(now + timedelta(seconds=1)) == []
        assert await tx.digests.of_notification(1) is None
