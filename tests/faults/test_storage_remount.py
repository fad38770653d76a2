"""The kernel takes the disk away from under a daemon at work: it becomes read-only, or takes no writes for a while."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from monitor.storage import StorageSettings, Store
from monitor.testing import serving
from tests.faults.brand import MONITOR, RULES
from tests.faults.forging import Doors, Forge, forging, free_port, logged, write

Ext4 = Any
Patiently = Callable[..., Awaitable[Any]]
# Seconds that a daemon waits before it looks at itself again, and before it tries again what failed.
IMPATIENT = {"monitor.shift:PULSE": 0.1, "monitor.workers:AFTER_A_BUG": 0.05}


@dataclass
class Scene:
    """A daemon whose store is on the disk that fails; who calls it, and who is told."""

    folder: Path
    database: Path
    doors: Doors
    forge: Forge
    patiently: Patiently
    told: dict[str, str] = field(default_factory=dict)  # the headlines, by the message's id

    async def take(self, request: web.Request) -> web.Response:
        """The receiver."""
        self.told[request.headers["webhook-id"]] = json.loads(await request.read())["data"]["headline"]
        return web.Response(status=204)

    async def start(self) -> int:
        """A daemon, at work."""
        pid = await self.forge.start()
        await self.patiently(self.doors.ready, "it is ready")
        return pid

    async def tell(self, number: int) -> int:
        """One signed call; the status of the answer."""
        return await self.doors.tell(number, "My Acme is broken", f"user{number}")

    async def rings(self, number: int) -> None:
        """Wait until somebody is told of what was said with this number."""

        async def rang() -> bool:
            return any(f"user{number}" in headline for headline in self.told.values())

        await self.patiently(rang, f"{number} rings; the daemon said {(self.folder / 'log').read_text()[-3000:]}")

    async def refuses(self, *, refuses: bool) -> None:
        """Wait until the metrics say so, too."""
        line = f"tocsin_store_refuses {float(refuses)}"
        await self.patiently(lambda: self.doors.metric(line), f"the metrics say {line}")

    async def stored(self) -> set[str]:
        """The addresses of all that was stored."""
        store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{self.database}")))
        async with store.read() as tx:
            found = {each.url or "" for each in await tx.mentions.get(range(1, 100))}
        await store.close()
        return found


@pytest.fixture
async def scene(smithy: Path, ext4: Ext4, tmp_path: Path, patiently: Patiently) -> AsyncIterator[Scene]:
    """Everything but the daemon."""
    folder, database, port = tmp_path / "brand", ext4.path / "t.db", free_port()
    async with serving() as site, aiohttp.ClientSession() as client, forging(smithy, folder, IMPATIENT) as forge:
        made = Scene(folder, database, Doors(client, port), forge, patiently)
        site.answer = made.take
        write(folder, MONITOR, RULES, HUB=f"{site.url}/in", PORT=str(port), DATABASE=str(database), BALLAST="1")
        yield made


@pytest.mark.fault("storage", "the kernel makes the disk read-only while the daemon works, after an error of its file system")
async def test_a_disk_that_becomes_read_only(scene: Scene, ext4: Ext4) -> None:
    """Calls are answered 503; log, `/-/ready` and metrics say why and what to do; after fsck and a start nothing is missing."""
    pid = await scene.start()
    assert await scene.tell(1) == 202
    await scene.rings(1)
    assert await scene.tell(2) == 202
    ext4.fail()
    assert await scene.tell(3) == 503
    status, why = await scene.doors.ask("/-/ready")
    assert status == 503
    assert "nothing new is taken in: the store failed (disk I/O error)" in why
    assert "fsck" in why
    assert (await scene.doors.ask("/-/healthy"))[0] == 200, "a restart would not help"
    await scene.refuses(refuses=True)
    [said] = logged(scene.folder, "store.failing")
    assert "fsck" in said["problem"]
    assert await scene.forge.end(pid) == 0, "it ends in order"
    assert await scene.forge.ended(await scene.forge.start()) == 69, "and cannot begin"
    assert "cannot be written (Read-only file system)" in (scene.folder / "log").read_text()
    ext4.mend()
    await scene.start()
    assert await scene.tell(3) == 202
    await scene.rings(2)
    await scene.rings(3)
    assert len(scene.told) == 3, "a message that came twice has one id"
    assert await scene.stored() == {f"https://tickets.example/{number}" for number in (1, 2, 3)}


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    """The kernel refuses every write to a file, through descriptors that are open, too."""
    subprocess.run(["chattr", "+i", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)


@pytest.mark.fault("storage", "the disk takes no writes for a while, and then does again")
async def test_a_disk_that_takes_writes_again(scene: Scene) -> None:
    """Calls are answered 503 meanwhile; the daemon works on by itself, and says so."""
    await scene.start()
    with immutable(scene.database.with_name("t.db-wal")):
        assert await scene.tell(1) == 503
        await scene.refuses(refuses=True)
        assert (await scene.doors.ask("/-/ready"))[0] == 503
    assert await scene.tell(1) == 202
    await scene.rings(1)
    await scene.refuses(refuses=False)
    assert (await scene.doors.ask("/-/ready"))[0] == 200
    assert logged(scene.folder, "store.works_again")
