"""A daemon killed at every boundary, and at random: afterwards all is as if it had never happened, save a message sent twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import select

from monitor.domain.alert import DeliveryState
from monitor.domain.clock import SystemClock
from monitor.domain.plan import StepState
from monitor.storage import StorageSettings, Store, UnitOfWork
from monitor.storage.tables import delivery, installation, metadata
from monitor.testing import serving
from notifiers.signing import verify
from tests.faults.brand import TWO_DOORS
from tests.faults.forging import PATIENCE, SECRET, Doors, Forge, forging, free_port, write
from tests.monitor.daemon.conftest import OUTAGE

STEPS = ("pause", "tell")

RULES = """
version: 1
rules:
  - {id: danger, kind: mention, where: {subjects: acme, text: {any_of: [fire]}}, key: [author], notify: hub}
  - id: crisis
    kind: window
    where: {subjects: acme, text: {any_of: [broken, fire]}}
    measure: {distinct: author}
    key: [subject]
    window: 60m
    fire: {at_least: 3}
    severity: critical
    plan: outage
    notify: [hub, care]
"""

# Three unhappy people make a crisis; one of them is in danger.
STORY = ("broken", "blue", "broken", "fire")
MESSAGES = 5
SEED = 20240719
REPEATED = 0.1  # the share of calls that come twice
LIFE = (0.05, 0.6)  # seconds that a daemon lives
BOUNDARIES = ("before commit", "after commit", "before send", "after send")

Cut = tuple[str, int, int, int]  # boundary, the first meeting of it, then every so many, and how many there must be


@dataclass
class Hub:
    """Takes every message, and remembers during which life of the daemon it came."""

    life: int = 0
    hangs_at: int = 0  # from so many messages on, until it is 0 again
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    lives: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.hangs_at and len(self.lives) >= self.hangs_at:
            self.hanging.set()
            await asyncio.Event().wait()
        self.lives[verify([SECRET], request.headers, body, now=SystemClock().now())].append(self.life)
        return web.Response(status=204)


@dataclass
class World:
    """All that is outside the daemon, and its store as it may be read meanwhile."""

    folder: Path
    store: Store
    doors: Doors
    hub: Hub
    forge: Forge
    told: set[int] = field(default_factory=set)
    in_flight: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))  # when that life was killed

    async def tell(self, number: int, words: str) -> None:
        """Call again and again, as a sender must, until the call is acknowledged."""
        while await self.doors.tell(number, f"My Acme: {words}", f"user{number}") != 202:  # noqa: ASYNC110 it is another process
            await asyncio.sleep(0.01)
        self.told.add(number)

    async def quiet(self, messages: int) -> None:
        """Wait until so many messages have come, and everything told was judged, sent and carried out, as long as it goes on.

        A thousand kills leave hundreds of messages owed.
        """
        end, come = time.monotonic() + PATIENCE, 0
        while len(self.hub.lives) < messages or not await self._at_rest():
            if len(self.hub.lives) > come:
                end, come = time.monotonic() + PATIENCE, len(self.hub.lives)
            assert time.monotonic() < end, f"never at rest; the daemon said {(self.folder / 'log').read_text()[-3000:]}"
            await asyncio.sleep(0.01)

    async def _at_rest(self) -> bool:
        async with self.store.read() as tx:
            runs, waiting = await tx.plans.list(), await tx.inbox.waiting()
            judged = await tx.evaluator.offset() == await tx.mentions.newest_id()
            sent = all(each.state is DeliveryState.DELIVERED for each in await tx.deliveries.list(limit=100_000))
        return not waiting and judged and sent and len(runs) == 1 and all(each.state is StepState.DONE for each in runs[0].steps)

    async def sending(self) -> set[str]:
        """The messages that are claimed, and neither delivered nor given back."""
        query = select(delivery.c.notification_id).where(delivery.c.state == DeliveryState.SENDING)
        async with self.store.read() as tx:
            return {self._message(row["notification_id"]) for row in await tx.deliveries._session.rows(query)}

    def _message(self, notification: int) -> str:
        """The id under which a notification is sent."""
        return f"msg_{self.store.installation.replace('-', '')[:12]}_{notification}"

    async def promises_held(self) -> None:
        """Fail unless every promise about a crash was kept."""
        async with self.store.read() as tx:
            await self._promises(tx)

    async def _promises(self, tx: UnitOfWork) -> None:
        assert await tx.mentions.count() == len(self.told), "every call acknowledged is stored once"
        alerts = Counter((each.rule, tuple(each.key.values())) for each in await tx.alerts.list(limit=100_000))
        assert set(alerts.values()) == {1}, "every alert is there once"
        [run] = await tx.plans.list()
        events = [each for each in await tx.timeline.list(limit=100_000) if each.kind == "plan.step.started"]
        assert Counter((each.detail or {})["step"] for each in events) == dict.fromkeys(STEPS, 1), "every step began once"
        for step in STEPS:
            assert len(await tx.deliveries.of_step(run.id, step)) == 1, "every step is one message"
        owed = await tx.deliveries.list(limit=100_000)
        assert set(self.hub.lives) == {self._message(each.notification_id) for each in owed}, "owed is what arrived, and no more"
        for id_, lives in self.hub.lives.items():
            assert len(set(lives)) == len(lives), f"{id_} came twice without a kill in between: {lives}"
            repeated = [life for life in lives[:-1] if id_ not in self.in_flight[life]]
            assert not repeated, f"{id_} came again though no kill cut it off, after the lives {repeated}: {lives}"


@pytest.fixture
async def world(smithy: Path, tmp_path: Path, storage: StorageSettings, store: Store) -> AsyncIterator[World]:
    """A hub that listens, a configuration that knows it, a forge, and an empty store with its tables."""
    hub, port, folder = Hub(), free_port(), tmp_path / "brand"
    async with serving() as site, aiohttp.ClientSession() as client, forging(smithy, folder) as forge:
        site.answer = hub.take
        filled = {"HUB": f"{site.url}/in", "PORT": str(port), "DATABASE": storage.url.get_secret_value()}
        write(folder, TWO_DOORS, RULES, OUTAGE, **filled)
        yield World(folder, store, Doors(client, port), hub, forge)


async def _story(world: World) -> None:
    for number, words in enumerate(STORY):
        await world.tell(number, words)
    await world.tell(0, STORY[0])  # a sender who is in doubt
    await world.quiet(MESSAGES)


async def _begin_anew(world: World) -> None:
    world.hub.lives.clear()
    world.told.clear()
    async with world.store.begin() as tx:
        for table in reversed(metadata.sorted_tables):
            if table is not installation:
                await tx.mentions._session.run(table.delete())
        await tx.commit()


async def _die(world: World, ended: asyncio.Task[int]) -> None:
    """The daemon has been killed, by itself or by us: whatever it sends from now on, another life sends."""
    assert await ended == -signal.SIGKILL, (world.folder / "log").read_text()[-5000:]
    for _ in range(20):  # what it sent before it died may not have been looked at yet: accept, read, answer
        await asyncio.sleep(0)
    world.in_flight[world.hub.life] = await world.sending()
    world.hub.life += 1


async def _killed_at(world: World, boundary: str, number: int) -> bool:
    """Tell the story to a daemon that dies at a boundary, and to the next one. False: it came to the end without meeting it."""
    await _begin_anew(world)
    pid = await world.forge.start((boundary, number, signal.SIGKILL))
    ended, story = asyncio.create_task(world.forge.ended(pid)), asyncio.create_task(_story(world))
    await asyncio.wait({ended, story}, return_when=asyncio.FIRST_COMPLETED)
    if killed := ended.done():
        await _die(world, ended)
        pid = await world.forge.start()
        ended = asyncio.create_task(world.forge.ended(pid))
    await story
    os.kill(pid, signal.SIGKILL)
    await _die(world, ended)
    await world.promises_held()
    return killed


async def _at_every(world: World, boundary: str, first: int, step: int) -> int:
    """Kill at every `step`th meeting of one boundary. Returns how often that was."""
    for kills in count():
        if not await _killed_at(world, boundary, first + kills * step):
            return kills
    raise AssertionError


# Each commit is cut on one side here and on the other in the long tier, which takes every one of them.
SHORT = [("before commit", 1, 3, 10), ("after commit", 2, 3, 10), ("before send", 1, 1, 5), ("after send", 1, 1, 5)]
EVERY = [(boundary, 1, 1, at_least) for boundary, at_least in zip(BOUNDARIES, (30, 30, 5, 5), strict=True)]
SERVER = [("before commit", 3, 9, 3), ("after commit", 7, 9, 3), ("before send", 2, 2, 2), ("after send", 1, 2, 2)]


async def _boundary(world: World, boundary: str, first: int, step: int, at_least: int) -> None:
    kills = await _at_every(world, boundary, first, step)
    assert kills >= at_least, "the story has fewer such boundaries than it should"


@pytest.mark.fault("crash", "SIGKILL before or after each commit, and before or after each message leaves")
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
@pytest.mark.parametrize("cut", SHORT, ids=lambda cut: cut[0])
async def test_killed_at_every_boundary(world: World, cut: Cut) -> None:
    """Every call acknowledged is stored once, alerts and steps exist once, every message arrives, and twice only after a kill.

    It then was being sent at that kill: none of which the store says that it was delivered is sent again.
    """
    await _boundary(world, *cut)


@pytest.mark.fault("crash", "SIGKILL at commits and messages, on PostgreSQL")
@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
@pytest.mark.parametrize("cut", SERVER, ids=lambda cut: cut[0])
async def test_killed_at_boundaries_on_postgresql(world: World, cut: Cut) -> None:
    """As on SQLite: what the server had not been told to commit is gone, and done again by the next process."""
    await _boundary(world, *cut)


@pytest.mark.soak
@pytest.mark.fault("crash", "SIGKILL on both sides of every single commit and message, on either database")
@pytest.mark.parametrize("cut", EVERY, ids=lambda cut: cut[0])
async def test_killed_on_both_sides_of_every_boundary(world: World, cut: Cut) -> None:
    """As for those that CI takes; here no boundary is left out."""
    await _boundary(world, *cut)


async def _stream(world: World, dice: random.Random, enough: asyncio.Event) -> None:
    """People talk, one after the other, until it is enough; the first of them tell the story."""
    for number in count():
        words = STORY[number] if number < len(STORY) else dice.choice(STORY)
        await world.tell(number, words)
        if dice.random() < REPEATED:
            await world.tell(number, words)
        if number >= len(STORY) and enough.is_set():
            return


async def _killed_at_random(world: World, kills: int) -> None:
    dice, enough = random.Random(SEED), asyncio.Event()
    stream = asyncio.create_task(_stream(world, dice, enough))
    for _ in range(kills):
        pid = await world.forge.start()
        ended = asyncio.create_task(world.forge.ended(pid))
        await asyncio.sleep(dice.uniform(*LIFE))
        os.kill(pid, signal.SIGKILL)
        await _die(world, ended)
    enough.set()
    pid = await world.forge.start()
    ended = asyncio.create_task(world.forge.ended(pid))
    await stream
    await world.quiet(MESSAGES)
    os.kill(pid, signal.SIGKILL)
    await _die(world, ended)
    await world.promises_held()


@pytest.mark.timeout(300)
@pytest.mark.fault("crash", "SIGKILL a hundred times at random, while calls and messages go in and out")
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
async def test_a_hundred_random_kills(world: World) -> None:
    """Nothing acknowledged is lost, nothing exists twice, and a message comes twice only when a kill cut it off.

    At most one duplicate for each delivery in flight at a kill, under the same id; none of what the store calls delivered.
    """
    await _killed_at_random(world, 100)


@pytest.mark.fault("crash", "SIGKILL at random, on PostgreSQL")
@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_random_kills_on_postgresql(world: World) -> None:
    """As on SQLite, twenty times."""
    await _killed_at_random(world, 20)


@pytest.mark.soak
@pytest.mark.fault("crash", "SIGKILL a thousand times at random, on either database")
async def test_a_thousand_random_kills(world: World) -> None:
    """As for the hundred: 0 lost, nothing twice, and a message again only when a kill cut it off."""
    await _killed_at_random(world, 1000)


@pytest.mark.fault("crash", "SIGTERM in the middle of a plan whose step hangs")
async def test_sigterm_in_the_middle_of_a_plan(world: World) -> None:
    """The daemon ends within ten seconds with 0; the next one carries the plan to its end, each step once."""
    world.hub.hangs_at = MESSAGES - len(STEPS)
    pid = await world.forge.start()
    ended, story = asyncio.create_task(world.forge.ended(pid)), asyncio.create_task(_story(world))
    await asyncio.wait_for(world.hub.hanging.wait(), PATIENCE)
    asked = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    assert await ended == 0, (world.folder / "log").read_text()[-3000:]
    assert time.monotonic() - asked < 10
    world.hub.hangs_at, world.hub.life = 0, 1
    pid = await world.forge.start()
    ended = asyncio.create_task(world.forge.ended(pid))
    await story
    os.kill(pid, signal.SIGKILL)
    await _die(world, ended)
    await world.promises_held()
