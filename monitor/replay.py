"""Judges a recorded stream as if it were happening: same stages, a clock that the recording drives, same answer each time."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import notifiers
from monitor import sources
from monitor.domain.clock import ReplayClock
from monitor.domain.errors import InputError, UsageError
from monitor.pipeline import flow, leases
from monitor.pipeline.inbox import StoredInbox
from monitor.pipeline.outcome import REASONS, Outcome, stage_seconds, tell
from monitor.settings import Settings
from monitor.sources.file import File, FileSettings
from monitor.sources.http import GuardedClient, HttpClient
from monitor.storage import Store
from monitor.workshop.pool import Workshop
from rules import REMEMBERING

# Before anything that was ever posted: the first mention moves the clock on.
BEFORE_ALL = datetime(1990, 1, 1, tzinfo=UTC)
SOURCE = "recording"  # its name, when the configuration has none for it
# Story time in which what still rings when the recording ends may come to rest.
EPILOGUE = timedelta(hours=6)
STEP = timedelta(minutes=1)
_COLLECTED_AFTER = 20_000  # new objects, instead of Python's 700


def recording(settings: Settings, file: Path) -> Settings:
    """The same settings with one source: `file`, read as the configuration says, under the name that its rules know.

    That is the file source with this very path, else the only file source there is, else one without a mapping.
    """
    files = {name: each for name, each in settings.sources.items() if isinstance(each, FileSettings)}
    same = {name: each for name, each in files.items() if Path(each.path).resolve() == file.resolve()}
    candidates = same or files
    if len(candidates) == 1:
        name, described = next(iter(candidates.items()))
    else:
        name, described = SOURCE, FileSettings(kind="file", path=str(file))
    source = described.model_copy(update={"path": str(file), "pace": "none", "follow": False, "enabled": True})
    return settings.ringing().model_copy(update={"sources": {name: source}})


async def replay(settings: Settings, *, deliver: bool = False, progress: Callable[[int], None] | None = None) -> Outcome:
    """Judge the one file source of `settings` to its end.

    With `deliver` the messages really leave; without it they are recorded as `dry_run`. A store that holds an earlier,
    interrupted replay is taken up where it stopped. `progress` is told after each batch how many bytes of
    the file are behind us.
    """
    began = time.perf_counter()
    async with AsyncExitStack() as stack:
        stack.enter_context(seldom_collected())
        store = await Store.open(settings.storage, in_place=not deliver)
        stack.push_async_callback(store.close)
        run = await _Replay.build(settings, store, stack, deliver=deliver)
        gc.freeze()  # what stands now stays: nobody need look at it again and again
        await run.to_the_end(progress or _ignore)
        return await run.outcome(time.perf_counter() - began)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Hardly anything that a replay makes holds itself: the garbage collector need not look so often."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECTED_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class _Replay:
    def __init__(self, store: Store, clock: ReplayClock, stages: flow.Flow, source: str) -> None:
        self._store = store
        self._clock = clock
        self._stages = stages
        self._source = source
        self._outcome = Outcome()
        self._before = {name: stage_seconds(name) for name in ("read", "enrich", "store", "evaluate", "act")}

    @classmethod
    async def build(cls, settings: Settings, store: Store, stack: AsyncExitStack, *, deliver: bool) -> _Replay:
        clock = ReplayClock(await _where_it_stopped(store))
        if alive := await leases.free_the_dead(store, clock.wall()):
            raise UsageError(
                f"{', '.join(alive)} works with this database: a replay needs one of its own. If that process is dead, wait"
                " two minutes."
            )
        http = await stack.enter_async_context(HttpClient(settings.http, clock))
        workshop = await stack.enter_async_context(Workshop())
        guarded = GuardedClient(http)
        built = {
            name: sources.build(name, each, http=http, clock=clock, inbox=StoredInbox(store), workshop=workshop)
            for name, each in settings.sources.items()
        }
        told = {name: notifiers.build(name, each, smtp=settings.smtp, http=guarded) for name, each in settings.receivers.items()}
        owner = leases.owner()
        stages = flow.build(settings, store, clock, built, told, owner=owner, drive=clock, dry_run=not deliver)
        stack.push_async_callback(stages.evaluate.release)
        async with store.begin() as tx:
            # Under a hash that is always new, trouble of an earlier replay is forgotten: the file may be mended by now.
            await tx.sources.register(dict.fromkeys(settings.sources, owner))
            await tx.receivers.register(settings.fingerprints.receivers)
            await tx.commit()
        return cls(store, clock, stages, next(iter(settings.sources)))

    async def to_the_end(self, progress: Callable[[int], None]) -> None:
        """Read, judge and act until the recording is over and everything that rang has come to rest."""
        await self._stages.act()  # an interrupted replay may owe messages still
        await judge_and_act(self._stages)
        while await self._read():
            await judge_and_act(self._stages)
            async with self._store.read() as tx:
                progress(File.position((await tx.sources.get(self._source)).cursor))
        await self._epilogue()

    async def _read(self) -> bool:
        polled = await self._stages.intake.poll(self._source)
        self._outcome.read += polled.read + polled.rejected
        self._outcome.stored += polled.stored
        self._outcome.duplicates += polled.duplicates
        self._outcome.rejected += polled.rejected
        self._outcome.reasons += polled.reasons[: REASONS - len(self._outcome.reasons)]
        if not polled.more:
            async with self._store.read() as tx:
                state = await tx.sources.get(self._source)
            if state.trouble is not None:
                raise InputError(f"{state.detail}")
        return polled.more or polled.read > 0

    async def _epilogue(self) -> None:
        """Let time pass: windows come to rest, gathered messages leave, failed ones are tried again."""
        end = await _last_written(self._store) + EPILOGUE
        while self._clock.now() < end and await self._ringing():
            self._clock.advance_to(self._clock.now().replace(second=0, microsecond=0) + STEP)
            await self._stages.evaluate.tick()
        await deliver_the_rest(self._store, self._clock, self._stages)

    async def _ringing(self) -> bool:
        async with self._store.read() as tx:
            return any(alert.kind in REMEMBERING for alert in await tx.alerts.open_alerts())

    async def outcome(self, seconds: float) -> Outcome:
        """What the store holds now."""
        await tell(self._outcome, self._store)
        self._outcome.seconds = seconds
        self._outcome.stages = {name: stage_seconds(name) - before for name, before in self._before.items()}
        return self._outcome


async def judge_and_act(stages: flow.Flow) -> None:
    """Judge what the store holds, and do what follows from it."""
    while await stages.evaluate.step():
        await stages.act()


async def deliver_the_rest(store: Store, clock: ReplayClock, stages: flow.Flow) -> None:
    """Let each message that is owed leave at its moment; nothing else happens meanwhile."""
    await stages.act()
    while (due := await _next_due(store)) is not None:
        clock.advance_to(due)
        await stages.act()


async def _next_due(store: Store) -> datetime | None:
    async with store.read() as tx:
        return await tx.deliveries.next_due()


def _ignore(position: int) -> None:
    """Nobody watches."""
    del position


async def _last_written(store: Store) -> datetime:
    """When the last mention that was judged was written."""
    async with store.read() as tx:
        judged = await tx.mentions.get([await tx.evaluator.offset()])
    return judged[0].written_at if judged else BEFORE_ALL


async def _where_it_stopped(store: Store) -> datetime:
    """The story time up to which a store's replay has come, by its last mention judged and its last event."""
    async with store.read() as tx:
        last = await tx.timeline.list(limit=1)
    return max([await _last_written(store), *(event.at for event in last)])
