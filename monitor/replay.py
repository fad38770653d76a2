"""Judges a recorded stream as if it were happening: same stages, a clock that the recording drives, same answer each time."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import notifiers
from monitor import sources
from monitor.domain.clock import ReplayClock
from monitor.domain.errors import InputError
from monitor.pipeline import flow
from monitor.pipeline.inbox import StoredInbox
from monitor.pipeline.outcome import Outcome, stage_seconds, tell
from monitor.settings import Settings
from monitor.sources.file import File, FileSettings
from monitor.sources.http import GuardedClient, HttpClient
from monitor.storage import Store
from monitor.telemetry import metrics

# Before anything that was ever posted: the first mention moves the clock on.
BEFORE_ALL = datetime(1990, 1, 1, tzinfo=UTC)
SOURCE = "recording"
# Story time in which what still rings when the recording ends may come to rest.
EPILOGUE = timedelta(hours=6)
STEP = timedelta(minutes=1)


def recording(settings: Settings, file: Path) -> Settings:
    """The same settings with one source: `file`, read as the configuration's file source says, if it has one."""
    described = [each for each in settings.sources.values() if isinstance(each, FileSettings)]
    as_described = described[0] if len(described) == 1 else FileSettings(kind="file", path=str(file))
    source = as_described.model_copy(update={"path": str(file), "pace": "none", "follow": False})
    return settings.model_copy(update={"sources": {SOURCE: source}})


async def replay(
    settings: Settings, *, deliver: bool = False, progress: Callable[[int], None] | None = None
) -> Outcome:
    """Judge the one file source of `settings` to its end.

    With `deliver` the messages really leave; without it they are recorded as `dry_run`. A store that holds an earlier,
    interrupted replay is taken up where it stopped. `progress` is told after each batch how many bytes of
    the file are behind us.
    """
    began = time.perf_counter()
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.storage)
        stack.push_async_callback(store.close)
        run = await _Replay.build(settings, store, stack, deliver=deliver)
        await run.to_the_end(progress or _ignore)
        return await run.outcome(time.perf_counter() - began)


class _Replay:
    def __init__(self, store: Store, clock: ReplayClock, stages: flow.Flow) -> None:
        self._store = store
        self._clock = clock
        self._stages = stages
        self._outcome = Outcome()
        self._before = {name: stage_seconds(name) for name in ("read", "enrich", "store", "evaluate", "act")}

    @classmethod
    async def build(cls, settings: Settings, store: Store, stack: AsyncExitStack, *, deliver: bool) -> _Replay:
        clock = ReplayClock(await _where_it_stopped(store))
        http = await stack.enter_async_context(HttpClient(settings.http, clock))
        guarded = GuardedClient(http)
        built = {
            name: sources.build(name, each, http=http, clock=clock, inbox=StoredInbox(store))
            for name, each in settings.sources.items()
        }
        told = {name: notifiers.build(name, each, smtp=settings.smtp, http=guarded) for name, each in settings.receivers.items()}
        owner = f"replay-{uuid.uuid4().hex[:12]}"
        stages = flow.build(settings, store, clock, built, told, owner=owner, drive=clock, dry_run=not deliver)
        stack.push_async_callback(stages.evaluate.release)
        async with store.begin() as tx:
            await tx.sources.register(settings.fingerprints.sources)
            await tx.receivers.register(settings.fingerprints.receivers)
            await tx.commit()
        return cls(store, clock, stages)

    async def to_the_end(self, progress: Callable[[int], None]) -> None:
        """Read, judge and act until the recording is over and everything that rang has come to rest."""
        await self._judge_and_act()
        while await self._read():
            await self._judge_and_act()
            async with self._store.read() as tx:
                progress(File.position((await tx.sources.get(SOURCE)).cursor))
        await self._epilogue()

    async def _read(self) -> bool:
        polled = await self._stages.intake.poll(SOURCE)
        self._outcome.read += polled.read + polled.rejected
        self._outcome.stored += polled.stored
        self._outcome.duplicates += polled.duplicates
        self._outcome.rejected += polled.rejected
        if not polled.more:
            async with self._store.read() as tx:
                state = await tx.sources.get(SOURCE)
            if state.trouble is not None:
                raise InputError(f"{state.detail}")
        return polled.more or polled.read > 0

    async def _judge_and_act(self) -> None:
        while await self._stages.evaluate.step():
            await self._act()

    async def _act(self) -> None:
        """Carry plans and deliver until nothing more is due at this moment of the story."""
        with metrics.stage("act"):
            while await self._stages.plans.step() + await self._deliver():
                pass

    async def _deliver(self) -> int:
        return sum([await self._stages.deliver.step(receiver) for receiver in await self._stages.deliver.due()])

    async def _epilogue(self) -> None:
        """Let time pass: windows come to rest, gathered messages leave, failed ones are tried again."""
        end = self._clock.now() + EPILOGUE
        while self._clock.now() < end and await self._ringing():
            self._clock.advance(STEP)
            await self._stages.evaluate.tick()
        await self._act()
        while (due := await self._next_due()) is not None:
            self._clock.advance_to(due)
            await self._act()

    async def _ringing(self) -> bool:
        async with self._store.read() as tx:
            return bool(await tx.alerts.open_alerts(kind="window"))

    async def _next_due(self) -> datetime | None:
        async with self._store.read() as tx:
            return await tx.deliveries.next_due()

    async def outcome(self, seconds: float) -> Outcome:
        """What the store holds now."""
        await tell(self._outcome, self._store)
        self._outcome.seconds = seconds
        self._outcome.stages = {name: stage_seconds(name) - before for name, before in self._before.items()}
        return self._outcome


def _ignore(position: int) -> None:
    """Nobody watches."""
    del position


async def _where_it_stopped(store: Store) -> datetime:
    """The story time of the last mention judged, in a store that holds an interrupted replay."""
    async with store.read() as tx:
        judged = await tx.mentions.get([await tx.evaluator.offset()])
    return judged[0].written_at if judged else BEFORE_ALL
