"""Many rows, or many keys, in one statement: a driver's own batch on SQLite, one JSON document on PostgreSQL.

SQLAlchemy's handling of parameters costs several times what SQLite itself needs for a mention
(docs/decisions/0006-storage.md). The statements are Core's all the same, and so are the conversions of types.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Table, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import JSONB, Insert
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from monitor.storage.engine import to_json
from monitor.storage.session import Session, insert_into

Row = Sequence[Any]
Processor = tuple[int, Callable[[Any], Any]]  # the place in the row, and what the driver wants instead


class Bulk:
    """An INSERT of rows in the order of `names`, which is the table's. `conflict` adds ON CONFLICT, with no bound values."""

    def __init__(self, table: Table, names: Sequence[str], conflict: Callable[[Insert], Insert]) -> None:
        self._table = table
        self._names = names
        self._conflict = conflict
        self._prepared: tuple[str, list[Processor]] | None = None

    async def insert(self, session: Session, rows: Sequence[Row]) -> None:
        """Insert them all. Raises `StorageError`, or `ValueError` for a time without a zone."""
        if not rows:
            return
        if session.postgresql:
            await session.run(self._from_document(), {"rows": self._document(rows)})
        else:
            await session.run_driver(*self._for_driver(session.dialect, rows))

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
        processors = [self._table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in self._names]
        return str(compiled), [(place, process) for place, process in enumerate(processors) if process is not None]

    def _from_document(self) -> Insert:
        columns = [column(name, self._table.c[name].type) for name in self._names]
        document = func.jsonb_to_recordset(cast(bindparam("rows", type_=Text), JSONB))
        rows = document.table_valued(*columns, name="given").render_derived(with_types=True)
        insert = insert_into(self._table, postgresql=True)
        found = select(*(rows.c[name] for name in self._names))
        return self._conflict(insert.from_select(list(self._names), found, include_defaults=False))

    def _document(self, rows: Sequence[Row]) -> str:
        return to_json([dict(zip(self._names, row, strict=True)) for row in rows], default=_zoned)


def _zoned(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    raise ValueError(f"a time without a zone reached the store: {value!r}")


def among(column: ColumnElement[str], values: Collection[str], *, postgresql: bool) -> ColumnElement[bool]:
    """`column IN values` with one parameter however many values: SQLAlchemy would name each, and take longer than the query."""
    document = bindparam(None, json.dumps(list(values)), type_=Text)
    if postgresql:
        given = func.jsonb_array_elements_text(cast(document, JSONB)).column_valued("given")
        return column.in_(select(given))
    each = func.json_each(document).table_valued("value", name="given")
    return column.in_(select(each.c.value))
