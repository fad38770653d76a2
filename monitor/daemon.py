"""The composition root: builds everything from one configuration, starts it, reloads it, stops it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import timedelta
from functools import partial

import structlog

import notifiers
from monitor import sources
from monitor.domain.alert import SEVERITIES
from monitor.domain.clock import Clock
from monitor.domain.errors import StorageError
from monitor.pipeline import flow, leases
from monitor.pipeline.evaluate import BATCH
from monitor.pipeline.inbox import StoredInbox
from monitor.scheduling import Scheduler
from monitor.settings import Settings
from monitor.sources.http import GuardedClient, HttpClient
from monitor.storage import Store, UnitOfWork
from monitor.telemetry import metrics, systemd, watch_loop
from monitor.web import Gate, serve
from monitor.workers import Workers

log = structlog.get_logger(__name__)

# Real time for the workers to finish: SIGTERM must end the process within ten seconds, the closing of connections included.
DRAIN = timedelta(seconds=7)
# Story time between two looks at what the passing of time alone brings about.
TICK = timedelta(seconds=15)
# Real time after which a stage looks for work on its own: another process may have left some.
EVALUATE_IDLE = timedelta(seconds=2)
DELIVER_IDLE = timedelta(seconds=1)
PLANS_IDLE = timedelta(seconds=5)
FORGET_EVERY = timedelta(hours=6)
FORGET_AT_ONCE = 1000
PULSE = timedelta(seconds=10)
AWAY = timedelta(seconds=2)  # real time between two tries to begin, while the store is away
# Real time after which a daemon that cannot judge or send is as good as dead: systemd's watchdog may start it anew.
HOPELESS = timedelta(minutes=5)
VITAL = ("evaluate", "deliver")  # workers


class Daemon:
    """One running daemon. `reload` reads the configuration anew; it may raise, and then the one in force stays."""

    def __init__(self, settings: Settings, clock: Clock, reload: Callable[[], Settings], *, handle_signals: bool = True) -> None:
        self._settings = settings
        self._clock = clock
        self._reload = reload
        self._handle_signals = handle_signals
        self._owner = leases.owner()
        self._in_force: Settings | None = None  # the last configuration that came to work
        self._turn = asyncio.Event()  # something outside happened: stop, or a new configuration
        self._stopping = False
        self.ready = asyncio.Event()
        self.address = ""  # where the endpoints are served, once ready

    def stop(self) -> None:
        """Ask the daemon to finish what it is doing and end. Returns at once."""
        self._stopping = True
        self._turn.set()

    def reconfigure(self) -> None:
        """Read the configuration anew. A bad one is reported, and the one in force stays."""
        systemd.reloading()
        try:
            self._settings = self._reload()
        except Exception as error:  # noqa: BLE001 whatever is wrong with the files, the daemon at work is worth more
            self._refused(error)
            if self._in_force is not None:
                systemd.ready()
        else:
            self._turn.set()

    def _refused(self, error: Exception) -> None:
        metrics.reloaded(ok=False, at=self._clock.wall())
        log.error("config.refused", problems=str(error).splitlines(), kept="the configuration in force")

    def _accepted(self, settings: Settings) -> None:
        """Say that a configuration is at work, and what of it is not, because it takes a restart."""
        before, self._in_force = self._in_force, settings
        self.ready.set()
        systemd.ready()
        receivers = len(settings.receivers)
        log.info("daemon.ready", sources=len(settings.sources), rules=len(settings.rules), receivers=receivers)
        if before is settings:
            return  # another one was refused, and that stays the last that is known of reloading
        metrics.reloaded(ok=True, at=self._clock.wall())
        if before is not None:
            log.info("config.reloaded", not_before_a_restart=_only_at_start(before, settings))

    async def run(self) -> None:
        """Work until `stop`. Raises `StorageError` without a store, `CannotListenError` when the port is taken."""
        async with AsyncExitStack() as stack:
            if self._handle_signals:  # first of all: to open the store may mean to migrate it
                stack.enter_context(self._signals())
            store = await Store.open(self._settings.storage)
            stack.push_async_callback(store.close)
            if not self._stopping:
                await self._serve(store)
        log.info("daemon.stopped")

    async def _serve(self, store: Store) -> None:
        """Answer at the endpoints, and work, until `stop`."""
        await leases.free_the_dead(store, self._clock.wall())
        gate, web = Gate(self._clock), self._settings.web
        async with serve(gate, web.host, web.port) as self.address:
            while not self._stopping:
                self._turn.clear()
                await self._work_or_go_back(store, gate)

    async def _work_or_go_back(self, store: Store, gate: Gate) -> None:
        """Serve the newest configuration; one that reads well and cannot be put to work gives way to the one before."""
        settings = self._settings
        try:
            await self._work(store, gate, settings)
        except StorageError as error:
            if self._in_force is None:
                raise
            await self._wait_for_the_store(error)
        except Exception as error:
            if self._in_force is None or self._in_force is settings:
                raise
            self._refused(error)
            if self._settings is settings:  # unless there is a newer one already
                self._settings = self._in_force

    async def _wait_for_the_store(self, error: StorageError) -> None:
        """No configuration is to blame, and no restart would help: a moment later the store may be back."""
        log.error("daemon.store_away", problem=str(error), trying_again_in=AWAY.total_seconds())
        systemd.watchdog()
        with suppress(TimeoutError):
            async with asyncio.timeout(AWAY.total_seconds()):
                await self._turn.wait()

    async def _work(self, store: Store, gate: Gate, settings: Settings) -> None:
        """Serve one configuration, until the next turn."""
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(HttpClient(settings.http, self._clock))
            guarded = GuardedClient(http)
            built = {
                name: sources.build(name, each, http=http, clock=self._clock, inbox=StoredInbox(store))
                for name, each in settings.sources.items()
                if each.enabled
            }
            told = {
                name: notifiers.build(name, each, smtp=settings.smtp, http=guarded) for name, each in settings.receivers.items()
            }
            stages = flow.build(settings, store, self._clock, built, told, owner=self._owner)
            await self._register(store, settings)
            shift = _Shift(settings, store, self._clock, stages)
            stack.push_async_callback(shift.end)
            shift.begin()
            gate.open(built, store, shift.ring, shift.in_trouble)
            stack.callback(gate.close)
            self._accepted(settings)
            await self._turn.wait()
            if self._stopping:
                systemd.stopping()

    @staticmethod
    async def _register(store: Store, settings: Settings) -> None:
        """Let what was stopped for its settings try again when these have changed."""
        async with store.begin() as tx:
            await tx.sources.register(settings.fingerprints.sources)
            await tx.receivers.register(settings.fingerprints.receivers)
            await tx.commit()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        handlers = {signal.SIGTERM: self.stop, signal.SIGINT: self.stop, signal.SIGHUP: self.reconfigure}
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)


def _only_at_start(before: Settings, after: Settings) -> list[str]:
    """What was changed and stays as it was until the process starts anew."""
    moved = {"storage.url": before.storage.url != after.storage.url, "web": before.web != after.web}
    return [name for name, changed in moved.items() if changed]


class _Shift:
    """The workers that serve one configuration: who repeats which stage, and who wakes whom."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, stages: flow.Flow) -> None:
        self._settings = settings
        self._store = store
        self._stages = stages
        self._clock = clock
        self._workers = Workers()
        self._scheduler = Scheduler(clock)
        self._sources = {name: self._workers.bell() for name, each in settings.sources.items() if each.enabled}
        self._evaluate, self._plans, self._deliver, self._forget, self._pulse = (self._workers.bell() for _ in range(5))
        self._tick_due = False
        self._sending: set[str] = set()
        self._retries: dict[str, asyncio.TimerHandle] = {}  # of sources that rest after a failure

    def ring(self, source: str) -> None:
        """Something arrived for a source by itself: look at once."""
        self._sources[source].set()

    def in_trouble(self) -> Sequence[str]:
        """The workers that fail again and again, by name."""
        return self._workers.in_trouble()

    def begin(self) -> None:
        """Start every worker, and the schedule that wakes them."""
        for name, bell in self._sources.items():
            self._workers.repeat(f"source {name}", partial(self._poll, name), bell)
            self._scheduler.every(f"source {name}", self._settings.sources[name].every, bell.set)
        self._workers.repeat("evaluate", self._judge, self._evaluate, idle=EVALUATE_IDLE)
        self._workers.repeat("plans", self._carry, self._plans, idle=PLANS_IDLE)
        self._workers.repeat("deliver", self._dispatch, self._deliver, idle=DELIVER_IDLE)
        self._workers.repeat("forget", self._forget_old, self._forget)
        self._workers.repeat("pulse", self._beat, self._pulse, idle=_beats_every())
        self._workers.start("watch the loop", watch_loop(), endless=True)
        self._scheduler.every("tick", TICK, self._ask_for_tick)
        self._scheduler.every("forget", FORGET_EVERY, self._forget.set)
        self._scheduler.start()

    async def end(self) -> None:
        """Stop waking, let everybody finish, give the lease back."""
        self._scheduler.stop()
        await self._workers.stop(within=DRAIN)
        for retry in self._retries.values():
            retry.cancel()
        for stage in (self._stages.deliver, self._stages.evaluate):
            try:
                await stage.release()
            except Exception:
                log.exception("lease.not_released")  # nothing is lost: it is ours when we go on, or ends by itself

    def _ask_for_tick(self) -> None:
        self._tick_due = True
        self._evaluate.set()

    async def _poll(self, name: str) -> int:
        polled = await self._stages.intake.poll(name)
        if polled.stored:
            self._evaluate.set()
        self._ring_again(name, polled.again_after)
        return int(polled.more)

    def _ring_again(self, name: str, rest: timedelta | None) -> None:
        """Wake a source when it has rested after a failure, unless its schedule does so before."""
        if (former := self._retries.pop(name, None)) is not None:
            former.cancel()
        if rest is None:
            return
        real, regular = self._clock.real_seconds(rest), self._scheduler.due(f"source {name}")
        if regular is None or self._clock.wall() + timedelta(seconds=real) < regular:
            self._retries[name] = asyncio.get_running_loop().call_later(real, self._sources[name].set)

    async def _judge(self) -> int:
        try:
            judged = await self._stages.evaluate.step()
        except Exception:
            # What cannot be judged must not keep sources and receivers that went silent from ringing.
            if self._tick_due:
                self._tick_due = False
                await self._stages.evaluate.tick_behind()
            raise
        # A backlog is judged first: by what was said yesterday, all would be calm today. A steady stream never ends.
        if judged < BATCH and self._tick_due:
            self._tick_due = False
            await self._stages.evaluate.tick()
        self._plans.set()
        self._deliver.set()
        return judged

    async def _carry(self) -> int:
        moved = await self._stages.plans.step()
        if moved:
            self._deliver.set()
        return moved

    async def _dispatch(self) -> int:
        """Send to everybody who is owed something, each on a task of its own: a dead receiver delays nobody."""
        for receiver in await self._stages.deliver.due() - self._sending:
            self._sending.add(receiver)
            self._workers.start(f"deliver {receiver}", self._send_to(receiver))
        return 0

    async def _send_to(self, receiver: str) -> None:
        try:
            while not self._workers.stopping and await self._stages.deliver.step(receiver):
                self._plans.set()
        except Exception:
            log.exception("worker.failed", worker=f"deliver {receiver}")
            metrics.worker_failures.labels(worker=f"deliver {receiver}").inc()
        finally:
            self._sending.discard(receiver)

    async def _forget_old(self) -> int:
        """Let go of what is past the retention, a little at a time."""
        before = self._clock.now() - self._settings.storage.retention
        async with self._store.begin() as tx:
            gone = await tx.mentions.forget_before(before, FORGET_AT_ONCE)
            gone += await tx.inbox.forget_before(before, FORGET_AT_ONCE)
            await tx.commit()
        return gone

    async def _beat(self) -> int:
        """Tell systemd that we live, then the metrics how everything stands: a store away for a moment is not our death."""
        hopeless = [name for name in VITAL if self._workers.hopeless(name, HOPELESS)]
        if hopeless:
            log.error("watchdog.not_fed", failing=hopeless, longer_than_seconds=HOPELESS.total_seconds())
        else:
            systemd.watchdog()
        async with self._store.read() as tx:
            await self._measure(tx)
        return 0

    async def _measure(self, tx: UnitOfWork) -> None:
        oldest, now = await tx.deliveries.next_due(), self._clock.now()
        behind = await tx.mentions.behind(await tx.evaluator.offset())
        metrics.queue(await tx.deliveries.pending(), behind, oldest=now - oldest if oldest is not None else timedelta(0))
        rings, waiting = await tx.alerts.open_counts(), await tx.inbox.waiting()
        for severity in SEVERITIES:
            metrics.alerts_open.labels(severity=severity).set(rings.get(severity, 0))
        for state in await tx.sources.all():
            if state.source not in self._sources:
                continue
            metrics.inbox_pending.labels(source=state.source).set(waiting.get(state.source, 0))
            if state.last_success_at is not None:
                metrics.source_last_success.labels(source=state.source).set(state.last_success_at.timestamp())
            if state.watermark is not None:
                metrics.source_watermark.labels(source=state.source).set(state.watermark.timestamp())


def _beats_every() -> timedelta:
    """Real time between two beats: as often as systemd's watchdog wants, at least."""
    wanted = systemd.watchdog_interval()
    return min(PULSE, timedelta(seconds=wanted)) if wanted is not None else PULSE
