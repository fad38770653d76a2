"""Claims what is owed to one receiver, sends it, records the outcome. Receivers never wait for one another."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

import notifiers as receivers
from monitor.domain.alert import Delivery
from monitor.domain.clock import Clock
from monitor.domain.errors import StorageError
from monitor.domain.plan import EventKind
from monitor.pipeline.compose import Composer
from monitor.pipeline.digests import Writes
from monitor.pipeline.links import Links
from monitor.pipeline.next_channels import NextChannels, happened
from monitor.pipeline.patience import SCHEDULE, Rests, patience
from monitor.pipeline.seals import Seal
from monitor.settings import Settings
from monitor.sources.http import GuardedClient, HttpClient
from monitor.storage import Store, UnitOfWork
from monitor.telemetry import metrics
from notifiers import DeliveryError, Message, Notifier, Reason

log = structlog.get_logger(__name__)

GIVE_UP_AFTER = timedelta(hours=24)
# Real time: the longest one attempt may take, with its wait for one before it that hangs for 30 s, and for a process. The
# lease outlives it, so that no other process sends the same again.
ATTEMPT = timedelta(seconds=90)
LEASE = ATTEMPT + timedelta(seconds=30)
# Messages to one receiver that are under way at once, each of another conversation.
BESIDE = 4
# A message that a bug of ours keeps from being sent is tried so often, from the second time in plain words.
BUGS = 3
# Messages that a dry run records in one transaction.
AT_ONCE = 100
NOT_SENT = "not sent: a replay delivers only when asked to"


class Deliverer:
    """Sends what is due, one receiver at a time per call. At least once, under an id that stays the same."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        notifiers: Mapping[str, Notifier],
        *,
        owner: str,
        dry_run: bool = False,
        replay: bool = False,
        digests: Writes | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._notifiers = notifiers
        self._owner = owner
        self._dry_run = dry_run
        links = None if replay else Links(settings, store)  # what is over is nobody's to take
        seal = Seal(store.mail_key)
        self._composer = Composer(settings, store.installation, replay=replay, seal=seal, links=links, digests=digests)
        self._next_channels = NextChannels(settings, store, clock)
        self._rests = Rests()

    async def due(self) -> set[str]:
        """The receivers to whom something is owed now; those that fail only when it is urgent, or time for another try."""
        try:
            await self._next_channels.of_what_is_late()
        except StorageError:
            raise
        except Exception:  # whatever is wrong with one of them, all that is due is sent
            log.exception("delivery.not_handed_over")
            metrics.worker_failures.labels(worker="deliver").inc()
        now, wall = self._clock.now(), self._clock.wall()
        async with self._store.read() as tx:
            found = await tx.deliveries.due_receivers(now, wall)
            resting = {name for name in found if self._rests.resting(name, now)}
            return found - resting | (await tx.deliveries.due_receivers(now, wall, urgent=True) & resting if resting else set())

    async def step(self, receiver: str) -> int:
        """Send what is due to one receiver, a few messages beside one another. Returns how many were attempted."""
        async with self._store.begin() as tx:
            claimed = await self._claim(tx, receiver)
            disabled = (await tx.receivers.disabled()).get(receiver) if claimed else None
            pretended = self._dry_run and disabled is None and receiver in self._notifiers
            if pretended:
                await self._pretend(tx, claimed)
            await tx.commit()
        if disabled is not None:
            for delivery in claimed:
                await self._refused(delivery, DeliveryError(Reason.GONE, disabled), self._clock.now())
        elif not pretended:
            await _all(self._attempt(each) for each in claimed)
        return len(claimed)

    async def _claim(self, tx: UnitOfWork, receiver: str) -> Sequence[Delivery]:
        """A receiver that fails is tried with one message at a time, and while it rests only with what is urgent."""
        now, wall = self._clock.now(), self._clock.wall()
        failing, resting = self._rests.failing(receiver), self._rests.resting(receiver, now)
        limit = AT_ONCE if self._dry_run else 1 if failing else BESIDE
        return await tx.deliveries.claim(
            receiver, owner=self._owner, now=now, wall=wall, lease=LEASE, limit=limit, urgent=resting, apart=not self._dry_run
        )

    async def hurry(self) -> None:
        """The clock was set back: try at once whatever waits, and wait for nobody's lease for longer than one lasts."""
        async with self._store.begin() as tx:
            hurried = await tx.deliveries.hurry(self._clock.now(), wall=self._clock.wall(), lease=LEASE)
            await tx.commit()
        log.warning("delivery.hurried", deliveries=hurried)

    async def release(self) -> None:
        """Make due again at once whatever was cut off while it was being sent. Only when nobody sends any more."""
        async with self._store.begin() as tx:
            cut_off = await tx.deliveries.free(self._owner)
            await tx.commit()
        if cut_off:
            log.warning("delivery.cut_off", deliveries=cut_off)

    async def _attempt(self, delivery: Delivery) -> None:
        began = self._clock.now()
        try:
            detail = await self._send(delivery)
        except DeliveryError as error:
            await self._refused(delivery, error, began)
        except TimeoutError:
            await self._refused(delivery, DeliveryError(Reason.TIMEOUT, f"no answer within {ATTEMPT.seconds} s"), began)
        except Exception as error:
            log.exception("delivery.bug", receiver=delivery.receiver, delivery=delivery.id)
            await self._refused(delivery, DeliveryError(Reason.INTERNAL, type(error).__name__), began)
        else:
            await self._delivered(delivery, detail)

    async def _send(self, delivery: Delivery) -> str:
        notifier = self._notifiers.get(delivery.receiver)
        if notifier is None:
            raise DeliveryError(Reason.MISCONFIGURED, "the receiver is no longer in monitor.yaml")
        message = await self._compose(delivery)
        with metrics.delivery_seconds.labels(receiver=delivery.receiver).time():
            async with asyncio.timeout(ATTEMPT.total_seconds()):
                receipt = await notifier.send(message, attempted_at=self._clock.wall())
        return receipt.detail

    async def _compose(self, delivery: Delivery) -> Message:
        """The message; in plain words when a bug of ours keeps it from being written, or from being sent the last time."""
        if delivery.reason == Reason.INTERNAL:
            return self._composer.plain(delivery.notification)
        try:
            return await self._composer.compose(self._store, delivery.notification)
        except StorageError:
            raise
        except Exception:
            log.exception("delivery.not_written", receiver=delivery.receiver, delivery=delivery.id)
            metrics.worker_failures.labels(worker="compose").inc()
            return self._composer.plain(delivery.notification)

    async def _pretend(self, tx: UnitOfWork, claimed: Sequence[Delivery]) -> None:
        """Record what a dry run would have sent: nothing leaves, so nothing can go wrong in between."""
        now = self._clock.now()
        await tx.deliveries.pretended([each.id for each in claimed], self._owner, now, NOT_SENT)
        await tx.timeline.add_all([happened(EventKind.DELIVERY_DRY_RUN, each, now, attempts=each.attempts) for each in claimed])
        for each in claimed:
            await _wake_plan(tx, each, now)

    async def _delivered(self, delivery: Delivery, detail: str) -> None:
        now = self._clock.now()
        self._rests.well(delivery.receiver)
        async with self._store.begin() as tx:
            ours = await tx.deliveries.delivered(delivery.id, self._owner, now, detail)
            if ours:
                await tx.timeline.add(happened(EventKind.DELIVERY_DELIVERED, delivery, now, attempts=delivery.attempts))
                await _wake_plan(tx, delivery, now)
            await tx.receivers.succeeded(delivery.receiver, now)
            await tx.commit()
        if not ours:
            self._lost(delivery)
            return
        metrics.deliveries.labels(receiver=delivery.receiver, outcome="delivered").inc()
        log.info("delivery.delivered", receiver=delivery.receiver, delivery=delivery.id, attempts=delivery.attempts)

    @staticmethod
    def _lost(delivery: Delivery) -> None:
        """The attempt outlasted its lease: whoever took it over records how it ended."""
        log.warning("delivery.lease_lost", receiver=delivery.receiver, delivery=delivery.id, attempts=delivery.attempts)

    async def _refused(self, delivery: Delivery, error: DeliveryError, began: datetime) -> None:
        now = self._clock.now()
        wait = patience(delivery.attempts, error.retry_after, already=now - began)
        self._rests.failed(delivery.receiver, error, now)
        final = error.permanent or self._hopeless(delivery, error, now + wait)
        async with self._store.begin() as tx:
            if not final:
                ours = await tx.deliveries.retry(delivery.id, self._owner, now, now + wait, error.reason, error.detail)
            else:
                ours = await tx.deliveries.failed(delivery.id, self._owner, now, error.reason, error.detail)
            if ours:
                await self._next_channels.of_failure(tx, delivery, error, now, final=final)
            if ours:
                await _wake_plan(tx, delivery, now)
            await tx.receivers.failed(delivery.receiver, now)
            if error.reason is Reason.GONE:
                await tx.receivers.disable(delivery.receiver, error.detail, now)
            await tx.commit()
        if not ours:
            self._lost(delivery)
            return
        metrics.deliveries.labels(receiver=delivery.receiver, outcome=str(error.reason)).inc()
        log.warning(
            "delivery.failed" if final else "delivery.retry",
            receiver=delivery.receiver,
            delivery=delivery.id,
            attempts=delivery.attempts,
            reason=str(error.reason),
            detail=error.detail,
            retry_in=None if final else round(wait.total_seconds()),
        )

    def _hopeless(self, delivery: Delivery, error: DeliveryError, next_try: datetime) -> bool:
        """Whether it was tried for long enough: a bug three times; all else for a day, in which we ran and it was refused."""
        if error.reason is Reason.INTERNAL:
            # Only a try in plain words shows that nothing helps: what failed before may have been the receiver, or the store.
            return delivery.attempts >= BUGS and delivery.reason == Reason.INTERNAL
        failing_since = self._rests.since(delivery.receiver)
        # Time in which we did not run is no try: what waited for us over a weekend gets its whole schedule.
        refused = failing_since is not None and next_try - failing_since > GIVE_UP_AFTER
        tried = delivery.attempts >= len(SCHEDULE) or refused
        return tried and next_try - delivery.notification.due_at > GIVE_UP_AFTER


async def _wake_plan(tx: UnitOfWork, delivery: Delivery, now: datetime) -> None:
    """A step's message was sent, or refused: the run may go on."""
    about = delivery.notification
    if about.plan_run_id is not None and about.plan_step is not None:
        await tx.plans.wake(about.plan_run_id, now)


async def send_now(settings: Settings, store: Store, clock: Clock, receiver: str, digests: Writes | None = None) -> None:
    """Send all that is due to `receiver` now, from a command. Outcomes, good and bad, are recorded in the store."""
    async with HttpClient(settings.http, clock) as http:
        way = GuardedClient(http)
        built = receivers.build(receiver, settings.receivers[receiver], smtp=settings.smtp, http=way, reply_to=settings.reply_to)
        deliver = Deliverer(settings, store, clock, {receiver: built}, owner=f"command-{uuid.uuid4().hex[:12]}", digests=digests)
        while await deliver.step(receiver):
            pass


async def _all(attempts: Iterable[Coroutine[None, None, None]]) -> None:
    """Let every attempt come to its end before what went wrong with one of them is told."""
    for outcome in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
