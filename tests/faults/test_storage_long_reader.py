"""Somebody reads one moment of the store for long: what is written meanwhile piles up in SQLite's log, and waits for nobody."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.testing import Site, serving
from tests.faults.brand import MONITOR, RULES
from tests.faults.forging import Doors, Forge, forging, free_port, logged, write

Patiently = Callable[..., Awaitable[Any]]
MB = 2**20
LONGEST = 64 * MB  # of a log that nobody needs any more
CALL = MB - 1000  # bytes: nearly the largest that is let in
# Seconds between two looks of the daemon at itself, and how long its lease lasts: it writes although nobody says anything.
IMPATIENT = {"monitor.shift:PULSE": 0.1, "monitor.shift:EVALUATE_IDLE": 0.05, "monitor.pipeline.evaluate:LEASE": 0.3}


@dataclass
class Scene:
    """A daemon that can be started, its store's file, who calls it, and who is told."""

    folder: Path
    database: Path
    doors: Doors
    forge: Forge
    hub: Site
    told: int = 0

    async def tell(self) -> None:
        """Somebody complains, at length."""
        assert await self.doors.tell(self.told, "My Acme is broken", f"user{self.told}", size=CALL) == 202
        self.told += 1

    async def rang(self) -> bool:
        """Whether each of them was heard."""
        return len(self.hub.asked) == self.told

    @property
    def log(self) -> int:
        """How long SQLite's log is, in bytes."""
        return self.database.with_name(self.database.name + "-wal").stat().st_size

    async def files(self) -> float:
        """How large the store's files are, as the metrics say."""
        lines = (await self.doors.ask("/metrics"))[1].splitlines()
        return next((float(line.split()[1]) for line in lines if line.startswith("tocsin_store_bytes ")), 0)


@pytest.fixture
async def scene(smithy: Path, tmp_path: Path) -> AsyncIterator[Scene]:
    """Everything but the daemon."""
    folder, database, port = tmp_path / "brand", tmp_path / "t.db", free_port()
    async with serving() as hub, aiohttp.ClientSession() as client, forging(smithy, folder, IMPATIENT) as forge:
        hub.says(204)
        write(folder, MONITOR, RULES, HUB=f"{hub.url}/in", PORT=str(port), DATABASE=str(database), BALLAST="1")
        yield Scene(folder, database, Doors(client, port), forge, hub)


@contextmanager
def opened(database: Path) -> Iterator[Callable[[str], Any]]:
    """Somebody else's connection to the store's file; asks for one value."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        yield lambda statement: (connection.execute(statement).fetchone() or [None])[0]


@pytest.mark.fault("storage", "somebody reads one moment of the store for long, as a shell left in a transaction does")
async def test_a_long_reader_holds_up_nothing(scene: Scene, patiently: Patiently) -> None:
    """Calls, alerts and messages go on while SQLite's log grows; once the reader is gone it is cut back to 64 MB by itself."""
    daemon = await scene.forge.start()
    await patiently(scene.doors.ready, "it is ready")
    await scene.tell()
    await patiently(scene.rang, "the first rings")
    with opened(scene.database) as ask:
        ask("BEGIN")
        assert ask("SELECT count(*) FROM mention") == 1
        while scene.log <= LONGEST + 8 * MB:
            await scene.tell()
        await patiently(scene.rang, "every call rings, though the database's own file has nothing of it yet")

        async def seen() -> bool:
            return await scene.files() > LONGEST

        await patiently(seen, "the metrics count the log")
        assert await scene.doors.ready()
        assert ask("SELECT count(*) FROM mention") == 1, "the reader sees its moment"

    async def cut_back() -> bool:
        return scene.log <= LONGEST

    await patiently(cut_back, "the log gives its place back, though nobody says anything")
    assert await scene.forge.end(daemon) == 0
    assert not logged(scene.folder, "worker.failed")
    with opened(scene.database) as ask:
        assert ask("SELECT count(*) FROM mention") == scene.told
        assert ask("PRAGMA integrity_check") == "ok"
