"""Disks as they are: full, read-only, failing; the daemon says so in words, loses nothing, and goes on by itself."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from monitor import shift as shift_module
from monitor import workers
from monitor.daemon import Daemon
from monitor.domain.clock import SystemClock
from monitor.domain.mention import Author, Enriched, Mention, Scores
from monitor.pipeline import intake
from monitor.settings import load
from monitor.storage import Retention, StorageSettings, Store, StoreFullError
from monitor.testing import serving
from notifiers.signing import headers
from tests.faults.brand import MONITOR, RULES
from tests.faults.forging import write

Disk = Any
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PATIENCE = 40.0  # seconds, real: the machine may be busy


def said(number: int, size: int = 4000) -> Enriched:
    """One mention of a few kilobytes."""
    mention = Mention(
        network="web", uri=f"https://p.example/{number}", text="x" * size, written_at=NOW, author=Author(f"u{number}")
    )
    return Enriched(mention, frozenset(), frozenset(), Scores(language="en", sentiment=0.0, scorer="test/1"))


async def add(store: Store, *mentions: Enriched) -> None:
    """Take them in, in one transaction."""
    async with store.begin(incoming=True) as tx:
        await tx.mentions.add(mentions, source="feed", seen_at=NOW)
        await tx.commit()


async def until_full(store: Store) -> int:
    """Store mentions, each committed, until the disk is full. Returns how many were committed."""
    committed = 0
    with pytest.raises(StoreFullError, match="free some space"):  # noqa: PT012 it is the last of many that is refused
        while True:
            await add(store, said(committed))
            committed += 1
    return committed


@asynccontextmanager
async def opened(database: Path, ballast: int = 4) -> AsyncIterator[Store]:
    """A store that keeps ballast."""
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{database}"), ballast_mb=ballast), ballast=True)
    try:
        yield store
    finally:
        await store.close()


@pytest.mark.fault("storage", "the disk is full")
async def test_the_ballast_keeps_a_full_disk_workable(disk: Disk) -> None:
    """What was committed stays; deleting, checkpoint and alerts go on; new things come in again, on the same connection."""
    async with opened(disk.path / "t.db") as store:
        connections = store._engines.writer.pool
        await add(store, *(said(number) for number in range(500, 600)))
        disk.fill()
        committed = 100 + await until_full(store)
        trouble = await store.trouble()
        assert trouble is not None
        assert trouble.full
        assert (trouble.place, trouble.needed) == (str(disk.path / "t.db"), 8 * 2**20)
        with pytest.raises(StoreFullError):
            async with store.begin(incoming=True):
                pytest.fail("nothing new is taken in")
        async with store.begin() as tx:  # on the room of the ballast
            assert await tx.mentions.count() == committed
            assert await tx.retention.forget(Retention(), NOW + timedelta(days=91), 60) == 60
            await tx.commit()
        assert sqlite3.connect(disk.path / "t.db").execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        disk.empty()
        assert await store.trouble() is None
        assert (disk.path / "t.db.ballast").stat().st_blocks * 512 >= 4 * 2**20
        await add(store, said(10_000))
        async with store.read() as tx:
            assert await tx.mentions.count() == committed - 60 + 1
        assert store._engines.writer.pool is connections
        assert connections.checkedin() == 1  # type: ignore[attr-defined]
    assert sqlite3.connect(disk.path / "t.db").execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.fault("storage", "the disk is full, and somebody takes the ballast's place as well")
async def test_without_any_room_what_was_committed_stays(disk: Disk) -> None:
    """Every write is refused in words, every read goes on, and work resumes once there is room."""
    async with opened(disk.path / "t.db") as store:
        await add(store, said(1))
        for _ in range(2):
            disk.fill()
            with pytest.raises(StoreFullError, match="free some space"):
                await add(store, *(said(n) for n in range(2, 2000)))
        async with store.read() as tx:
            assert await tx.mentions.count() == 1
        disk.empty()
        assert await store.trouble() is None


@pytest.mark.fault("storage", "the disk is full when the daemon starts")
async def test_a_store_opens_on_a_full_disk(disk: Disk) -> None:
    """It gives up the ballast if need be, takes in nothing new, and shows what it holds."""
    async with opened(disk.path / "t.db") as store:
        await add(store, said(1))
    disk.fill()
    async with opened(disk.path / "t.db") as store, store.read() as tx:
        assert await tx.mentions.count() == 1
    (disk.path / "t.db.ballast").unlink(missing_ok=True)
    disk.fill()
    with pytest.raises(StoreFullError, match=r"cannot open .* free some space"):
        async with opened(disk.path / "t.db"):
            pytest.fail("there is no room for the files that SQLite works with")
    disk.empty()
    async with opened(disk.path / "t.db") as store:
        assert await store.trouble() is None


class Caller:
    """Another system that brings its posts to the daemon's door."""

    def __init__(self, client: aiohttp.ClientSession, address: str) -> None:
        self._client, self._address = client, address

    async def tell(self, number: int, size: int = 0) -> int:
        """One signed call; the status of the answer."""
        said = {"text": "My Acme is broken", "author": f"user{number}", "url": f"https://t.example/{number}", "more": "x" * size}
        body = json.dumps(said).encode()
        signed = headers([SECRET], f"call-{number}", SystemClock().now(), body)
        async with self._client.post(f"{self._address}/hooks/tickets", data=body, headers=signed) as answer:
            return answer.status


@asynccontextmanager
async def working(folder: Path, database: Path, hub: Hub) -> AsyncIterator[tuple[Daemon, Caller]]:
    """A daemon in this process, and somebody who calls it."""
    write(folder, MONITOR, RULES, HUB=hub.url, PORT="0", DATABASE=str(database), BALLAST="4")
    daemon = Daemon(load(folder, environ={}), SystemClock(), lambda: load(folder, environ={}), handle_signals=False)
    running = asyncio.create_task(daemon.run())
    await asyncio.wait_for(daemon.ready.wait(), PATIENCE)
    try:
        async with aiohttp.ClientSession() as client:
            yield daemon, Caller(client, daemon.address)
    finally:
        daemon.stop()
        await running


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until it is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        await asyncio.sleep(0.01)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that looks at itself ten times a second."""
    monkeypatch.setattr(shift_module, "TICK", timedelta(seconds=0.1))
    monkeypatch.setattr(intake, "FIRST_BACKOFF", timedelta(seconds=0.05))
    monkeypatch.setattr(workers, "AFTER_A_BUG", 0.05)


@dataclass
class Hub:
    """Where the messages arrive."""

    url: str
    said: dict[str, str] = field(default_factory=dict)  # the headlines, by the message's id

    async def take(self, request: web.Request) -> web.Response:
        self.said[request.headers["webhook-id"]] = json.loads(await request.read())["data"]["headline"]
        return web.Response(status=204)

    def told(self, words: str) -> int:
        """How many messages say so."""
        return sum(words in headline for headline in self.said.values())


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    """A receiver that is well."""
    async with serving() as site:
        made = Hub(f"{site.url}/in")
        site.answer = made.take
        yield made


@pytest.mark.fault("storage", "the disk is full while calls come in")
async def test_a_daemon_on_a_full_disk(disk: Disk, tmp_path: Path, hub: Hub, impatient: None) -> None:
    """A call is answered 503, not 202; somebody is told what to do; no call acknowledged is lost; work resumes by itself."""
    async with working(tmp_path / "brand", disk.path / "t.db", hub) as (_, caller):
        disk.fill()
        acknowledged, number = set(), 0
        while (status := await caller.tell(number, size=200_000)) == 202:
            acknowledged.add(number)
            number += 1
        assert status == 503
        await eventually(lambda: hub.told("The disk is full") == 1, "the alert is sent on the ballast's room")
        disk.empty()
        while await caller.tell(number) != 202:  # noqa: ASYNC110 as a caller does
            await asyncio.sleep(0.02)
        acknowledged.add(number)
        await eventually(lambda: hub.told("takes in posts again") == 1, "the all-clear")
    async with opened(disk.path / "t.db") as store, store.read() as tx:
        waiting = {json.loads(each.body)["url"] for each in await tx.inbox.pending("tickets", 1000)}
        stored = {each.url for each in await tx.mentions.get(range(1, 1000))}
        assert waiting | stored == {f"https://t.example/{each}" for each in acknowledged}
        assert await tx.alerts.open_alerts(kind="store_health") == []
