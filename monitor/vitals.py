"""Whether the work progresses: what systemd's watchdog and the outbound heartbeat go by.

Progress is an attempt that *ended*, well or badly: a source that times out is at work, one that never ends its poll is not. Two
questions follow from it. The heartbeat asks whether the work is being done; the watchdog, whether a new process would do better.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import structlog

from monitor.telemetry import systemd
from monitor.workers import Workers

log = structlog.get_logger(__name__)

VITAL = ("evaluate", "deliver")  # workers without which nothing rings
# Real time after which a daemon that cannot judge or send is as good as dead.
HOPELESS = timedelta(minutes=5)


class Vitals:
    """Looks at the workers. `could_begin` tries what a new process would do first, and says whether it came through.

    `served` is whether the store is a server, which can be what hangs: a file is not, and its lock may be held by what does.
    """

    def __init__(self, workers: Workers, could_begin: Callable[[], Awaitable[bool]], *, served: bool) -> None:
        self._workers = workers
        self._could_begin = could_begin
        self._served = served
        self._helps = False  # whether a restart is known to help
        self._starved = False
        self._seen: Mapping[str, int] = {}

    async def feed(self) -> None:
        """Ping the watchdog, unless a new process would do better.

        While the store is away a restart makes it worse: the new process could not even begin, and nobody would answer. So the
        dog is fed until it is known that one would come through.
        """
        hopeless = [name for name in VITAL if self._workers.hopeless(name, HOPELESS)]
        stuck = self._workers.stuck()
        starve = bool(hopeless or stuck) and self._helps
        if not starve:
            systemd.watchdog()
        self._tell(starve, hopeless, stuck)
        self._helps = await self._would_help(hopeless, stuck)

    async def _would_help(self, hopeless: Sequence[str], stuck: Sequence[str]) -> bool:
        if not (hopeless or stuck):
            return False
        return bool(stuck and not self._served) or await self._could_begin()

    def _tell(self, starve: bool, hopeless: Sequence[str], stuck: Sequence[str]) -> None:
        if starve and not self._starved:
            log.error("watchdog.not_fed", failing=hopeless, stuck=stuck, longer_than_seconds=HOPELESS.total_seconds())
        elif self._starved and not starve:
            log.info("watchdog.fed_again")
        self._starved = starve

    def progress(self) -> bool:
        """Whether, since this was last asked, every vital worker has ended an attempt, and none is in trouble or stuck."""
        before, self._seen = self._seen, {name: self._workers.ended[name] for name in VITAL}
        moved = all(self._seen[name] > before.get(name, 0) for name in VITAL)
        return moved and not self._workers.stuck() and not set(VITAL) & set(self._workers.in_trouble())
