"""One configuration at work: who repeats which stage, who wakes whom, and how all of it stands."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from monitor.cards import Keeper
from monitor.domain.alert import SEVERITIES
from monitor.domain.clock import Clock
from monitor.domain.errors import StorageError
from monitor.heartbeat import Heartbeat
from monitor.pipeline import flow
from monitor.pipeline.delivery import ATTEMPT
from monitor.pipeline.source_standing import standings
from monitor.scheduling import Scheduler
from monitor.settings import Settings
from monitor.sources.http import GuardedClient
from monitor.storage import StorageSettings, Store, UnitOfWork
from monitor.telemetry import metrics, systemd, watch_loop
from monitor.vitals import Vitals
from monitor.workers import Workers

log = structlog.get_logger(__name__)

# Real time for the workers to finish: SIGTERM must end the process within ten seconds, the closing of connections included.
DRAIN = timedelta(seconds=6)
# Mentions that are read back, and judged in one transaction: five hundred kept the loop for an eighth of a second.
JUDGED_AT_ONCE = 125
# Story time between two looks at what the passing of time alone brings about.
TICK = timedelta(seconds=15)
# Real time after which a stage looks for work on its own: another process may have left some.
EVALUATE_IDLE = timedelta(seconds=2)
DELIVER_IDLE = timedelta(seconds=1)
PLANS_IDLE = timedelta(seconds=1)
READINGS_IDLE = timedelta(minutes=15)
ACCOUNTS_IDLE = timedelta(seconds=20)
DIGESTS_IDLE = timedelta(seconds=20)
# Real time between two looks whether this process leads, for what only the leader does.
FOLLOWS_IDLE = timedelta(seconds=0.5)
FORGET_EVERY = timedelta(hours=6)
FORGET_AT_ONCE = 1000
PULSE = timedelta(seconds=10)
# Real time before the cards of the plans are first looked at (a start has more urgent work), and between two looks.
CARDS_AFTER = timedelta(seconds=10)
CARDS_EVERY = timedelta(hours=1)
# Real time to find out whether a new process could begin: less than systemd waits between two pings.
PROBE = timedelta(seconds=5)
# Real time that a step may take beyond the time-out of the call it makes, before it is called stuck.
BEYOND = timedelta(minutes=2)


class Shift:
    """The workers that serve one configuration: who repeats which stage, and who wakes whom."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, stages: flow.Flow, *, set_back: bool = False) -> None:
        self._settings = settings
        self._store = store
        self._stages = stages
        self._clock = clock
        self._workers = Workers()
        self._vitals = Vitals(self._workers, self._could_begin, served=not settings.storage.in_a_file)
        self._scheduler = Scheduler(clock, jumped=self._jumped)
        self._sources = {name: self._workers.bell() for name, each in settings.sources.items() if each.enabled}
        self._evaluate, self._plans, self._deliver, self._forget, self._figures, self._read, self._replies, self._accounts = (
            self._workers.bell() for _ in range(8)
        )
        self._digests = self._workers.bell()
        self._tick_due = False
        self._set_back = set_back  # the wall clock was, and what is due lies further away than it should
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
        self._stages.evaluate.watch_clocks(self._scheduler.look)
        metrics.keep(self._sources, self._settings.receivers)
        for name, bell in self._sources.items():
            limit = self._settings.sources[name].timeout + BEYOND
            self._workers.repeat(f"source {name}", partial(self._poll, name), bell, limit=limit)
            self._scheduler.every(f"source {name}", self._settings.sources[name].every, bell.set)
        self._workers.repeat("evaluate", self._judge, self._evaluate, idle=EVALUATE_IDLE)
        self._workers.repeat("plans", self._carry, self._plans, idle=PLANS_IDLE)
        self._workers.repeat("deliver", self._dispatch, self._deliver, idle=DELIVER_IDLE)
        self._workers.repeat("readings", self._ask_to_read, self._read, idle=READINGS_IDLE)
        self._workers.repeat("accounts", self._give_account, self._accounts, idle=ACCOUNTS_IDLE)
        self._workers.repeat("digests", self._owe_digests, self._digests, idle=DIGESTS_IDLE)
        self._workers.repeat("forget", self._forget_old, self._forget)
        self._read_replies()
        self._workers.start("pulse", self._beat(_beats_every().total_seconds()), endless=True)
        self._workers.repeat("figures", self._measure, self._figures, idle=PULSE)
        if self._settings.cards.enabled:
            self._workers.start("cards", self._keep_cards(Keeper(self._settings, self._clock)), endless=True)
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

    def _jumped(self, seconds: float) -> None:
        """The wall clock was set, or the machine has slept."""
        if seconds > 0:
            self._stages.evaluate.resumed()
        else:
            self._set_back = True
            self._deliver.set()
            self._stages.evaluate.set_back()
            self._evaluate.set()

    def _ask_for_tick(self) -> None:
        self._tick_due = True
        self._evaluate.set()

    async def _poll(self, name: str) -> int:
        polled = await self._stages.intake.poll(name)
        if polled.stored or polled.changed:
            self._evaluate.set()
        self._ring_again(name, polled.again_after)
        if polled.settled:
            await self._stages.intake.listen(name, self._sources[name].set)
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
            judged = await self._stages.evaluate.step(JUDGED_AT_ONCE)
        except Exception:
            # What cannot be judged must not keep sources and receivers that went silent from ringing.
            if self._tick_due:
                self._tick_due = False
                await self._stages.evaluate.tick_behind()
            raise
        # A backlog is judged first: by what was said yesterday, all would be calm today. A steady stream never ends.
        if judged < JUDGED_AT_ONCE and self._tick_due:
            self._tick_due = False
            await self._stages.evaluate.tick()
        self._plans.set()
        self._deliver.set()
        return judged

    async def _carry(self) -> int:
        moved = await self._stages.plans.step()
        if moved:
            self._deliver.set()
        self._carry_in_time(self._stages.plans.wakes_at)
        return moved

    def _carry_in_time(self, at: datetime | None) -> None:
        """Wake for the run that is due next at its moment, where that comes before the next look."""
        rest = None if at is None else self._clock.real_seconds(at - self._clock.now())
        if rest is not None and 0 < rest < PLANS_IDLE.total_seconds():
            asyncio.get_running_loop().call_later(rest, self._plans.set)

    async def _ask_to_read(self) -> int:
        if await self._stages.readings.step():
            self._deliver.set()
        return 0

    async def _give_account(self) -> int:
        """Of several processes, the one that judges knows what would have rung."""
        if not self._stages.evaluate.leads:
            await self._workers.rest(FOLLOWS_IDLE)
            return 1
        if await self._stages.accounts.step():
            self._deliver.set()
        return 0

    async def _owe_digests(self) -> int:
        """Whichever process comes first owes it; the record keeps the others from it."""
        if await self._stages.digests.step():
            self._deliver.set()
        return 0

    async def _dispatch(self) -> int:
        """Send to everybody who is owed something, each on a task of its own: a dead receiver delays nobody."""
        if self._set_back:
            await self._stages.deliver.hurry()
            await self._stages.plans.hurry()
            self._set_back = False
        for receiver in await self._stages.deliver.due() - self._sending:
            self._sending.add(receiver)
            self._workers.start(f"deliver {receiver}", self._send_to(receiver))
        return 0

    async def _send_to(self, receiver: str) -> None:
        try:
            while not self._workers.stopping and await self._send_one(receiver):
                self._plans.set()
        except Exception:
            log.exception("worker.failed", worker=f"deliver {receiver}")
            metrics.worker_failures.labels(worker=f"deliver {receiver}").inc()
        finally:
            self._sending.discard(receiver)

    async def _send_one(self, receiver: str) -> int:
        with self._workers.attempt(f"deliver {receiver}", ATTEMPT + BEYOND):
            return await self._stages.deliver.step(receiver)

    def _read_replies(self) -> None:
        """Read what people answer to e-mails, if there is a mailbox for it."""
        settings, stage = self._settings.replies, self._stages.replies
        if settings is None or stage is None:
            return

        async def read() -> int:
            if not self._stages.evaluate.leads:  # of several processes, one reads
                await self._workers.rest(FOLLOWS_IDLE)
                return 1
            read = await stage.step(self._replies.set)
            self._plans.set()
            return read

        self._workers.repeat("replies", read, self._replies, idle=settings.every, limit=3 * settings.timeout + BEYOND)

    async def _forget_old(self) -> int:
        """Let go of what is past the retention, a little at a time."""
        return await self._store.forget(self._settings.storage.retention, self._clock.now(), FORGET_AT_ONCE)

    async def _beat(self, every: float) -> None:
        """Feed systemd's watchdog, for as long as that is right. Nothing else is done here: what can hang must not starve it."""
        while True:
            try:
                await self._vitals.feed()
            except Exception:
                log.exception("worker.failed", worker="pulse")
            await asyncio.sleep(every)

    async def _keep_cards(self, keeper: Keeper) -> None:
        """See that the cards on disk are those of this configuration."""
        rest = CARDS_AFTER
        while True:
            await asyncio.sleep(rest.total_seconds())
            await keeper.step()
            rest = CARDS_EVERY

    async def _could_begin(self) -> bool:
        """Whether a process that is started now would come as far as this one: it must open the store."""
        try:
            async with asyncio.timeout(PROBE.total_seconds()):
                await (await Store.open(self._settings.storage, create=False)).close()
        except (StorageError, TimeoutError):
            return False
        return True

    def beat_elsewhere(self, http: GuardedClient) -> None:
        """Let somebody elsewhere know that the work progresses, if anybody is to know."""
        settings = self._settings.heartbeat
        metrics.heartbeat(settings.every if settings else None)
        if settings is not None:
            heartbeat = Heartbeat(settings, http, self._clock, self._vitals.progress)
            self._workers.repeat("heartbeat", heartbeat.beat, self._workers.bell(), idle=settings.every)

    async def _measure(self) -> int:
        """Tell the metrics how everything stands, after seeing that nobody who is frozen holds it up."""
        await self._store.end_the_frozen()
        metrics.store_refuses.set(await self._store.refuses() is not None)
        await asyncio.to_thread(_measure_the_disk, self._settings.storage)
        async with self._store.read() as tx:
            await self._measured(tx)
        return 0

    async def _measured(self, tx: UnitOfWork) -> None:
        oldest, now = await tx.deliveries.next_due(), self._clock.now()
        behind = await tx.mentions.behind(await tx.evaluator.offset())
        metrics.queue(await tx.deliveries.pending(), behind, oldest=now - oldest if oldest is not None else timedelta(0))
        rings, waiting = await tx.alerts.open_counts(), await tx.inbox.waiting()
        for severity in SEVERITIES:
            metrics.alerts_open.labels(severity=severity).set(rings.get(severity, 0))
        metrics.evaluator_leads.set(self._stages.evaluate.leads)
        for source in await tx.sources.all():
            if source.source in self._sources:
                every = self._settings.sources[source.source].every
                metrics.source(source.source, source, every, waiting.get(source.source, 0))
        asked = {name: self._settings.sources[name] for name in self._sources}
        for each in await standings(tx, asked, self._clock):
            metrics.source_health(
                each.name,
                lag=each.lag,
                errors_left=each.errors.left,
                next_poll=each.next_poll,
                brought_at=each.brought_at,
                quiet=each.condition == "quiet",
                quotas=[(quota.counts, quota.per, quota.left) for quota in each.quotas],
            )
        for receiver in await tx.receivers.all():
            if receiver.receiver in self._settings.receivers:
                metrics.receiver(receiver)


def _measure_the_disk(storage: StorageSettings) -> None:
    """How large SQLite's files are, and how much room is left beside them."""
    path = Path(storage.parsed().database or "")
    if not storage.in_a_file or not path.is_file():
        return
    files = (path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm"))
    metrics.store_bytes.set(sum(file.stat().st_size for file in files if file.exists()))
    disk = shutil.disk_usage(path.parent)
    metrics.store_disk_free.set(disk.free)
    metrics.store_disk_size.set(disk.total)


def _beats_every() -> timedelta:
    """Real time between two beats: as often as systemd's watchdog wants, at least."""
    wanted = systemd.watchdog_interval()
    return min(PULSE, timedelta(seconds=wanted)) if wanted is not None else PULSE
