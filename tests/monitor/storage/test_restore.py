"""A backup takes the place of the store: all of it, under the lock of nobody else, and no number is given twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
from pydantic import SecretStr

from monitor.domain.errors import InputError, StorageError
from monitor.domain.mention import Enriched
from monitor.storage import StorageSettings, Store
from monitor.storage import migrate as migrations
from monitor.storage.backup import back_up
from monitor.storage.restore import restore

Said = Callable[..., Enriched]
Ring = Callable[..., Awaitable[Any]]
AT = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
GAP = 1_000_000


async def fill(settings: StorageSettings, said: Said, now: datetime, word: str, number: int = 5) -> None:
    """Store some mentions with this word, and close."""
    store = await Store.open(settings)
    async with store.begin() as tx:
        posts = [said(f"https://posts.example/{word}/{n}", by=f"{word}{n}", text=f"The {word} is broken") for n in range(number)]
        await tx.mentions.add(posts, source="posts", seen_at=now)
        await tx.commit()
    await store.close()


async def words(settings: StorageSettings) -> set[str]:
    """The second words of all that is stored."""
    store = await Store.open(settings)
    try:
        async with store.read() as tx:
            return {each.text.split()[1] for each in await tx.mentions.after(0, limit=10_000)}
    finally:
        await store.close()


def names(folder: Path) -> set[str]:
    """What lies in a folder."""
    return {path.name for path in folder.iterdir()}


@pytest.fixture
async def empty_place(storage: StorageSettings, tmp_path: Path) -> AsyncIterator[StorageSettings]:
    """Where a backup of `storage` can be restored to: for PostgreSQL another database, which is empty."""
    if storage.parsed().get_backend_name() == "sqlite":
        (tmp_path / "new").mkdir()
        yield StorageSettings(url=SecretStr(f"sqlite:///{tmp_path}/new/tocsin.db"))
        return
    server = storage.url.get_secret_value()
    name = f"tocsin_test_{uuid4().hex[:12]}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    yield StorageSettings(url=SecretStr(f"{server.rpartition('/')[0]}/{name}"))
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


async def test_all_is_back_and_the_numbers_go_on_elsewhere(
    store: Store, storage: StorageSettings, empty_place: StorageSettings, ring: Ring, said: Said, now: datetime, tmp_path: Path
) -> None:
    """Every row is as it was; what people and receivers know by number is never given again to something else."""
    async with store.begin() as tx:
        await tx.mentions.add([said("https://posts.example/1")], source="posts", seen_at=now)
        await tx.commit()
    alert = await ring(evidence=(1,))
    made = await asyncio.to_thread(back_up, storage, tmp_path / "copy")
    restored = await asyncio.to_thread(restore, empty_place, made.path, AT)
    assert restored.holds == made.holds
    assert restored.aside is None

    back = await Store.open(empty_place)
    assert back.installation == store.installation
    async with back.read() as tx:
        assert await tx.alerts.get(alert.id) == alert
        assert await tx.mentions.count() == 1
    async with back.begin() as tx:
        incident = await tx.incidents.open(subject="brand", open_key="another", severity="warning", at=now)
        await tx.commit()
    assert incident.id > alert.incident_id + GAP
    again = await asyncio.to_thread(back_up, empty_place, tmp_path / "again")
    await back.close()
    assert again.holds.rows == {**made.holds.rows, "incident": made.holds.rows["incident"] + 1}


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_a_server_that_holds_tables_is_left_alone(
    store: Store, storage: StorageSettings, said: Said, now: datetime, tmp_path: Path
) -> None:
    """Only an empty database is filled; what stands in another is never mixed with a backup."""
    made = await asyncio.to_thread(back_up, storage, tmp_path / "copy")
    await fill(storage, said, now, "kettle")
    with pytest.raises(StorageError, match=r"the database is not empty.*createdb"):
        await asyncio.to_thread(restore, storage, made.path, AT)
    assert await words(storage) == {"kettle"}


async def test_a_dump_that_is_damaged_leaves_the_server_empty(
    store: Store, storage: StorageSettings, empty_place: StorageSettings, said: Said, now: datetime, tmp_path: Path
) -> None:
    """Read to the end before a row is written, and written in one transaction."""
    await fill(storage, said, now, "kettle", 300)
    made = await asyncio.to_thread(back_up, storage, tmp_path / "copy")
    os.truncate(made.path, made.size // 2)
    with pytest.raises((InputError, StorageError), match="damaged"):
        await asyncio.to_thread(restore, empty_place, made.path, AT)
    assert await words(empty_place) == set()


@pytest.fixture
def lite(tmp_path: Path) -> StorageSettings:
    """Settings of a store in a file."""
    return StorageSettings(url=SecretStr(f"sqlite:///{tmp_path / 'tocsin.db'}"))


KILLED = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("UPDATE mention SET text = 'The lamp is broken'")
connection.commit()
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave_a_log(database: Path) -> None:
    """Change every mention, and die before the change has gone from the log into the file."""
    ended = subprocess.run([sys.executable, "-c", KILLED, str(database)], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert database.with_name(database.name + "-wal").stat().st_size > 0


@pytest.fixture
async def with_log(lite: StorageSettings, said: Said, now: datetime, tmp_path: Path) -> Path:
    """A backup in which kettles are broken; the store says lamps since, in the log of a process that was killed."""
    await fill(lite, said, now, "kettle", 200)
    made = back_up(lite, tmp_path / "copy")
    leave_a_log(tmp_path / "tocsin.db")
    return made.path


async def test_the_trap_is_real(with_log: Path, lite: StorageSettings, tmp_path: Path) -> None:
    """`cp` instead of `tocsin restore` puts the killed process's log into the backup: why the command exists."""
    shutil.copyfile(with_log, tmp_path / "tocsin.db")
    with closing(sqlite3.connect(tmp_path / "tocsin.db")) as mixed:
        try:
            found = {text for (text,) in mixed.execute("SELECT text FROM mention")}
        except sqlite3.DatabaseError as error:
            found = {str(error)}
    assert found != {"The kettle is broken"}


@pytest.mark.fault("operations", "a store is restored over the log of a daemon that was killed")
async def test_a_log_left_behind_does_not_get_into_the_backup(with_log: Path, lite: StorageSettings, tmp_path: Path) -> None:
    """The store holds the backup and nothing else; the store before, with its log, is kept whole under another name."""
    restored = restore(lite, with_log, AT)
    assert restored.aside == tmp_path / "tocsin-before-restore-20260302T081500Z.db"
    assert await words(lite) == {"kettle"}
    before = StorageSettings(url=SecretStr(f"sqlite:///{restored.aside}"))
    assert await words(before) == {"lamp"}
    restore(lite, restored.aside, AT.replace(hour=9))
    assert await words(lite) == {"lamp"}


@pytest.mark.fault("operations", "a store that is damaged beyond opening is replaced by its backup")
async def test_a_damaged_store_gives_way(with_log: Path, lite: StorageSettings, tmp_path: Path) -> None:
    """Whatever stands in the file, restoring needs none of it; file and log are kept under another name."""
    (tmp_path / "tocsin.db").write_bytes(os.urandom(100_000))
    restored = restore(lite, with_log, AT)
    assert await words(lite) == {"kettle"}
    assert restored.aside is not None
    assert restored.aside.stat().st_size == 100_000
    assert restored.aside.with_name(restored.aside.name + "-wal").exists()


async def test_a_log_without_its_store_does_not_get_into_the_backup(
    with_log: Path, lite: StorageSettings, tmp_path: Path
) -> None:
    """Somebody has removed the file by hand and forgot what lay beside it."""
    (tmp_path / "tocsin.db").unlink()
    assert restore(lite, with_log, AT).aside is None
    assert await words(lite) == {"kettle"}


HOLDING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM mention").fetchone()
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_open(database: Path) -> Iterator[None]:
    """Another process has read from it once, and does nothing any more."""
    command = [sys.executable, "-c", HOLDING, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        yield
        holder.communicate(b"")


@pytest.mark.fault("operations", "a store is restored while a daemon is at work on it")
async def test_a_store_in_use_is_not_replaced(lite: StorageSettings, said: Said, now: datetime, tmp_path: Path) -> None:
    """While any process has the store open, however idle, restoring is refused and nothing is moved."""
    await fill(lite, said, now, "kettle")
    made = back_up(lite, tmp_path / "copy")
    await fill(lite, said, now, "lamp")
    with held_open(tmp_path / "tocsin.db"), pytest.raises(StorageError, match=r"is in use: stop the daemon first"):
        restore(lite, made.path, AT)
    assert await words(lite) == {"kettle", "lamp"}
    restore(lite, made.path, AT)
    assert await words(lite) == {"kettle"}


async def test_what_cannot_be_used_changes_nothing(
    lite: StorageSettings, said: Said, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged file, one of another database, one of a newer version, and the store itself are refused in words."""
    await fill(lite, said, now, "kettle")
    made = back_up(lite, tmp_path / "copy")
    await fill(lite, said, now, "lamp")
    (tmp_path / "damaged").write_bytes(made.path.read_bytes()[:-8192])
    (tmp_path / "dump").write_bytes(b"PGDMP")
    refused = {"damaged": "damaged", "dump": "backup of postgresql", "tocsin.db": "the store itself", "none": "No such file"}
    for name, why in refused.items():
        with pytest.raises((InputError, StorageError), match=why):
            restore(lite, tmp_path / name, AT)
    with monkeypatch.context() as older:
        older.setattr(migrations, "HEAD", f"{int(migrations.HEAD) - 1:04}")
        with pytest.raises(InputError, match="written by a newer tocsin"):
            restore(lite, made.path, AT)
    assert await words(lite) == {"kettle", "lamp"}
    assert not [name for name in names(tmp_path) if "before-restore" in name or "partial" in name]


async def test_a_backup_that_nobody_may_change_is_enough(
    lite: StorageSettings, said: Said, now: datetime, tmp_path: Path
) -> None:
    """It may lie on a disk that is mounted for reading: it is only read, and nothing appears beside it."""
    await fill(lite, said, now, "kettle")
    (tmp_path / "kept").mkdir()
    made = back_up(lite, tmp_path / "kept" / "copy")
    before = made.path.read_bytes()
    made.path.chmod(0o400)
    (tmp_path / "kept").chmod(0o500)
    restore(lite, made.path, AT)
    assert made.path.read_bytes() == before
    assert names(tmp_path / "kept") == {"copy"}
