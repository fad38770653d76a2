"""What was added last, for whoever watches."""

from __future__ import annotations

from datetime import datetime

from monitor.domain.errors import Trouble
from monitor.domain.plan import EventKind, TimelineEvent
from monitor.storage import Store
from tests.monitor.storage.conftest import Said


async def test_what_has_a_greater_number_is_new(store: Store, said: Said, now: datetime) -> None:
    """Mentions and events in the order of their numbers, so many at most; an empty store begins at nought."""
    async with store.begin() as tx:
        assert await tx.newest.marks() == (0, 0)
        await tx.mentions.add([said("one"), said("two"), said("three")], source="net", seen_at=now)
        for alert in (None, None):
            await tx.timeline.add(TimelineEvent(now, EventKind.FEEDBACK_GIVEN, "ana", "cli", {"mention": 1}, alert_id=alert))
        await tx.commit()
    async with store.read() as tx:
        mention, event = await tx.newest.marks()
        assert [row.id for row in await tx.newest.mentions(0, 2)] == [mention - 2, mention - 1]
        assert [row.network for row in await tx.newest.mentions(mention - 1, 10)] == ["mastodon"]
        (row,) = await tx.newest.events(event - 1, 10)
    assert (row.id, row.kind, row.actor, row.detail, row.alert_id) == (event, "feedback.given", "ana", {"mention": 1}, None)


async def test_a_source_says_when_it_stands_otherwise(store: Store, now: datetime) -> None:
    """When it first answers, fails, and is well again; not when it answers once more."""
    seen = []
    for trouble in (None, None, Trouble.TIMEOUT, None):
        async with store.begin() as tx:
            if trouble is None:
                await tx.sources.succeeded("net", cursor=None, watermark=None, at=now)
            else:
                await tx.sources.failed("net", trouble=trouble, detail="", at=now, backoff_until=None, stopped=False)
            await tx.commit()
        async with store.read() as tx:
            seen.append(await tx.newest.sources())
    assert seen[0] == seen[1] == seen[3] != seen[2]
