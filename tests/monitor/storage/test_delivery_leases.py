"""Deliveries under any order of claims, deaths, retries and clocks: the store does what a page of Python says it should."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from pydantic import SecretStr

from monitor.domain.alert import DeliveryState, NotificationKind
from monitor.storage import StorageSettings, Store

START = datetime(2026, 3, 2, tzinfo=UTC)
LEASE = timedelta(seconds=30)
OWNERS = st.sampled_from(["a", "b", "c"])
SECONDS = st.integers(0, 40).map(lambda seconds: timedelta(seconds=seconds))


@dataclass
class Owed:
    """What the store should know of one delivery."""

    due: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    owner: str | None = None
    until: datetime = START

    def claimable(self, now: datetime, wall: datetime) -> bool:
        """Due, or abandoned by whoever had it."""
        waiting = self.state is DeliveryState.PENDING and self.due <= now
        return waiting or (self.state is DeliveryState.SENDING and self.until <= wall)


class Deliveries(RuleBasedStateMachine):
    """Three workers, two clocks, one receiver."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.now = self.wall = START
        self.owed: dict[int, Owed] = {}

    @initialize()
    def open(self) -> None:
        """A store of its own for every story."""
        self.store = self.loop.run(Store.open(StorageSettings(url=SecretStr("sqlite:///:memory:"))))

    def teardown(self) -> None:
        """Close what `open` opened."""
        self.loop.run(self.store.close())
        self.loop.close()

    @rule(target=ids, wait=SECONDS)
    def owe(self, wait: timedelta) -> int:
        """A message is owed, now or later."""

        async def add() -> int:
            async with self.store.begin() as tx:
                made = await tx.notifications.add(
                    incident_id=None,
                    receiver="ops",
                    kind=NotificationKind.TEST,
                    events=(),
                    created_at=self.now,
                    due_at=self.now + wait,
                )
                await tx.commit()
            assert made is not None
            return made.id

        id_ = self.loop.run(add())
        self.owed[id_] = Owed(self.now + wait)
        return id_

    @rule(story=SECONDS, real=SECONDS)
    def time_passes(self, story: timedelta, real: timedelta) -> None:
        """The two clocks go their own ways."""
        self.now += story
        self.wall += real

    @rule(target=ids, owner=OWNERS, limit=st.integers(1, 3))
    def claim(self, owner: str, limit: int) -> object:
        """What is claimable is claimed, the longest waiting first, and nothing else."""

        async def take() -> list[tuple[int, int]]:
            async with self.store.begin() as tx:
                got = await tx.deliveries.claim("ops", owner=owner, now=self.now, wall=self.wall, lease=LEASE, limit=limit)
                await tx.commit()
            return [(each.id, each.attempts) for each in got]

        free = sorted((each.due, id_) for id_, each in self.owed.items() if each.claimable(self.now, self.wall))[:limit]
        for _, id_ in free:
            each = self.owed[id_]
            each.state, each.owner, each.until = DeliveryState.SENDING, owner, self.wall + LEASE
            each.attempts += 1
        assert self.loop.run(take()) == [(id_, self.owed[id_].attempts) for _, id_ in free]
        return multiple()

    @rule(id_=ids, owner=OWNERS, how=st.sampled_from(["delivered", "retry", "failed"]), wait=SECONDS)
    def end(self, id_: int, owner: str, how: str, wait: timedelta) -> None:
        """Only whoever holds it says how it ended."""

        async def tell() -> bool:
            async with self.store.begin() as tx:
                if how == "delivered":
                    ours = await tx.deliveries.delivered(id_, owner, self.now)
                elif how == "retry":
                    ours = await tx.deliveries.retry(id_, owner, self.now, self.now + wait, "timeout", None)
                else:
                    ours = await tx.deliveries.failed(id_, owner, self.now, "gone", None)
                await tx.commit()
            return ours

        each = self.owed[id_]
        ours = each.state is DeliveryState.SENDING and each.owner == owner
        assert self.loop.run(tell()) is ours
        if ours:
            after = {"delivered": DeliveryState.DELIVERED, "retry": DeliveryState.PENDING, "failed": DeliveryState.FAILED}
            each.state, each.owner = after[how], None
            each.due = self.now + wait if how == "retry" else each.due

    @invariant()
    def the_store_knows_what_we_know(self) -> None:
        """Nothing is lost, nothing ends twice, and who is due is known."""

        async def look() -> tuple[dict[int, tuple[str, int]], set[str]]:
            async with self.store.read() as tx:
                records = await tx.deliveries.list()
                return {each.id: (each.state, each.attempts) for each in records}, await tx.deliveries.due_receivers(
                    self.now, self.wall
                )

        records, due = self.loop.run(look())
        assert records == {id_: (each.state, each.attempts) for id_, each in self.owed.items()}
        assert bool(due) is any(each.claimable(self.now, self.wall) for each in self.owed.values())


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
