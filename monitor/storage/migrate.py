"""Brings a database up to the tables of this version, in one transaction, whoever else is starting at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from monitor.domain.errors import StorageError
from monitor.storage.engine import sqlite_engine
from monitor.storage.search_index import metadata
from monitor.storage.session import advisory_lock, in_words

if TYPE_CHECKING:
    from alembic.config import Config

# The newest revision of `versions/`; a test compares it with the files.
HEAD = "0019"
_SCRIPTS = Path(__file__).with_name("migrations")
# Another process may be migrating, and backing up before that: waiting is better than failing to start (milliseconds).
_PATIENCE = 15 * 60 * 1000

# Called with the version found, when nobody else can write and nothing has changed yet. What it raises ends the migration.
Before = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Migration:
    """One step between two versions of the tables."""

    revision: str
    does: str


class NoStoreError(StorageError):
    """There is nothing at the address, and the caller did not want it made."""

    def __init__(self, place: str) -> None:
        super().__init__(
            f"there is no store at {place} yet. The daemon makes it: start it first, by `tocsin run` with this configuration."
        )


async def make_in_memory(engine: AsyncEngine) -> None:
    """Make the tables at once in a database that vanishes: there is no past to bring along, and a rehearsal makes hundreds."""
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)


async def migrate(url: URL, before: Before | None = None) -> None:
    """Bring the database at `url` up to date. Alembic blocks, so it has a thread and an event loop of its own.

    `before` is called when there is something to change in tables that are in use. Raises `StorageError` when the database is
    newer than this version, or holds something else.
    """
    await asyncio.to_thread(lambda: asyncio.run(_migrate(url, before)))


async def _migrate(url: URL, before: Before | None) -> None:
    engine = _engine(url)
    try:
        with in_words():
            async with engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    await connection.execute(advisory_lock("migration"))
                await connection.run_sync(upgrade, before)
    finally:
        await engine.dispose()


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        # SQLite changes a table by making it anew; with foreign keys on, dropping the old one would empty its dependants.
        pragmas = ("PRAGMA foreign_keys = OFF", f"PRAGMA busy_timeout = {_PATIENCE}")
        return sqlite_engine(url, begin="BEGIN IMMEDIATE", size=1, more=pragmas)
    return create_async_engine(url, hide_parameters=True, connect_args={"timeout": 10})


def revision(connection: Connection) -> str | None:
    """Which version the tables have; None for a database that Alembic has never touched."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(connection: Connection, before: Before | None = None) -> None:
    """Run the missing migrations in the transaction that `connection` is in."""
    found = revision(connection)
    if is_current(found):
        return
    if found is None:
        _refuse_strangers(connection)
    else:
        refuse_newer(found)
        if before is not None:
            before(found)
    from alembic import command  # noqa: PLC0415 a second of imports that most starts don't need

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def pending(found: str | None) -> list[Migration]:
    """What `upgrade` would do to a database of this version, oldest first. Raises `StorageError` for a newer one."""
    if found is not None:
        refuse_newer(found)
    from alembic.script import ScriptDirectory  # noqa: PLC0415 likewise

    scripts = list(ScriptDirectory.from_config(_config()).walk_revisions())
    missing = [each for each in reversed(scripts) if found is None or each.revision > found]
    return [Migration(each.revision, (each.doc or "").partition(". ")[0].strip()) for each in missing]


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 likewise

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


def is_current(found: str | None) -> bool:
    """Whether these are the tables of this version."""
    return found == HEAD


def require_current(found: str | None) -> None:
    """Refuse a database that this version cannot use as it is. Raises `StorageError`."""
    if is_current(found):
        return
    if found is None:
        raise StorageError("the database is empty: `tocsin migrate` makes the tables")
    refuse_newer(found)
    raise StorageError(
        f"the database has the tables of version {found}, this tocsin needs {HEAD}:"
        " `tocsin migrate` makes a backup and brings it up to date"
    )


def refuse_newer(found: str) -> None:
    """Raises `StorageError` for a version of the tables that this program has never heard of."""
    if found not in {f"{number:04}" for number in range(1, int(HEAD) + 1)}:
        raise StorageError(
            f"the database was written by a newer tocsin (its tables have version {found}, this one knows up to {HEAD}):"
            " install that version again, or `tocsin restore` the backup made before the upgrade"
        )


def _refuse_strangers(connection: Connection) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        raise StorageError(
            f"the database already has tables that tocsin did not make ({', '.join(taken[:3])}): give it a database of its own"
        )
