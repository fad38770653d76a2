"""The composition root: builds everything from one configuration, starts it, puts another in its place, stops it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import timedelta

import structlog

import notifiers
from monitor import sources
from monitor.access.links import say_how_to_begin
from monitor.charts.drawing import Drawer
from monitor.console import Console
from monitor.digest import Writer
from monitor.domain.clock import Clock
from monitor.domain.errors import StorageError
from monitor.domain.source import MAIL_REPLIES
from monitor.mailbox import Mailbox
from monitor.pipeline import flow, leases
from monitor.pipeline.inbox import StoredInbox
from monitor.reloading import Reloading
from monitor.scheduling import JUMP
from monitor.sentiment import away
from monitor.settings import Settings
from monitor.settings.fingerprints import fingerprint
from monitor.shift import Shift
from monitor.sources.base import Attentive
from monitor.sources.http import GuardedClient, HttpClient
from monitor.storage import Store
from monitor.telemetry import systemd
from monitor.web import Gate, Reloaded, serve
from monitor.workshop.pool import Workshop

log = structlog.get_logger(__name__)

AWAY = timedelta(seconds=2)  # real time between two tries to begin, while the store is away


class Daemon:
    """One running daemon. `reload` reads the configuration anew; it may raise, and then the one in force stays.

    `built` is called whenever all that a configuration needs stands, before any of it works.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        reload: Callable[[], Settings],
        *,
        handle_signals: bool = True,
        built: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._handle_signals = handle_signals
        self._built = built
        self._owner = leases.owner()
        self._turn = asyncio.Event()  # something outside happened: stop, or a new configuration
        self._reloading = Reloading(settings, reload, clock, self._turn)
        self._stopping = False
        self.ready = asyncio.Event()
        self.address = ""  # where webhooks arrive, once ready
        self.private_address = ""  # where health, metrics and reload are served

    def stop(self) -> None:
        """Ask the daemon to finish what it is doing and end. Returns at once."""
        self._stopping = True
        self._turn.set()

    def reconfigure(self) -> asyncio.Task[Reloaded]:
        """Begin to read the configuration anew. A bad one is reported, and the one in force stays."""
        return self._reloading.ask()

    async def run(self) -> None:
        """Work until `stop`. Raises `StorageError` without a store, `CannotListenError` when the port is taken."""
        async with AsyncExitStack() as stack:
            if self._handle_signals:  # first of all: to open the store may mean to migrate it
                stack.enter_context(self._signals())
            stack.callback(self._reloading.forget)
            async with systemd.taking_its_time("opening the store, and bringing it up to this version if need be"):
                store = await Store.open(self._reloading.newest.storage, ballast=True)
            stack.push_async_callback(store.close)
            if not self._stopping:
                await self._serve(store)
        log.info("daemon.stopped")

    async def _serve(self, store: Store) -> None:
        """Answer at the endpoints, and work, until `stop`."""
        await store.end_the_frozen()
        await leases.free_the_dead(store, self._clock.wall())
        gate, web = Gate(self._clock, self.reconfigure), self._reloading.newest.web
        if self._reloading.newest.console.enabled:
            await say_how_to_begin(store, web, self._clock.wall())
        console = Console(lambda: self._reloading.last)
        async with (
            serve(gate, "public", web.host, web.port, furnish=console.furnish) as self.address,
            serve(gate, "private", web.private.host, web.private_port) as self.private_address,
        ):
            while not self._stopping:
                self._turn.clear()
                await self._work_or_go_back(store, gate)

    async def _work_or_go_back(self, store: Store, gate: Gate) -> None:
        """Serve the newest configuration; one that reads well and cannot be put to work gives way to the one before."""
        settings, in_force = self._reloading.newest, self._reloading.in_force
        try:
            await self._work(store, gate, settings)
        except StorageError as error:
            if self._reloading.in_force is None:
                raise
            await self._wait_for_the_store(error)
        except Exception as error:
            if in_force is None or self._reloading.in_force is settings:
                raise
            self._reloading.failed(settings, in_force, error)

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
            workshop = await stack.enter_async_context(Workshop())
            if scoring := away.workshop(settings.sentiment):
                stack.push_async_callback(scoring.close)
            if asking := away.second_workshop(settings.sentiment):
                stack.push_async_callback(asking.close)
            guarded = GuardedClient(http)
            built = {
                name: sources.build(name, each, http=http, clock=self._clock, inbox=StoredInbox(store), workshop=workshop)
                for name, each in settings.sources.items()
                if each.enabled
            }
            for source in built.values():
                if isinstance(source, Attentive):
                    stack.push_async_callback(source.close)
            told = {
                name: notifiers.build(name, each, smtp=settings.smtp, http=guarded, reply_to=settings.reply_to)
                for name, each in settings.receivers.items()
            }
            mailbox = Mailbox(settings.replies) if settings.replies is not None else None
            if mailbox is not None:
                stack.push_async_callback(mailbox.close)
            drawer = await stack.enter_async_context(Drawer())
            stages = flow.build(
                settings,
                store,
                self._clock,
                built,
                told,
                owner=self._owner,
                scoring=scoring,
                asking=asking,
                mailbox=mailbox,
                digests=Writer(settings, store, self._clock, drawer),
            )
            set_back = await self._register(store, settings)
            shift = Shift(settings, store, self._clock, stages, set_back=set_back)
            stack.push_async_callback(shift.end)
            self._built()
            shift.begin()
            shift.beat_elsewhere(guarded)
            gate.open(settings, built, store, shift.ring, shift.in_trouble)
            stack.callback(gate.close)
            self.ready.set()
            self._reloading.accepted(settings)
            await self._turn.wait()
            if self._stopping:
                systemd.stopping()

    async def _register(self, store: Store, settings: Settings) -> bool:
        """Let what was stopped for its settings try again when these have changed.

        Returns whether the clock was set back since the store was last at work: what was put off, was put off later than now.
        """
        async with store.begin() as tx:
            await tx.sources.register(settings.fingerprints.sources)
            if settings.replies is not None:
                await tx.sources.register({MAIL_REPLIES: fingerprint(settings.replies)})
            await tx.receivers.register(settings.fingerprints.receivers)
            put_off_at = await tx.deliveries.put_off_at()
            await tx.commit()
        return put_off_at is not None and put_off_at - self._clock.now() > timedelta(seconds=JUMP)

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
