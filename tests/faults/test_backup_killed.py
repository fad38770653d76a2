"""Killed at any step, a backup, a restore and a migration leave what was there or what was wanted, and nothing in between."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
from pydantic import SecretStr

from monitor.domain.clock import SystemClock
from monitor.domain.mention import Author, Enriched, Mention, Scores
from monitor.storage import StorageSettings, Store
from monitor.storage.backup import back_up
from monitor.storage.migrate import HEAD
from tests.faults.next_version import NEXT, scripts

ROOT = Path(__file__).parents[2]


def _said(uri: str, at: datetime) -> Enriched:
    mention = Mention(network="press", uri=uri, text="Broken", written_at=at, author=Author("ada"))
    return Enriched(mention, frozenset(), frozenset(), Scores())


@pytest.fixture
async def template(tmp_path: Path) -> Path:
    """A folder with a store of nine mentions, and a backup made when it had three."""
    folder = tmp_path / "template"
    folder.mkdir()
    settings = StorageSettings(url=SecretStr(f"sqlite:///{folder}/tocsin.db"))
    store, now = await Store.open(settings), SystemClock().now()
    for number in (3, 6):
        said = [_said(f"https://press.example/{number}/{n}", now) for n in range(number)]
        async with store.begin() as tx:
            await tx.mentions.add(said, source="press", seen_at=now)
            await tx.commit()
        if number == 3:
            back_up(settings, folder / "copy.db")
    await store.close()
    return folder


Deaths = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def deaths(template: Path, tmp_path: Path) -> Deaths:
    """Kills a job at every step; what each death left."""

    def die(job: str, **more: Any) -> list[dict[str, Any]]:
        order = {"job": job, "template": str(template), "here": str(tmp_path / "here"), **more}
        command = [sys.executable, "-m", "tests.faults.killed_halfway", json.dumps(order)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert [each["killed"] for each in found] == [True] * (len(found) - 1) + [False]
        assert found[-1]["ended"] == 0, done.stderr
        return found

    return die


@pytest.mark.fault("storage", "killed at any step of a backup")
def test_a_backup_killed_at_any_step(deaths: Deaths) -> None:
    """The older backup stays whole until the new one takes its name; the next backup removes what the dead one left."""
    found = deaths("backing up")
    assert len(found) > 8
    for each in found:
        assert each["left"]["files"] in ({"copy.db": 3, "tocsin.db": 9}, {"copy.db": 9, "tocsin.db": 9}), each
        assert each["mended"] == {"files": {"copy.db": 9, "tocsin.db": 9}, "all": ["copy.db", "tocsin.db"]}
    assert found[0]["left"]["files"]["copy.db"] == 3
    assert found[-1]["left"]["files"]["copy.db"] == 9


@pytest.mark.fault("operations", "killed at any step of a restore")
def test_a_restore_killed_at_any_step(deaths: Deaths) -> None:
    """The store is the one before or the backup, whole at every moment and never missing; typing it again completes it."""
    found = deaths("restoring")
    assert len(found) > 12
    for each in found:
        assert each["left"]["files"]["tocsin.db"] in {3, 9}, each
        assert each["mended"]["files"]["tocsin.db"] == 3, each
        assert not [name for name in each["mended"]["all"] if "partial" in name]
    assert found[0]["left"]["files"]["tocsin.db"] == 9
    assert found[-1]["left"]["files"] == {"copy.db": 3, "tocsin.db": 3, "tocsin-before-restore-20260302T081500Z.db": 9}


@pytest.mark.fault("storage", "killed at any statement of a migration")
def test_a_migration_killed_at_any_statement(deaths: Deaths, tmp_path: Path) -> None:
    """The tables are the old ones or the new ones, never something between; the next start completes the upgrade."""
    found = deaths("migrating", scripts=str(scripts(tmp_path)))
    old, new = found[0]["left"], found[-1]["left"]
    assert len(found) > 10
    assert old["version"] == [[HEAD]]
    assert new["version"] == [[NEXT]]
    assert set(new["tables"]) - set(old["tables"]) == {"colour", "ix_silence_colour"}
    assert [*old["silence"], "colour"] == new["silence"]
    for each in found:
        assert each["left"] in (old, new), each
        assert each["mended"] == new


@pytest.fixture
async def server(postgresql: str, tmp_path: Path) -> AsyncIterator[Path]:
    """A file with the address of a PostgreSQL database of its own, with the tables of this version."""
    name = f"tocsin_test_{uuid4().hex[:12]}"
    connection = await asyncpg.connect(postgresql)
    await connection.execute(f"CREATE DATABASE {name}")
    file = tmp_path / "address"
    file.write_text(urlsplit(postgresql)._replace(path=f"/{name}").geturl())
    await (await Store.open(StorageSettings(url=SecretStr(file.read_text())))).close()
    yield file
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.mark.fault("storage", "killed at any statement of a migration on PostgreSQL")
def test_a_migration_of_a_server_killed_at_any_statement(deaths: Deaths, server: Path, tmp_path: Path) -> None:
    """The server keeps the old tables until the commit, and gives the dead one's lock to the next."""
    found = deaths("migrating a server", scripts=str(scripts(tmp_path)), here=str(server))
    assert len(found) > 6
    assert {each["left"]["version"] for each in found[:-1]} == {HEAD}
    assert all(each["left"] == found[0]["left"] for each in found[:-1])
    assert found[-1]["left"]["version"] == NEXT
    added = {"colour.name", "silence.colour"}
    assert set(found[-1]["left"]["columns"]) - set(found[0]["left"]["columns"]) == added


@pytest.mark.fault("storage", "killed while the first tables are made")
def test_a_first_start_killed_at_some_statements(deaths: Deaths, template: Path) -> None:
    """There are all tables or none; the next start makes them."""
    (template / "tocsin.db").unlink()
    found = deaths("migrating", stride=13)
    assert len(found) > 5
    for each in found:
        assert each["left"]["tables"] in ([], found[-1]["left"]["tables"]), each
        assert each["mended"] == found[-1]["left"]
