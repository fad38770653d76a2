"""Many rows, or many keys, in one statement: a driver's own batch on SQLite, an array for each column on PostgreSQL.

SQLAlchemy's handling of parameters costs several times what SQLite itself needs for a mention
(docs/decisions/0006-storage.md). The statements are Core's all the same, and so are the conversions of types.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Executable,
    String,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    exists,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, Insert
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.types import TypeEngine

from monitor.storage.engine import to_json
from monitor.storage.session import Session, insert_into
from monitor.storage.tables import Labels, UtcDateTime

Row = Sequence[Any]
Processor = tuple[int, Callable[[Any], Any]]  # the place in the row, and what the driver wants instead


class Bulk:
    """An INSERT of rows in the order of `names`, which is the table's. `conflict` adds ON CONFLICT, with no bound values."""

    def __init__(
        self, table: Table, names: Sequence[str], conflict: Callable[[Insert], Insert], *, tells: Sequence[Column[Any]] = ()
    ) -> None:
        self._table = table
        self._names = names
        self._conflict = conflict
        self._tells = tells
        self._prepared: tuple[str, list[Processor]] | None = None  # for SQLite
        self._statement: Executable | None = None  # for PostgreSQL

    async def insert(self, session: Session, rows: Sequence[Row]) -> Sequence[Row]:
        """Insert them all. Returns the columns that PostgreSQL `tells` of each row it wrote; SQLite's batch tells nothing.

        Raises `StorageError`, or `ValueError` for a time without a zone.
        """
        if not rows:
            return ()
        if not session.postgresql:
            await session.run_driver(*self._for_driver(session.dialect, rows))
            return ()
        self._statement = self._statement if self._statement is not None else self._from_arrays()
        written = await session.run(self._statement, self._arrays(rows))
        return written.all() if self._tells else ()

    def _for_driver(self, dialect: Dialect, rows: Sequence[Row]) -> tuple[str, list[tuple[Any, ...]]]:
        text, processors = self._prepared = self._prepared or self._prepare(dialect)
        ready = [list(row) for row in rows]
        for place, process in processors:
            last = made = None
            for row in ready:
                # Much is the very same object in row after row (when it was seen, no hashtags): convert it once.
                if row[place] is not last:
                    last = row[place]
                    made = None if last is None else process(last)
                row[place] = made
        return text, [tuple(row) for row in ready]

    def _prepare(self, dialect: Dialect) -> tuple[str, list[Processor]]:
        statement = self._conflict(insert_into(self._table, postgresql=False))
        compiled = statement.compile(dialect=dialect, column_keys=list(self._names))
        assert isinstance(compiled, SQLiteCompiler)
        assert compiled.positiontup == list(self._names), "name every column that has a default, in the table's order"
        processors = [_processor(self._table.c[name].type, dialect) for name in self._names]
        return str(compiled), [(place, process) for place, process in enumerate(processors) if process is not None]

    def _from_arrays(self) -> Executable:
        columns = [self._table.c[name] for name in self._names]
        arrays = [bindparam(each.name, type_=ARRAY(_plain(each.type), dimensions=1)) for each in columns]
        rows = func.unnest(*arrays).table_valued(*self._names, name="given").render_derived()
        found = [cast(rows.c[each.name], each.type) if isinstance(each.type, Labels) else rows.c[each.name] for each in columns]
        insert = insert_into(self._table, postgresql=True)
        statement = self._conflict(insert.from_select(list(self._names), select(*found), include_defaults=False))
        return statement.returning(*self._tells) if self._tells else statement

    def _arrays(self, rows: Sequence[Row]) -> dict[str, list[Any]]:
        given = zip(self._names, zip(*rows, strict=True), strict=True)
        return {name: _ready(self._table.c[name].type, values) for name, values in given}


class BulkUpdate:
    """An UPDATE whose bound values, of plain types, are given by `names` in the order of the statement, for each row anew."""

    def __init__(self, statement: Update, names: Sequence[str]) -> None:
        self._statement = statement
        self._names = names
        self._text: str | None = None  # for SQLite

    async def run(self, session: Session, rows: list[tuple[Any, ...]]) -> None:
        """Change them all; a row that is gone stays so."""
        if not rows:
            return
        if session.postgresql:
            await session.run(self._statement, [dict(zip(self._names, row, strict=True)) for row in rows])
            return
        self._text = self._text or self._for_driver(session.dialect)
        await session.run_driver(self._text, rows)

    def _for_driver(self, dialect: Dialect) -> str:
        compiled = self._statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLiteCompiler)
        assert compiled.positiontup == list(self._names), "name every bound value, in the order of the statement"
        return str(compiled)


_FEW = 5  # names of a list that is remembered: thousands of long ones would fill the memory


@lru_cache(maxsize=10_000)
def _list_of(names: tuple[str, ...]) -> str:
    """The same few sets of names come again and again."""
    return to_json(names)


def _labels(names: Collection[str]) -> str:
    return _list_of(tuple(names)) if len(names) <= _FEW else to_json(tuple(names))


def _processor(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    return _labels if isinstance(kind, Labels) else kind.dialect_impl(dialect).bind_processor(dialect)


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type of which the driver writes an array in binary."""
    if isinstance(kind, UtcDateTime):
        return DateTime(timezone=True)
    return Text() if isinstance(kind, String | Labels) else kind


def _ready(kind: TypeEngine[Any], values: Sequence[Any]) -> list[Any]:
    """A column's values as the driver wants them. Raises `ValueError` for a time without a zone."""
    if isinstance(kind, Labels):
        return list(map(_labels, values))
    if isinstance(kind, UtcDateTime):
        for value in values:
            if value is not None and value.tzinfo is None:
                raise ValueError(f"a time without a zone reached the store: {value!r}")
    return list(values)


def among(column: ColumnElement[str], values: Collection[str], *, postgresql: bool) -> ColumnElement[bool]:
    """`column IN values` with one parameter however many values: SQLAlchemy would name each, and take longer than the query."""
    document = bindparam(None, json.dumps(list(values)), type_=Text)
    if postgresql:
        given = func.jsonb_array_elements_text(cast(document, JSONB)).column_valued("given")
        return column.in_(select(given))
    each = func.json_each(document).table_valued("value", name="given")
    return column.in_(select(each.c.value))


def holds(labels: Column[Any], label: str, *, postgresql: bool) -> ColumnElement[bool]:
    """Whether a list of labels has this one: asked of the database, so that a limit counts only those that do."""
    if postgresql:
        return cast(labels, JSONB).contains([label])
    each = func.json_each(labels).table_valued("value", name="label")
    return exists().where(each.c.value == label)
