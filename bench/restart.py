"""How long a daemon with a million mentions in its store takes to work again after it was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from pydantic import SecretStr

from bench import latency
from bench.daemon import running
from bench.figure import Figure
from monitor.domain.mention import Author, Enriched, Mention, Scores
from monitor.storage import StorageSettings, Store
from notifiers import signing

MENTIONS = 1_000_000
AUTHORS = 200_000
BATCH = 500
DAYS = 60  # within the default retention: nothing is forgotten meanwhile
BAR = 5.0


def measure() -> list[Figure]:
    """Fill a store, let a daemon work on it, kill it, and time the next one until it has told of a new mention."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        here = Path(folder)
        seconds = asyncio.run(_fill(here / "tocsin.db"))
        ready, told = asyncio.run(_restart(here))
        size = (here / "tocsin.db").stat().st_size / 2**20
    how = f"{MENTIONS:,} mentions of {AUTHORS:,} authors on SQLite ({size:,.0f} MB, filled in {seconds:.0f} s); killed by SIGKILL"
    return [
        Figure("restart", "from start to the first new alert told", told, "s", BAR, how=how),
        Figure("restart", "  from start to ready", ready, "s"),
    ]


async def _fill(database: Path) -> float:
    """Store mentions that have all been judged. Returns seconds."""
    began, store = time.perf_counter(), await Store.open(StorageSettings(url=SecretStr(f"sqlite:///{database}")))
    for batch in _batches():
        async with store.begin() as tx:
            await tx.mentions.add(batch, source="hook", seen_at=batch[0].mention.written_at)
            await tx.commit()
    async with store.begin() as tx:
        now = datetime.now(UTC)
        lease = await tx.evaluator.claim("bench", wall=now, lease=timedelta(minutes=1))
        assert lease is not None
        await tx.evaluator.advance("bench", lease.epoch, await tx.mentions.newest_id())
        await tx.evaluator.release("bench", lease.epoch)
        await tx.commit()
    await store.close()
    return time.perf_counter() - began


def _batches() -> Iterator[list[Enriched]]:
    begin = datetime.now(UTC) - timedelta(days=DAYS)
    scores = Scores(language="en", sentiment=0.2, scorer="vader/1")
    for first in range(0, MENTIONS, BATCH):
        at = begin + timedelta(days=DAYS) * first / MENTIONS
        yield [
            Enriched(_mention(number, at), frozenset({"lumora"}), frozenset(), scores) for number in range(first, first + BATCH)
        ]


def _mention(number: int, at: datetime) -> Mention:
    author = f"author{number % AUTHORS}"
    text = f"The Lumora lamp on my desk is the one I like best, and this is the {number}th time that I say so."
    return Mention(network="call", uri=f"https://posts.example/{number}", text=text, written_at=at, author=Author(author, author))


async def _restart(folder: Path) -> tuple[float, float]:
    """Seconds until ready, and until a new mention has rung."""
    secret = signing.new_secret()
    latency.rules(folder)
    async with latency.Receiver() as receiver, aiohttp.ClientSession() as session:
        settings = latency.settings(receiver, secret)
        async with running(folder, settings) as daemon:
            await latency.ring(1, receiver, secret, daemon, session)
            os.kill(daemon.pid, signal.SIGKILL)
        began = time.perf_counter()
        async with running(folder, settings) as daemon:
            await latency.ring(2, receiver, secret, daemon, session)
            return daemon.ready_after, time.perf_counter() - began - latency.PAUSE
