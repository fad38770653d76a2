"""Asks one source, and commits what it said together with its cursor: a crash repeats a poll and never loses a mention."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from monitor.domain.clock import Clock, ManualClock
from monitor.domain.errors import SourceError, TocsinError, Trouble
from monitor.domain.mention import Enriched, Mention
from monitor.domain.source import SourceState
from monitor.pipeline.enrich import Enricher
from monitor.pipeline.second_opinion import SecondOpinion
from monitor.settings import Settings
from monitor.sources import Batch, Rejected, Source
from monitor.sources.base import Attentive
from monitor.sources.budget import Frugal, Spent
from monitor.storage import Store, StoreAwayError
from monitor.telemetry import metrics

log = structlog.get_logger(__name__)

FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=15)
# A server may ask for any patience it likes; past this, a person should look, and the health alert says so.
LONGEST_OBEDIENCE = timedelta(hours=6)
# Mentions that are enriched without letting anybody else work: a page of 500 would hold up the whole daemon.
ENRICHED_AT_ONCE = 125
# Of each source: lists show the same posts at each look, which need not be scored each time.
REMEMBERED = 500
# Sources that nobody has asked before bring all that they have: what so many brought is held in memory at the same time.
FIRST_LOOKS = 16
TOLD = 20  # lines in the log about what was rejected in one poll: a file of rubbish must not fill the disk twice


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
    changed: int = field(default=0, compare=False)  # of the duplicates, so many say something else, or have other figures

    @property
    def settled(self) -> bool:
        """Whether all there was is read. What a source that rests left unread would ring at once, again and again."""
        return not self.more and self.again_after is None


class Intake:
    """Polls sources. One call asks one source once; sources wait for one another only at their first look, when many are new.

    `drive` is the clock of a replay: its mentions are seen when they were written.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        sources: Mapping[str, Source],
        enricher: Enricher,
        second_opinion: SecondOpinion,
        *,
        drive: ManualClock | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._sources = sources
        self._enricher = enricher
        self._second_opinion = second_opinion
        self._drive = drive
        self._stored: dict[str, dict[int, None]] = {}  # by source, hashes of what it brought last and is stored
        self._first_looks = asyncio.Semaphore(FIRST_LOOKS)

    async def poll(self, name: str) -> Polled:
        """Ask one source. Trouble is recorded with a backoff and shown by health; only a store that takes nothing raises."""
        async with self._store.read() as tx:
            state = await tx.sources.get(name)
        if state.stopped:
            return Polled()
        if (rest := await self._rest(state, self._clock.now())) is not None:
            return Polled(again_after=rest)
        async with self._first_looks if state.last_attempt_at is None else nullcontext():
            return await self._ask(name, state)

    async def _ask(self, name: str, state: SourceState) -> Polled:
        now, source = self._clock.now(), self._sources[name]
        if isinstance(source, Frugal):
            source.purse.restore(state.spent or {})
        try:
            with metrics.stage("read"), metrics.poll_seconds.labels(source=name).time():
                async with asyncio.timeout(self._settings.sources[name].timeout.total_seconds()):
                    batch = await source.poll(state.cursor)
            polled = await self._commit(name, batch, now)
        except StoreAwayError as error:
            return self._not_stored(name, error)
        except Exception as error:  # noqa: BLE001 it is logged where it is understood
            return await self._failed(state, _as_source_error(name, error))
        if state.failures:
            log.info("source.recovered", source=name, failures=state.failures)
        return polled

    async def listen(self, name: str, ring: Callable[[], None]) -> None:
        """Call `ring` as soon as a source has something, where its network says so. Who cannot listen is asked regularly."""
        source = self._sources[name]
        if not isinstance(source, Attentive):
            return
        try:
            await source.listen(ring)
        except SourceError as error:
            log.info("source.not_listening", source=name, detail=error.detail)

    async def _rest(self, state: SourceState, now: datetime) -> timedelta | None:
        """How long to leave a source alone; nobody is asked for what cannot be kept."""
        if await self._store.trouble() is not None:
            return FIRST_BACKOFF
        set_back = state.last_attempt_at is not None and now < state.last_attempt_at  # the clock was: the rest would never end
        return state.backoff_until - now if not set_back and state.backoff_until and now < state.backoff_until else None

    def _not_stored(self, name: str, error: StoreAwayError) -> Polled:
        """No fault of the source's: the cursor stays, and what it said will be asked for again."""
        if self._drive is not None:
            raise error
        log.error("source.not_stored", source=name, problem=str(error))
        return Polled(again_after=FIRST_BACKOFF)

    async def _commit(self, name: str, batch: Batch, now: datetime) -> Polled:
        if self._drive is not None and batch.mentions:
            # The clock itself is moved by judging: what falls due before these mentions happens first.
            now = max(now, min(each.written_at for each in batch.mentions))
        latest, about = max(now, self._clock.wall()), self._settings.sources[name].subject
        again = self._again(name, batch)
        news = [each for each in batch.mentions if _hash(each) not in again]
        enriched = await self._enrich(news, latest, about)
        enriched = await self._second_opinion.reconsider(enriched, source=name, at=now)
        async with metrics.stage("store"), self._store.begin(incoming=True) as tx:
            added = await tx.mentions.add(enriched, source=name, seen_at=now)
            await tx.mentions.deleted(batch.deleted, at=now)
            rests = None if batch.rest is None else now + min(batch.rest, LONGEST_OBEDIENCE)
            await tx.sources.succeeded(
                name,
                cursor=batch.cursor,
                watermark=batch.watermark or now,
                at=now,
                rests_until=rests,
                spent=self._spent(name),
                brought=added.first_seen,
            )
            await tx.commit()
        self._remember(name, batch)
        for rejected in batch.rejected[:TOLD]:
            log.warning("mention.rejected", source=name, where=rejected.where, why=rejected.why)
        if len(batch.rejected) > TOLD:
            log.warning("mentions.rejected", source=name, others=len(batch.rejected) - TOLD)
        metrics.polls.labels(source=name, outcome="ok").inc()
        if enriched:
            metrics.source_newest.labels(source=name).set(max(each.mention.written_at for each in enriched).timestamp())
        duplicates = added.duplicates + len(batch.mentions) - len(news)
        metrics.mentions.labels(source=name, outcome="stored").inc(len(added.new))
        metrics.mentions.labels(source=name, outcome="duplicate").inc(duplicates - added.changed)
        metrics.mentions.labels(source=name, outcome="changed").inc(added.changed)
        metrics.mentions.labels(source=name, outcome="rejected").inc(len(batch.rejected))
        metrics.mentions.labels(source=name, outcome="kept_out").inc(added.kept_out)
        counts = len(batch.mentions), len(added.new), duplicates, len(batch.rejected)
        rest = None if rests is None else rests - now
        later = rest if batch.more else None
        return Polled(*counts, more=batch.more and rest is None, reasons=batch.rejected, again_after=later, changed=added.changed)

    def _again(self, name: str, batch: Batch) -> Collection[int]:
        """Hashes of what this source has brought before, to the letter: it is stored, and need not be looked at again.

        What is gone may be shown anew: then everything is looked at.
        """
        if batch.deleted:
            self._stored.pop(name, None)
        return self._stored.get(name, ())

    def _remember(self, name: str, batch: Batch) -> None:
        """What has been stored. A replay does not: its recording holds nothing twice."""
        if self._drive is None and not batch.deleted:
            known = self._stored.pop(name, {}) | dict.fromkeys(filter(None, map(_hash, batch.mentions)))
            self._stored[name] = dict.fromkeys([*known][-REMEMBERED:])

    def _spent(self, name: str) -> Spent | None:
        """What a source has spent of its budgets, if it has any: kept whatever became of the poll."""
        source = self._sources[name]
        return source.purse.spent if isinstance(source, Frugal) else None

    async def _enrich(self, mentions: Sequence[Mention], latest: datetime, about: str | None) -> list[Enriched]:
        """Clean and complete them, a few at a time so that everybody else has their turn: in a replay there is nobody."""
        enriched: list[Enriched] = []
        at_once = ENRICHED_AT_ONCE if self._drive is None else max(len(mentions), 1)
        lots = [mentions[first : first + at_once] for first in range(0, len(mentions), at_once)]
        for first in range(0, len(lots), self._enricher.at_once):
            together = lots[first : first + self._enricher.at_once]
            for lot in await asyncio.gather(*(self._enrich_lot(each, latest, about) for each in together)):
                enriched += lot
            await asyncio.sleep(0)
        return enriched

    async def _enrich_lot(self, mentions: Sequence[Mention], latest: datetime, about: str | None) -> list[Enriched]:
        with metrics.stage("enrich", len(mentions)):
            return await self._enricher.enrich_apart(mentions, latest=latest, about=about)

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
                spent=self._spent(state.source),
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


def _hash(said: Mention) -> int:
    """What a mention says, in a number; 0 for one that a source has put together in a way of its own, which is always news."""
    try:
        return hash(said) or 1
    except TypeError:
        return 0


def _as_source_error(name: str, error: Exception) -> SourceError:
    if isinstance(error, SourceError):
        return error
    if isinstance(error, TimeoutError):
        return SourceError(Trouble.TIMEOUT, "the poll took longer than its `timeout`")
    log.error("source.bug", source=name, exc_info=error)
    return SourceError(Trouble.INTERNAL, str(error) if isinstance(error, TocsinError) else type(error).__name__)


def backoff(failures: int, retry_after: float | None) -> timedelta:
    """How long to leave a source alone after `failures` earlier failures in a row: doubling with jitter, and as told if longer.

    A server that says "at once" (0, a moment that has passed by our clock) and refuses again would be asked in a loop.
    """
    longest: timedelta = min(FIRST_BACKOFF * 2 ** min(failures, 10), LONGEST_BACKOFF)
    ours: timedelta = longest * random.uniform(0.5, 1.0)  # noqa: S311 jitter, not a secret
    told = min(max(0.0, retry_after or 0.0), LONGEST_OBEDIENCE.total_seconds())
    return max(ours, timedelta(seconds=told))
