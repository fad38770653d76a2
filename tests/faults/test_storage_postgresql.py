"""A PostgreSQL that is restarted, cut off at the worst moment, full of connections, or only a standby: the daemon outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import pwd
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg  # type: ignore[import-untyped]
import pytest
from pydantic import SecretStr

from monitor import workers
from monitor.domain.clock import SystemClock
from monitor.pipeline import intake
from monitor.storage import StorageSettings, Store, StoreAwayError, UnitOfWork
from tests.faults.conftest import Disk

Folder = Any
Start = Any
Patiently = Callable[..., Awaitable[Any]]
POSTS = 2000
NOW = SystemClock().now().isoformat()
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tocsin'"
ANGRY = 100  # each hundredth of them rings


class Cluster:
    """A PostgreSQL of this test's own, which may be restarted and broken."""

    def __init__(self, bin_: Path, data: Path, port: int) -> None:
        self._bin, self._data, self.port = bin_, data, port

    @property
    def folder(self) -> Path:
        """Where it may be given more to keep; its own user gets there."""
        return self._data.parent

    @property
    def url(self) -> str:
        """Its address."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def control(self, *what: str) -> None:
        """`pg_ctl`, as the server's own user."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self._data} -c max_connections=12 -c fsync=off"
        self.run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._data / "log"), "-o", options, *what)

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs; they refuse to be root."""
        command = [str(self._bin / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    async def execute(self, statement: str) -> None:
        """One statement, by somebody else."""
        connection = await asyncpg.connect(self.url, server_settings={"default_transaction_read_only": "off"})
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server that nobody else uses."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name))
    if not found:
        pytest.skip("the programs of PostgreSQL are not installed here (Debian: postgresql)")
    folder = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    made = Cluster(found[-1], folder / "data", port)
    try:
        made.run("initdb", "-D", str(folder / "data"), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        made.control("start")
        yield made
        made.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def small_disk(cluster: Cluster) -> AsyncIterator[Disk]:
    """The tables that are made from now on lie on a disk of 24 MB; the log that is written ahead does not."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    disk, owner = Disk(cluster.folder / "small"), pwd.getpwnam("postgres").pw_uid
    disk.path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size=24m,uid={owner},mode=700", "tmpfs", str(disk.path)]
    done = await asyncio.to_thread(subprocess.run, mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    (disk.path / "tables").mkdir()
    os.chown(disk.path / "tables", owner, -1)
    await cluster.execute(f"CREATE TABLESPACE small LOCATION '{disk.path}/tables'")
    await cluster.execute("ALTER DATABASE postgres SET default_tablespace = small")
    yield disk
    await cluster.execute("ALTER DATABASE postgres RESET default_tablespace")
    await cluster.execute(TERMINATE)
    await cluster.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await cluster.execute("DROP TABLESPACE small")
    await asyncio.to_thread(subprocess.run, ["umount", "--lazy", str(disk.path)], check=True)


class Proxy:
    """Stands between us and the server; `cut_at` names bytes of ours after which nobody hears from either side again."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.cut_at = b""
        self.cuts = 0
        self.passes_on = True  # the last bytes before the cut

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            theirs, ours = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:  # the server is away: so are we
            writer.close()
            return
        self._writers |= {writer, ours}
        out = asyncio.create_task(self._pump(reader, ours, watched=True))
        back = asyncio.create_task(self._pump(theirs, writer, watched=False))
        await asyncio.wait({out, back}, return_when=asyncio.FIRST_COMPLETED)
        for each in (writer, ours):
            each.close()
        await asyncio.gather(out, back, return_exceptions=True)

    def close(self) -> None:
        """Let nobody through any more."""
        for each in self._writers:
            each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, watched: bool) -> None:
        while data := await reader.read(65536):
            cut = watched and self.cut_at and self.cut_at in data
            if cut:
                self.cuts += 1
                self.cut_at = b""
            if not cut or self.passes_on:
                writer.write(data)
                await writer.drain()
            if cut:
                await asyncio.sleep(0.2 if self.passes_on else 0)  # the server does it, and its answer goes nowhere
                return


@asynccontextmanager
async def proxied(cluster: Cluster) -> AsyncIterator[Proxy]:
    """A proxy in front of the cluster."""
    proxy = Proxy(cluster.port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    yield proxy
    server.close()
    proxy.close()


@dataclass
class Scene:
    """A daemon that reads a recording into a server that it reaches through a proxy."""

    cluster: Cluster
    proxy: Proxy
    store: Store  # beside the proxy
    patiently: Patiently
    private: str  # where the daemon says how it is
    recording: Path

    async def reading(self, read: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        """What the store holds; None while the server is away."""
        try:
            async with self.store.read() as tx:
                return await read(tx)
        except StoreAwayError:
            return None

    async def stored(self, at_least: int) -> None:
        """Wait until so many posts are stored."""

        async def enough() -> bool:
            return (await self.reading(lambda tx: tx.mentions.newest_id()) or 0) >= at_least

        await self.patiently(enough, f"{at_least} posts are stored")

    async def cut(self, times: int, *, passes_on: bool) -> None:
        """Cut the connection when it commits, so many times."""
        self.proxy.passes_on = passes_on
        for number in range(1, times + 1):
            self.proxy.cut_at = b"COMMIT"

            async def done(number: int = number) -> bool:
                return self.proxy.cuts >= number

            await self.patiently(done, "a commit")

    async def over(self, posts: int = POSTS) -> None:
        """Wait until every post was stored and judged, and fail unless each was once."""

        async def judged(tx: UnitOfWork) -> bool:
            return await tx.mentions.count() >= posts and await tx.evaluator.offset() == await tx.mentions.newest_id()

        async def done() -> bool:
            return bool(await self.reading(judged))

        await self.patiently(done, "every post is stored and judged")
        async with self.store.read() as tx:
            assert await tx.mentions.count() == posts, "every post is stored once"
            rang = Counter(tuple(each.key.items()) for each in await tx.alerts.list(limit=posts) if each.kind == "mention")
            assert len(rang) == posts // ANGRY, "every complaint rang"
            assert set(rang.values()) == {1}, "and rang once"
            assert (await tx.sources.get("posts")).trouble is None, "the source was not to blame"

    def says_more(self, first: int) -> None:
        """As many posts again are written into the recording."""
        with self.recording.open("a") as file:
            file.writelines(json.dumps(post(number)) + "\n" for number in range(first, first + POSTS))


def post(number: int) -> dict[str, str]:
    """A line of the recording."""
    said = "broken" if number % ANGRY == 0 else "blue"
    return {"text": f"My Acme is {said}", "author": f"u{number}", "url": f"https://p.example/{number}", "created_at": NOW}


@pytest.fixture
async def scene(
    cluster: Cluster, folder: Folder, at_work: Start, patiently: Patiently, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    """The daemon is at work, and has just begun to read."""
    monkeypatch.setattr(intake, "FIRST_BACKOFF", timedelta(seconds=0.05))
    monkeypatch.setattr(workers, "AFTER_A_BUG", 0.05)
    await cluster.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    recording = tmp_path / "posts.jsonl"
    recording.write_text("".join(json.dumps(post(number)) + "\n" for number in range(POSTS)))
    async with proxied(cluster) as proxy:
        folder.database = cluster.url.replace(str(cluster.port), str(proxy.port))
        source = f"posts: {{kind: file, path: {recording}, every: 1s}}\n  tickets:"
        folder.write(folder.base.replace("tickets:", source))
        async with at_work() as daemon:
            store = await Store.open(StorageSettings(url=SecretStr(cluster.url)), create=False)
            yield Scene(cluster, proxy, store, patiently, daemon.private_address, recording)
            await store.close()


@pytest.mark.fault("storage", "PostgreSQL is restarted in the middle of a batch")
@pytest.mark.parametrize("how", ["fast", "immediate"])
async def test_the_server_is_restarted(scene: Scene, how: str) -> None:
    """The batch is stored once, by the same daemon, as soon as the server is back."""
    await scene.stored(1)
    await asyncio.to_thread(scene.cluster.control, "-m", how, "restart")
    await scene.over()


@pytest.mark.fault("storage", "the connection to PostgreSQL is cut at COMMIT, whose outcome nobody then knows")
@pytest.mark.parametrize("committed", [True, False])
async def test_the_connection_is_cut_at_commit(scene: Scene, committed: bool) -> None:
    """Whether the server committed or not, everything is there once in the end."""
    await scene.cut(3, passes_on=committed)
    await scene.over()


@pytest.mark.fault("storage", "PostgreSQL terminates our connections, again and again")
async def test_connections_are_terminated(scene: Scene) -> None:
    """Each is opened anew, and nothing is lost or twice."""
    for _ in range(5):
        await scene.cluster.execute(TERMINATE)
        await asyncio.sleep(0.05)
    await scene.over()


@pytest.mark.fault("storage", "PostgreSQL takes no changes: a standby, or read-only for maintenance")
async def test_the_server_is_read_only(scene: Scene, logged: io.StringIO) -> None:
    """Nothing is acknowledged meanwhile, log and `/-/ready` say what is wrong, and work goes on by itself afterwards."""
    await scene.cluster.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
    await scene.cluster.execute(TERMINATE)

    async def said() -> bool:
        return "the database server takes no changes" in logged.getvalue()

    await scene.patiently(said, "the log says so")
    async with aiohttp.request("GET", f"{scene.private}/-/ready") as answer:
        assert "the database server takes no changes" in await answer.text()
    await scene.cluster.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
    await scene.cluster.execute(TERMINATE)
    await scene.over()


@pytest.mark.fault("storage", "PostgreSQL has no connection left for us")
async def test_the_server_has_no_connection_left(scene: Scene, logged: io.StringIO) -> None:
    """The log says so, and work goes on by itself when there is one again."""
    hoard = [await asyncpg.connect(scene.cluster.url)]

    async def said() -> bool:
        await hoard[0].execute(TERMINATE)  # a daemon that was quicker than we has connections again
        with contextlib.suppress(asyncpg.TooManyConnectionsError):
            while True:
                hoard.append(await asyncpg.connect(scene.cluster.url))
        return "too many clients" in logged.getvalue()

    await scene.patiently(said, "the log says so")
    for each in hoard:
        await each.close()
    await scene.over()


@pytest.mark.fault("storage", "PostgreSQL's own disk is full")
async def test_the_servers_disk_is_full(small_disk: Disk, scene: Scene, logged: io.StringIO) -> None:
    """The log says what to do, what was stored stays, and the rest is stored and rings by itself once there is room."""
    await scene.over()
    small_disk.fill()
    scene.says_more(POSTS)

    async def said() -> bool:
        return "free some space" in logged.getvalue()

    await scene.patiently(said, "the log says so")
    small_disk.empty()
    await scene.over(2 * POSTS)
