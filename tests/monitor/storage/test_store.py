"""Opening, units of work, and what happens when two want the store at once."""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]
import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import text
from structlog.testing import capture_logs

from monitor.domain.errors import StorageError
from monitor.domain.mention import Enriched
from monitor.storage import NoStoreError, StorageSettings, Store, StoreAwayError, StoreContendedError
from monitor.storage.session import clipped, explain
from monitor.storage.trouble import Condition

Said = Callable[..., Enriched]


@pytest.fixture
async def memory() -> AsyncIterator[Store]:
    """A store in memory."""
    store = await Store.open(StorageSettings(url=SecretStr("sqlite:///:memory:")))
    yield store
    await store.close()


async def test_a_store_remembers_who_it_is(store: Store, storage: StorageSettings) -> None:
    """The installation's id is the same after a restart."""
    again = await Store.open(storage)
    assert again.installation == store.installation
    assert len(store.installation) == 36
    await again.close()
    await again.close()


async def test_who_still_reads_when_the_store_is_closed_leaves_nothing_open(tmp_path: Path, empty_database: Path) -> None:
    """Their connection, which nobody takes back any more, is closed when they have done with it: its thread ends."""
    shutil.copyfile(empty_database, tmp_path / "tocsin.db")
    before = set(threading.enumerate())
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'tocsin.db'}")))
    async with store.read() as tx:
        await store.close()
        assert await tx.mentions.count() == 0
    gc.collect()
    opened = [each for each in threading.enumerate() if each not in before and "connection_worker" in each.name]
    for thread in opened:
        thread.join(10)
        assert not thread.is_alive()


async def test_a_store_may_work_in_place(tmp_path: Path, said: Said, now: datetime) -> None:
    """Without a thread of its own SQLite keeps the same, and rolls back the same."""
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'in-place.db'}")), in_place=True)
    before = threading.active_count()
    async with store.begin() as tx:
        await tx.mentions.add([said("kept")], source="file", seen_at=now)
        await tx.commit()
    async with store.begin() as tx:
        await tx.mentions.add([said("forgotten")], source="file", seen_at=now)
    async with store.read() as tx:
        assert [each.url for each in await tx.mentions.after(0, 10)] == ["kept"]
    assert threading.active_count() == before
    await store.close()


@pytest.mark.parametrize(("in_place", "level"), [(False, 2), (True, 1)])
async def test_only_what_can_be_repeated_may_be_lost_in_a_power_cut(tmp_path: Path, level: int, *, in_place: bool) -> None:
    """A daemon's commit is on the disk (2, `FULL`) before anybody is told; a replay's may wait (1, `NORMAL`)."""
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'tocsin.db'}")), in_place=in_place)
    async with store._engines.writer.connect() as connection:
        assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == level
    await store.close()


@pytest.mark.fault("storage", "four read a number, add to it and write it at the same time, on either database")
async def test_read_modify_write_loses_nothing(store: Store, now: datetime) -> None:
    """4 tasks each add 1 to a number 60 times: 240; the driver's own transactions would keep 77 on SQLite."""
    key = ("count", "s", "k")

    async def add() -> None:
        for _ in range(60):
            async with store.begin() as tx:
                # On PostgreSQL the evaluator's row is the lock that makes the evaluator's work one at a time.
                await tx.evaluator.claim("shared", wall=now, lease=timedelta(minutes=1))
                seen = (await tx.rule_states.load()).get(key, {"n": 0})
                await asyncio.sleep(0)
                await tx.rule_states.save({key: {"n": seen["n"] + 1}}, now)
                await tx.commit()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(add())
    async with store.read() as tx:
        assert await tx.rule_states.load() == {key: {"n": 240}}


async def test_readers_do_not_wait_for_the_writer(store: Store, said: Said, now: datetime) -> None:
    """While one writes, others read what was committed before, and cannot write."""
    async with store.begin() as tx:
        await tx.mentions.add([said("1")], source="feed", seen_at=now)
        async with store.read() as other:
            assert await other.mentions.count() == 0
        await tx.commit()
    async with store.read() as tx:
        with pytest.raises(StorageError, match=r"readonly|read-only"):
            await tx.sources.succeeded("feed", cursor=None, watermark=None, at=now)
    async with store.begin() as tx:
        await tx.sources.succeeded("feed", cursor=None, watermark=None, at=now)


async def test_a_unit_of_work_ends_with_its_commit(store: Store) -> None:
    """What would come afterwards would never be committed: it is refused."""
    async with store.begin() as tx:
        await tx.commit()
        with pytest.raises(RuntimeError, match="has ended"):
            await tx.mentions.count()
    with pytest.raises(RuntimeError, match="has ended"):
        await tx.commit()


async def test_a_second_unit_of_work_in_one_task_would_wait_for_ever(memory: Store, tmp_path: Path) -> None:
    """So it is refused: on SQLite for two that write, in memory for any two."""
    async with memory.begin():
        with pytest.raises(RuntimeError, match="already in a unit of work"):
            async with memory.read():
                raise AssertionError
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'a.db'}")))
    async with store.begin():
        with pytest.raises(RuntimeError, match="already in a unit of work"):
            async with store.begin():
                raise AssertionError
    await store.close()


async def test_a_store_in_memory_serves_many_tasks_and_ends_with_its_close(memory: Store, said: Said, now: datetime) -> None:
    """Tests and replays use it: writers and readers take turns."""

    async def work(task: int) -> None:
        for n in range(5):
            async with memory.begin() as tx:
                await tx.mentions.add([said(f"{task}/{n}")], source="feed", seen_at=now)
                await tx.commit()
            async with memory.read() as tx:
                assert await tx.mentions.count() > 0

    async with asyncio.TaskGroup() as tasks:
        for task in range(4):
            tasks.create_task(work(task))
    other = await Store.open(StorageSettings(url=SecretStr("sqlite:///:memory:")))
    async with memory.read() as tx, other.read() as empty:
        assert (await tx.mentions.count(), await empty.mentions.count()) == (20, 0)
    await other.close()
    assert repr(memory) == "Store(sqlite:///:memory:)"


async def test_a_cancelled_writer_leaves_nothing_and_blocks_nobody(store: Store, said: Said, now: datetime) -> None:
    """Cancelled in the middle of a statement, 20 times over: the next writer goes on, nothing half-done remains."""
    items = [said(f"cancelled/{n}", by=f"a{n}") for n in range(400)]

    async def write() -> None:
        async with store.begin() as tx:
            while True:
                await tx.mentions.add(items, source="feed", seen_at=now)

    for turns in range(20):
        task = asyncio.create_task(write())
        for _ in range(turns * 3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(20), store.begin() as tx:
        assert await tx.mentions.count() == 0
        await tx.mentions.add([said("1")], source="feed", seen_at=now)
        await tx.commit()
    async with store.read() as tx:
        assert await tx.mentions.count() == 1


async def test_a_cancelled_writer_does_not_lose_a_store_in_memory(memory: Store, said: Said, now: datetime) -> None:
    """The database lives as long as the store, whatever happens to a connection."""
    async with memory.begin() as tx:
        await tx.mentions.add([said("1")], source="feed", seen_at=now)
        await tx.commit()

    async def write() -> None:
        async with memory.begin() as tx:
            while True:
                await tx.mentions.count()

    for turns in range(10):
        task = asyncio.create_task(write())
        for _ in range(turns * 3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with memory.read() as tx:
        assert await tx.mentions.count() == 1


def _modes(folder: Path) -> dict[str, int]:
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """It holds what people said and who they are: no group, no others, nor its write-ahead log."""
    modes: dict[str, int] = {}

    async def open_and_look() -> None:
        store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'tocsin.db'}")))
        modes.update(_modes(tmp_path))
        await store.close()

    asyncio.run(open_and_look())
    assert modes["tocsin.db"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error says which file and what to do."""
    with pytest.raises(StorageError, match=r"cannot open .*nowhere/a\.db cannot be written .*create its folder"):
        await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path}/nowhere/a.db")))


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """Pointing at the wrong file damages nothing."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all, but long enough to have a header" * 40, encoding="utf-8")
    with pytest.raises(StorageError, match=r"notes\.txt: .*this file is no SQLite database"):
        await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{path}")))
    assert path.read_text(encoding="utf-8").startswith("not a database at all")


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    """Neither the error nor the settings show a secret."""
    settings = StorageSettings(url=SecretStr("postgresql://tocsin:hunter2@127.0.0.1:9/tocsin?sslmode=disable"))
    with pytest.raises(StorageError, match=r"cannot open postgresql.*127\.0\.0\.1:9") as caught:
        await Store.open(settings)
    assert "hunter2" not in f"{caught.value} {settings!r} {settings.model_dump_json()}"


@pytest.mark.parametrize("url", ["mysql://root:hunter2@host/db", "hunter2", "postgresql://a:hunter2@host:port/db", ""])
def test_an_address_of_another_kind_is_refused_with_a_hint(url: str) -> None:
    """What to write instead, and not what was written: it may hold a password."""
    with pytest.raises(ValidationError, match="sqlite:///FILE") as caught:
        StorageSettings(url=SecretStr(url))
    assert "hunter2" not in str(caught.value)


def test_libpq_addresses_are_understood() -> None:
    """People have `postgres://` and `sslmode` in their environment."""
    parsed = StorageSettings(url=SecretStr("postgres://u:p@h/d?sslmode=require")).parsed()
    assert parsed.render_as_string(hide_password=True) == "postgresql+asyncpg://u:***@h/d?ssl=require"


def test_an_ancient_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RETURNING came with 3.35."""
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))
    with pytest.raises(StorageError, match=r"is too old: 3\.35"):
        asyncio.run(Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'a.db'}"))))


async def test_a_writer_of_another_process_is_waited_for(tmp_path: Path, now: datetime) -> None:
    """Another process writes 30 times while we do: both end well, nothing is lost."""
    path = tmp_path / "tocsin.db"
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{path}")))
    script = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
for n in range(30):
    c.execute("BEGIN IMMEDIATE")
    c.execute("INSERT INTO source_state (source, failures, stopped) VALUES (?, 0, 0)", (f"theirs-{n}",))
    c.execute("COMMIT")
"""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(path), stderr=subprocess.PIPE)
    for n in range(30):
        async with store.begin() as tx:
            await tx.sources.succeeded(f"ours-{n}", cursor=None, watermark=None, at=now)
            await tx.commit()
    assert await child.wait() == 0
    async with store.read() as tx:
        assert len(await tx.sources.all()) == 60
    await store.close()


async def test_a_killed_writer_keeps_what_was_committed(tmp_path: Path) -> None:
    """After kill -9 in the middle of a unit of work every acknowledged batch is there, and the unfinished one is not."""
    path = tmp_path / "tocsin.db"
    script = """
import asyncio, os, sys
from datetime import UTC, datetime
from pydantic import SecretStr
from monitor.domain.mention import Enriched, Mention, Scores
from monitor.storage import Store, StorageSettings
async def main():
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{sys.argv[1]}")))
    now = datetime(2026, 3, 2, tzinfo=UTC)
    for n in range(1000):
        items = [Enriched(Mention("x", "t", now, uri=f"{n}/{i}"), frozenset(), frozenset(), Scores()) for i in range(20)]
        async with store.begin() as tx:
            await tx.mentions.add(items, source="s", seen_at=now)
            await tx.sources.succeeded("s", cursor=str(n), watermark=None, at=now)
            if n == 7:
                os.kill(os.getpid(), 9)
            await tx.commit()
        print(n, flush=True)
asyncio.run(main())
"""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(path), stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    said, _ = await child.communicate()
    assert (child.returncode, said.split()[-1]) == (-9, b"6")
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{path}")))
    async with store.read() as tx:
        assert (await tx.mentions.count(), (await tx.sources.get("s")).cursor) == (140, "6")
    await store.close()


async def test_a_full_disk_is_named_and_loses_nothing(tmp_path: Path, said: Said, now: datetime) -> None:
    """SQLite's own limit on pages stands for the disk: committed rows stay readable, and the words say what to do."""
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'tocsin.db'}")))
    async with store.begin() as tx:
        await tx.mentions.add([said("1")], source="feed", seen_at=now)
        await tx.commit()
    async with store.begin() as tx:
        await tx._session._connection.exec_driver_sql("PRAGMA max_page_count = 100")
    with pytest.raises(StorageError, match=r"disk is full.: free some space"):
        await _fill(store, said, now)
    async with store.read() as tx:
        assert await tx.mentions.count() == 1
    await store.close()


async def _fill(store: Store, said: Said, now: datetime) -> None:
    async with store.begin() as tx:
        await tx.mentions.add([said(str(n), text="x" * 4000) for n in range(500)], source="feed", seen_at=now)
        await tx.commit()


async def test_a_store_that_takes_no_changes_says_so_until_it_does(tmp_path: Path) -> None:
    """What stumbled is remembered, and tried anew whenever somebody asks; reading goes on."""
    store = await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 't.db'}")))
    async with store.begin() as tx:
        await tx._session.run(text("PRAGMA busy_timeout = 10"))
    other = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await store.refuses() is None, "nobody has tried"
    with pytest.raises(StoreAwayError, match="another process holds the database"):
        async with store.begin(incoming=True) as tx:
            await tx.touch()
    assert "database is locked" in str(await store.refuses())
    assert await store.trouble() is None, "whoever comes may try"
    async with store.read() as tx:
        assert await tx.mentions.count() == 0
    other.close()
    assert await store.refuses() is None
    await store.close()


async def test_json_is_kept_readable_and_strict(store: Store, now: datetime) -> None:
    """A state that is no JSON (NaN) is a bug of ours, on both databases."""
    async with store.begin() as tx:
        with pytest.raises(ValueError, match="JSON"):
            await tx.rule_states.save({("r", "s", "k"): {"n": float("nan")}}, now)
    async with store.begin() as tx:
        await tx.rule_states.save({("r", "s", "k"): {"é": json.loads("[1e3]")}}, now)
        assert await tx.rule_states.load() == {("r", "s", "k"): {"é": [1000.0]}}


def test_the_words_of_an_error_fit_on_a_screen() -> None:
    """Clipped, and without what a database would refuse."""
    assert clipped("a\x00b\ud800") == "ab?"
    assert clipped("x" * 3000, 10) == "xxxxxxxxx…"
    assert str(explain(OSError())) == "the store failed: OSError"


async def test_text_that_is_no_unicode_is_refused_wherever_it_goes(store: Store, now: datetime) -> None:
    """A lone surrogate, or a number beyond 64 bits, outside of mentions."""
    async with store.begin() as tx:
        with pytest.raises(StorageError):
            await tx.sources.succeeded("feed", cursor="\ud800", watermark=None, at=now)
    async with store.begin() as tx:
        with pytest.raises(StorageError):
            await tx.alerts.get(2**64)


async def test_no_stored_value_stands_in_an_error(store: Store, now: datetime) -> None:
    """Errors are logged, and what people said is not: neither the driver's words nor SQLAlchemy's quote it."""
    name = f"ada@{store.installation}.example"  # made here: a traceback quotes this file's lines
    async with store.begin() as tx:
        with pytest.raises(StorageError) as caught:
            await tx.sources.succeeded("feed", cursor=f"{name} \ud800", watermark=None, at=now)
    assert name not in "".join(traceback.format_exception(caught.value))
    async with store.begin() as tx:
        await tx.incidents.open(subject=None, open_key=name, severity="info", at=now)
        with pytest.raises(StorageError) as caught:
            await tx.incidents.open(subject=None, open_key=name, severity="info", at=now)
    assert name not in "".join(traceback.format_exception(caught.value))


async def _cut_connections(url: str) -> None:
    killer = await asyncpg.connect(url)
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    await killer.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    await killer.close()


async def test_a_server_that_restarted_is_found_again(postgresql: str) -> None:
    """Its connections were cut: the next unit of work opens new ones."""
    store = await Store.open(StorageSettings(url=SecretStr(postgresql)))
    async with store.read() as tx:
        await tx.mentions.count()
    await _cut_connections(postgresql)
    async with store.read() as tx:
        assert await tx.mentions.count() >= 0
    await store.close()


async def test_a_connection_lost_inside_a_unit_of_work_is_told_in_words(postgresql: str) -> None:
    """Nothing was committed, the error says so, and the next unit of work goes on."""
    store = await Store.open(StorageSettings(url=SecretStr(postgresql)))
    async with store.begin() as tx:
        await tx.mentions.count()
        await _cut_connections(postgresql)
        with pytest.raises(StorageError, match="the store failed"):
            await tx.mentions.count()
    async with store.read() as tx:
        assert await tx.mentions.count() >= 0
    await store.close()


async def test_an_up_to_date_store_opens_without_permission_to_migrate(store: Store, storage: StorageSettings) -> None:
    """`migrate: false` is for those who bring databases up to date by hand, and costs them nothing else."""
    again = await Store.open(storage.model_copy(update={"migrate": False}))
    assert again.installation == store.installation
    await again.close()


async def test_a_store_that_is_not_wanted_is_not_made(tmp_path: Path) -> None:
    """Without a file, and with one that holds nothing: who only asks gets an error, and leaves no file behind."""
    missing = StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'none.db'}"))
    with pytest.raises(NoStoreError, match=r"there is no store at .*none.db yet"):
        await Store.open(missing, create=False)
    path = tmp_path / "none.db"
    path.touch(exist_ok=False)
    with pytest.raises(NoStoreError):
        await Store.open(missing, create=False)


async def test_a_server_without_our_tables_has_no_store(postgresql: str) -> None:
    """The error names the server, never the password."""
    server = await asyncpg.connect(postgresql)
    bare = f"{urlsplit(postgresql).path[1:]}_bare"
    await server.execute(f"CREATE DATABASE {bare}")
    settings = StorageSettings(url=SecretStr(urlsplit(postgresql)._replace(path=f"/{bare}").geturl()))
    with pytest.raises(NoStoreError) as caught:
        await Store.open(settings, create=False)
    assert settings.place in str(caught.value)
    await (await Store.open(settings)).close()
    await (await Store.open(settings, create=False)).close()
    await server.execute(f"DROP DATABASE {bare} WITH (FORCE)")
    await server.close()


async def test_a_folder_of_somebody_else_is_named_as_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon's folder is its own: an administrator is told whose account to use."""

    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(StorageError, match=r"cannot open .*Permission denied; use the account .* sudo -u tocsin"):
        await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'a.db'}")), create=False)


def test_a_relative_file_begins_at_the_folder_it_is_given(tmp_path: Path) -> None:
    """An absolute path, memory and a server stay what they are; a folder may be called anything."""
    folder = tmp_path / "what? 100%"

    def place(url: str) -> str:
        return StorageSettings(url=SecretStr(url)).beginning_at(folder).place

    assert place("sqlite:///tocsin.db") == f"{folder}/tocsin.db"
    assert place("sqlite:///../tocsin.db") == f"{folder}/../tocsin.db"
    assert place("sqlite:////srv/tocsin.db") == "/srv/tocsin.db"
    assert place("sqlite:///:memory:") == ":memory:"
    assert place("postgresql://ada:hunter2@db.example/tocsin?password=hunter2") == "postgresql://ada:***@db.example/tocsin"
    assert StorageSettings().place == "tocsin.db"


async def test_a_lost_deadlock_is_no_trouble_of_the_store() -> None:
    """Who was broken off comes through with the next try: nobody is called, and what comes in is not tried first."""
    condition = Condition("here", None)
    with capture_logs() as said:
        with pytest.raises(StoreContendedError):
            async with condition.watching(changing=True):
                raise StoreContendedError("deadlock detected")
        assert (condition.failing, said) == (None, [])
        with pytest.raises(StoreAwayError):
            async with condition.watching(changing=True):
                raise StoreAwayError("the disk fails")
    assert [line["event"] for line in said] == ["store.failing"]
