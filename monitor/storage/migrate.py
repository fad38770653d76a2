"""Brings a database up to the tables of this version, in one transaction, whoever else is starting at the same moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from monitor.domain.errors import StorageError
from monitor.storage.engine import sqlite_engine
from monitor.storage.session import advisory_lock, in_words
from monitor.storage.tables import metadata

# The newest revision of `versions/`; a test compares it with the files.
HEAD = "0001"
_SCRIPTS = Path(__file__).with_name("migrations")


async def migrate(url: URL) -> None:
    """Bring the database at `url` up to date. Alembic blocks, so it has a thread and an event loop of its own.

    Raises `StorageError` when the database is newer than this version, or holds something else.
    """
    await asyncio.to_thread(lambda: asyncio.run(_migrate(url)))


async def _migrate(url: URL) -> None:
    engine = _engine(url)
    try:
        with in_words():
            async with engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    await connection.execute(advisory_lock("migration"))
                await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        # SQLite changes a table by making it anew; with foreign keys on, dropping the old one would empty its dependants.
        return sqlite_engine(url, begin="BEGIN IMMEDIATE", size=1, more=("PRAGMA foreign_keys = OFF",))
    return create_async_engine(url, hide_parameters=True, connect_args={"timeout": 10})


def revision(connection: Connection) -> str | None:
    """Which version the tables have; None for a database that Alembic has never touched."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in the transaction that `connection` is in."""
    found = revision(connection)
    if found == HEAD:
        return
    if found is None:
        _refuse_strangers(connection)
    # A second of imports that most starts don't need.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if found is not None:
        _refuse_newer(found, {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()})
    command.upgrade(config, "head")


def require_current(found: str | None) -> None:
    """Refuse a database that this version cannot use as it is. Raises `StorageError`."""
    if found == HEAD:
        return
    if found is None:
        raise StorageError("the database is empty: set `storage.migrate: true` and start once to create the tables")
    _refuse_newer(found, {f"{number:04}" for number in range(1, int(HEAD) + 1)})
    raise StorageError(
        f"the database has the tables of version {found}, this tocsin needs {HEAD}:"
        " back it up, then set `storage.migrate: true` and start once"
    )


def _refuse_newer(found: str, known: set[str]) -> None:
    if found not in known:
        raise StorageError(
            f"the database was written by a newer tocsin (its tables have version {found}, this one knows up to {HEAD}):"
            " install that version again, or restore the backup made before the upgrade"
        )


def _refuse_strangers(connection: Connection) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        raise StorageError(
            f"the database already has tables that tocsin did not make ({', '.join(taken[:3])}): give it a database of its own"
        )
