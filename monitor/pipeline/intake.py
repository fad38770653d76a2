"""Asks one source, and commits what it said together with its cursor: a crash repeats a poll and never loses a mention."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from monitor.domain.clock import Clock, ManualClock
from monitor.domain.errors import SourceError, TocsinError, Trouble
from monitor.domain.mention import Enriched, Mention
from monitor.domain.source import SourceState
from monitor.pipeline.enrich import Enricher
from monitor.settings import Settings
from monitor.sources import Batch, Rejected, Source
from monitor.storage import Store
from monitor.telemetry import metrics

log = structlog.get_logger(__name__)

FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=15)
# A server may ask for any patience it likes; past this, a person should look, and the health alert says so.
LONGEST_OBEDIENCE = timedelta(hours=6)
# Mentions that are enriched without letting anybody else work: a page of 500 would hold up the whole daemon.
ENRICHED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll came to. `more`: the source has another page waiting. `again_after`: it rests, for so much story time."""

    read: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    more: bool = False
    reasons: Sequence[Rejected] = field(default=(), compare=False)  # why each of the rejected was
    again_after: timedelta | None = None


class Intake:
    """Polls sources. One call asks one source once; sources never wait for one another.

    `drive` is the clock of a replay: its mentions are seen when they were written.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        sources: Mapping[str, Source],
        enricher: Enricher,
        *,
        drive: ManualClock | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._sources = sources
        self._enricher = enricher
        self._drive = drive

    async def poll(self, name: str) -> Polled:
        """Ask one source. Trouble is recorded with a backoff and shown by health; only a store that takes nothing raises."""
        async with self._store.read() as tx:
            state = await tx.sources.get(name)
        now = self._clock.now()
        if state.stopped:
            return Polled()
        if state.backoff_until is not None and now < state.backoff_until:
            return Polled(again_after=state.backoff_until - now)
        try:
            with metrics.stage("read"), metrics.poll_seconds.labels(source=name).time():
                async with asyncio.timeout(self._settings.sources[name].timeout.total_seconds()):
                    batch = await self._sources[name].poll(state.cursor)
            return await self._commit(name, batch, now)
        except SourceError as error:
            return await self._failed(state, error)
        except TimeoutError:
            return await self._failed(state, SourceError(Trouble.TIMEOUT, "the poll took longer than its `timeout`"))
        except Exception as error:
            log.exception("source.bug", source=name)
            said = str(error) if isinstance(error, TocsinError) else type(error).__name__
            return await self._failed(state, SourceError(Trouble.INTERNAL, said))

    async def _commit(self, name: str, batch: Batch, now: datetime) -> Polled:
        if self._drive is not None and batch.mentions:
            # The clock itself is moved by judging: what falls due before these mentions happens first.
            now = max(now, min(each.written_at for each in batch.mentions))
        latest, about = max(now, self._clock.wall()), self._settings.sources[name].subject
        enriched = await self._enrich(batch.mentions, latest, about)
        async with metrics.stage("store"), self._store.begin() as tx:
            added = await tx.mentions.add(enriched, source=name, seen_at=now)
            await tx.sources.succeeded(name, cursor=batch.cursor, watermark=batch.watermark or now, at=now)
            await tx.commit()
        for rejected in batch.rejected:
            log.warning("mention.rejected", source=name, where=rejected.where, why=rejected.why)
        metrics.polls.labels(source=name, outcome="ok").inc()
        metrics.mentions.labels(source=name, outcome="stored").inc(len(added.new))
        metrics.mentions.labels(source=name, outcome="duplicate").inc(added.duplicates)
        metrics.mentions.labels(source=name, outcome="rejected").inc(len(batch.rejected))
        metrics.mentions.labels(source=name, outcome="kept_out").inc(added.kept_out)
        counts = len(batch.mentions), len(added.new), added.duplicates, len(batch.rejected)
        return Polled(*counts, more=batch.more, reasons=batch.rejected)

    async def _enrich(self, mentions: Sequence[Mention], latest: datetime, about: str | None) -> list[Enriched]:
        """Clean and complete them, a few at a time: everybody else has their turn in between."""
        enriched: list[Enriched] = []
        for first in range(0, len(mentions), ENRICHED_AT_ONCE):
            some = mentions[first : first + ENRICHED_AT_ONCE]
            with metrics.stage("enrich", len(some)):
                enriched += self._enricher.enrich_all(some, latest=latest, about=about)
            await asyncio.sleep(0)
        return enriched

    async def _failed(self, state: SourceState, error: SourceError) -> Polled:
        now = self._clock.now()  # the poll may have taken a while: the rest begins when it has failed
        wait = backoff(state.failures, error.retry_after)
        async with self._store.begin() as tx:
            await tx.sources.failed(
                state.source,
                trouble=error.trouble,
                detail=error.detail,
                at=now,
                backoff_until=now + wait,
                stopped=error.permanent,
            )
            await tx.commit()
        metrics.polls.labels(source=state.source, outcome=str(error.trouble)).inc()
        log.warning(
            "source.failed",
            source=state.source,
            trouble=str(error.trouble),
            detail=error.detail,
            retry_in=None if error.permanent else round(wait.total_seconds()),
        )
        return Polled(again_after=None if error.permanent else wait)


def backoff(failures: int, retry_after: float | None) -> timedelta:
    """How long to leave a source alone after `failures` earlier failures in a row: as told, else doubling with jitter."""
    if retry_after is not None:
        return timedelta(seconds=min(max(0.0, retry_after), LONGEST_OBEDIENCE.total_seconds()))
    longest: timedelta = min(FIRST_BACKOFF * 2 ** min(failures, 10), LONGEST_BACKOFF)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 jitter, not a secret
