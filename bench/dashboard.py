"""How long each figure of the dashboard takes with a million mentions stored: `python -m bench --only dashboard`."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from bench.figure import Figure
from bench.intake import postgresql, sqlite
from monitor.domain.mention import Author, Engagement, Enriched, Mention, Scores
from monitor.figures.answers import speeds
from monitor.figures.course import course
from monitor.figures.engagement import own_posts, top_authors, top_posts
from monitor.figures.span import Span
from monitor.figures.terms import terms
from monitor.figures.voice import share_of_voice
from monitor.figures.week import week
from monitor.storage import Store

MENTIONS = int(os.environ.get("TOCSIN_BENCH_MENTIONS", "1000000"))
AT_ONCE = 2_000
RUNS = 15
BAR = 200.0  # milliseconds
NOW = datetime(2026, 3, 30, 20, tzinfo=UTC)
DAYS = 365
SUBJECTS, TOPICS = ("lumora", "globex", "initech", "kettle"), ("price", "delivery", "taste", "service", "app", "safety")
NETWORKS = ("mastodon", "bluesky", "x", "reddit", "youtube", "reviews")
_WORDS = ("kettle", "broken", "price", "late", "fine", "love", "hate", "battery", "update", "refund", "never", "always", "today")
_YEAR, _MONTH, _WEEKS = (Span.last(days, NOW, "Europe/Paris") for days in (DAYS, 30, 84))

Asked = Callable[[Store], Awaitable[Any]]


def measure() -> list[Figure]:
    """A year of mentions on each database, and the slow end of each question."""
    found: list[Figure] = []
    for name, fresh in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        try:
            found += asyncio.run(_measured(name, fresh))
        except (OSError, asyncpg.PostgresError) as error:
            print(f"no {name} to measure: {error}", file=sys.stderr)
    return found


async def _measured(name: str, fresh: Callable[[], Any]) -> list[Figure]:
    async with fresh() as store:
        began = time.perf_counter()
        await _filled(store)
        how = (
            f"{MENTIONS:,} mentions of {DAYS} days, taken in at {MENTIONS / (time.perf_counter() - began):,.0f}/s; p95 of {RUNS}"
        )
        return [
            Figure("dashboard", f"{what}, {name}", await _slow(store, asked), "ms", BAR, how=how)
            for what, asked in _QUESTIONS.items()
        ]


async def _slow(store: Store, asked: Asked) -> float:
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        await asked(store)
        times.append(1000 * (time.perf_counter() - began))
    return sorted(times)[round(0.95 * (RUNS - 1))]


async def _filled(store: Store) -> None:
    """In the order of time, as sources bring them; one in a hundred is ours, and answers one of the others."""
    chance = random.Random(8)
    lot: list[Enriched] = []
    for number in range(MENTIONS):
        lot.append(_said(number, chance))
        if len(lot) == AT_ONCE or number == MENTIONS - 1:
            await _taken_in(store, lot)
            lot = []


async def _taken_in(store: Store, lot: list[Enriched]) -> None:
    seen_at = lot[-1].mention.written_at
    async with store.begin() as tx:
        new = (await tx.mentions.add(lot, source="bench", seen_at=seen_at)).new
        for number, item in zip(new, lot, strict=True):
            if item.mention.parent is not None:
                await tx.mentions.answer(number)
        await tx.commit()


def _said(number: int, chance: random.Random) -> Enriched:
    network = chance.choice(NETWORKS)
    ours = number % 100 == 99
    before = number - chance.randrange(1, 90)
    who = Author("us", handle="@us", own=True) if ours else Author(str(int(chance.paretovariate(0.6)) % 200_000), reach=300)
    said = Mention(
        network="mastodon" if ours else network,
        uri=f"https://social.example/{number}",
        text=" ".join(chance.choices(_WORDS, k=20)),
        written_at=NOW - timedelta(days=DAYS) + timedelta(days=DAYS) * number / MENTIONS,
        author=who,
        parent=f"https://social.example/{before}" if ours else None,
        engagement=Engagement(likes=int(chance.paretovariate(0.9)) - 1, shares=0),
    )
    topics = frozenset(chance.sample(TOPICS, chance.choice((0, 0, 1, 2))))
    subjects = frozenset(chance.choices(SUBJECTS, weights=(6, 3, 2, 1), k=1))
    scores = Scores(language="en", sentiment=chance.uniform(-1, 1), complaint=chance.random(), topics=topics, scorer="bench/1")
    return Enriched(said, subjects, frozenset(), scores)


def _reading(ask: Callable[[Any], Awaitable[Any]]) -> Asked:
    async def asked(store: Store) -> None:
        async with store.read() as tx:
            await ask(tx)

    return asked


_QUESTIONS: Mapping[str, Asked] = {
    "a year by subject": _reading(lambda tx: course(tx, _YEAR, "subject", subjects=SUBJECTS)),
    "a year by network": _reading(lambda tx: course(tx, _YEAR, "network")),
    "a year by topic": _reading(lambda tx: course(tx, _YEAR, "topic", subjects=SUBJECTS[:1], topics=TOPICS)),
    "a year's share of voice": _reading(lambda tx: share_of_voice(tx, _YEAR, SUBJECTS)),
    "hours of the week, of 12 weeks": _reading(lambda tx: week(tx, _WEEKS)),
    "a year's times to answer": _reading(lambda tx: speeds(tx, _YEAR)),
    "a month's top posts": _reading(lambda tx: top_posts(tx, _MONTH, SUBJECTS[0])),
    "a month's top authors": _reading(lambda tx: top_authors(tx, _MONTH, SUBJECTS[0])),
    "a month's own posts": _reading(lambda tx: own_posts(tx, _MONTH)),
    "emerging terms": lambda store: terms(store, SUBJECTS[0], NOW - timedelta(days=1), NOW),
}
