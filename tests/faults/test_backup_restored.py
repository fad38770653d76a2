"""What a real daemon does with a store that was put back from a backup."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import asyncpg  # type: ignore[import-untyped]
import pytest
from aiohttp import web
from pydantic import SecretStr

from monitor.domain.clock import SystemClock
from monitor.storage import StorageSettings, Store
from monitor.testing import serving
from notifiers.signing import headers
from tests.monitor.daemon.conftest import SECRET, Folder

Launch = Any
Patiently = Callable[..., Awaitable[Any]]
GAP = 1_000_000
Typed = Callable[..., Awaitable[str]]

PLAN = """
version: 1
plan:
  id: outage
  title: {en: Outage}
  notify: [hub]
  steps:
    - {id: look, action: checklist, items: [{en: Open the window}], title: {en: Look at it}}
"""


@pytest.fixture
def typed(typed_program: Path) -> Typed:
    """What a command prints, which must end well."""

    async def type_(*words: str, config: Path) -> str:
        process = await asyncio.create_subprocess_exec(
            typed_program, *words, "--config", str(config), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    return type_


async def called_in(address: str, number: int) -> None:
    """One signed call to the daemon's door, the same whenever it is made again."""
    body = json.dumps({"text": f"My Acme is broken, {number}", "author": f"user{number}", "url": f"https://t.example/{number}"})
    signed = headers([SECRET], f"call-{number}", SystemClock().now(), body.encode())
    async with aiohttp.ClientSession() as session, session.post(f"{address}/hooks/tickets", data=body, headers=signed) as answer:
        assert answer.status == 202, await answer.text()


class Hub:
    """A receiver that refuses for now what has one of these words in it; what it took, by the id of the message."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.taken: dict[str, list[str]] = {}
        self.tried: dict[str, list[str]] = {}

    async def take(self, request: web.Request) -> web.Response:
        """Answer one call."""
        body = await request.text()
        wanted = not any(word in body for word in self.refused)
        (self.taken if wanted else self.tried).setdefault(request.headers["webhook-id"], []).append(body)
        return web.Response(status=204 if wanted else 503)

    def ids(self, word: str, where: dict[str, list[str]]) -> set[str]:
        """The messages that said this."""
        return {id_ for id_, bodies in where.items() if any(word in body for body in bodies)}


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request: pytest.FixtureRequest, folder: Folder, tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Where the store is; calling this loses it, as a disk or a server is lost."""
    if request.param == "sqlite":

        async def lose() -> None:
            for ending in ("", "-wal", "-shm"):
                (tmp_path / f"tocsin.db{ending}").unlink(missing_ok=True)

        yield lose
        return
    server: str = request.getfixturevalue("postgresql")
    name = f"tocsin_test_{uuid4().hex[:12]}"
    folder.database = urlsplit(server)._replace(path=f"/{name}").geturl()
    connection = await asyncpg.connect(server)

    async def anew() -> None:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name}")

    await anew()
    yield anew
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


def configured(folder: Folder, hub: str) -> Path:
    """One door for calls, one file that is polled, one receiver; each complaint is an alert with a plan."""
    text = folder.base.replace("receivers:", "  posts: {kind: file, path: posts.jsonl, every: 1s}\nreceivers:")
    folder.write(text, folder.rules.replace("key: [author]", "key: [author], plan: outage"), hub)
    (folder.path / "plans").mkdir(exist_ok=True)
    (folder.path / "plans" / "outage.yaml").write_text(PLAN)
    (folder.path / "posts.jsonl").write_text("".join(post(number) for number in range(3)))
    return folder.path


def post(number: int) -> str:
    """A line of the file."""
    at = SystemClock().now().isoformat()
    said = {
        "text": f"My Acme is blue, {number}",
        "author": f"poster{number}",
        "url": f"https://p.example/{number}",
        "created_at": at,
    }
    return json.dumps(said) + "\n"


async def stored_and_judged(folder: Folder) -> tuple[int, int]:
    """How many mentions there are, and how many of them were judged; asked of the store itself."""
    store = await Store.open(StorageSettings(url=SecretStr(folder.database)))
    try:
        async with store.read() as tx:
            count = await tx.mentions.count()
            return count, count - await tx.mentions.behind(await tx.evaluator.offset())
    finally:
        await store.close()


async def state(typed: Typed, config: Path) -> dict[str, Any]:
    """What the commands say."""
    found: dict[str, Any] = json.loads(await typed("status", "--json", config=config))
    return found


async def complaints(typed: Typed, config: Path) -> list[dict[str, Any]]:
    """The alerts about what people say; there may be others about the receiver that refuses."""
    return [each for each in json.loads(await typed("alerts", "--json", config=config)) if each["rule"] == "complaint"]


@pytest.mark.timeout(300)
@pytest.mark.fault("operations", "the disk is lost with the store, and yesterday's backup is restored")
async def test_a_restored_store_goes_on_where_the_backup_was(
    folder: Folder, place: Any, launched: Launch, patiently: Patiently, typed: Typed, tmp_path: Path
) -> None:
    """Mentions are there once, alerts and plans are open, what was owed is sent under its id, and no number is given anew."""
    hub, backup = Hub(), tmp_path / "backup"
    async with serving() as site:
        site.answer = hub.take
        config = configured(folder, f"{site.url}/in")
        async with launched() as daemon:

            async def stored(number: int) -> bool:
                return await stored_and_judged(folder) == (number, number)

            async def taken(word: str) -> bool:
                return bool(hub.ids(word, hub.taken))

            await called_in(daemon.address, 1)
            await patiently(lambda: taken("broken, 1"), "the first is told")
            hub.refused = {"broken, 2"}
            await called_in(daemon.address, 2)

            async def tried() -> bool:
                return bool(hub.ids("broken, 2", hub.tried))

            await patiently(tried, "the second is refused, and owed")
            await patiently(lambda: stored(5), "three posts and two calls are stored and judged")
            before, rang = await state(typed, config), await complaints(typed, config)
            rows = json.loads(await typed("backup", str(backup), "--json", config=config))["rows"]
            assert (rows["mention"], len(rang)) == (5, 2)

            # What comes after the backup is lost with the disk.
            await called_in(daemon.address, 3)
            await patiently(lambda: taken("broken, 3"), "the third is told, after the backup")
            with (config / "posts.jsonl").open("a") as file:
                file.write(post(3))
            await patiently(lambda: stored(7), "a post and a call more")
            await daemon.end(9)
        lost = hub.ids("broken, 3", hub.taken)
        owed = hub.ids("broken, 2", hub.tried)
        await place()

        said = await typed("restore", str(backup), "--yes", config=config)
        assert said.startswith(f"Restored 5 mentions, {rows['alert']} alerts and {rows['notification']} notifications, with")
        assert await complaints(typed, config) == rang
        assert (await state(typed, config))["plan_runs"] == before["plan_runs"]
        assert len(before["plan_runs"]) > 0

        hub.refused = set()
        async with launched() as daemon:
            await patiently(lambda: taken("broken, 2"), "what was owed when the backup was made")
            await patiently(lambda: stored(6), "the post that the old cursor had not seen, and none twice")
            await called_in(daemon.address, 1)  # known: changes nothing
            await called_in(daemon.address, 3)

            async def told_anew() -> bool:
                return bool(hub.ids("broken, 3", hub.taken) - lost)

            await patiently(told_anew, "what the store has forgotten is told again")
            await patiently(lambda: stored(7), "one more")
            again = await complaints(typed, config)
    assert hub.ids("broken, 2", hub.taken) == owed
    assert all(int(id_.rpartition("_")[2]) > GAP for id_ in hub.ids("broken, 3", hub.taken) - lost)
    assert [each["id"] > GAP for each in again] == [True, False, False]


@pytest.mark.fault("operations", "a backup is made while thousands of mentions are written")
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_backup_during_a_storm_is_one_moment(
    folder: Folder, place: Any, launched: Launch, patiently: Patiently, typed: Typed, tmp_path: Path
) -> None:
    """All that was acknowledged before the backup began is in it, nothing is in it by halves, and the daemon writes on."""
    lines = [post(number) for number in range(40_000)]
    async with serving() as site:
        site.says(204)
        config = configured(folder, f"{site.url}/in")
        (config / "posts.jsonl").write_text("".join(lines))
        async with launched() as daemon:

            async def stored() -> int:
                return (await stored_and_judged(folder))[0]

            await patiently(stored, "the storm has begun")
            acknowledged = await stored()
            made = json.loads(await typed("backup", str(tmp_path / "backup"), "--json", config=config))
            rows = made["rows"]

            async def more() -> bool:
                return await stored() > int(rows["mention"])

            await patiently(more, "the daemon writes on")
            assert await daemon.end() == 0
    assert 0 < acknowledged <= rows["mention"] < len(lines)
    assert rows["mention"] == rows["sighting"] == rows["author"]


@pytest.mark.fault("operations", "restore is typed while the daemon runs")
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_running_daemon_keeps_its_store(
    folder: Folder, place: Any, launched: Launch, typed: Typed, typed_program: Path, tmp_path: Path
) -> None:
    """The command ends with 69 and says what to stop; the daemon and its store notice nothing."""
    config = configured(folder, "http://127.0.0.1:1")
    async with launched() as daemon:
        await typed("backup", str(tmp_path / "backup"), config=config)
        words = [typed_program, "restore", str(tmp_path / "backup"), "--yes", "--config", str(config)]
        done = await asyncio.to_thread(partial(subprocess.run, words, capture_output=True, text=True, check=False, timeout=60))
        assert (done.returncode, "is in use: stop the daemon first" in done.stderr) == (69, True)
        assert await daemon.ready()
        assert await daemon.end() == 0
    assert not [name for name in os.listdir(tmp_path) if "before-restore" in name]  # noqa: PTH208 no path is asked for
