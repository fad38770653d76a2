"""Reads the configuration anew when somebody asks, keeps the one in force when it is no good, and tells them which it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from monitor.domain.clock import Clock
from monitor.settings import Settings, differences
from monitor.telemetry import hide_secrets, metrics, systemd
from monitor.web import Reloaded

log = structlog.get_logger(__name__)

VERDICT = timedelta(seconds=20)  # real time after which whoever asked for a reload is told that it is not at work yet


class Reloading:
    """Which configuration is to be at work, and which was last. `read` may raise, and changes nothing; else `turn` is set."""

    def __init__(self, settings: Settings, read: Callable[[], Settings], clock: Clock, turn: asyncio.Event) -> None:
        self.newest = settings  # the last one that reads well
        self.in_force: Settings | None = None  # the last one that came to work
        self.last: tuple[datetime, Reloaded] | None = None  # when somebody asked for a reload last, and what became of it
        self._read = read
        self._clock = clock
        self._turn = turn
        self._reading = asyncio.Lock()  # the configuration asked for last is the one read last
        self._reloads: set[asyncio.Task[Reloaded]] = set()
        self._verdicts: set[asyncio.Future[Reloaded]] = set()  # of whoever waits to hear what became of the newest

    def ask(self) -> asyncio.Task[Reloaded]:
        """Begin to read the configuration anew. A bad one is reported, and the one in force stays."""
        task = asyncio.ensure_future(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)
        return task

    def forget(self) -> None:
        """Nobody is answered any more."""
        for reload in self._reloads:
            reload.cancel()

    async def _reload(self) -> Reloaded:
        done = await self._read_anew()
        self.last = (self._clock.now(), done)
        return done

    async def _read_anew(self) -> Reloaded:
        async with self._reading:
            systemd.reloading()
            try:
                self.newest = await asyncio.to_thread(self._read)
            except Exception as error:  # noqa: BLE001 whatever is wrong with the files, the daemon at work is worth more
                self._refused(error)
                if self.in_force is not None:
                    systemd.ready()
                return Reloaded("refused", problems=_problems(error))
            verdict: asyncio.Future[Reloaded] = asyncio.get_running_loop().create_future()
            self._verdicts.add(verdict)
            self._turn.set()
        try:
            async with asyncio.timeout(VERDICT.total_seconds()):
                return await verdict
        except TimeoutError:
            return Reloaded("waiting")
        finally:
            self._verdicts.discard(verdict)

    def accepted(self, settings: Settings) -> None:
        """Say that a configuration is at work, and what of it is not, because it takes a restart."""
        before, self.in_force = self.in_force, settings
        counts = {"sources": len(settings.sources), "rules": len(settings.rules), "receivers": len(settings.receivers)}
        systemd.ready("" if before is settings else f"at work with {_listed(counts)}")
        if before is settings:
            log.info("config.kept", **counts)
            self._say(Reloaded("in_force"))
            return  # another one was refused, and that stays the last that is known of reloading
        metrics.reloaded(ok=True, at=self._clock.wall())
        if before is None:
            log.info("daemon.ready", **counts)
            self._say(Reloaded("in_force"))  # to whoever asked while we were starting
        else:
            changed, later = differences(before, settings), _only_at_start(before, settings)
            log.info("config.reloaded", changed=changed, not_before_a_restart=later, **counts)
            self._say(Reloaded("in_force", tuple(changed), tuple(later)))

    def failed(self, settings: Settings, in_force: Settings, error: Exception) -> None:
        """One that reads well could not be put to work: it gives way to the one before, unless there is a newer one already."""
        self._refused(error)
        self._say(Reloaded("failed", problems=_problems(error)))
        if self.newest is settings:
            self.newest = in_force

    def _say(self, verdict: Reloaded) -> None:
        """Tell everybody who waits: whoever asked before is answered about the newest."""
        for waiting in self._verdicts:
            if not waiting.done():
                waiting.set_result(verdict)

    def _refused(self, error: Exception) -> None:
        metrics.reloaded(ok=False, at=self._clock.wall())
        log.error("config.refused", problems=_problems(error), kept="the configuration in force")
        systemd.status("refused a configuration with faults, and goes on with the one before: see the log")


def _problems(error: Exception) -> tuple[str, ...]:
    """Line by line: the answer to a reload shows it as it is."""
    return tuple(hide_secrets(str(error)).splitlines())


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name.removesuffix('s') if number == 1 else name}" for name, number in counts.items())


def _only_at_start(before: Settings, after: Settings) -> list[str]:
    """What was changed and stays as it was until the process starts anew."""
    doors = (before.web.host, before.web.port, before.web.private) != (after.web.host, after.web.port, after.web.private)
    moved = {"storage.url": before.storage.url != after.storage.url, "web": doors}
    return [name for name, changed in moved.items() if changed]
