"""Wakes what is due. Nothing is done here: each job only calls `wake`, so a slow source can never delay another.

APScheduler 3.11 skips jobs that a stalled loop made late, never runs a job again whose run hangs, and stops for an hour when
the wall clock is set back an hour. So jobs do nothing that can hang, lateness is always forgiven (once, however many turns
were missed), and a watcher builds all jobs again when the wall clock has jumped.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from monitor.domain.clock import Clock, SystemClock
from monitor.telemetry import metrics

Wake = Callable[[], None]

_REAL = SystemClock()  # what APScheduler goes by, whatever the story's clock says

log = structlog.get_logger(__name__)

SHORTEST = 0.05  # real seconds between two runs, however fast story time passes
LOOK_EVERY = 5.0  # real seconds between two looks at the clocks
JUMP = 2.0  # seconds by which wall and monotonic time may drift apart between two looks
STAGGER = 2.0  # first runs are spread over at most this many real seconds


class _Rhythm(IntervalTrigger):
    """Every so often from `start_date` on, whenever a run before that was."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        if previous_fire_time is not None and previous_fire_time < self.start_date:
            return cast("datetime", self.start_date)
        following: datetime | None = super().get_next_fire_time(previous_fire_time, now)  # type: ignore[no-untyped-call]
        return following


def _rhythm(first: datetime, second: float, interval: float) -> _Rhythm:
    return _Rhythm(seconds=interval, start_date=first + timedelta(seconds=second), timezone=UTC)  # type: ignore[no-untyped-call]


class Scheduler:
    """Calls each job's `wake` at once, and then every `interval` of story time, until it is removed.

    The second run comes sooner than that, by up to half an interval: what began together is spread over the time there is.

    `wake` must be quick and must not raise; it runs in the event loop. `monotonic` and `wall` are read by the watcher alone: it
    calls `jumped` with the seconds by which the wall clock has left the other behind (a machine that slept) or fallen behind it.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = _REAL.now,
        jumped: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._jumped = jumped
        self._monotonic = monotonic
        self._wall = wall
        self._jobs: dict[str, tuple[timedelta, Wake]] = {}
        self._scheduler: AsyncIOScheduler | None = None
        self._watcher: asyncio.TimerHandle | None = None
        self._offset = self._drift()

    def every(self, name: str, interval: timedelta, wake: Wake) -> None:
        """Adds or replaces one job; it is due at once, then every `interval`."""
        self._jobs[name] = (interval, wake)
        self._schedule(name)

    def remove(self, name: str) -> None:
        """Forgets a job; one that is not there changes nothing."""
        if self._jobs.pop(name, None) and self._scheduler:
            self._scheduler.remove_job(name)

    def replace(self, jobs: Mapping[str, tuple[timedelta, Wake]]) -> None:
        """Makes `jobs` all there is (a reload). A job whose interval stays keeps its rhythm and wakes by its new `wake`."""
        for name in set(self._jobs) - set(jobs):
            self.remove(name)
        for name, (interval, wake) in jobs.items():
            known = self._jobs.get(name)
            self._jobs[name] = (interval, wake)
            if known is None or known[0] != interval:
                self._schedule(name)

    def start(self) -> None:
        """Begins to wake. Needs a running event loop."""
        if self._scheduler:
            return
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        for name in self._jobs:
            self._schedule(name)
        self._scheduler.start()
        self._offset = self._drift()
        self._watch()

    def stop(self) -> None:
        """Wakes nothing any more. The jobs are kept, for another `start`."""
        scheduler, self._scheduler = self._scheduler, None
        if scheduler:
            scheduler.shutdown(wait=False)
        if self._watcher:
            self._watcher.cancel()
            self._watcher = None

    def look(self) -> bool:
        """Compares the clocks; after a jump of the wall clock all jobs are built again. Whether it did so."""
        drift = self._drift()
        jumped, self._offset = drift - self._offset, drift
        if abs(jumped) < JUMP:
            return False
        log.warning("clock.jumped", seconds=round(jumped, 1), so="everything is due at once")
        metrics.clock_jumps.inc()
        self._jumped(jumped)
        for name in self._jobs:
            self._schedule(name)
        return True

    def due(self, name: str) -> datetime | None:
        """When a job will wake next (real time), or None when it is not scheduled."""
        job = self._scheduler.get_job(name) if self._scheduler else None
        return job.next_run_time if job else None

    def _schedule(self, name: str) -> None:
        if not self._scheduler:
            return
        interval = max(self._clock.real_seconds(self._jobs[name][0]), SHORTEST)
        first = _REAL.now() + timedelta(seconds=first_delay(name, interval))
        self._scheduler.add_job(
            self._run,
            _rhythm(first, second_delay(name, interval), interval),
            args=(name,),
            id=name,
            next_run_time=first,
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )

    async def _run(self, name: str) -> None:
        """A coroutine, because APScheduler would run a plain function in a thread."""
        job = self._jobs.get(name)
        if job:
            job[1]()

    def _watch(self) -> None:
        if self._watcher:
            self.look()
        self._watcher = asyncio.get_running_loop().call_later(LOOK_EVERY, self._watch)

    def _drift(self) -> float:
        return self._wall().timestamp() - self._monotonic()


def first_delay(name: str, interval: float) -> float:
    """Real seconds before a first run, so that fifty do not start as one: always the same for a name, short beside `interval`."""
    return min(STAGGER, interval / 10) * _place(name)


def second_delay(name: str, interval: float) -> float:
    """Real seconds between the first run and the second: half an interval to a whole one, so that not all are due at once again.

    From then on each keeps its rhythm, and the others have theirs.
    """
    return interval * (0.5 + _place(name[::-1]) / 2)


def _place(name: str) -> float:
    """A number from 0 to 1 that a name always has."""
    return (zlib.crc32(name.encode("utf-8", "surrogatepass")) % 1000) / 1000
