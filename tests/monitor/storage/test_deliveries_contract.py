"""Notifications and their deliveries: claimed by one, told at least once, on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.domain.alert import Alert, AlertEvent, Delivery, DeliveryState, Notification, NotificationKind
from monitor.domain.plan import RunState, StepState
from monitor.storage import StorageSettings, Store
from monitor.storage.notifications import notification

Ring = Callable[..., Awaitable[Alert]]
Owe = Callable[..., Awaitable[Notification]]
MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=30)


def _event(alert: Alert, event: str = "first") -> AlertEvent:
    return AlertEvent(alert.id, event, alert.severity, alert.observed, alert.expected, alert.occurrences, (1, 2))


@pytest.fixture
def owe(store: Store, ring: Ring, now: datetime) -> Owe:
    """Owes one message about an alert, and commits."""
    alerts: list[Alert] = []

    async def add(receiver: str = "ops", *, due: timedelta = timedelta(0), **more: Any) -> Notification:
        alerts[:] = alerts or [await ring()]
        fields: dict[str, Any] = {"incident_id": alerts[0].incident_id, "kind": NotificationKind.FIRST, "created_at": now}
        async with store.begin() as tx:
            made = await tx.notifications.add(
                **{**fields, "receiver": receiver, "events": [_event(alerts[0])], "due_at": now + due, **more}
            )
            await tx.commit()
        assert made is not None
        return made

    return add


async def _claim(
    store: Store, owner: str, now: datetime, *, receiver: str = "ops", wall: datetime | None = None
) -> list[Delivery]:
    async with store.begin() as tx:
        claimed = await tx.deliveries.claim(receiver, owner=owner, now=now, wall=wall or now, lease=LEASE, limit=10)
        await tx.commit()
    return claimed


async def test_a_conversation_counts_its_messages(store: Store, owe: Owe, now: datetime) -> None:
    """1, 2, 3 … for each receiver of an incident; a message comes back as it was written."""
    first, second, other = await owe(), await owe(kind=NotificationKind.MORE, due=MINUTE), await owe("board")
    assert (first.sequence, second.sequence, other.sequence) == (1, 2, 1)
    assert first.incident_id is not None
    async with store.read() as tx:
        assert await tx.notifications.get(second.id) == second
        assert await tx.notifications.get(999) is None
        assert await tx.notifications.next_sequence(first.incident_id, "ops") == 3
        assert await tx.notifications.last_due(first.incident_id, "ops") == now + MINUTE
        assert await tx.notifications.last_due(first.incident_id, "nobody") is None
        assert await tx.notifications.told(first.incident_id, first.events[0].alert_id, now) == ["ops", "board"]
        assert await tx.notifications.told(first.incident_id, 999, now) == []
        assert await tx.notifications.opening(first.incident_id, "ops") == first
        assert await tx.notifications.opening(first.incident_id, "nobody") is None
    assert (second.kind, second.due_at, second.events[0].evidence) == (NotificationKind.MORE, now + MINUTE, (1, 2))


async def test_a_test_message_belongs_to_no_incident(owe: Owe) -> None:
    """`tocsin receivers try` needs no alert."""
    one, two = [await owe(incident_id=None, kind=NotificationKind.TEST, events=()) for _ in range(2)]
    assert (one.incident_id, one.events, one.id != two.id) == (None, (), True)


async def test_two_who_write_to_one_conversation_at_once_take_different_numbers(store: Store, owe: Owe) -> None:
    """Twelve tasks owe a message in the same conversation: 1 to 12, none lost."""
    made = [await owe()]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_owe_again(owe)) for _ in range(11)]
    made += [task.result() for task in running]
    assert sorted(each.sequence for each in made) == list(range(1, 13))


async def _owe_again(owe: Owe) -> Notification:
    return await owe()


async def test_what_waits_can_take_more(store: Store, owe: Owe, ring: Ring, now: datetime) -> None:
    """A message that is due later and was never tried gathers events; sent, due or a plan's own ones don't."""
    waiting = await owe(due=MINUTE)
    other = await ring("complaint")
    incident = waiting.incident_id
    assert incident is not None
    async with store.begin() as tx:
        assert await tx.notifications.gathering(incident, "ops", now) == waiting
        assert await tx.notifications.gathering(incident, "ops", now + MINUTE) is None
        assert await tx.notifications.gathering(incident, "board", now) is None
        await tx.notifications.rewrite(replace(waiting, events=(*waiting.events, _event(other, "more")), more=3))
        grown = await tx.notifications.get(waiting.id)
        await tx.commit()
    assert grown is not None
    assert ([event.event for event in grown.events], grown.more) == (["first", "more"], 3)
    (claimed,) = await _claim(store, "a", now + MINUTE)
    assert claimed.notification == grown
    async with store.begin() as tx:
        await tx.deliveries.retry(claimed.id, "a", now, now + MINUTE, "timeout", None)
        assert await tx.notifications.gathering(incident, "ops", now) is None  # it was tried


async def test_what_is_due_is_claimed_by_one(store: Store, owe: Owe, now: datetime) -> None:
    """Due messages of one receiver, the longest waiting first; nobody else gets them during the lease."""
    late, early = await owe(), await owe(due=-MINUTE)
    await owe(due=MINUTE)
    await owe("board")
    async with store.read() as tx:
        assert await tx.deliveries.due_receivers(now, now) == {"ops", "board"}
        assert await tx.deliveries.next_due() == now - MINUTE
        assert await tx.deliveries.pending() == {"ops": 3, "board": 1}
    claimed = await _claim(store, "a", now)
    assert [each.notification.id for each in claimed] == [early.id, late.id]
    assert [(each.attempts, each.lease_until, each.receiver) for each in claimed] == [(1, now + LEASE, "ops")] * 2
    assert await _claim(store, "b", now) == []
    async with store.read() as tx:
        assert await tx.deliveries.due_receivers(now, now) == {"board"}
        assert [record.state for record in await tx.deliveries.list()] == ["pending", "pending", "sending", "sending"]


async def test_a_limit_leaves_the_rest(store: Store, owe: Owe, now: datetime) -> None:
    """A claim takes no more than it was asked to."""
    for _ in range(3):
        await owe()
    async with store.begin() as tx:
        assert len(await tx.deliveries.claim("ops", owner="a", now=now, wall=now, lease=LEASE, limit=2)) == 2
        assert len(await tx.deliveries.claim("ops", owner="a", now=now, wall=now, lease=LEASE, limit=2)) == 1


async def test_a_claim_whose_holder_died_goes_to_the_next(store: Store, owe: Owe, now: datetime) -> None:
    """After the lease another may try; the first, if it was only slow, can no longer say how it ended."""
    await owe()
    (mine,) = await _claim(store, "a", now)
    assert await _claim(store, "b", now, wall=now + LEASE - timedelta(seconds=1)) == []
    async with store.read() as tx:
        assert await tx.deliveries.due_receivers(now, now + LEASE) == {"ops"}
    (yours,) = await _claim(store, "b", now, wall=now + LEASE)
    assert (yours.id, yours.attempts) == (mine.id, 2)
    async with store.begin() as tx:
        assert not await tx.deliveries.delivered(mine.id, "a", now)
        assert not await tx.deliveries.retry(mine.id, "a", now, now, "timeout", None)
        assert not await tx.deliveries.failed(mine.id, "a", now, "gone", None)
        assert await tx.deliveries.delivered(mine.id, "b", now, "250 ok")
        assert not await tx.deliveries.delivered(mine.id, "b", now)
        (record,) = await tx.deliveries.list()
    assert (record.state, record.attempts, record.ended_at, record.detail) == (DeliveryState.DELIVERED, 2, now, "250 ok")


async def test_a_failed_attempt_waits_and_a_hopeless_one_ends(store: Store, owe: Owe, now: datetime) -> None:
    """Retries keep the reason; ends are dated; details are clipped to what a person would read."""
    message = await owe()
    (claim,) = await _claim(store, "a", now)
    async with store.begin() as tx:
        assert await tx.deliveries.retry(claim.id, "a", now, now + MINUTE, "unavailable", "451 " + "x" * 5000)
        await tx.commit()
    async with store.read() as tx:
        (record,) = await tx.deliveries.list(incident_id=message.incident_id)
        assert await tx.deliveries.list(incident_id=999) == []
    assert (record.state, record.next_attempt_at, record.reason) == (DeliveryState.PENDING, now + MINUTE, "unavailable")
    assert record.detail is not None
    assert len(record.detail) == 2000
    assert await _claim(store, "a", now) == []
    (again,) = await _claim(store, "a", now + MINUTE)
    async with store.begin() as tx:
        assert await tx.deliveries.failed(again.id, "a", now + MINUTE, "gone", None)
        (record,) = await tx.deliveries.list()
        assert await tx.deliveries.next_due() is None
    assert (record.state, record.attempts, record.ended_at, record.reason) == ("failed", 2, now + MINUTE, "gone")
    assert (record.kind, record.notification_id, record.receiver) == (NotificationKind.FIRST, message.id, "ops")


async def test_the_claims_of_the_dead_are_freed_at_once(store: Store, owe: Owe, now: datetime) -> None:
    """Whoever knows that a holder is dead need not wait for its lease; the attempt counts."""
    await owe()
    await owe("board")
    await _claim(store, "dead", now)
    await _claim(store, "alive", now, receiver="board")
    async with store.begin() as tx:
        assert await tx.deliveries.holders(now) == {"dead", "alive"}
        assert await tx.deliveries.holders(now + LEASE) == set()
        assert await tx.deliveries.free("dead") == 1
        assert await tx.deliveries.free("dead") == 0
        assert await tx.deliveries.holders(now) == {"alive"}
        await tx.commit()
    (again,) = await _claim(store, "heir", now)
    assert again.attempts == 2


async def test_a_dry_run_is_told_to_nobody(store: Store, owe: Owe, now: datetime) -> None:
    """A replay's messages are recorded as such, whether they were never owed or claimed first."""
    await owe(state=DeliveryState.DRY_RUN)
    assert await _claim(store, "a", now) == []
    await owe()
    (claim,) = await _claim(store, "a", now)
    async with store.begin() as tx:
        assert await tx.deliveries.pretended([claim.id], "another", now, "not sent") == 0
        assert await tx.deliveries.pretended([claim.id], "a", now, "not sent") == 1
        assert [record.state for record in await tx.deliveries.list()] == ["dry_run", "dry_run"]
        assert await tx.deliveries.pending() == {}


async def test_a_plan_step_tells_a_receiver_once(store: Store, ring: Ring, owe: Owe, now: datetime) -> None:
    """The second time, there is nothing to add; another step, and another receiver, are told as well."""
    alert = await ring()
    async with store.begin() as tx:
        run = await tx.plans.open(
            plan="storm", incident_id=alert.incident_id, snapshot={}, steps=["tell"], state=RunState.RUNNING, at=now
        )
        assert run is not None

        async def step(receiver: str) -> Notification | None:
            return await tx.notifications.add(
                incident_id=alert.incident_id,
                receiver=receiver,
                kind=NotificationKind.STEP,
                events=(),
                created_at=now,
                due_at=now + MINUTE,
                plan_run_id=run.id,
                plan_step="tell",
            )

        first = await step("ops")
        assert first is not None
        assert (first.plan_run_id, first.plan_step) == (run.id, "tell")
        assert await step("ops") is None
        assert await step("board") is not None
        assert await tx.notifications.gathering(alert.incident_id, "ops", now) is None
        assert [record.receiver for record in await tx.deliveries.of_step(run.id, "tell")] == ["ops", "board"]
        assert await tx.deliveries.of_step(run.id, "other") == []


async def test_two_processes_never_claim_the_same_message(
    store: Store, storage: StorageSettings, owe: Owe, now: datetime
) -> None:
    """Two stores on one database, four claimers each, 60 messages: every one is claimed exactly once."""
    for _ in range(60):
        await owe()
    other = await Store.open(storage)
    claimed: Counter[int] = Counter()

    async def work(mine: Store, owner: str) -> None:
        while True:
            async with mine.begin() as tx:
                got = await tx.deliveries.claim("ops", owner=owner, now=now, wall=now, lease=LEASE, limit=3)
                await tx.commit()
            if not got:
                return
            claimed.update(each.id for each in got)

    async with asyncio.TaskGroup() as tasks:
        for n in range(8):
            tasks.create_task(work(store if n % 2 else other, f"w{n}"))
    await other.close()
    # A claimer that finds the others' rows locked may leave early: what is left is due still.
    await work(store, "last")
    assert len(claimed) == 60
    assert set(claimed.values()) == {1}


async def test_a_plan_opens_once_an_incident_and_goes_step_by_step(store: Store, ring: Ring, now: datetime) -> None:
    """Of two changes that would make the same move, one does."""
    alert = await ring()
    async with store.begin() as tx:
        what: dict[str, Any] = {
            "plan": "storm",
            "incident_id": alert.incident_id,
            "snapshot": {"id": "storm", "n": [1]},
            "at": now,
        }
        run = await tx.plans.open(**what, steps=["tell", "pause"], state=RunState.AWAITING_CONFIRMATION)
        assert run is not None
        assert await tx.plans.open(**what, steps=["tell"], state=RunState.RUNNING) is None
        assert (run.snapshot, run.state, run.opened_at) == ({"id": "storm", "n": [1]}, RunState.AWAITING_CONFIRMATION, now)
        assert [(step.step, step.position, step.state) for step in run.steps] == [("tell", 0, "waiting"), ("pause", 1, "waiting")]
        await tx.commit()
    tell, pause = run.steps
    begun = replace(
        run, state=RunState.RUNNING, confirmed_by="ada", confirmed_at=now, wake_at=now + MINUTE, owed=({"to": ["ada"]},)
    )
    begun = begun.with_step(
        replace(tell, state=StepState.DONE, started_at=now, ended_at=now + MINUTE, detail="told", checked=(0, 2))
    )
    async with store.begin() as tx:
        assert await tx.plans.due(now, 10) == [run.id], "a new run is looked at at once"
        assert await tx.plans.save(run, begun)
        assert not await tx.plans.save(run, replace(run, confirmed_by="grace")), "it has changed since"
        assert [await tx.plans.get(run.id)] == [replace(begun, version=1)] == await tx.plans.open_runs()
        assert await tx.plans.due(now, 10) == []
        assert await tx.plans.next_wake() == now + MINUTE
        await tx.plans.wake(run.id, now)
        assert await tx.plans.due(now, 10) == [run.id], "something happened that it has to look at"
        read = await tx.plans.get(run.id)
        assert read is not None
        assert await tx.plans.save(read, replace(read, state=RunState.CLOSED, closed_at=now, wake_at=None))
        await tx.plans.wake(run.id, now)
        assert (await tx.plans.due(now, 10), await tx.plans.next_wake()) == ([], None), "what is closed sleeps"
        assert await tx.plans.open_runs() == []
        (closed,) = await tx.plans.of_incident(alert.incident_id)
        assert [closed] == await tx.plans.list() == [await tx.plans.get(run.id)]
        assert await tx.plans.list(before=run.id) == []
        assert await tx.plans.get(999) is None
        await tx.commit()
    assert (closed.state, closed.confirmed_by, closed.closed_at, closed.steps[1]) == ("closed", "ada", now, pause)


async def test_a_message_written_before_reasons_were_kept_is_read(owe: Owe) -> None:
    """An older row lacks what was added since: it comes back with nothing there."""
    made = await owe()
    row: Any = {field.name: getattr(made, field.name) for field in fields(made)}
    old = {"alert_id": 1, "event": "first", "severity": "info", "observed": 1, "expected": None, "occurrences": 1, "evidence": []}
    read = notification(row | {"events": [old]})
    assert (tuple(read.events[0].reasons), read.events[0].learning) == ((), None)
    assert notification(row | {"events": [asdict(read.events[0])]}).events == read.events
