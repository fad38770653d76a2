"""How fast mentions are stored, on both databases, against the same rows handed to SQLAlchemy Core as they are."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
from pydantic import SecretStr
from sqlalchemy import Table, insert, select

from bench import stream
from bench.figure import Figure
from monitor.domain.mention import Author, Engagement, Enriched, Mention, Scores
from monitor.storage import StorageSettings, Store
from monitor.storage.tables import author, mention, sighting

MENTIONS = 50_000
BATCH = 500
RUNS = 3
RATIO = 0.6
AT_LEAST = {"SQLite": 15_000, "PostgreSQL": 20_000}
SERVER = os.environ.get("TOCSIN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")

Rows = Sequence[dict[str, Any]]
_Database = Callable[[], Any]


def measure() -> list[Figure]:
    """Store the same stream on fresh databases, each way in turn, and take medians."""
    said = [_scored(record) for record in stream.records(MENTIONS)]
    return [figure for name, fresh in (("SQLite", sqlite), ("PostgreSQL", postgresql)) for figure in _figures(name, fresh, said)]


def _scored(record: dict[str, Any]) -> Enriched:
    who = record["author"]
    made = Mention(
        network="social",
        uri=record["url"],
        text=record["text"],
        written_at=datetime.fromisoformat(record["created_at"]),
        author=Author(who["id"], handle=who["handle"], reach=who["followers"]),
        engagement=Engagement(likes=record["likes"]),
    )
    scores = Scores(language=record.get("lang", "en"), sentiment=-0.25, confidence=0.5, complaint=0.0, scorer="bench/1")
    return Enriched(made, frozenset({"lumora"}), frozenset(), scores)


def _figures(name: str, fresh: _Database, said: Sequence[Enriched]) -> list[Figure]:
    try:
        runs = [asyncio.run(_run(fresh, said)) for _ in range(RUNS)]
    except (OSError, asyncpg.PostgresError) as error:
        print(f"no {name} to measure: {error}", file=sys.stderr)
        return []
    rate, core = (median(run[way] for run in runs) for way in (0, 1))
    ratio, per = median(run[0] / run[1] for run in runs), runs[0][2] / MENTIONS
    how = (
        f"{MENTIONS:,} mentions, committed {BATCH} at a time, {per:.1f} rows each; median of {RUNS} runs, in turn with plain Core"
    )
    return [
        Figure("intake", f"rows stored per second, {name}", rate, "/s", AT_LEAST[name], at_least=True, how=how),
        Figure("intake", f"  mentions per second, {name}", rate / per, "/s"),
        Figure("intake", f"  the same rows by plain Core, {name}", core, "/s"),
        Figure("intake", f"  ratio, {name}", ratio, "", RATIO, at_least=True),
    ]


async def _run(fresh: _Database, said: Sequence[Enriched]) -> tuple[float, float, int]:
    """Rows per second by intake and by plain Core, and how many rows it was."""
    async with fresh() as store:
        seconds = await _timed(lambda: _take_in(store, said))
        authors, mentions, sightings = [await _rows(store, table) for table in (author, mention, sighting)]
    pieces = _pieces(authors, mentions, sightings)
    async with fresh() as store:
        plain = await _timed(lambda: _insert(store, pieces))
    number = len(authors) + len(mentions) + len(sightings)
    return number / seconds, number / plain, number


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _take_in(store: Store, said: Sequence[Enriched]) -> None:
    for first in range(0, len(said), BATCH):
        now = datetime.now(UTC)
        async with store.begin(incoming=True) as tx:
            await tx.mentions.add(said[first : first + BATCH], source="net", seen_at=now)
            await tx.sources.succeeded("net", cursor=str(first), watermark=now, at=now)
            await tx.commit()


async def _rows(store: Store, table: Table) -> Rows:
    async with store._engines.reader.connect() as connection:  # noqa: SLF001 the very connections that intake uses
        found = (await connection.execute(select(table).order_by(*table.primary_key))).mappings()
        return [{name: _written(value) for name, value in row.items()} for row in found]


def _written(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def _pieces(authors: Rows, mentions: Rows, sightings: Rows) -> Sequence[tuple[Rows, Rows, Rows]]:
    """The same transactions: each batch of mentions with the authors that are new in it, and its sightings."""
    unknown = {row["id"]: row for row in authors}
    seen = {row["mention_id"]: row for row in sightings}
    pieces = []
    for first in range(0, len(mentions), BATCH):
        some = mentions[first : first + BATCH]
        new = [unknown.pop(id_) for id_ in dict.fromkeys(row["author_id"] for row in some) if id_ in unknown]
        pieces.append((new, some, [seen[row["id"]] for row in some]))
    return pieces


async def _insert(store: Store, pieces: Sequence[tuple[Rows, Rows, Rows]]) -> None:
    """What anybody would write: dictionaries to `insert()`."""
    for piece in pieces:
        async with store._engines.writer.begin() as connection:  # noqa: SLF001 likewise
            for table, rows in zip((author, mention, sighting), piece, strict=True):
                if rows:
                    await connection.execute(insert(table), rows)


@asynccontextmanager
async def sqlite() -> AsyncIterator[Store]:
    """A fresh store in a file."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        async with _opened(f"sqlite:///{Path(folder)}/tocsin.db") as store:
            yield store


@asynccontextmanager
async def postgresql() -> AsyncIterator[Store]:
    """A fresh store on the server."""
    name = f"tocsin_bench_{uuid4().hex[:12]}"
    server = await asyncpg.connect(SERVER, timeout=5)
    try:
        await server.execute(f"CREATE DATABASE {name}")
        async with _opened(urlsplit(SERVER)._replace(path=f"/{name}").geturl()) as store:
            yield store
    finally:
        await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await server.close()


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Store]:
    store = await Store.open(StorageSettings(url=SecretStr(url)))
    try:
        yield store
    finally:
        await store.close()
