"""Two that start at once on an older store: one migrates, the other waits."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from monitor.storage import Store
from monitor.storage.migrate import HEAD
from tests.faults.next_version import NEXT, scripts
from tests.monitor.daemon.conftest import Folder

ROOT = Path(__file__).parents[2]
Patiently = Callable[..., Awaitable[Any]]
HASTY = """
import sys
from monitor.storage import engine
engine._PRAGMAS = ("PRAGMA busy_timeout = 50", *engine._PRAGMAS[1:])  # elsewhere nobody waits for long
sys.argv[0] = "next_version"
import runpy
runpy.run_module("tests.faults.next_version", run_name="__main__")
"""


@pytest.mark.fault("storage", "two processes start at once on an older store")
async def test_one_migrates_and_the_other_waits(folder: Folder, patiently: Patiently, tmp_path: Path) -> None:
    """One backs up and migrates, once; the other waits for it, however long it takes, and finds its work done."""
    folder.write()
    await (await Store.open(folder.settings().storage)).close()
    (tmp_path / "gate").mkdir()
    command = [sys.executable, "-u", "-c", HASTY, str(scripts(tmp_path)), "migrate", "--config", str(folder.path)]

    async def begin() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )

    async def at_the_gate() -> bool:
        return (tmp_path / "gate" / "reached").exists()

    first = await begin()
    await patiently(at_the_gate, "the first is in the middle of it")
    second = await begin()
    assert second.stdout is not None
    await second.stdout.readuntil(b"To do:")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(second.wait(), 1)
    (tmp_path / "gate" / "open").touch()
    said = [(await each.communicate())[0].decode() for each in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert "Backed up" in said[0]
    assert "Backed up" not in said[1]
    assert (tmp_path / "gate" / "reached").read_text() == "reached\n"
    with closing(sqlite3.connect(tmp_path / "tocsin.db")) as store:
        assert store.execute("SELECT version_num FROM alembic_version").fetchall() == [(NEXT,)]
    with closing(sqlite3.connect(tmp_path / f"tocsin-before-upgrade-from-{HEAD}.db")) as backup:
        assert backup.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
