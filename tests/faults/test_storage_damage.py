"""A page that was overwritten, a disk that fails: said at once, with what to do, by the right exit code; never passed over."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from monitor.domain.mention import Author, Enriched, Mention, Scores
from monitor.storage import StorageSettings, Store, StoreAwayError, StoreDamagedError

Folder = Any
Disk = Any
Ext4 = Any
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PAGE = 4096
_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN


def said(number: int) -> Enriched:
    """One mention of some length."""
    mention = Mention(
        network="web", uri=f"https://p.example/{number}", text="x" * 900, written_at=NOW, author=Author(f"u{number}")
    )
    return Enriched(mention, frozenset(), frozenset(), Scores(language="en", sentiment=0.0, scorer="test/1"))


async def filled(database: Path) -> StorageSettings:
    """A store with two thousand mentions, closed."""
    settings = StorageSettings(url=SecretStr(f"sqlite:///{database}"))
    store = await Store.open(settings)
    await add(store, *(said(number) for number in range(2000)))
    await store.close()
    return settings


async def add(store: Store, *mentions: Enriched) -> None:
    """Store them."""
    async with store.begin() as tx:
        await tx.mentions.add(mentions, source="feed", seen_at=NOW)
        await tx.commit()


async def read_all(store: Store) -> int:
    """Read every mention."""
    async with store.read() as tx:
        return len(await tx.mentions.after(0, 10_000))


def overwrite(database: Path, pages: range) -> None:
    """Put noise where the pages were."""
    with database.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(b"\xa5" * PAGE)


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """`tocsin run`, which is expected to end by itself."""
    command = [str(Path(sys.executable).parent / "tocsin"), "run", "--config", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.fault("storage", "the first page of the database is overwritten")
@pytest.mark.parametrize("pages", [range(1, 2), range(2, 40)], ids=["header", "schema and roots"])
async def test_a_daemon_does_not_start_on_a_damaged_database(folder: Folder, tmp_path: Path, pages: range) -> None:
    """It ends with 74, and says that the last backup is to be restored."""
    await filled(tmp_path / "tocsin.db")
    overwrite(tmp_path / "tocsin.db", pages)
    done = run(folder.write())
    assert done.returncode == 74, done.stderr
    assert "restore the last backup" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.fault("storage", "pages of the database are overwritten while the daemon works")
async def test_damage_found_at_work_lets_nothing_new_in(tmp_path: Path) -> None:
    """Whoever stumbles over the page hears of it, and from then on nothing is acknowledged that may be lost."""
    settings = await filled(tmp_path / "tocsin.db")
    store = await Store.open(settings)
    size = (tmp_path / "tocsin.db").stat().st_size // PAGE
    overwrite(tmp_path / "tocsin.db", range(size // 2, size))
    assert await store.trouble() is None, "nobody has looked yet"
    with pytest.raises(StoreDamagedError, match="restore the last backup"):
        await read_all(store)
    trouble = await store.trouble()
    assert trouble is not None
    assert not trouble.full
    with pytest.raises(StoreDamagedError):
        async with store.begin(incoming=True):
            pytest.fail("nothing new is taken in")
    await store.close()


@pytest.mark.fault("storage", "the disk fails while the daemon works (I/O error)")
async def test_a_disk_that_fails_is_named(ext4: Ext4) -> None:
    """Writes are refused in words; what was committed before is there when the disk is back."""
    settings = await filled(ext4.path / "t.db")
    store = await Store.open(settings)
    descriptor = os.open(ext4.path, os.O_RDONLY)
    fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", 1))  # flush the journal, then fail everything
    os.close(descriptor)
    with pytest.raises(StoreAwayError, match="disk fails"):
        await add(store, said(9999))
    await store.close()
    ext4.mend()
    store = await Store.open(settings)
    assert await read_all(store) == 2000
    await store.close()


@pytest.mark.fault("storage", "the disk is mounted read-only when the daemon starts")
async def test_a_daemon_does_not_start_on_a_read_only_disk(disk: Disk, folder: Folder) -> None:
    """It ends with 69, and says that it must be able to write; nothing is damaged."""
    settings = await filled(disk.path / "tocsin.db")
    folder.database = f"sqlite:///{disk.path}/tocsin.db"
    disk.remount("ro")
    done = run(folder.write())
    assert done.returncode == 69, done.stderr
    assert "cannot be written (Read-only file system)" in done.stderr
    disk.remount("rw")
    store = await Store.open(settings)
    assert await read_all(store) == 2000
    await store.close()
