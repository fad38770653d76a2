"""Opens the connections: one that writes and a few that read for SQLite, one pool for PostgreSQL; and one for health checks."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from monitor.domain.errors import StorageError
from monitor.storage import one_trip

# Strict JSON: no NaN, which PostgreSQL would refuse; and readable, so that a person can look into the database.
to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


# A reader or writer of another process is waited for this long (milliseconds).
_BUSY_MS = 10_000
_READERS = 4
# The server ends a transaction in which nothing has happened for so long (milliseconds): a process that froze in one would keep
# its locks, and nobody could take over. Ours wait for nothing but the store.
IDLE_MS = 30_000
# Each connection has a cache of its own: four readers with the writer's 16 MB had 64 (kB; the system keeps the pages, too).
_READERS_CACHE = -4000
# A write-ahead log that grew under a long reader gives its place back (bytes).
_LONGEST_LOG = 64 * 2**20
_PRAGMAS = (
    f"PRAGMA busy_timeout = {_BUSY_MS}",
    "PRAGMA journal_mode = WAL",
    # FULL: a commit is on the disk before we answer "stored", power cut included (docs/decisions/0006-storage.md).
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what was erased is overwritten in the file, too
    "PRAGMA temp_store = MEMORY",
    f"PRAGMA journal_size_limit = {_LONGEST_LOG}",
    "PRAGMA cache_size = -16000",  # kB
)
# What a replay stores can be had again from its recording: a power cut may take the last of it, and leaves a whole database.
_REPEATABLE = ("PRAGMA synchronous = NORMAL", "PRAGMA wal_autocheckpoint = 8000")  # pages


@dataclass(frozen=True, slots=True)
class Engines:
    """`writer` and `reader` are one pool on PostgreSQL. `check` is one connection that no other work can take away."""

    writer: AsyncEngine
    reader: AsyncEngine
    check: AsyncEngine
    serial: bool  # one writer at a time, kept by us
    anchor: sqlite3.Connection | None = None  # keeps a database in memory alive while nobody uses it

    @property
    def shared(self) -> bool:
        """A database in memory has one user at a time, readers included."""
        return self.anchor is not None

    async def dispose(self) -> None:
        """Close every connection."""
        await self.writer.dispose()
        await self.reader.dispose()
        await self.check.dispose()
        if self.anchor is not None:
            self.anchor.close()


def in_memory(url: URL) -> bool:
    """Whether it is a database that vanishes when it is closed."""
    return url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}


def is_there(path: Path) -> bool:
    """Whether there is such a file. Raises `StorageError` where one may not even look."""
    try:
        return path.is_file()
    except OSError as error:
        raise StorageError(
            f"{path}: {error.strerror}; use the account that the daemon runs as, for instance sudo -u tocsin"
        ) from None


def named(url: URL) -> URL:
    """A database in memory gets a name, so that several connections (the migration's among them) see the same one."""
    if not in_memory(url):
        return url
    return url.set(database=f"file:tocsin-{uuid4().hex}", query={"mode": "memory", "cache": "shared", "uri": "true"})


def open_engines(url: URL, *, in_place: bool = False) -> Engines:
    """The engines for an address that went through `named`. Nothing is connected yet.

    `in_place`: SQLite works in the event loop's thread, for a replay, which does nothing else meanwhile and can be repeated.
    """
    if url.get_backend_name() == "postgresql":
        engine, check = _postgresql(url, size=8, more=4), _postgresql(url, size=1)
        read_only = {"postgresql_readonly": True}
        return Engines(engine, engine.execution_options(**read_only), check.execution_options(**read_only), serial=False)
    connect = one_trip.connect_in_place if in_place else one_trip.connect
    writer = sqlite_engine(url, begin="BEGIN IMMEDIATE", size=1, more=_REPEATABLE if in_place else (), connect=connect)
    reading = ("PRAGMA query_only = ON", f"PRAGMA cache_size = {_READERS_CACHE}")
    reader, check = (sqlite_engine(url, begin="BEGIN", size=size, more=reading, connect=connect) for size in (_READERS, 1))
    return Engines(writer, reader, check, serial=True, anchor=_anchor(url))


def _anchor(url: URL) -> sqlite3.Connection | None:
    if url.query.get("mode") != "memory":
        return None
    return sqlite3.connect(f"{url.database}?mode=memory&cache=shared", uri=True, check_same_thread=False)


def sqlite_engine(
    url: URL, *, begin: str, size: int, more: tuple[str, ...] = (), connect: Callable[..., Any] = one_trip.connect
) -> AsyncEngine:
    """An engine whose transactions start with `begin`.

    The driver's own habit (a deferred BEGIN before the first write) loses updates silently: 77 of 240 survived.
    """
    engine = create_async_engine(
        url,
        connect_args={"isolation_level": None, "timeout": _BUSY_MS / 1000, "async_creator_fn": connect},
        json_serializer=to_json,
        hide_parameters=True,
        **_pool(size),
    )

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in (*_PRAGMAS, *more):
            _patiently(partial(cursor.execute, pragma))
        cursor.close()

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", start)
    return engine


def _patiently(execute: Callable[[], object]) -> None:
    """SQLite does not wait by itself when several that start at once change a new file's journal."""
    end = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            execute()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= end:
                raise
        else:
            return


def _pool(size: int) -> dict[str, Any]:
    return {"poolclass": AsyncAdaptedQueuePool, "pool_size": size, "max_overflow": 0, "pool_timeout": 60}


def _postgresql(url: URL, *, size: int, more: int = 0) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=size,
        max_overflow=more,
        pool_pre_ping=True,  # the server may have restarted since
        json_serializer=to_json,
        hide_parameters=True,
        connect_args={
            "timeout": 10,
            "command_timeout": 60,
            "server_settings": {"application_name": "tocsin", "idle_in_transaction_session_timeout": str(IDLE_MS)},
        },
    )
