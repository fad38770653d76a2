"""The store: opened once, it hands out units of work until it is closed."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import hmac
import os
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import insert, select
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from monitor.domain.clock import Clock, SystemClock
from monitor.domain.errors import StorageError
from monitor.storage.backup import back_up_before_upgrade
from monitor.storage.ballast import Ballast
from monitor.storage.engine import Engines, is_there, named, open_engines
from monitor.storage.erasures import Erased
from monitor.storage.migrate import Before, NoStoreError, is_current, make_in_memory, migrate, require_current, revision
from monitor.storage.session import Installation, Session, StoreAwayError, StoreFullError, advisory_lock, in_words
from monitor.storage.settings import Retention, StorageSettings
from monitor.storage.tables import evaluator as evaluator_table
from monitor.storage.tables import installation as installation_table
from monitor.storage.tombstones import Buried, ErasedList
from monitor.storage.trouble import NO_ROOM, Condition, StoreTrouble, is_full
from monitor.storage.unit import UnitOfWork

log = structlog.get_logger(__name__)

_OLDEST_SQLITE = (3, 35, 0)  # RETURNING
_MOUNT = "the kernel's log (dmesg) says why; check its file system (fsck) and mount it for writing"


class Store:
    """Where everything is kept. Made by `Store.open`."""

    def __init__(
        self, url: URL, engines: Engines, installation: Installation, condition: Condition, erased_list: Path | None = None
    ) -> None:
        self._url = url
        self.erased_list = ErasedList(erased_list, installation.id)
        self._engines = engines
        self._installation = installation
        self._condition = condition
        self._turn = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None

    def __repr__(self) -> str:
        return f"Store({_shown(self._url)})"

    @property
    def installation(self) -> str:
        """A UUID that this database has had since it was made: part of every message's stable id."""
        return self._installation.id

    @property
    def link_key(self) -> bytes:
        """What links in messages are signed with: made from the key that this database has had since it was made."""
        return hmac.digest(self._installation.tombstone_key, b"links in messages", hashlib.sha256)

    @property
    def mail_key(self) -> bytes:
        """What names of e-mails are sealed with, likewise."""
        return hmac.digest(self._installation.tombstone_key, b"names of e-mails", hashlib.sha256)

    @property
    def access_key(self) -> bytes:
        """What forms of the console are marked with, and what comes back from an identity provider, likewise."""
        return hmac.digest(self._installation.tombstone_key, b"access to the console", hashlib.sha256)

    @classmethod
    async def open(
        cls,
        settings: StorageSettings,
        *,
        clock: Clock | None = None,
        in_place: bool = False,
        create: bool = True,
        ballast: bool = False,
    ) -> Store:
        """Connect, and create or update the tables. Raises `StorageError` that says what to do.

        Without `create`, a store that is not there yet stays so, and `NoStoreError` says where it was looked for.
        `in_place` is for a replay, which does one thing at a time and can be repeated: SQLite works in its thread, which saves a
        trip to another one for every statement, and may lose its last commits in a power cut. `ballast` is for the process
        that takes in what is new: it keeps room for a full disk.
        """
        url = named(settings.parsed())
        kept = _ballast(url, settings) if ballast else None
        try:
            engines, known = await _open_somehow(url, settings, clock or SystemClock(), kept, in_place=in_place, create=create)
        except NoStoreError:
            raise
        except StorageError as error:
            kind = type(error) if isinstance(error, StoreAwayError) else StorageError
            raise kind(f"cannot open {_shown(url)}: {error}") from error
        condition = Condition(settings.place, kept)
        await condition.begin()
        store = cls(url, engines, known, condition, settings.erased_list)
        try:
            await store.bury_again()
        except BaseException:
            await store.close()
            raise
        return store

    async def bury_again(self, other: Path | None = None) -> list[Erased]:
        """Let the store and the list of erasures, or another such list, know of each other's erasures.

        A store that was put back from a backup knows people who were erased since: they are erased anew.
        """
        listed = await self.erased_list.read(other)
        async with self.read() as tx:
            known = await tx.erasures.buried()
        missing = _without(listed, known)
        await self.enlist(missing if other is not None else _without(known, listed))
        if not missing:
            return []
        async with self.begin() as tx:
            done = await tx.erasures.bury_again(missing)
            await tx.commit()
        await self.scrub()
        return done

    async def enlist(self, buried: Iterable[Buried]) -> None:
        """Write erasures that no person waits for on the list beside the store; that it cannot be written, the log says."""
        if not await self.erased_list.add(buried):
            log.error("erasure.not_listed", path=str(self.erased_list.path))

    async def forget(self, keep: Retention, now: datetime, limit: int) -> int:
        """Remove up to `limit` records that are past their time. Returns how many went; 0 when there is nothing left to do."""
        async with self.begin() as tx:
            over = await tx.holds.expire(now)
            # Whoever erases ends holds whose time is over, too: of whom these kept, only the erasures themselves tell.
            erased = await tx.erasures.carry_out(now)
            await self.enlist(buried for each in erased for buried in each.buried)
            gone = len(over) or len(erased) or await tx.retention.forget(keep, now, limit)
            await tx.commit()
        if erased:
            await self.scrub()
        return gone

    async def end_the_frozen(self) -> int:
        """End the transactions of processes that stand still in one, where the server does not do so by itself. How many."""
        if self._engines.serial:
            return 0
        async with self.read() as tx:
            ended = await tx.end_the_frozen()
        if ended:
            log.warning("store.frozen_ended", transactions=ended)
        return ended

    async def scrub(self) -> None:
        """Take what was overwritten out of SQLite's index of words, and, as far as nobody reads it now, out of its log."""
        begins = True
        while self._engines.serial and await self._merge_words(begins=begins):
            begins = False
        if self._engines.serial and not self._engines.shared:
            await asyncio.to_thread(_truncate_log, str(self._url.database))

    async def _merge_words(self, *, begins: bool) -> bool:
        """A piece of that work, so that whoever writes waits for no more; False: it is done."""
        async with self.begin() as tx:
            left = await tx.feed.forget_words(begins=begins)
            await tx.commit()
        return left

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        await self._engines.dispose()

    @asynccontextmanager
    async def begin(self, *, incoming: bool = False) -> AsyncIterator[UnitOfWork]:
        """A unit of work that may write. It is rolled back unless `commit()` was awaited inside.

        On SQLite there is one at a time: keep it short, and never wait for the network inside. `incoming` is for what comes
        from outside: it raises `StoreAwayError` while nothing new is taken in.
        """
        if incoming:
            await self._condition.let_in()
        async with (
            self._turns(alone=self._engines.serial),
            self._condition.watching(changing=True),
            _unit(self._engines.writer, self._installation) as unit,
        ):
            yield unit

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work that only reads, beside whoever is writing; writing in it raises `StorageError`."""
        async with (
            self._turns(alone=self._engines.shared),
            self._condition.watching(),
            _unit(self._engines.reader, self._installation) as unit,
        ):
            yield unit

    async def answers(self) -> None:
        """Ask something small, on a connection of its own: however many read, this need not wait. Raises `StorageError`."""
        async with (
            self._turns(alone=self._engines.shared),
            self._condition.watching(),
            _unit(self._engines.check, self._installation) as unit,
        ):
            await unit.evaluator.offset()

    async def trouble(self) -> StoreTrouble | None:
        """Why nothing new is taken in; None when it is."""
        return await self._condition.trouble()

    async def refuses(self) -> StoreAwayError | None:
        """Why what comes in now would not be kept; None when it would. After a failure it is tried, with a change of nothing."""
        if (trouble := await self._condition.trouble()) is not None:
            return trouble.error
        if self._condition.failing is None:
            return None
        try:
            async with self.begin() as tx:
                await tx.touch()
                await tx.commit()
        except StoreAwayError as error:
            return error
        self._condition.works()
        return None

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


@dataclass(frozen=True, slots=True)
class Look:
    """What is at an address: the version of its tables, None without any, and who evaluates on them at this moment."""

    revision: str | None
    evaluating: str | None


async def look(settings: StorageSettings, wall: datetime) -> Look:
    """Look at a store of whatever version, changing nothing. Raises `StorageError`."""
    url = named(settings.parsed())
    if url.get_backend_name() == "sqlite" and not await asyncio.to_thread(is_there, Path(str(url.database))):
        return Look(None, None)
    engines = open_engines(url)
    try:
        with in_words():
            async with engines.reader.connect() as connection:
                found = await connection.run_sync(revision)
                held = select(evaluator_table.c.lease_owner).where(evaluator_table.c.lease_until > wall)
                return Look(found, await connection.scalar(held) if found else None)
    finally:
        await engines.dispose()


async def upgrade(settings: StorageSettings, before: Before | None) -> None:
    """Make or change the tables, whatever `settings.migrate` says, once `before` was called. Raises `StorageError`."""
    url = named(settings.parsed())
    if url.get_backend_name() == "sqlite":
        await asyncio.to_thread(_prepare_file, url, create=True)
    await migrate(url, before)


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


def _ballast(url: URL, settings: StorageSettings) -> Ballast | None:
    if url.get_backend_name() != "sqlite" or url.query.get("mode") == "memory" or not settings.ballast_mb:
        return None
    return Ballast(Path(str(url.database)), settings.ballast_mb * 2**20)


async def _open_somehow(
    url: URL, settings: StorageSettings, clock: Clock, ballast: Ballast | None, *, in_place: bool, create: bool
) -> tuple[Engines, Installation]:
    """Even on a full disk, where opening may need what the ballast has kept."""
    try:
        return await _open(url, settings, clock, in_place=in_place, create=create)
    except StoreAwayError as error:
        if ballast is None or not await is_full(ballast, error):
            raise
        if not await asyncio.to_thread(ballast.give_up):
            raise StoreFullError(NO_ROOM) from error
        return await _open(url, settings, clock, in_place=in_place, create=create)


async def _open(
    url: URL, settings: StorageSettings, clock: Clock, *, in_place: bool, create: bool
) -> tuple[Engines, Installation]:
    engines = open_engines(url, in_place=in_place)
    try:
        if url.get_backend_name() == "sqlite":
            await asyncio.to_thread(_prepare_file, url, create=create)
        with in_words():
            found = await _revision(engines)
            if not create:
                _require_tables(found, settings.place)
            if engines.shared:
                await make_in_memory(engines.writer)
            else:
                await _bring_up_to_date(found, url, settings, may=create and settings.migrate)
            return engines, await _identify(engines.writer, clock)
    except BaseException:
        await engines.dispose()
        raise


def _require_tables(found: str | None, place: str) -> None:
    if found is None:
        raise NoStoreError(place)


async def _revision(engines: Engines) -> str | None:
    """Read beside whoever is writing: a migration of another process takes its time."""
    async with engines.reader.connect() as connection:
        return await connection.run_sync(revision)


async def _bring_up_to_date(found: str | None, url: URL, settings: StorageSettings, *, may: bool) -> None:
    """Only what listens changes tables: a command that was typed to look something up must not be the upgrade."""
    if is_current(found):
        return
    if not may:
        require_current(found)
    await migrate(url, partial(_back_up, settings))
    if found is not None:
        log.info("storage.migrated", former=found)


def _back_up(settings: StorageSettings, found: str) -> None:
    made = back_up_before_upgrade(settings, found)
    log.info("storage.backed_up", path=str(made.path), bytes=made.size)


def _without(these: list[Buried], those: list[Buried]) -> list[Buried]:
    known = {each.hash for each in those}
    return [each for each in these if each.hash not in known]


def _truncate_log(database: str) -> None:
    connection = sqlite3.connect(database, timeout=1)
    try:
        with suppress(sqlite3.OperationalError):  # somebody is at work: a later checkpoint does it
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _shown(url: URL) -> str:
    return "sqlite:///:memory:" if url.query.get("mode") == "memory" else url.render_as_string(hide_password=True)


def _prepare_file(url: URL, *, create: bool) -> None:
    """Make the file readable by its owner alone: it holds what people said, and who they are.

    Without `create` a file that is not there raises `NoStoreError`: connecting would make it.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StorageError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed, or PostgreSQL")
    if url.query.get("mode") == "memory":
        return
    path = Path(str(url.database))
    if not create and not is_there(path):
        raise NoStoreError(str(path))
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        todo = _MOUNT if error.errno == errno.EROFS else "create its folder and give the daemon's user write access to both"
        raise StorageError(f"{path} cannot be written ({error.strerror}): {todo}") from error


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
