"""Puts a backup where the store is: all of it or nothing, never a mixture of both, and while nobody is at work on it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.domain.errors import InputError, StorageError
from monitor.storage import contents
from monitor.storage import postgresql_programs as programs
from monitor.storage.backup import beside, copy_sqlite, new_file
from monitor.storage.contents import Contents
from monitor.storage.engine import is_there
from monitor.storage.migrate import refuse_newer
from monitor.storage.settings import StorageSettings

# What other systems and people know by number. Numbers given after the backup are never given again: a receiver that has
# seen message 12 would throw away another message 12, and in people's mails alert 12 is what it was.
_KNOWN_OUTSIDE = ("incident", "alert", "notification", "plan_run", "silence", "legal_hold")
_GAP = 1_000_000

# The bytes on which SQLite's connections keep their locks: whoever holds them all is alone (sqlite.org/lockingv3.html).
_LOCKS_AT = 0x40000000
_LOCKS = 512
_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in the store now, and where the one before went, if there was one."""

    holds: Contents
    aside: Path | None


def restore(storage: StorageSettings, file: Path, at: datetime) -> Restored:
    """Put the backup `file` in the place of the store. Whatever fails, the store is as it was.

    Raises `InputError` for a file that cannot be used, `StorageError` while a daemon runs, `CannotCreateError`.
    """
    url = storage.parsed()
    if (found := contents.kind(file)) != url.get_backend_name():
        raise InputError(f"{file} is a backup of {found}, and `storage.url` names {url.get_backend_name()}")
    if found == "sqlite":
        return _restore_file(Path(str(url.database)).resolve(), file, beside(storage, "before-restore", at))
    holds = _accepted(file, file)
    programs.restore(url, file, first=_REFUSE_TABLES, last=_SKIP_NUMBERS)
    return Restored(holds, None)


def _accepted(copy: Path, file: Path) -> Contents:
    holds = contents.read(copy)
    try:
        refuse_newer(holds.revision)
    except StorageError as error:
        raise InputError(f"{file}: {error}") from None
    return holds


def _restore_file(store: Path, file: Path, aside: Path) -> Restored:
    there = is_there(store)
    if there and file.samefile(store):
        raise InputError(f"{file} is the store itself")
    if there:
        _fold(store)
    with _alone(store) if there else nullcontext(), new_file(store, replace=True) as partial:
        _copy(file, partial)
        holds = _accepted(partial, file)
        _skip_numbers(partial)
        return Restored(holds, _move_aside(store, aside))


def _copy(file: Path, to: Path) -> None:
    try:
        copy_sqlite(file, to, mode="ro")
    except StorageError as error:
        raise InputError(f"{file} cannot be restored: {error}") from None


def _fold(store: Path) -> None:
    """Let SQLite put its write-ahead log into the file: the last connection that closes does. A damaged one stays as it is."""
    with suppress(StorageError), contents.sqlite(store, "mode=rw") as connection:
        contents.touch(connection)


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """Nobody has the store open, and nobody can open it, whatever is in it. Raises `StorageError`."""
    handle = _opened(store)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKS, _LOCKS_AT)
        yield
    except BlockingIOError:
        raise StorageError(
            f"{store} is in use: stop the daemon first (systemctl stop tocsin), and let other commands end"
        ) from None
    finally:
        os.close(handle)


def _opened(store: Path) -> int:
    try:
        return os.open(store, os.O_RDWR)
    except OSError as error:
        raise StorageError(f"{store} cannot be opened: {error.strerror}; use the account that the daemon runs as") from None


def _move_aside(store: Path, aside: Path) -> Path | None:
    """Give the store a second name, so that its own names a whole store at every moment.

    A log that could not be put into the store goes with it: SQLite would put it into the backup.
    """
    there = store.exists()
    if there:
        aside.hardlink_to(store)
    for ending in _BESIDE:
        log = store.with_name(store.name + ending)
        if log.exists():
            log.rename(aside.with_name(aside.name + ending))
    return aside if there else None


def _skip_numbers(store: Path) -> None:
    names = ", ".join(f"('{name}')" for name in _KNOWN_OUTSIDE)
    with contents.sqlite(store, "mode=rw", "journal_mode = MEMORY") as connection:
        connection.execute(
            f"WITH known(name) AS (VALUES {names}) INSERT INTO sqlite_sequence (name, seq)"  # noqa: S608 our own names
            " SELECT name, 0 FROM known WHERE name NOT IN (SELECT name FROM sqlite_sequence)"
        )
        connection.execute(f"UPDATE sqlite_sequence SET seq = seq + {_GAP} WHERE name IN {_KNOWN_OUTSIDE}")  # noqa: S608 likewise


_REFUSE_TABLES = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')) THEN
        RAISE EXCEPTION 'the database is not empty';
    END IF;
END $$;
"""
_SKIP_NUMBERS = f"""
SELECT pg_catalog.setval(counter, pg_catalog.nextval(counter) + {_GAP}) FROM (
    SELECT pg_catalog.pg_get_serial_sequence(c.oid::pg_catalog.regclass::text, 'id')::pg_catalog.regclass AS counter
    FROM pg_catalog.pg_class c WHERE c.relkind = 'r' AND c.relname IN {_KNOWN_OUTSIDE}
) AS counters;
"""  # noqa: S608 our own names
