"""Claims what is owed to one receiver, sends it, records the outcome. Receivers never wait for one another."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from monitor.domain.alert import Delivery, Notification, NotificationKind
from monitor.domain.clock import Clock
from monitor.domain.plan import TimelineEvent
from monitor.pipeline.compose import Composer
from monitor.pipeline.recipients import Recipients
from monitor.settings import Settings
from monitor.storage import Store, UnitOfWork
from monitor.telemetry import metrics
from notifiers import DeliveryError, Notifier, Reason

log = structlog.get_logger(__name__)

# Emergencies first: five tries in the first two minutes, then ever more patience, for a day.
SCHEDULE = tuple(timedelta(seconds=s) for s in (5, 15, 30, 60, 120, 300, 600, 1800, 3600))
GIVE_UP_AFTER = timedelta(hours=24)
LONGEST_OBEDIENCE = timedelta(hours=1)
# Real time: the longest one attempt may take. The lease outlives it, so that no other process sends the same again.
ATTEMPT = timedelta(seconds=60)
LEASE = ATTEMPT + timedelta(seconds=30)
# No later try will find anybody there; and what somebody must know all the same.
_NOBODY_THERE = frozenset({Reason.GONE, Reason.MISCONFIGURED, Reason.UNKNOWN_RECIPIENT})
_MUST_BE_KNOWN = frozenset({NotificationKind.FIRST, NotificationKind.WORSE, NotificationKind.PLAN})
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
    ) -> None:
        self._store = store
        self._clock = clock
        self._notifiers = notifiers
        self._owner = owner
        self._dry_run = dry_run
        self._composer = Composer(settings, store.installation, replay=replay)
        self._recipients = Recipients(settings)

    async def due(self) -> set[str]:
        """The receivers to whom something is owed now."""
        async with self._store.read() as tx:
            return await tx.deliveries.due_receivers(self._clock.now(), self._clock.wall())

    async def step(self, receiver: str) -> int:
        """Send one message to one receiver, if one is due. Returns how many were attempted: 0 or 1, in a dry run perhaps more."""
        limit = AT_ONCE if self._dry_run else 1
        async with self._store.begin() as tx:
            claimed = await tx.deliveries.claim(
                receiver, owner=self._owner, now=self._clock.now(), wall=self._clock.wall(), lease=LEASE, limit=limit
            )
            disabled = (await tx.receivers.disabled()).get(receiver) if claimed else None
            pretended = self._dry_run and disabled is None and receiver in self._notifiers
            if pretended:
                await self._pretend(tx, claimed)
            await tx.commit()
        for delivery in () if pretended else claimed:
            if disabled is not None:
                await self._refused(delivery, DeliveryError(Reason.GONE, disabled))
            else:
                await self._attempt(delivery)
        return len(claimed)

    async def release(self) -> None:
        """Make due again at once whatever was cut off while it was being sent. Only when nobody sends any more."""
        async with self._store.begin() as tx:
            cut_off = await tx.deliveries.free(self._owner)
            await tx.commit()
        if cut_off:
            log.warning("delivery.cut_off", deliveries=cut_off)

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            detail = await self._send(delivery)
        except DeliveryError as error:
            await self._refused(delivery, error)
        except TimeoutError:
            await self._refused(delivery, DeliveryError(Reason.TIMEOUT, f"no answer within {ATTEMPT.seconds} s"))
        except Exception as error:
            log.exception("delivery.bug", receiver=delivery.receiver, delivery=delivery.id)
            await self._refused(delivery, DeliveryError(Reason.INTERNAL, type(error).__name__))
        else:
            await self._delivered(delivery, detail)

    async def _send(self, delivery: Delivery) -> str:
        notifier = self._notifiers.get(delivery.receiver)
        if notifier is None:
            raise DeliveryError(Reason.MISCONFIGURED, "the receiver is no longer in monitor.yaml")
        async with self._store.read() as tx:
            message = await self._composer.compose(tx, delivery.notification)
        with metrics.delivery_seconds.labels(receiver=delivery.receiver).time():
            async with asyncio.timeout(ATTEMPT.total_seconds()):
                receipt = await notifier.send(message, attempted_at=self._clock.wall())
        return receipt.detail

    async def _pretend(self, tx: UnitOfWork, claimed: Sequence[Delivery]) -> None:
        """Record what a dry run would have sent: nothing leaves, so nothing can go wrong in between."""
        now = self._clock.now()
        await tx.deliveries.pretended([each.id for each in claimed], self._owner, now, NOT_SENT)
        await tx.timeline.add_all([_event("delivery.dry_run", each, now, {"attempts": each.attempts}) for each in claimed])

    async def _delivered(self, delivery: Delivery, detail: str) -> None:
        now = self._clock.now()
        async with self._store.begin() as tx:
            ours = await tx.deliveries.delivered(delivery.id, self._owner, now, detail)
            if ours:
                await tx.timeline.add(_event("delivery.delivered", delivery, now, {"attempts": delivery.attempts}))
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

    async def _refused(self, delivery: Delivery, error: DeliveryError) -> None:
        now = self._clock.now()
        wait = patience(delivery.attempts, error.retry_after)
        # Time in which we did not run is no try: what waited for us over a weekend gets its whole schedule.
        tried = delivery.attempts > len(SCHEDULE) and now + wait - delivery.notification.due_at > GIVE_UP_AFTER
        final = error.permanent or tried
        async with self._store.begin() as tx:
            if not final:
                ours = await tx.deliveries.retry(delivery.id, self._owner, now, now + wait, error.reason, error.detail)
            else:
                ours = await tx.deliveries.failed(delivery.id, self._owner, now, error.reason, error.detail)
            if final and ours:
                detail = {"reason": str(error.reason), "detail": error.detail, "attempts": delivery.attempts}
                await tx.timeline.add(_event("delivery.failed", delivery, now, detail))
                if error.reason in _NOBODY_THERE and delivery.notification.kind in _MUST_BE_KNOWN:
                    await self._tell_others(tx, delivery.notification, now)
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

    async def _tell_others(self, tx: UnitOfWork, lost: Notification, now: datetime) -> None:
        """What a receiver that is gone can't be told is told to somebody else, unless they know."""
        if lost.incident_id is None or not lost.events:
            return
        alert = await tx.alerts.get(lost.events[0].alert_id)
        known = await tx.notifications.told(lost.incident_id, lost.events[0].alert_id)
        for receiver in self._recipients.instead_of(lost.receiver, alert, now):
            if receiver not in known:
                await tx.notifications.add(
                    incident_id=lost.incident_id,
                    receiver=receiver,
                    kind=lost.kind,
                    events=lost.events,
                    created_at=now,
                    due_at=now,
                    plan_run_id=lost.plan_run_id,
                )


def patience(attempts: int, retry_after: float | None) -> timedelta:
    """How long to wait after `attempts` attempts: as the other side asks (5 s to an hour), else by the schedule with jitter."""
    if retry_after is not None:
        asked = min(max(SCHEDULE[0].total_seconds(), retry_after), LONGEST_OBEDIENCE.total_seconds())
        return timedelta(seconds=asked)
    return SCHEDULE[min(attempts, len(SCHEDULE)) - 1] * random.uniform(0.9, 1.1)  # noqa: S311 jitter, not a secret


def _event(kind: str, delivery: Delivery, now: datetime, detail: dict[str, object]) -> TimelineEvent:
    notification = delivery.notification
    return TimelineEvent(
        at=now,
        kind=kind,
        detail={"receiver": delivery.receiver, "message": str(notification.kind), **detail},
        incident_id=notification.incident_id,
        plan_run_id=notification.plan_run_id,
    )
