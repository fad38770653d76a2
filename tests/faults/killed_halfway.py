"""A process that kills copies of itself in the middle of a job, one step later each time, until one comes through.

    python -m tests.faults.killed_halfway '{"job": …, "args": […], "step": 1}'

Every copy is forked with everything imported, works on a fresh set of files (`prepare`), and is killed by SIGKILL before its n-th
step. What is left is described on standard output, one JSON object a line: {"step": n, "killed": …, "left": …}.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from alembic import command  # noqa: F401 imported here once, not in every copy
from alembic.config import Config  # noqa: F401 likewise
from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.engine import Engine

from monitor.storage import StorageSettings, contents, upgrade
from monitor.storage.backup import back_up
from monitor.storage.restore import restore
from tests.faults import next_version

AT = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
# What changes a file or a name, as Python's own auditing calls it.
CHANGES = {
    "open",
    "os.rename",
    "os.link",
    "os.remove",
    "os.truncate",
    "fcntl.flock",
    "fcntl.lockf",
    "os.chown",
    "sqlite3.connect",
}


class Countdown:
    """Kills this process before its n-th step."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def step(self, *_: object, **__: object) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def by_statement(countdown: Countdown) -> None:
    """A step is a statement on its way to the database, the commit among them."""
    event.listen(Engine, "before_cursor_execute", countdown.step)
    event.listen(Engine, "commit", countdown.step)


def by_change(countdown: Countdown) -> None:
    """A step is a change of files."""
    sys.addaudithook(lambda name, _: countdown.step() if name in CHANGES else None)


def apart(work: Callable[[], Any], arm: Callable[[], None] | None = None) -> int:
    """Work in a copy of this process; how it ended (negative: by that signal)."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if arm is not None:
                arm()
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001 told, and never carried on by the copy
            sys.stderr.write(f"{error!r}\n")
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def again_and_again(job: Job, by: Callable[[Countdown], None], stride: int) -> None:
    """Kill it before step 1, 1 + stride … and describe what every death left, until it lives."""
    step, killed = 1, True
    while killed:
        job.prepare()
        ended = apart(job.work, lambda: by(Countdown(step)))  # noqa: B023 called at once
        killed = ended == -signal.SIGKILL
        told = {"step": step, "killed": killed, "left": job.left(), "mended": job.mended(), "ended": ended}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()  # or the next copy has it, too
        step += stride


class Job:
    """Something that is done to a store, in a folder of its own."""

    def __init__(self, template: Path, here: Path) -> None:
        self.template = template
        self.here = here
        self.settings = StorageSettings(url=SecretStr(f"sqlite:///{here}/tocsin.db"))

    def prepare(self) -> None:
        """The same files, each time."""
        shutil.rmtree(self.here, ignore_errors=True)
        shutil.copytree(self.template, self.here)

    def work(self) -> None:
        """What is killed."""
        raise NotImplementedError

    def left(self) -> Any:
        """What is there after a death."""
        raise NotImplementedError

    def mended(self) -> Any:
        """What is there after the same was tried again, in peace."""
        assert apart(self.work) == 0
        return self.left()


class Migrating(Job):
    """The tables are brought up to date."""

    def work(self) -> None:
        asyncio.run(upgrade(self.settings, None))

    def left(self) -> Any:
        with closing(sqlite3.connect(self.here / "tocsin.db")) as store:
            tables = sorted(name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
            version = store.execute("SELECT version_num FROM alembic_version").fetchall() if "alembic_version" in tables else []
            columns = [name for (_, name, *_) in store.execute("PRAGMA table_info(silence)")]
        return {"version": version, "tables": tables, "silence": columns}


class MigratingServer(Migrating):
    """The same on PostgreSQL, where every death leaves the database for the next: only the last one may change it."""

    def prepare(self) -> None:
        self.settings = StorageSettings(url=SecretStr(self.here.read_text()))

    def left(self) -> Any:
        return asyncio.run(self._left())

    async def _left(self) -> Any:
        connection = await asyncpg.connect(self.here.read_text())
        try:
            version = await connection.fetchval("SELECT version_num FROM alembic_version")
            columns = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'"
            return {"version": version, "columns": sorted(row[0] for row in await connection.fetch(columns))}
        finally:
            await connection.close()

    def mended(self) -> Any:
        return None


class BackingUp(Job):
    """A backup replaces an older one."""

    def work(self) -> None:
        back_up(self.settings, self.here / "copy.db", replace=True)

    def left(self) -> Any:
        found = {path.name: _read(path) for path in sorted(self.here.glob("*.db"))}
        return {"files": found, "all": sorted(path.name for path in self.here.iterdir())}


class Restoring(BackingUp):
    """A backup takes the place of the store."""

    def work(self) -> None:
        aside = self.here / "tocsin-before-restore-20260302T081500Z.db"
        aside.unlink(missing_ok=True)  # the same second, again and again
        restore(self.settings, self.here / "copy.db", AT)


def _read(path: Path) -> Any:
    """The number of mentions of a whole file."""
    return contents.read(path).rows["mention"]


JOBS: dict[str, tuple[type[Job], Callable[[Countdown], None]]] = {
    "migrating": (Migrating, by_statement),
    "migrating a server": (MigratingServer, by_statement),
    "backing up": (BackingUp, by_change),
    "restoring": (Restoring, by_change),
}


def main() -> None:
    """Carry out the order."""
    order = json.loads(sys.argv[1])
    if scripts := order.get("scripts"):
        next_version.become(Path(scripts))
    kind, by = JOBS[order["job"]]
    again_and_again(kind(Path(order["template"]), Path(order["here"])), by, order.get("stride", 1))


if __name__ == "__main__":
    main()
