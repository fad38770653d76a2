"""After the clock was set back, what waits is due at once: on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.domain.alert import NotificationKind
from monitor.storage import Store, UnitOfWork

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=1)


async def owe(tx: UnitOfWork, receiver: str, due: datetime) -> None:
    """A message for later."""
    incident = await tx.incidents.open(subject=None, open_key=receiver, severity="info", at=AT)
    await tx.notifications.add(
        incident_id=incident.id, receiver=receiver, kind=NotificationKind.FIRST, events=(), created_at=AT, due_at=due
    )


async def test_what_waits_is_due_and_what_is_done_stays_done(store: Store) -> None:
    """A message for later becomes due now; one that was delivered is not sent again."""
    async with store.begin() as tx:
        await owe(tx, "told", AT)
        await owe(tx, "waits", AT + HOUR)
        (sent,) = await tx.deliveries.claim("told", owner="me", now=AT, wall=AT, lease=HOUR, limit=1)
        await tx.deliveries.delivered(sent.id, "me", AT)
        await tx.commit()
    set_back = AT - HOUR
    async with store.begin() as tx:
        assert await tx.deliveries.due_receivers(set_back, set_back) == set()
        assert await tx.deliveries.hurry(set_back, wall=set_back, lease=LEASE) == 1
        assert await tx.deliveries.hurry(set_back, wall=set_back, lease=LEASE) == 0
        assert await tx.deliveries.due_receivers(set_back, set_back) == {"waits"}
        await tx.commit()


async def test_what_somebody_was_sending_is_waited_for_no_longer_than_a_lease(store: Store) -> None:
    """Whoever sends it may live; if it died, the message does not wait for the hour by which its lease lies ahead."""
    async with store.begin() as tx:
        await owe(tx, "waits", AT)
        assert await tx.deliveries.claim("waits", owner="dead", now=AT, wall=AT, lease=LEASE, limit=1)
        set_back = AT - HOUR
        await tx.deliveries.hurry(set_back, wall=set_back, lease=LEASE)
        assert await tx.deliveries.due_receivers(set_back, set_back) == set()
        assert await tx.deliveries.due_receivers(set_back, set_back + LEASE) == {"waits"}


async def test_the_store_knows_when_something_was_last_put_off(store: Store) -> None:
    """A message that was owed, or a receiver that failed: whoever finds that moment ahead knows that the clock was set back."""
    async with store.begin() as tx:
        assert await tx.deliveries.put_off_at() is None
        await owe(tx, "hub", AT)
        assert await tx.deliveries.put_off_at() == AT
        await tx.receivers.failed("hub", AT + HOUR)
        assert await tx.deliveries.put_off_at() == AT + HOUR
