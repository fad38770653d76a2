"""What is past its time goes, a little at a time; what is open, or needed, stays. On both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg  # type: ignore[import-untyped]
import pytest
from pydantic import SecretStr

from monitor.domain.alert import Alert, AlertEvent, NewAlert, NotificationKind
from monitor.domain.digest import Owed
from monitor.domain.mention import Enriched, Scores
from monitor.domain.plan import RunState, TimelineEvent
from monitor.storage import Retention, StorageSettings, Store

Said = Callable[..., Enriched]
Ring = Callable[..., Awaitable[Alert]]
DAY = timedelta(days=1)
KEEP = Retention()


async def _say(store: Store, items: list[Enriched], at: datetime) -> list[int]:
    async with store.begin() as tx:
        added = await tx.mentions.add(items, source="feed", seen_at=at)
        await tx.commit()
    return added.new


async def _forget(store: Store, now: datetime, limit: int = 100, keep: Retention = KEEP) -> list[int]:
    """How many went each time, until nothing was left to do."""
    gone: list[int] = []
    while not gone or gone[-1]:
        gone.append(await store.forget(keep, now, limit))
    return gone[:-1]


async def _left(store: Store) -> list[str | None]:
    async with store.read() as tx:
        return [each.url for each in await tx.mentions.after(0, 1000)]


async def test_old_mentions_and_their_authors_are_forgotten(store: Store, said: Said, now: datetime) -> None:
    """A limited number at a time; who still speaks stays, and no id is given twice."""
    await _say(store, [said(str(n), by="ada" if n else "grace") for n in range(4)], now - 91 * DAY)
    await _say(store, [said("new", by="grace", written_at=now - 400 * DAY)], now)
    assert await _forget(store, now, 3) == [3, 1]
    async with store.read() as tx:
        (left,) = await tx.mentions.after(0, 10)
        assert (left.url, left.author.handle) == ("new", "grace")
        assert not await tx.authors.known("mastodon", "ada")
    assert (await _say(store, [said("again")], now))[0] > left.id


async def test_an_author_without_a_word_is_forgotten(store: Store, said: Said, now: datetime) -> None:
    """Another source may have named another author of the same post: nothing is kept of whom that was."""
    await _say(store, [said("1", by="ada")], now - 91 * DAY)
    await _say(store, [said("1", by="impostor")], now - 91 * DAY)
    await _say(store, [said("2", by="ada")], now)
    assert await _forget(store, now) == [1, 1]
    async with store.read() as tx:
        assert [await tx.authors.known("mastodon", who) for who in ("ada", "impostor")] == [True, False]


async def test_sensitive_mentions_are_kept_shorter(store: Store, said: Said, now: datetime) -> None:
    """Health, politics, religion: two weeks, or as long as the others if that is shorter."""
    sensitive = said("ill", scores=Scores(sensitive=True))
    await _say(store, [sensitive, said("well")], now - 15 * DAY)
    assert await _forget(store, now) == [1]
    assert await _left(store) == ["well"]
    assert Retention(mentions=DAY).soonest == DAY


async def test_the_evidence_of_open_alerts_outlives_retention(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """It goes when the alert is resolved; the alert itself stays longer."""
    one, _ = await _say(store, [said("1", by="a"), said("2", by="b")], now - 100 * DAY)
    alert = await ring(evidence=(one,))
    await _forget(store, now)
    assert await _left(store) == ["1"]
    async with store.begin() as tx:
        await tx.alerts.resolve(alert.id, now, "calm")
        await tx.incidents.resolve(alert.incident_id, now)
        await tx.commit()
    await _forget(store, now)
    async with store.read() as tx:
        assert (await tx.alerts.evidence_count([alert.id]), await tx.alerts.get(alert.id) is not None) == (0, True)


async def _stands(store: Store, alert: Alert, **changes: object) -> None:
    async with store.begin() as tx:
        (run,) = await tx.plans.of_incident(alert.incident_id)
        assert await tx.plans.save(run, replace(run, **changes))  # type: ignore[arg-type]
        await tx.commit()


async def test_the_evidence_of_a_plan_run_outlives_its_end(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """As long as the run is open, and for a while after: who answers for a crisis shows what stood there; not the sensitive."""
    sensitive = said("ill", by="c", scores=Scores(sensitive=True))
    one, _, ill = await _say(store, [said("1", by="a"), said("2", by="b"), sensitive], now)
    alert = await ring(evidence=(one, ill))
    await _story(store, alert, now)
    await _stands(store, alert, state=RunState.RUNNING, closed_at=None)
    await _forget(store, now + 200 * DAY)
    assert await _left(store) == ["1", "ill"]
    await _stands(store, alert, state=RunState.CLOSED, closed_at=now + 200 * DAY)
    await _forget(store, now + 289 * DAY)
    assert await _left(store) == ["1"]
    await _forget(store, now + 291 * DAY)
    assert await _left(store) == []


async def test_the_record_of_digests_is_kept_as_long_as_it_says_who_is_no_newcomer(store: Store, now: datetime) -> None:
    """It goes with incidents, however short these are kept: not before the next monthly one has been owed."""
    days = (400, 71, 60, 1)
    async with store.begin() as tx:
        for old in days:
            moment = now - timedelta(days=old)
            assert await tx.digests.begin(Owed("month", "ana", moment.date(), moment, moment, moment))
        await tx.commit()
    left = []
    for keep in (Retention(), Retention(incidents=timedelta(days=1))):
        await _forget(store, now, keep=keep)
        async with store.read() as tx:
            left.append([(now.date() - each.day).days for each in await tx.digests.since(now - timedelta(days=999))])
    assert left == [[1, 60, 71], [1, 60]]


async def test_pushed_calls_go_when_read_and_much_later_when_not(store: Store, now: datetime) -> None:
    """What nobody could read yet is not lost while its source may come back."""
    async with store.begin() as tx:
        for number in range(3):
            await tx.inbox.put("hook", str(number), b"body", now)
        await tx.inbox.processed(1, now)
        await tx.inbox.processed(2, now, error="not JSON")
        await tx.commit()
    assert await _forget(store, now + 13 * DAY) == []
    assert await _forget(store, now + 15 * DAY) == [2]
    async with store.read() as tx:
        assert await tx.inbox.waiting() == {"hook": 1}
    assert await _forget(store, now + 91 * DAY) == [1]


async def _story(store: Store, alert: Alert, now: datetime, *, delivered: bool = True) -> None:
    """A message, a plan run and a timeline for an alert's incident."""
    async with store.begin() as tx:
        run = await tx.plans.open(
            plan=f"storm{alert.id}", incident_id=alert.incident_id, snapshot={}, steps=["a"], state=RunState.RUNNING, at=now
        )
        assert run is not None
        share = AlertEvent(alert.id, NotificationKind.FIRST, "warning", 1, None, 1)
        message = {"kind": NotificationKind.PLAN, "events": [share], "created_at": now, "due_at": now, "plan_run_id": run.id}
        await tx.notifications.add(incident_id=alert.incident_id, receiver="hub", **message)  # type: ignore[arg-type]
        if delivered:
            (claimed,) = await tx.deliveries.claim("hub", owner="a", now=now, wall=now, lease=DAY, limit=1)
            await tx.deliveries.delivered(claimed.id, "a", now)
        event = TimelineEvent(now, "alert.opened", incident_id=alert.incident_id, alert_id=alert.id, plan_run_id=run.id)
        await tx.timeline.add_all([event, TimelineEvent(now, "silence.added")])
        await tx.plans.save(run, replace(run, state=RunState.CLOSED, closed_at=now, wake_at=None))
        await tx.alerts.resolve(alert.id, now, "calm")
        await tx.incidents.resolve(alert.incident_id, now)
        await tx.commit()


async def test_incidents_go_with_all_that_belongs_to_them(store: Store, ring: Ring, now: datetime) -> None:
    """A year after their end, in pieces no larger than asked; how many there were stays."""
    for number in range(3):
        await _story(store, await ring(f"storm{number}"), now)
    assert await _forget(store, now + 364 * DAY) == []
    gone = await _forget(store, now + 366 * DAY, 2)
    assert max(gone) == 2
    async with store.read() as tx:
        assert not [*await tx.incidents.list(), *await tx.alerts.list(), *await tx.plans.list()]
        assert not [*await tx.deliveries.list(), *await tx.timeline.list()]
        counts = [(row["kind"], row["name"], row["number"]) for row in await tx.retention.counts(now.date())]
    assert counts == [("alert", "storm0", 1), ("alert", "storm1", 1), ("alert", "storm2", 1), ("message", "hub", 3)]
    assert await _forget(store, now + 1096 * DAY) == [4]


@pytest.mark.parametrize("what", ["alert", "plan", "message"])
async def test_what_is_open_is_never_removed(store: Store, ring: Ring, now: datetime, what: str) -> None:
    """However old: an alert nobody ended, a plan nobody closed, a message still owed."""
    alert = await ring()
    await _story(store, alert, now, delivered=what != "message")
    async with store.begin() as tx:
        if what == "alert":
            await tx.alerts.reopen(alert.id, _anew(alert), alert.incident_id, now)
        if what == "plan":
            (run,) = await tx.plans.of_incident(alert.incident_id)
            assert await tx.plans.save(run, replace(run, state=RunState.RUNNING, closed_at=None))
        await tx.commit()
    await _forget(store, now + 5000 * DAY)
    async with store.read() as tx:
        assert await tx.alerts.get(alert.id) is not None
        assert len(await tx.deliveries.list(incident_id=alert.incident_id)) == 1
        assert await tx.timeline.of_incident(alert.incident_id)


def _anew(alert: Alert) -> NewAlert:
    return NewAlert(alert.rule, alert.kind, alert.key, "warning", alert.fired_at, 1, None, "authors")


async def test_how_many_there_were_outlives_them(store: Store, said: Said, now: datetime) -> None:
    """By the day on which they were seen, and the source; batches add up."""
    await _say(store, [said(str(n)) for n in range(5)], now)
    await _say(store, [said("later")], now + DAY)
    await _forget(store, now + 200 * DAY, 2)
    async with store.read() as tx:
        rows = [(row["day"], row["kind"], row["name"], row["number"]) for row in await tx.retention.counts(now.date())]
    assert rows == [(now.date(), "mention", "feed", 5), ((now + DAY).date(), "mention", "feed", 1)]


async def test_nothing_is_stored_while_authors_are_forgotten(postgresql: str, now: datetime) -> None:
    """On PostgreSQL both take the same lock: a new mention never names an author who is just being deleted."""
    store = await Store.open(StorageSettings(url=SecretStr(postgresql)))
    server = await asyncpg.connect(postgresql)
    held = "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database AND datname = current_database() AND locktype = $1"
    try:
        async with store.begin() as tx:
            await tx.retention.forget(KEEP, now, 10)
            assert await server.fetchval(held, "advisory") == 1
    finally:
        await server.close()
        await store.close()
