"""Reads a backup to its last row: only what was read back whole is called a backup."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from monitor.domain.errors import InputError
from monitor.storage import postgresql_programs as programs
from monitor.storage.session import explain
from monitor.storage.tables import metadata

Kind = Literal["sqlite", "postgresql"]
_BEGINNINGS: Mapping[bytes, Kind] = {b"SQLite format 3\x00": "sqlite", b"PGDMP": "postgresql"}
_VERSION = "alembic_version"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds: `revision` is the version of its tables, `rows` their numbers by table."""

    revision: str
    rows: Mapping[str, int]


def kind(path: Path) -> Kind:
    """Of which database a file is a backup. Raises `InputError` for anything else."""
    try:
        with path.open("rb") as file:
            beginning = file.read(16)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    for mark, found in _BEGINNINGS.items():
        if beginning.startswith(mark):
            return found
    raise InputError(f"{path} is no backup that tocsin made")


def read(path: Path) -> Contents:
    """Read a backup from beginning to end. Raises `InputError` when it is damaged, or none of ours."""
    revision, rows = _read_sqlite(path) if kind(path) == "sqlite" else _read_dump(path)
    if revision is None:
        raise InputError(f"{path} holds no store of tocsin")
    return Contents(revision, rows)


@contextmanager
def sqlite(path: Path, mode: str, *pragmas: str) -> Iterator[sqlite3.Connection]:
    """A connection of our own to an SQLite file, in autocommit. Raises `StorageError` in words."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, timeout=10)) as opened:
            for pragma in pragmas:
                opened.execute(f"PRAGMA {pragma}")
            yield opened
    except sqlite3.Error as error:
        raise explain(error) from None


def touch(connection: sqlite3.Connection) -> None:
    """Read its first pages, and its log: only then it is open, or is known to be none."""
    connection.execute("SELECT count(*) FROM sqlite_master")


def _read_sqlite(path: Path) -> tuple[str | None, Mapping[str, int]]:
    # `immutable`: it is finished, nobody writes it, and nothing is to be left beside it.
    with sqlite(path, "mode=ro&immutable=1") as backup:
        (found,) = backup.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise InputError(f"{path} is damaged: {found}")
        there = {name for (name,) in backup.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if _VERSION not in there:
            return None, {}
        (revision,) = backup.execute(f"SELECT version_num FROM {_VERSION}").fetchone() or (None,)  # noqa: S608 our own name
        counts = {
            table: backup.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608 our own names
            for table in sorted(there & set(metadata.tables))
        }
    return revision, counts


def _read_dump(path: Path) -> tuple[str | None, Mapping[str, int]]:
    with programs.script_of(path, "--data-only") as lines:
        return counted(lines)


def counted(lines: Iterable[bytes]) -> tuple[str | None, Mapping[str, int]]:
    """The version and the numbers of rows in the SQL that `pg_restore` writes."""
    table, revision, rows = "", None, dict[str, int]()
    for line in lines:
        if table and line != b"\\.\n":
            rows[table] += 1
            revision = line.decode().strip() if table == _VERSION else revision
        elif table:
            table = ""
        elif line.startswith(b"COPY "):
            table = line.split()[1].decode().rpartition(".")[2].strip('"')
            rows[table] = 0
    return revision, {name: count for name, count in sorted(rows.items()) if name in metadata.tables}
