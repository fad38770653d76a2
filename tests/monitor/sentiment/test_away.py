"""Texts are scored in worker processes as they would be here, in their order; a worker that dies loses none."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from monitor.sentiment import Scorer, SentimentSettings
from monitor.sentiment.away import LIGHT, Away, workshop
from monitor.workshop.pool import Workshop

SETTINGS = SentimentSettings(lexicon={"panne": -2.5, "en": {"brick*": -3}}, max_chars=1_000)
POSTS: list[tuple[str, str | None]] = [
    (f"{number}: {words}", claim)
    for number, (words, claim) in enumerate(
        [
            ("I love my new phone, it is great", None),
            ("Encore en panne, je suis très déçu", "fr"),
            ("it bricked itself, awful", "en"),
            ("", None),
            ("😡😡😡", "und"),
            ("half a \ud83d surrogate \udc80 and a \x00", "x\ud800"),
            ("never good " * 500, "en"),
        ]
        * 40
    )
]


@pytest.fixture
async def workers() -> AsyncIterator[Workshop]:
    """One worker, not started yet."""
    made = workshop(SETTINGS)
    assert made is not None
    async with made:
        yield made


async def test_texts_are_scored_as_they_would_be_here(workers: Workshop) -> None:
    """With the same settings, in the same order, whatever is in them."""
    assert await Away(SETTINGS, workers).score_all(POSTS) == Scorer(SETTINGS).score_all(POSTS)


@pytest.mark.fault("crash", "the process that scores posts is killed")
async def test_a_worker_that_is_killed_loses_nothing(workers: Workshop) -> None:
    """Its posts are scored by another worker, which gives the same answer."""
    away = Away(SETTINGS, workers)
    await away.score_all(POSTS[:1])
    (resting,) = workers._resting
    scoring = asyncio.create_task(away.score_all(POSTS * 3))
    await asyncio.sleep(0)
    assert not workers._resting
    os.kill(resting._process.pid, signal.SIGKILL)
    assert await scoring == Scorer(SETTINGS).score_all(POSTS * 3)


def test_no_worker_is_started_before_there_is_work() -> None:
    """And none is thought of where the daemon is to score all by itself."""
    made = workshop(SETTINGS)
    assert made is not None
    assert not made._resting
    assert workshop(SentimentSettings(workers=0)) is None


def test_what_is_light_need_not_travel() -> None:
    """A few posts are scored before a worker would have started; of a long text only its beginning counts."""
    away = Away(SETTINGS, Workshop())
    assert not away.worth_it([])
    assert not away.worth_it([("x" * 1_000_000, None)])
    assert not away.worth_it([("x" * (LIGHT // 10), None)] * 10)
    assert away.worth_it([("x" * (LIGHT // 10), None)] * 11)
