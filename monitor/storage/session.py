"""One transaction's connection: runs statements and turns the drivers' errors into words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Executable, Row, RowMapping, Table, func, select
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.domain.errors import ExitCode, StorageError

T = TypeVar("T")
Parameters = Sequence[Mapping[str, Any]] | Mapping[str, Any] | None

# Advisory locks of PostgreSQL: the first number is ours ("TOCS"), the second says what for.
_LOCK_SPACE = 0x544F4353
_LOCKS = {"migration": 1, "installation": 2, "mentions": 3, "readings": 4, "deeds": 5, "openings": 6}


class StoreAwayError(StorageError):
    """The store fails, whatever it is asked: no fault of what was to be stored, which must be offered again later."""


class StoreContendedError(StoreAwayError):
    """Two transactions waited for one another, and this one was broken off: the same again comes through."""


class StoreFullError(StoreAwayError):
    """Its disk is full."""


class StoreDamagedError(StoreAwayError):
    """What it holds cannot be read."""

    exit_code = ExitCode.INPUT_OUTPUT


_RESTORE = "stop the daemon and restore the last backup"
# SQLite's own words, by what to do about them.
_ADVICE = {
    "database is locked": "another process holds the database: let only one daemon write to an SQLite file, or use PostgreSQL",
    "disk is full": "free some space on the disk that holds it; work goes on by itself",
    "No space left": "free some space on the disk of the database server; work goes on by itself",
    "readonly database": "give the daemon's user write access to the file and its folder, and mount the disk for writing",
    "read-only transaction": "the database server takes no changes (a standby?): name the primary in storage.url",
    "disk I/O error": "the disk fails, or has become read-only: see the kernel's log (dmesg); stop the daemon, check the disk's"
    " file system (fsck), mount it for writing, start the daemon",
    "too many clients": "raise max_connections of the database server, or close what holds them",
    "unable to open database file": "give the daemon's user write access to the file's folder, and create the folder if need be",
    "malformed": f"the database file is damaged, or its disk fails (see dmesg): {_RESTORE}",
    "not a database": f"this file is no SQLite database, or its first page is damaged: choose another path, or {_RESTORE}",
    "invalid page in block": f"a page of the database is damaged: {_RESTORE}",
}


@lru_cache(maxsize=256)
def insert_into(table: Table, *, postgresql: bool) -> Insert:
    """An INSERT that can say ON CONFLICT; both dialects spell it alike. Built once: that takes longer than to run it."""
    if postgresql:
        return postgresql_insert(table)
    return cast("Insert", sqlite_insert(table))


def advisory_lock(name: str) -> Executable:
    """Waits on PostgreSQL until nobody else holds this lock; the end of the transaction gives it back."""
    return select(func.pg_advisory_xact_lock(_LOCK_SPACE, _LOCKS[name]))


@dataclass(frozen=True, slots=True)
class Installation:
    """Who we are: `id` is part of every message's stable id, `tombstone_key` keys the hashes of erased authors."""

    id: str
    created_at: datetime
    tombstone_key: bytes = field(repr=False)


def explain(error: BaseException) -> StorageError:
    """The same trouble in words, without any stored value: those may be personal."""
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    if isinstance(cause, UnicodeEncodeError):
        return StorageError("a text that is no Unicode (a lone surrogate) reached the store: sanitise it at intake")
    if isinstance(cause, OverflowError):
        return StorageError("a number beyond 64 bits reached the store: sanitise it at intake")
    if isinstance(error, IntegrityError):
        return StorageError(f"the store refused a record that contradicts another: {_first_line(cause)}")
    said = _with_advice(_first_line(cause))
    return _kind(cause)(said) if not isinstance(error, DataError) else StorageError(said)


# The drivers' own codes: SQLite's names, PostgreSQL's SQLSTATE.
_FULL = frozenset({"SQLITE_FULL", "53100"})
_CONTENDED = frozenset({"40P01", "40001"})
_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"})


def _kind(cause: BaseException) -> type[StoreAwayError]:
    code = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
    if code in _FULL:
        return StoreFullError
    if code in _CONTENDED:
        return StoreContendedError
    # SQLite refines its codes with a suffix: SQLITE_CORRUPT_INDEX.
    return StoreDamagedError if code in _DAMAGED or code.startswith("SQLITE_CORRUPT") else StoreAwayError


def _quotes_values(error: StatementError) -> bool:
    return isinstance(error, (IntegrityError, DataError)) or "invalid input for query" in str(error)


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    # asyncpg's messages are wrapped as "<class '…'>: words".
    line = text.splitlines()[0].rpartition(">: ")[2]
    # asyncpg quotes the value, which may be personal: keep only what is wrong with it.
    return f"invalid input {line[line.rindex('(') :]}" if line.startswith("invalid input for query") and "(" in line else line


def _with_advice(said: str) -> str:
    for words, advice in _ADVICE.items():
        if words in said:
            return f"the store failed ({said}): {advice}"
    return f"the store failed: {said}"


@contextmanager
def in_words() -> Iterator[None]:
    """Raise `StorageError` for whatever the database refuses, and `ValueError` for our own bugs: naive times, NaN in JSON."""
    try:
        yield
    except StatementError as error:
        if type(error.orig) is ValueError:
            raise ValueError(str(error.orig)) from error
        # A traceback is logged, too: where the driver's words quote what was stored, ours replace them.
        raise explain(error) from (None if _quotes_values(error) else error)
    except (SQLAlchemyError, UnicodeEncodeError, OverflowError, OSError) as error:
        raise explain(error) from error


class Session:
    """Runs statements on one connection, inside one transaction; knows which database it talks to."""

    def __init__(self, connection: AsyncConnection, installation: Installation) -> None:
        self._connection = connection
        self.installation = installation
        self.dialect = connection.dialect
        self.postgresql = connection.dialect.name == "postgresql"
        self.ended = False

    async def run(self, statement: Executable, parameters: Parameters = None) -> CursorResult[*tuple[Any, ...]]:
        """Execute; a sequence of parameters becomes as few round trips as the driver allows."""
        self._refuse_after_end()
        with in_words():
            return await self._connection.execute(statement, parameters)

    async def all(self, statement: Executable) -> Sequence[Row[*tuple[Any, ...]]]:
        """Rows by place: where there are many, looking each column up by its name would cost as much as the query."""
        return (await self.run(statement)).all()

    async def rows(self, statement: Executable, parameters: Parameters = None) -> Sequence[RowMapping]:
        return (await self.run(statement, parameters)).mappings().all()

    async def row(self, statement: Executable, parameters: Parameters = None) -> RowMapping | None:
        return (await self.run(statement, parameters)).mappings().first()

    async def scalar(self, statement: Executable, parameters: Parameters = None) -> Any:
        return (await self.run(statement, parameters)).scalar()

    async def changed(self, statement: Executable) -> int:
        """How many rows an UPDATE or DELETE touched."""
        return (await self.run(statement)).rowcount

    async def run_driver(self, text: str, rows: list[tuple[Any, ...]]) -> None:
        """Hand a compiled statement and its rows to the driver as they are."""
        self._refuse_after_end()
        with in_words():
            await self._connection.exec_driver_sql(text, rows)

    def insert(self, table: Table) -> Insert:
        """An INSERT that can say ON CONFLICT."""
        return insert_into(table, postgresql=self.postgresql)

    def _refuse_after_end(self) -> None:
        if self.ended:
            raise RuntimeError("this unit of work has ended: begin another")

    async def lock(self, name: str) -> None:
        """Wait until no other transaction holds this lock, until the end of this one. SQLite has one writer anyway."""
        if self.postgresql:
            await self.run(advisory_lock(name))

    async def commit(self) -> None:
        """Make it last."""
        self._refuse_after_end()
        self.ended = True
        with in_words():
            await self._connection.commit()


class Repository:
    """What all repositories have: the session of the unit of work they belong to."""

    def __init__(self, session: Session) -> None:
        self._session = session


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Pieces of at most `size`, in order."""
    return (items[start : start + size] for start in range(0, len(items), size))


def clipped(text: str, size: int = 2000) -> str:
    """An error's words, without what a database would refuse and not longer than a person would read."""
    clean = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= size else clean[: size - 1] + "…"
