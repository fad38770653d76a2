"""How the daemon keeps its stages going: each worker repeats one step while there is work, then waits to be woken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from monitor.telemetry import metrics

log = structlog.get_logger(__name__)

# Real time to let a step that failed for a reason of ours rest: long enough not to fill the disk with tracebacks.
AFTER_A_BUG = 2.0


class Workers:
    """A group of workers that stop together: `stop` lets each finish its step, and cancels whoever takes too long."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
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

    def repeat(
        self, name: str, step: Callable[[], Awaitable[int]], bell: asyncio.Event, *, idle: timedelta | None = None
    ) -> None:
        """Call `step` until it returns 0, then wait for `bell`, or at most `idle` real time."""
        self.start(name, self._repeat(name, step, bell, idle.total_seconds() if idle is not None else None))

    def start(self, name: str, work: Awaitable[None]) -> None:
        """Run `work` as one of us."""
        task = asyncio.ensure_future(work)
        task.set_name(name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("worker.died", worker=task.get_name(), exc_info=error)
            metrics.worker_failures.labels(worker=task.get_name()).inc()

    async def _repeat(self, name: str, step: Callable[[], Awaitable[int]], bell: asyncio.Event, idle: float | None) -> None:
        while not self.stopping:
            bell.clear()
            try:
                done = await step()
            except Exception:
                # A worker never dies in silence, and never for good: the next try may find the disk or the server back.
                log.exception("worker.failed", worker=name)
                metrics.worker_failures.labels(worker=name).inc()
                await self._wait(self._stopping, AFTER_A_BUG)  # whoever rings meanwhile is served by the next try
                continue
            if not done and not self.stopping:
                await self._wait(bell, idle)

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
        try:
            async with asyncio.timeout(within.total_seconds()):
                while self._tasks:  # one may still hand its last work to another
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            late = list(self._tasks)
            for task in late:
                log.warning("worker.cancelled", worker=task.get_name())
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
