"""Ten thousand messages owed and half of the receivers dead: the living get theirs at full speed, and no query reads them all."""

from __future__ import annotations

import asyncio
import re
import time
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert, text

from monitor.domain.alert import Notification, NotificationKind
from monitor.pipeline.delivery import BESIDE
from monitor.pipeline.patience import LONGEST_REST
from monitor.shift import Shift
from monitor.storage.tables import delivery, notification
from monitor.testing import RecordingNotifier
from notifiers import DeliveryError, Message, Reason, Receipt
from tests.monitor.pipeline.conftest import configure, house, hut, lite

if TYPE_CHECKING:
    from monitor.domain.clock import ManualClock
    from monitor.storage import Store
    from tests.monitor.pipeline.conftest import Build, House

__all__ = ["configure", "house", "hut", "lite"]  # fixtures
SECOND = timedelta(seconds=1)
MB = 2**20
LIVING = ("desk", "room", "queue")
DEAD = ("tech", "phone", "backup-phone")
LEASE = timedelta(minutes=1)


class Dead:
    """A receiver that refuses, or answers 500, or takes the call and says nothing for a while."""

    def __init__(self, how: str) -> None:
        self._how = how
        self.attempts = 0
        self.under_way = self.most = 0

    async def send(self, message: Message, *, attempted_at: datetime) -> Receipt:
        """Fail."""
        del message, attempted_at
        self.attempts += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self._how == "hangs":
                await asyncio.Event().wait()
            raise DeliveryError(Reason.UNAVAILABLE, self._how)
        finally:
            self.under_way -= 1


async def owe(store: Store, now: datetime, receivers: Sequence[str], each: int, **more: Any) -> None:
    """Write what is owed in bulk, as a storm leaves it."""
    told = [name for name in receivers for _ in range(each)]
    async with store.begin() as tx:
        newest = int(await tx.notifications._session.scalar(text("SELECT coalesce(max(id), 0) FROM notification")))
        rows = [
            {"id": newest + n, "receiver": name, "sequence": newest + n, "kind": "first", "events": []}
            | {"created_at": now, "due_at": now}
            for n, name in enumerate(told, 1)
        ]
        owed = [
            {"notification_id": newest + n, "receiver": name, "state": "pending", "attempts": 0, "next_attempt_at": now} | more
            for n, name in enumerate(told, 1)
        ]
        await tx.notifications._session.run(insert(notification), rows)
        await tx.notifications._session.run(insert(delivery), owed)
        await tx.commit()


@asynccontextmanager
async def dispatching(home: House) -> AsyncIterator[Shift]:
    """The daemon's own dispatcher; what hangs at the end is cut off."""
    shift = Shift(home.settings, home.store, home.clock, home.stages)
    try:
        yield shift
    finally:
        await shift._workers.stop(within=timedelta(0))


async def owed_now(home: House) -> dict[str, int]:
    """What is not over, by receiver."""
    async with home.store.read() as tx:
        return await tx.deliveries.pending()


async def all_told(home: House, each: int) -> float:
    """Dispatch until the living have everything; how many messages a second they got."""
    began = time.perf_counter()
    async with dispatching(home) as shift:
        async with asyncio.timeout(600):
            while any(len(home.told(name)) < each for name in LIVING) or {*LIVING} & {*await owed_now(home)}:
                await shift._dispatch()
                await asyncio.sleep(0.01)
    return each * len(LIVING) / (time.perf_counter() - began)


@pytest.mark.parametrize("each", [100, pytest.param(1_700, marks=pytest.mark.soak)])
@pytest.mark.fault("delivery", "ten thousand messages pending, and half of the receivers refuse, fail or hang")
async def test_the_dead_take_nothing_from_the_living(house: Build, each: int) -> None:
    """The living get everything, each once, while a dead receiver costs a few attempts, whatever it is owed; nothing is lost."""
    home = house()
    dead = {name: Dead(how) for name, how in zip(DEAD, ("refuses", "answered 500", "hangs"), strict=True)}
    home.doors.update(dead)  # type: ignore[arg-type]
    home.restart()
    await owe(home.store, home.clock.now(), (*LIVING, *DEAD), each)
    await all_told(home, each)
    assert [len(home.told(name)) for name in LIVING] == [each] * len(LIVING)
    assert all(len({message.id for message in home.told(name)}) == each for name in LIVING)
    assert {name: door.attempts for name, door in dead.items()} == dict.fromkeys(DEAD, BESIDE)
    assert await owed_now(home) == dict.fromkeys(DEAD, each)


@pytest.mark.soak
@pytest.mark.fault("delivery", "the rate to living receivers beside dead ones")
async def test_the_living_are_told_as_fast_as_without_the_dead(hut: Build) -> None:
    """With half of the receivers dead the others get at least nine tenths of the rate they get alone."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for beside_dead in (False, True) * 3:
        home = hut()
        for name in (*LIVING, *DEAD):
            home.doors[name] = RecordingNotifier()
        for name, how in zip(DEAD, ("refuses", "500", "hangs"), strict=True):
            home.doors[name] = Dead(how)  # type: ignore[assignment]
        home.restart()
        await owe(home.store, home.clock.now(), (*LIVING, *(DEAD if beside_dead else ())), 700)
        rates[beside_dead].append(await all_told(home, 700))
        async with home.store.begin() as tx:
            await tx.notifications._session.run(delivery.delete())
            await tx.commit()
    assert max(rates[True]) >= 0.9 * max(rates[False]), rates


@pytest.mark.fault("delivery", "a receiver that was dead for an hour and is well again")
async def test_who_comes_back_gets_everything_soon(hut: Build) -> None:
    """A dead receiver is tried with one message at a time, every five minutes at most; once it is well it gets all it is owed."""
    home = hut()
    desk = home.doors["desk"]
    desk.troubles = [DeliveryError(Reason.UNAVAILABLE, "refused")] * 10_000
    await owe(home.store, home.clock.now(), ("desk",), 50)
    for _ in range(3600 // 15):
        await home.act()
        home.clock.advance(15 * SECOND)
    assert BESIDE + 10 <= len(desk.attempts) <= BESIDE + 20
    desk.troubles = []
    home.clock.advance(LONGEST_REST)
    await home.act()
    home.clock.advance(timedelta(hours=1))
    await home.act()
    assert len(desk.taken) == 50


async def test_messages_of_one_conversation_keep_their_order(hut: Build) -> None:
    """Several go to a receiver at once, and of one incident never two."""
    home = hut()
    for _ in range(3):
        await home.hears("Acme broken", by="ada")
    async with home.store.begin() as tx:
        (incident,) = await tx.incidents.list()
        at = home.clock.now()
        for kind in (NotificationKind.MORE, NotificationKind.REMINDER, NotificationKind.RESOLVED):
            alert = (await tx.alerts.of_incident(incident.id))[0]
            made: Notification | None = await tx.notifications.add(
                incident_id=incident.id, receiver="desk", kind=kind, events=(), created_at=at, due_at=at
            )
            assert made is not None
            assert alert.incident_id == incident.id
        await tx.commit()
    assert await home.stages.deliver.step("desk") == 1
    await home.act()
    assert home.kinds("desk") == ["first", "more", "reminder", "resolved"]


class Watching:
    """The statements that a store runs, with what was filled in."""

    def __init__(self, store: Store) -> None:
        self.said: list[tuple[str, Any]] = []
        for engine in {store._engines.writer, store._engines.reader}:
            event.listen(engine.sync_engine, "before_cursor_execute", self._hear)

    def _hear(self, connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        del connection, cursor
        if re.search(r"\bdelivery\b", statement) and not statement.startswith(("EXPLAIN", "INSERT")):
            self.said.append((statement, parameters))


async def plans(store: Store, said: Sequence[tuple[str, Any]]) -> list[str]:
    """How the database would carry out each statement."""
    found = []
    async with store._engines.writer.connect() as connection:
        how = "EXPLAIN " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        for statement, parameters in said:
            rows = await connection.exec_driver_sql(how + statement, parameters)
            found.append("\n".join(str(row[-1]) for row in rows))
    return found


@pytest.mark.parametrize(
    ("owed", "delivered"),
    [
        pytest.param(1_700, 40_000, id="10,000 owed"),
        pytest.param(1_700, 1_000_000, id="10,000 owed, 1,000,000 delivered", marks=pytest.mark.soak),
        pytest.param(170_000, 0, id="1,000,000 owed", marks=pytest.mark.soak),
    ],
)
@pytest.mark.fault("delivery", "a million messages in the store")
async def test_what_is_due_is_found_by_an_index(store: Store, clock: ManualClock, owed: int, delivered: int) -> None:
    """To find and to claim what is due never reads the whole table, on either database."""
    now = clock.now()
    for _ in range(max(delivered // 20_000, 0)):
        await owe(store, now, ("desk",), 20_000, state="delivered", ended_at=now)
    for name in (*LIVING, *DEAD):
        for _ in range(max(owed // 20_000, 1)):
            await owe(store, now, (name,), min(owed, 20_000))
    async with store._engines.writer.connect() as connection:
        await connection.exec_driver_sql("ANALYZE")
        await connection.commit()
    watching = Watching(store)
    async with store.begin() as tx:
        assert await tx.deliveries.due_receivers(now, now) == {*LIVING, *DEAD}
        assert await tx.deliveries.due_receivers(now, now, urgent=True) == set()
        assert await tx.deliveries.unheard(now, looking_since=now, limit=100) == []
        (one,) = await tx.deliveries.claim("desk", owner="a", now=now, wall=now, lease=LEASE, limit=1, apart=True)
        assert await tx.deliveries.delivered(one.id, "a", now)
        await tx.commit()
    assert len(watching.said) >= 7
    for plan in await plans(store, watching.said):
        assert not re.search(r"Seq Scan on delivery|SCAN delivery(?! USING (COVERING )?INDEX ix_delivery)", plan), plan


@pytest.mark.parametrize("each", [100, pytest.param(1_700, marks=pytest.mark.soak)])
@pytest.mark.fault("delivery", "memory and the event loop while thousands of messages are sent")
async def test_a_backlog_is_never_held_in_memory(hut: Build, each: int) -> None:
    """What is owed stays in the store: to send it takes a few megabytes, and blocks nobody for a second."""
    home = hut()
    await owe(home.store, home.clock.now(), LIVING, each)
    blocked = 0.0

    async def watch() -> None:
        nonlocal blocked
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            blocked = max(blocked, time.perf_counter() - began)

    watcher = asyncio.ensure_future(watch())
    tracemalloc.start()
    await all_told(home, each)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    watcher.cancel()
    kept = sum(len(home.told(name)) for name in LIVING) * 4_000  # what the stand-ins themselves keep
    assert peak - kept < 16 * MB
    assert blocked < 1


@pytest.mark.fault("time", "the clock is set back while a receiver is left alone")
async def test_a_clock_set_back_makes_no_rest_longer(hut: Build) -> None:
    """A receiver that was to be tried again in seconds is not left alone for the hour by which the clock went back."""
    home = hut()
    home.doors["desk"].troubles = [DeliveryError(Reason.UNAVAILABLE, "refused")]
    await owe(home.store, home.clock.now(), ("desk",), 1)
    await home.act()
    home.clock.current -= timedelta(hours=1)
    await home.stages.deliver.hurry()
    await home.act()
    assert len(home.told("desk")) == 1
