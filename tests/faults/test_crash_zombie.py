"""A process that froze past its lease, and wakes up in the middle of its work: what it meant to commit is fenced off."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg  # type: ignore[import-untyped]
import pytest
from aiohttp import web
from sqlalchemy import update

from monitor.domain.alert import DeliveryState
from monitor.domain.clock import SystemClock
from monitor.pipeline import evaluate
from monitor.storage import StorageSettings, Store, engine
from monitor.storage.evaluator import Evaluator
from monitor.storage.tables import evaluator as table
from monitor.testing import serving
from tests.faults.brand import TWO_DOORS
from tests.faults.forging import PATIENCE, Doors, Forge, forging, free_port, is_frozen, logged, write
from tests.monitor.pipeline.conftest import configure, house

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

__all__ = ["configure", "house"]

RULES = """
version: 1
rules:
  - {id: danger, kind: mention, where: {subjects: acme, text: {any_of: [fire]}}, key: [author]}
"""
# Seconds after which a daemon looks for what another left.
IMPATIENT = {
    "monitor.shift:EVALUATE_IDLE": 0.05,
    "monitor.shift:DELIVER_IDLE": 0.05,
    "monitor.shift:PULSE": 0.2,
    "monitor.workers:AFTER_A_BUG": 0.05,
    "monitor.storage.engine:IDLE_MS": 1500,  # milliseconds: with a transaction that stands still
}
# How long the leases of the one that will freeze last. The other's are as they are: what it has, it keeps.
SHORT = {"monitor.pipeline.evaluate:LEASE": 0.5, "monitor.pipeline.delivery:LEASE": 0.5}


@dataclass
class Duel:
    """Two daemons on one store, each with its door, and what came of what they were told."""

    store: Store
    forge: Forge
    folders: dict[str, Path] = field(default_factory=dict)  # of configuration
    doors: dict[str, Doors] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)  # mentions by author
    came: Counter[str] = field(default_factory=Counter)  # messages by id

    async def take(self, request: web.Request) -> web.Response:
        """The receiver."""
        await request.read()
        self.came[request.headers["webhook-id"]] += 1
        return web.Response(status=204)

    async def start(self, name: str, *cuts: tuple[str, int, signal.Signals], patience: Mapping[str, float] | None = None) -> int:
        """A daemon, at work."""
        pid = await self.forge.start(*cuts, folder=self.folders[name], patience=patience)
        await self.until(self.doors[name].ready, "it is ready")
        return pid

    async def tell(self, name: str, author: str) -> None:
        """Somebody says that there is fire."""
        self.told[author] += 1
        assert await self.doors[name].tell(self.told.total(), "My Acme is on fire", author) == 202

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until it is so."""
        end = time.monotonic() + PATIENCE
        while not await condition():
            assert time.monotonic() < end, f"in vain: {what}; they said {self.logs()}"
            await asyncio.sleep(0.01)

    def logs(self) -> str:
        """The end of what both said."""
        return "".join((folder / "log").read_text()[-3000:] for folder in self.folders.values() if (folder / "log").exists())

    async def quiet(self) -> None:
        """Wait until all that was told is judged and sent."""
        await self.until(self._at_rest, "everything is judged and sent")

    async def _at_rest(self) -> bool:
        async with self.store.read() as tx:
            stored = await tx.mentions.count() == self.told.total()
            judged = await tx.evaluator.offset() == await tx.mentions.newest_id()
            owed = await tx.deliveries.list(limit=1000)
        return stored and judged and all(each.state is DeliveryState.DELIVERED for each in owed)

    async def wakes(self, zombie: int, notices: str) -> None:
        """Wake it up, and wait until it has noticed what it missed."""
        before = len(logged(self.folders["zombie"], notices))

        async def noticed() -> bool:
            return len(logged(self.folders["zombie"], notices)) > before

        os.kill(zombie, signal.SIGCONT)
        await self.until(noticed, f"the zombie says {notices}")

    async def promises_held(self, *, twice: int) -> None:
        """Every mention was judged once, every alert is there once; so many messages came twice, under one id."""
        async with self.store.read() as tx:
            alerts = await tx.alerts.list(limit=1000)
            owed = await tx.deliveries.list(limit=1000)
            counted = {author: alert.occurrences for alert in alerts for author in alert.key.values()}
        assert len(alerts) == len(self.told), "an alert for each author, once"
        assert sorted(counted.values()) == sorted(self.told.values()), "every mention was judged once"
        assert len(owed) == len(self.told) == len(self.came), "a message for each alert, and it arrived"
        assert Counter(self.came.values()) == Counter({1: len(self.told) - twice, 2: twice}) - Counter(), "under one id"


@pytest.fixture
async def duel(smithy: Path, tmp_path: Path, storage: StorageSettings, store: Store) -> AsyncIterator[Duel]:
    """Everything but the daemons."""
    async with serving() as site, aiohttp.ClientSession() as client, forging(smithy, tmp_path, IMPATIENT) as forge:
        made = Duel(store, forge)
        site.answer = made.take
        for name in ("zombie", "other"):
            made.folders[name], made.doors[name] = tmp_path / name, Doors(client, port := free_port())
            database = storage.url.get_secret_value()
            write(made.folders[name], TWO_DOORS, RULES, HUB=f"{site.url}/in", PORT=str(port), DATABASE=database)
        yield made


@dataclass(frozen=True)
class Freeze:
    """Where the zombie freezes, how it learns that it was one, and how often the message under way arrives."""

    where: str
    notices: str
    twice: int = 0


FREEZES = (
    Freeze("before judging", "evaluator.lease_lost"),  # what it has read
    Freeze("after advance", "worker.failed"),  # in its transaction, which locks the lease: the server ends it
    Freeze("before send", "delivery.lease_lost", twice=1),
    Freeze("after send", "delivery.lease_lost", twice=1),
)


async def frozen_and_woken(duel: Duel, freeze: Freeze) -> None:
    """One freezes in the middle of its work, another takes over; then the first wakes up, and later it is alone again."""
    zombie = await duel.start("zombie", (freeze.where, 1, signal.SIGSTOP), patience=SHORT)
    await duel.tell("zombie", freeze.where)
    await duel.until(lambda: frozen(zombie), "it freezes")
    other = await duel.start("other")
    await duel.tell("other", freeze.where)
    await duel.tell("other", f"the second, {freeze.where}")
    await duel.quiet()
    assert await frozen(zombie)
    assert not logged(duel.folders["other"], "lease.freed"), "who is frozen is not dead"
    await duel.wakes(zombie, freeze.notices)
    assert await duel.forge.end(other) == 0
    await duel.tell("zombie", freeze.where)
    await duel.tell("zombie", f"the third, {freeze.where}")
    await duel.quiet()
    assert await duel.forge.end(zombie) == 0


async def frozen(pid: int) -> bool:
    """Whether it stands still."""
    return is_frozen(pid)


@pytest.mark.fault("crash", "a daemon freezes past its leases in the middle of its work, another takes over, and it wakes up")
@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_a_daemon_that_froze_and_woke_up(duel: Duel) -> None:
    """Nothing is judged or alerted twice; a message comes once more at most, under its id; the sleeper is fenced, and goes on."""
    for freeze in FREEZES:
        await frozen_and_woken(duel, freeze)
    await duel.promises_held(twice=sum(freeze.twice for freeze in FREEZES))


@pytest.mark.fault("crash", "a process freezes in the middle of a statement, in a transaction on PostgreSQL")
@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_a_frozen_statement_holds_nobody_up(storage: StorageSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server takes it for active and never ends it by itself: another process has it ended, and takes the lease."""
    monkeypatch.setattr(engine, "IDLE_MS", 200)
    store = await Store.open(storage)
    frozen = await asyncpg.connect(storage.url.get_secret_value(), server_settings={"application_name": "tocsin"})
    await frozen.execute("BEGIN; LOCK TABLE evaluator")
    await frozen.prepare("SELECT 1")  # the second message, which would carry it out, never comes
    while not await store.end_the_frozen():  # noqa: ASYNC110 only the server's clock counts
        await asyncio.sleep(0.01)
    async with asyncio.timeout(20), store.begin() as tx:
        assert await tx.evaluator.claim("other", wall=SystemClock().wall(), lease=evaluate.LEASE)
    frozen.terminate()
    await store.close()


async def frozen_between_reading_and_judging(house: Build) -> House:
    """One judges a mention; then freezes when it has read the next, which another judges, and two more; then it wakes up."""
    zombie, other = house(owner="zombie"), house(owner="other")
    await zombie.hears("Acme broken", by="a")
    await zombie.brings(zombie.mention("Acme broken again", by="a"))
    transaction = zombie.stages.evaluate._transaction

    async def freezes(work: Callable[..., Any]) -> bool:
        zombie.clock.advance(evaluate.LEASE)
        await other.judge()
        await other.hears("Acme is still broken", by="a")
        return await transaction(work)

    zombie.stages.evaluate._transaction = freezes  # type: ignore[method-assign]
    await zombie.stages.evaluate.step()
    return zombie


async def no_fence(self: Evaluator, owner: str, epoch: int) -> None:
    """Nobody looks whose lease it is."""


async def unfenced(self: Evaluator, owner: str, epoch: int, offset: int) -> None:
    """What the offset's update would be without the fence."""
    await self._session.run(update(table).values(offset=offset))


@pytest.mark.fault("crash", "a daemon freezes past its lease between reading and judging")
async def test_a_frozen_zombie_commits_nothing(house: Build) -> None:
    """Every mention is judged once: the zombie's transaction is rolled back, because its epoch is no longer the lease's."""
    zombie = await frozen_between_reading_and_judging(house)
    assert (await zombie.alert()).occurrences == 3


@pytest.mark.fault("crash", "a daemon freezes past its lease between reading and judging, and the fence is taken away")
async def test_without_the_fence_a_zombie_undoes_what_another_did(house: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof that the fence is what holds: what the sleeper remembered is written over what the other had found."""
    monkeypatch.setattr(Evaluator, "fence", no_fence)
    monkeypatch.setattr(Evaluator, "advance", unfenced)
    zombie = await frozen_between_reading_and_judging(house)
    assert (await zombie.alert()).occurrences == 2
