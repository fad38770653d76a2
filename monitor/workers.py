"""How the daemon keeps its stages going: each worker repeats one step while there is work, then waits to be woken."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from monitor.telemetry import metrics

log = structlog.get_logger(__name__)

# Real time to let a step that failed for a reason of ours rest: long enough not to fill the disk with tracebacks.
AFTER_A_BUG = 2.0
# A worker that has failed so often in a row does not do its work: once or twice may be a moment's trouble.
TROUBLE = 3
# Real time after which a step that has not ended never will. Who calls others has time-outs of its own, and says so.
LIMIT = timedelta(minutes=5)
# Real time for cancelled work to end. What ignores even that is left behind: nothing waits for it, and its process ends.
LAST_WORDS = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Failing:
    """A worker whose last `times` steps all failed, the first of them at `since` (seconds of the monotonic clock)."""

    since: float
    times: int


class Workers:
    """A group of workers that stop together: `stop` lets each finish its step, and cancels whoever takes too long."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.failing: dict[str, Failing] = {}
        self.ended: Counter[str] = Counter()  # attempts, well or badly, by the worker's name
        self._under_way: dict[object, tuple[str, float]] = {}  # whose step, and by when it must have ended (monotonic)
        self._monotonic = monotonic
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._endless: set[asyncio.Task[None]] = set()
        self._wakes: list[asyncio.Event] = []

    @property
    def stopping(self) -> bool:
        """Whether no new work should be begun."""
        return self._stopping.is_set()

    def bell(self) -> asyncio.Event:
        """An event that wakes a worker; stopping rings them all."""
        bell = asyncio.Event()
        self._wakes.append(bell)
        return bell

    def in_trouble(self) -> Sequence[str]:
        """The workers that fail again and again, by name."""
        return [name for name, failing in self.failing.items() if failing.times >= TROUBLE]

    def hopeless(self, name: str, after: timedelta) -> bool:
        """Whether a worker has failed for longer than `after` (real time)."""
        failing = self.failing.get(name)
        return failing is not None and self._monotonic() - failing.since > after.total_seconds()

    def stuck(self) -> Sequence[str]:
        """The workers, by name, whose step has not ended within its limit."""
        now = self._monotonic()
        return sorted({name for name, by in self._under_way.values() if by < now})

    @contextmanager
    def attempt(self, name: str, limit: timedelta = LIMIT) -> Iterator[None]:
        """One step, which ends within `limit` of real time, or is called stuck. A worker may have several under way."""
        step = object()
        self._under_way[step] = name, self._monotonic() + limit.total_seconds()
        try:
            yield
        finally:
            del self._under_way[step]
            self.ended[name] += 1

    def repeat(
        self,
        name: str,
        step: Callable[[], Awaitable[int]],
        bell: asyncio.Event,
        *,
        idle: timedelta | None = None,
        limit: timedelta = LIMIT,
    ) -> None:
        """Call `step` until it returns 0, then wait for `bell`, or at most `idle` real time. Each ends within `limit`."""

        async def attempt() -> int:
            with self.attempt(name, limit):
                return await step()

        self.start(name, self._repeat(name, attempt, bell, idle.total_seconds() if idle is not None else None))

    def start(self, name: str, work: Awaitable[None], *, endless: bool = False) -> None:
        """Run `work` as one of us. Stopping does not wait for `endless` work, but cancels it."""
        task = asyncio.ensure_future(work)
        task.set_name(name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if endless:
            self._endless.add(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._endless.discard(task)
        if task.cancelled():
            if not self.stopping:
                self._died(task, None)
        elif (error := task.exception()) is not None:
            self._died(task, error)

    @staticmethod
    def _died(task: asyncio.Task[None], error: BaseException | None) -> None:
        log.error("worker.died", worker=task.get_name(), exc_info=error)
        metrics.worker_failures.labels(worker=task.get_name()).inc()

    async def _repeat(self, name: str, step: Callable[[], Awaitable[int]], bell: asyncio.Event, idle: float | None) -> None:
        while not self.stopping:
            bell.clear()
            try:
                done = await step()
            except (Exception, asyncio.CancelledError):
                if _cancelled_by_us():
                    raise
                # A worker never dies in silence, and never for good: the next try may find the disk or the server back.
                log.exception("worker.failed", worker=name)
                self._failed(name)
                await self._wait(self._stopping, AFTER_A_BUG)  # whoever rings meanwhile is served by the next try
                continue
            self.failing.pop(name, None)
            if not done and not self.stopping:
                await self._wait(bell, idle)

    def _failed(self, name: str) -> None:
        metrics.worker_failures.labels(worker=name).inc()
        before = self.failing.get(name, Failing(self._monotonic(), 0))
        self.failing[name] = Failing(before.since, before.times + 1)

    @staticmethod
    async def _wait(bell: asyncio.Event, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await bell.wait()
        except TimeoutError:
            return

    async def rest(self, real: timedelta) -> None:
        """Pause for a real time, or until we stop."""
        await self._wait(self._stopping, real.total_seconds())

    async def stop(self, within: timedelta) -> None:
        """End every worker: gently within the time given, then by cancelling."""
        self._stopping.set()
        for bell in self._wakes:
            bell.set()
        for task in self._endless:
            task.cancel()
        try:
            async with asyncio.timeout(within.total_seconds()):
                while self._tasks:  # one may still hand its last work to another
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            late = list(self._tasks)
            for task in late:
                log.warning("worker.cancelled", worker=task.get_name())
                task.cancel()
            _, deaf = await asyncio.wait(late, timeout=LAST_WORDS.total_seconds())
            for task in deaf:
                log.error("worker.abandoned", worker=task.get_name())


def _cancelled_by_us() -> bool:
    """Whether somebody asked this task to end: libraries let a cancellation of their own escape, which is only a failure."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
