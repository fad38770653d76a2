"""SQLite in a thread, one trip a statement: the driver's four (cursor, execute, fetch, close) cost more than the query.

A trip to the connection's thread and back takes 0.1 to 0.2 ms; a query by key takes 0.01. Everything a statement gives is
therefore fetched where it ran. Results are bounded by our own limits, so nothing needs to be streamed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from typing import Any, Self

import aiosqlite

_NO_ROWS: list[Any] = []


class OneTripCursor:
    """What SQLAlchemy asks of an `aiosqlite.Cursor`, with its rows fetched before it comes back."""

    arraysize = 1

    def __init__(self, run: Callable[..., Any], connection: sqlite3.Connection) -> None:
        self._run = run
        self._connection = connection
        self._rows = _NO_ROWS
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Any = ()) -> Self:
        return await self._trip(sqlite3.Cursor.execute, sql, parameters)

    async def executemany(self, sql: str, parameters: Any) -> Self:
        return await self._trip(sqlite3.Cursor.executemany, sql, parameters)

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, _NO_ROWS
        return rows

    async def close(self) -> None:
        """Nothing is open: the statement was finished in its thread."""

    async def _trip(self, how: Callable[..., sqlite3.Cursor], sql: str, parameters: Any) -> Self:
        self._rows, self.description, self.rowcount, self.lastrowid = await self._run(
            _finish, self._connection, how, sql, parameters
        )
        return self


def _finish(connection: sqlite3.Connection, how: Callable[..., sqlite3.Cursor], sql: str, parameters: Any) -> tuple[Any, ...]:
    """Run a statement to its end. Called in the connection's thread."""
    cursor = connection.cursor()
    try:
        how(cursor, sql, parameters)
        rows = cursor.fetchall() if cursor.description else _NO_ROWS
        return rows, cursor.description, cursor.rowcount, cursor.lastrowid
    finally:
        cursor.close()


class OneTripConnection(aiosqlite.Connection):
    """An `aiosqlite.Connection` whose cursors make one trip."""

    def __del__(self) -> None:
        """Close what was still in use when its store was closed: nobody takes it back then."""
        if self._connection is not None:
            self.stop()

    def cursor(self) -> OneTripCursor:  # type: ignore[override]  # SQLAlchemy asks no more of it
        return OneTripCursor(self._execute, self._conn)


class InPlaceConnection(OneTripConnection):
    """The same without a thread: whoever asks waits. For a replay, where nobody else wants the event loop meanwhile."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    async def _connect(self) -> Self:
        self._connection = self._connector()
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self._connect().__await__()

    def stop(self) -> None:
        """No thread was started, so the connection is closed at once."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def connect_in_place(*args: Any, **kwargs: Any) -> InPlaceConnection:
    """For `async_creator_fn`: `sqlite3.connect`, used in the event loop's own thread."""
    return InPlaceConnection(lambda: sqlite3.connect(*args, **kwargs), iter_chunk_size=64)


def connect(*args: Any, **kwargs: Any) -> OneTripConnection:
    """For SQLAlchemy's `async_creator_fn`: `sqlite3.connect`, in a thread that never keeps the process alive."""
    connection = OneTripConnection(lambda: sqlite3.connect(*args, **kwargs), iter_chunk_size=64)
    connection._thread.daemon = True  # noqa: SLF001 as SQLAlchemy does with the driver's own
    return connection
