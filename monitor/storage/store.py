"""The store: opened once, it hands out units of work until it is closed."""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from monitor.domain.clock import Clock, SystemClock
from monitor.domain.errors import StorageError
from monitor.storage.engine import Engines, named, open_engines
from monitor.storage.migrate import HEAD, migrate, require_current, revision
from monitor.storage.session import Installation, Session, advisory_lock, in_words
from monitor.storage.settings import StorageSettings
from monitor.storage.tables import installation as installation_table
from monitor.storage.unit import UnitOfWork

_OLDEST_SQLITE = (3, 35, 0)  # RETURNING


class NoStoreError(StorageError):
    """There is nothing at the address, and the caller did not want it made."""

    def __init__(self, place: str) -> None:
        super().__init__(f"there is no store at {place} yet: has the daemon run with this configuration?")


class Store:
    """Where everything is kept. Made by `Store.open`."""

    def __init__(self, url: URL, engines: Engines, installation: Installation) -> None:
        self._url = url
        self._engines = engines
        self._installation = installation
        self._turn = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None

    def __repr__(self) -> str:
        return f"Store({_shown(self._url)})"

    @property
    def installation(self) -> str:
        """A UUID that this database has had since it was made: part of every message's stable id."""
        return self._installation.id

    @classmethod
    async def open(
        cls, settings: StorageSettings, *, clock: Clock | None = None, in_place: bool = False, create: bool = True
    ) -> Store:
        """Connect, and create or update the tables. Raises `StorageError` that says what to do.

        Without `create`, a store that is not there yet stays so, and `NoStoreError` says where it was looked for.
        `in_place` is for a process that does one thing at a time: SQLite works in its thread, which saves a trip to another
        one for every statement.
        """
        url = named(settings.parsed())
        engines = open_engines(url, in_place=in_place)
        try:
            known = await _open(engines, url, settings, clock or SystemClock(), create=create)
        except NoStoreError:
            raise
        except StorageError as error:
            raise StorageError(f"cannot open {_shown(url)}: {error}") from error
        return cls(url, engines, known)

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        await self._engines.dispose()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work that may write. It is rolled back unless `commit()` was awaited inside.

        On SQLite there is one at a time: keep it short, and never wait for the network inside.
        """
        async with self._turns(alone=self._engines.serial), _unit(self._engines.writer, self._installation) as unit:
            yield unit

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work that only reads, beside whoever is writing; writing in it raises `StorageError`."""
        async with self._turns(alone=self._engines.shared), _unit(self._engines.reader, self._installation) as unit:
            yield unit

    @asynccontextmanager
    async def _turns(self, *, alone: bool) -> AsyncIterator[None]:
        if not alone:
            yield
            return
        task = asyncio.current_task()
        if task is not None and self._holder is task:
            raise RuntimeError("this task is already in a unit of work of this store: use that one")
        async with self._turn:
            self._holder = task
            try:
                yield
            finally:
                self._holder = None


@asynccontextmanager
async def _unit(engine: AsyncEngine, known: Installation) -> AsyncIterator[UnitOfWork]:
    connection = engine.connect()
    with in_words():
        await connection.start()
    session = Session(connection, known)
    try:
        yield UnitOfWork(session)
    finally:
        session.ended = True
        # Closing rolls back what was not committed; a cancelled task must not leave that half done.
        await asyncio.shield(asyncio.ensure_future(connection.close()))


async def _open(engines: Engines, url: URL, settings: StorageSettings, clock: Clock, *, create: bool) -> Installation:
    try:
        if not create:
            await _require(engines, url, settings.place)
        if url.get_backend_name() == "sqlite":
            await asyncio.to_thread(_prepare_file, url)
        with in_words():
            await _bring_up_to_date(engines.writer, url, may_migrate=settings.migrate)
            return await _identify(engines.writer, clock)
    except BaseException:
        await engines.dispose()
        raise


async def _require(engines: Engines, url: URL, place: str) -> None:
    """Raise `NoStoreError` unless there are tables. For SQLite the file is looked for first: connecting would make it."""
    if url.get_backend_name() == "sqlite" and not await asyncio.to_thread(_is_there, Path(str(url.database))):
        raise NoStoreError(place)
    with in_words():
        async with engines.writer.connect() as connection:
            found = await connection.run_sync(revision)
    if found is None:
        raise NoStoreError(place)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise StorageError(f"{error.strerror}; use the account that the daemon runs as, for instance sudo -u tocsin") from None


def _shown(url: URL) -> str:
    return "sqlite:///:memory:" if url.query.get("mode") == "memory" else url.render_as_string(hide_password=True)


def _prepare_file(url: URL) -> None:
    """Make the file readable by its owner alone: it holds what people said, and who they are."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StorageError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed, or PostgreSQL")
    if url.query.get("mode") == "memory":
        return
    path = Path(str(url.database))
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror}): create its folder and give the daemon's user write access to both"
        ) from error


async def _bring_up_to_date(engine: AsyncEngine, url: URL, *, may_migrate: bool) -> None:
    async with engine.connect() as connection:
        found = await connection.run_sync(revision)
    if found != HEAD and may_migrate:
        await migrate(url)
    elif not may_migrate:
        require_current(found)


async def _identify(engine: AsyncEngine, clock: Clock) -> Installation:
    table = installation_table
    async with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(advisory_lock("installation"))
        row = (await connection.execute(select(table))).mappings().first()
        if row is None:
            made: dict[str, Any] = {"id": str(uuid4()), "created_at": clock.wall(), "tombstone_key": secrets.token_bytes(32)}
            await connection.execute(insert(table).values(made))
            return Installation(**made)
        return Installation(**row)
