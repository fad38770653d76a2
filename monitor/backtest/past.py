"""The past that rules are tried on: a recording that is read and scored, or the store, which is only read.

Either becomes a database of its own that vanishes afterwards, in the order of event time.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from monitor import sources
from monitor.domain.clock import ReplayClock
from monitor.domain.errors import InputError
from monitor.pipeline import flow, leases
from monitor.pipeline.inbox import StoredInbox
from monitor.pipeline.outcome import REASONS
from monitor.replay import BEFORE_ALL
from monitor.settings import Settings
from monitor.sources import Rejected
from monitor.sources.file import File
from monitor.sources.http import HttpClient
from monitor.storage import StorageSettings, Store
from monitor.workshop.pool import Workshop

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how far it is, and how far it goes (None where nobody knows)."""

_AT_ONCE = 2_000
_A_WEEK = 7  # days


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch that is asked about, from `since` to before `until`, and how long before it rules may learn what is usual."""

    since: datetime
    until: datetime
    warm_up: timedelta

    @property
    def weeks(self) -> float:
        """Its length; less than a week counts as one: nobody knows what the rest would have been like."""
        return max((self.until - self.since) / timedelta(weeks=1), 1.0)

    @property
    def is_short(self) -> bool:
        """Whether it is less than a week."""
        return self.until - self.since < timedelta(weeks=1)

    def days(self, lasted: timedelta) -> int:
        """On how many days an alert that lasts so long is heard; every day of the week if it rings for most of less than one."""
        if self.is_short and lasted > (self.until - self.since) / 2:
            return _A_WEEK
        return 1 + lasted // timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Read:
    """What came of reading a recording: how much of it, what was not understood, and why the first of that was not."""

    mentions: int
    rejected: int
    reasons: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """What was said, in the file of a database that holds nothing else: `mentions` in the span, after `before` to learn from."""

    path: Path
    mentions: int
    before: int


def storage(path: Path) -> StorageSettings:
    """A database of our own."""
    return StorageSettings(url=SecretStr(f"sqlite:///{path}"))


async def read_recording(settings: Settings, path: Path, progress: Progress) -> Read:
    """Read the one source of `settings`, score what it says, and store it at `path`. Raises `InputError` where it cannot."""
    read = rejected = 0
    reasons: list[Rejected] = []
    async with AsyncExitStack() as stack:
        store = await Store.open(storage(path), in_place=True)
        stack.push_async_callback(store.close)
        clock = ReplayClock(BEFORE_ALL)
        http = await stack.enter_async_context(HttpClient(settings.http, clock))
        workshop = await stack.enter_async_context(Workshop())
        ((name, each),) = settings.sources.items()
        source = sources.build(name, each, http=http, clock=clock, inbox=StoredInbox(store), workshop=workshop)
        intake = flow.build(settings, store, clock, {name: source}, {}, owner=leases.owner(), drive=clock, dry_run=True).intake
        total = source.total if isinstance(source, File) else None
        more = True
        while more:
            polled = await intake.poll(name)
            read, rejected = read + polled.stored, rejected + polled.rejected
            reasons += polled.reasons[: REASONS - len(reasons)]
            async with store.read() as tx:
                state = await tx.sources.get(name)
            if not polled.more and state.trouble is not None:
                raise InputError(f"{state.detail}")
            progress("reading and scoring", File.position(state.cursor), total)
            more = polled.more or polled.read > 0
    return Read(read, rejected, tuple(reasons))


async def written(store: Store) -> tuple[datetime, datetime] | None:
    """When the first and the last mention of a store were written."""
    async with store.read() as tx:
        return await tx.extracts.written()


async def extracted(store: Store, span: Span, path: Path, progress: Progress) -> Past:
    """Take the span, and what is learnt from before it, out of a store into a database at `path`."""
    mentions = before = 0
    other = await Store.open(storage(path), in_place=True)
    try:
        last = None
        while True:
            async with store.read() as tx:
                page = await tx.extracts.page(span.since - span.warm_up, span.until, last, _AT_ONCE)
                authors = await tx.extracts.authors(page)
            if not page:
                return Past(path, mentions, before)
            async with other.begin() as tx:
                await tx.extracts.take_in(page, authors, after=mentions + before)
                await tx.commit()
            earlier = sum(1 for row in page if tx.extracts.written_at(row) < span.since)
            last, mentions, before = page[-1], mentions + len(page) - earlier, before + earlier
            progress("fetching what was said", mentions + before, None)
    finally:
        await other.close()


@asynccontextmanager
async def once_more(past: Past) -> AsyncIterator[Store]:
    """The past as if nothing of it had been judged yet, in a store that vanishes."""
    path = past.path.with_name("judged.db")
    await asyncio.to_thread(shutil.copyfile, past.path, path)
    store = await Store.open(storage(path), in_place=True)
    try:
        yield store
    finally:
        await store.close()
        for left in path.parent.glob("judged.db*"):
            left.unlink()
