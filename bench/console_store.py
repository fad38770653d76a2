"""How long the shared inbox of a store with a million mentions takes to read: `python -m bench --only console_store`."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
from pydantic import SecretStr

from bench.figure import Figure
from monitor.domain.feed import FeedFilters, Page, Tone
from monitor.domain.handling import HandlingState
from monitor.domain.mention import Form
from monitor.storage import StorageSettings, Store, UnitOfWork

MENTIONS = 1_000_000
AUTHORS = 200_000
TIMES = 10  # a tenth is made up, and said again and again by the same people: the database copies faster than we write
ROUNDS = 30
_PAGE_MS, _SEARCH_MS = 200, 300
_BATCH = 20_000
_BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
_EVERY = timedelta(seconds=30)  # a mention: the million is most of a year
_COMMON = (
    *("le", "la", "de", "panne", "réseau", "facture", "merci", "service", "client"),
    *("attente", "colis", "remboursement", "internet", "forfait"),
)
_COLUMNS = [
    *("id", "network", "key", "uri", "source", "form", "title", "text", "language", "written_at", "seen_at", "author_id"),
    *("subjects", "hashtags", "topics", "intents", "sentiment", "sensitive", "scorer", "reach"),
]

Ask = Callable[[UnitOfWork, random.Random], Awaitable[object]]
Row = tuple[object, ...]


def measure(mentions: int = MENTIONS) -> list[Figure]:
    """Both databases, one after the other."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        figures = asyncio.run(_sqlite(Path(folder) / "tocsin.db", mentions))
    return figures + asyncio.run(_postgresql(mentions))


async def _sqlite(path: Path, mentions: int) -> list[Figure]:
    settings = StorageSettings(url=SecretStr(f"sqlite:///{path}"))
    await (await Store.open(settings)).close()
    began = time.perf_counter()
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("PRAGMA synchronous = OFF")
        store.execute("PRAGMA cache_size = -200000")
        for table, columns, rows in _everything(mentions, ready=_plain):
            marks = ", ".join("?" * len(columns))
            for _ in range(mentions):
                batch = list(islice(rows, _BATCH))
                if not batch:
                    break
                store.execute("BEGIN")
                store.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", batch)
                store.execute("COMMIT")
        for statement in _repeated(mentions, "strftime('%Y-%m-%d %H:%M:%S.000000', {at}, '+{seconds} seconds')"):
            store.execute(statement)
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return await _asked("SQLite", settings, mentions, time.perf_counter() - began)


async def _postgresql(mentions: int) -> list[Figure]:
    server = os.environ.get("TOCSIN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
    name = f"tocsin_bench_{uuid4().hex[:12]}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        url = urlsplit(server)._replace(path=f"/{name}").geturl()
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            settings = StorageSettings(url=SecretStr(url)).beginning_at(Path(folder))
            await (await Store.open(settings)).close()
            seconds = await _copied(url, mentions)
            return await _asked("PostgreSQL", settings, mentions, seconds)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def _copied(url: str, mentions: int) -> float:
    """Fill the tables, with the index of words made at the end, as a restore does."""
    began = time.perf_counter()
    to = await asyncpg.connect(url)
    index = await to.fetchval("SELECT pg_get_indexdef('ix_mention_words'::regclass)")
    await to.execute("DROP INDEX ix_mention_words")
    # A copy is binary: JSONB is its version, and the text.
    encode = lambda document: b"\x01" + document.encode()  # noqa: E731
    await to.set_type_codec("jsonb", schema="pg_catalog", encoder=encode, decoder=bytes.decode, format="binary")
    for table, columns, rows in _everything(mentions, ready=lambda value: value):
        for _ in range(mentions):
            batch = list(islice(rows, _BATCH))
            if not batch:
                break
            await to.copy_records_to_table(table, records=batch, columns=columns)
    for statement in _repeated(mentions, "{at} + interval '{seconds} seconds'"):
        await to.execute(statement)
    await to.execute(index)
    await to.execute("VACUUM ANALYZE")
    await to.close()
    return time.perf_counter() - began


def _repeated(mentions: int, later: str) -> Iterator[str]:
    """Statements that copy the first tenth behind itself; `later` moves the time {at} by so many {seconds}."""
    tenth = mentions // TIMES
    for times in range(1, TIMES):
        more, seconds = times * tenth, int(times * tenth * _EVERY.total_seconds())
        moved = {"id": f"id + {more}", "key": f"key || '/{times}'", "uri": f"uri || '/{times}'"}
        moved |= {at: later.format(at=at, seconds=seconds) for at in ("written_at", "seen_at")}
        values = ", ".join(moved.get(name, name) for name in _COLUMNS)
        yield f"INSERT INTO mention ({', '.join(_COLUMNS)}) SELECT {values} FROM mention WHERE id <= {tenth}"
        columns = "state, assignee, version, at, by"
        yield (
            f"INSERT INTO mention_handling (mention_id, {columns})"
            f" SELECT mention_id + {more}, {columns} FROM mention_handling WHERE mention_id <= {tenth}"
        )


def _plain(value: object) -> object:
    """As the store keeps it on SQLite."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value


def _everything(mentions: int, ready: Callable[[object], object]) -> Iterator[tuple[str, list[str], Iterator[Row]]]:
    people = ["id", "network", "external_id", "handle", "name", "reach", "own", "first_seen_at", "last_seen_at"]
    handled = ["mention_id", "state", "assignee", "version", "at", "by"]
    for table, columns, rows in (
        ("author", people, _authors()),
        ("mention", _COLUMNS, _mentions(mentions // TIMES)),
        ("mention_handling", handled, _handled(mentions // TIMES)),
    ):
        yield table, columns, (tuple(map(ready, row)) for row in rows)


def _reaches() -> list[int | None]:
    """Of the authors, from number 1."""
    chance = random.Random(1)
    return [int(10 ** chance.gauss(2.5, 1)) if number % 10 else None for number in range(1, AUTHORS + 1)]


def _authors() -> Iterator[Row]:
    for number, reach in enumerate(_reaches(), 1):
        yield number, "mastodon", f"id{number}", f"@p{number}", f"Person {number}", reach, False, _BEGAN, _BEGAN


def _mentions(mentions: int) -> Iterator[Row]:
    chance, reaches = random.Random(2), _reaches()
    words = [f"mot{number}" for number in range(30_000)]
    weights = [1 / (number + 10) for number in range(30_000)]
    texts = [" ".join((*chance.sample(_COMMON, 4), *chance.choices(words, weights, k=14))) for _ in range(20_000)]
    for number in range(1, mentions + 1):
        network = chance.choices(("mastodon", "bluesky", "x", "appstore"), (60, 30, 9.99, 0.01))[0]
        at = _BEGAN + number * _EVERY
        # Some say a great deal: the square makes number 1 the author of thousands.
        author = int(chance.random() ** 3 * AUTHORS) + 1
        sentiment = chance.uniform(-1, 1) if number % 20 else None
        said = f"{chance.choice(texts)} rare{number}"
        intent = chance.choices((["complaint"], ["question"], [], ["danger"]), (30, 20, 49.99, 0.01))[0]
        subject = ["acme"] if number % 50 else ["acme", "rival"]
        yield (
            *(number, network, f"https://x.example/{number}", f"https://x.example/{number}", "net"),
            *("review" if number % 200 == 0 else "post", "", said, "fr" if number % 3 else "en", at, at, author),
            *(json.dumps(subject), "[]", json.dumps(["billing"] if number % 7 == 0 else []), json.dumps(intent)),
            *(sentiment, number % 100 == 0, "bench/1", reaches[author - 1]),
        )


def _handled(mentions: int) -> Iterator[Row]:
    """A third was handled: most was closed, and some is still somebody's."""
    chance = random.Random(3)
    for number in range(1, mentions, 3):
        state = chance.choices(("answered", "closed", "not_about_us", "assigned"), (40, 50, 9, 1))[0]
        yield number, state, chance.choice(("support", "sales", "press", "ana")), 1, _BEGAN, "ana"


def _pages(filters: FeedFilters, *, deep: bool = False) -> Ask:
    async def ask(tx: UnitOfWork, chance: random.Random) -> Page:
        return await tx.feed.page(filters, before=chance.randrange(2, MENTIONS) if deep else None)

    return ask


def _rare(prefix: str) -> Ask:
    return lambda tx, chance: tx.feed.page(FeedFilters(words=f"{prefix}{chance.randrange(1, 10_000)}"))


_ASKS: tuple[tuple[str, float, Ask], ...] = (
    ("first page", _PAGE_MS, _pages(FeedFilters())),
    ("a page far down", _PAGE_MS, _pages(FeedFilters(), deep=True)),
    ("of a subject", _PAGE_MS, _pages(FeedFilters(subjects=("acme",)), deep=True)),
    ("of a subject that few speak of", _PAGE_MS, _pages(FeedFilters(subjects=("rival",)), deep=True)),
    ("of a subject that nobody speaks of", _PAGE_MS, _pages(FeedFilters(subjects=("nothing",)))),
    ("of a network", _PAGE_MS, _pages(FeedFilters(networks=("mastodon",)), deep=True)),
    ("of a network with a hundred mentions", _PAGE_MS, _pages(FeedFilters(networks=("appstore",)))),
    ("in a language", _PAGE_MS, _pages(FeedFilters(languages=("en",)), deep=True)),
    ("negative", _PAGE_MS, _pages(FeedFilters(tones=(Tone.NEGATIVE,)), deep=True)),
    ("sentiment below −0.999", _PAGE_MS, _pages(FeedFilters(sentiment_to=-0.999))),
    ("with a rare intent", _PAGE_MS, _pages(FeedFilters(intents=("danger",)))),
    ("on a topic", _PAGE_MS, _pages(FeedFilters(topics=("billing",)), deep=True)),
    ("reviews", _PAGE_MS, _pages(FeedFilters(forms=(Form.REVIEW,)), deep=True)),
    ("by people with 1,000 followers or more", _PAGE_MS, _pages(FeedFilters(reach=1000), deep=True)),
    ("by people with 10,000,000 followers or more", _PAGE_MS, _pages(FeedFilters(reach=10_000_000))),
    ("new", _PAGE_MS, _pages(FeedFilters(states=(HandlingState.NEW,)), deep=True)),
    ("answered", _PAGE_MS, _pages(FeedFilters(states=(HandlingState.ANSWERED,)), deep=True)),
    ("assigned to somebody", _PAGE_MS, _pages(FeedFilters(states=(HandlingState.ASSIGNED,), assignees=("ana",)))),
    ("of one source", _PAGE_MS, _pages(FeedFilters(sources=("net",)), deep=True)),
    (
        "of a week half a year ago",
        _PAGE_MS,
        _pages(FeedFilters(since=_BEGAN + 90 * timedelta(1), until=_BEGAN + 97 * timedelta(1))),
    ),
    (
        "negative complaints in French about a rival on Mastodon",
        _PAGE_MS,
        _pages(
            FeedFilters(
                subjects=("rival",), networks=("mastodon",), languages=("fr",), intents=("complaint",), tones=(Tone.NEGATIVE,)
            )
        ),
    ),
    ("numbers by state", _PAGE_MS, lambda tx, _: tx.handling.counts()),
    ("numbers by state, negative ones", _PAGE_MS, lambda tx, _: tx.feed.counts(FeedFilters(tones=(Tone.NEGATIVE,)))),
    ("numbers by state, a common word", _PAGE_MS, lambda tx, _: tx.feed.counts(FeedFilters(words="panne"))),
    ("history of who said most", _PAGE_MS, lambda tx, _: tx.feed.of_author(1)),
    ("history of anybody", _PAGE_MS, lambda tx, chance: tx.feed.of_author(chance.randrange(1, AUTHORS))),
    ("number of mentions of who said most", _PAGE_MS, lambda tx, _: tx.feed.count_of_author(1)),
    ("search: a rare word", _SEARCH_MS, _rare("rare")),
    ("search: a word that nobody said", _SEARCH_MS, _pages(FeedFilters(words="zzzz"))),
    ("search: a word in a quarter of all", _SEARCH_MS, _pages(FeedFilters(words="reseau"), deep=True)),
    ("search: a word in a hundredth of all", _SEARCH_MS, _pages(FeedFilters(words="mot150"), deep=True)),
    ("search: two common words, less a third", _SEARCH_MS, _pages(FeedFilters(words="panne facture -colis"), deep=True)),
    ("search: a phrase", _SEARCH_MS, _pages(FeedFilters(words='"service client"'))),
    ("search: a common word, about a rival", _SEARCH_MS, _pages(FeedFilters(words="panne", subjects=("rival",)))),
    ("search: all but a common word", _SEARCH_MS, _pages(FeedFilters(words="-panne"))),
)


async def _asked(database: str, settings: StorageSettings, mentions: int, seconds: float) -> list[Figure]:
    """95 in 100 answers come within so many milliseconds."""
    figures = [Figure("console_store", f"{database}: {mentions:,} mentions written in", seconds, "s")]
    store = await Store.open(settings)
    try:
        for what, bar, ask in _ASKS:
            chance, took = random.Random(4), []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                async with store.read() as tx:
                    await ask(tx, chance)
                took.append((time.perf_counter() - began) * 1000)
            how = f"{database}, {mentions:,} mentions, {ROUNDS} times, p95"
            figures.append(Figure("console_store", f"  {what}", quantiles(took, n=20)[18], "ms", bar, how=how))
    finally:
        await store.close()
    return figures
