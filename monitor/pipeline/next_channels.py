"""Sees that somebody hears what a receiver does not take, or does not take in time: its next channel, else anybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.domain.alert import AlertEvent, Delivery, Notification, NotificationKind
from monitor.domain.clock import Clock
from monitor.domain.plan import EventKind, TimelineEvent
from monitor.pipeline.recipients import Recipients
from monitor.settings import Settings
from monitor.storage import Store, UnitOfWork
from notifiers import DeliveryError

# The next channel is looked for when what is urgent was taken by nobody for so long.
NEXT_CHANNEL_AFTER = timedelta(seconds=30)
# What was said of a run so shortly before is the same call: nobody who failed a moment ago is tried in place of another.
_SAME_CALL = timedelta(minutes=10)
# Late messages that are handed over in one transaction.
AT_ONCE = 100
_MUST_BE_KNOWN = frozenset({NotificationKind.FIRST, NotificationKind.WORSE, NotificationKind.PLAN, NotificationKind.HELD})


class NextChannels:
    """Hands messages over, each once; the receiver they were for goes on being tried."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recipients = Recipients(settings)
        self._patience = _story(clock, NEXT_CHANNEL_AFTER)
        self._looked_at = self._looking_since = clock.now()  # without a gap: we neither stood still nor were away

    async def of_what_is_late(self) -> None:
        """Tell the next channel of what is urgent and stands still, be it that nobody answers, or that a queue is before it."""
        now = self._clock.now()
        since, looking = now - self._patience, self._look(now)
        async with self._store.read() as tx:
            if not await tx.deliveries.unheard(since, looking_since=looking, limit=1):
                return
        async with self._store.begin() as tx:
            for delivery in await tx.deliveries.unheard(since, looking_since=looking, limit=AT_ONCE):
                why = f"{delivery.receiver}: not delivered for {NEXT_CHANNEL_AFTER.seconds} s"
                await self._hand_over(tx, delivery, why, now)
            await tx.commit()

    def _look(self, now: datetime) -> datetime:
        """Since when we have looked again and again for what is due: what nobody tried meanwhile, nobody could try."""
        if not timedelta(0) <= now - self._looked_at < self._patience:
            self._looking_since = now
        self._looked_at = now
        return self._looking_since

    async def of_failure(self, tx: UnitOfWork, delivery: Delivery, error: DeliveryError, now: datetime, *, final: bool) -> None:
        """Write a failure that is final into the timeline; see that somebody else is told of what must be known."""
        about, why = delivery.notification, f"{delivery.receiver}: {error.reason}"
        if final:
            said = {"reason": str(error.reason), "detail": error.detail, "attempts": delivery.attempts}
            await tx.timeline.add(happened(EventKind.DELIVERY_FAILED, delivery, now, **said))
            if about.kind in _MUST_BE_KNOWN or delivery.urgent:
                await self._tell_the_next(tx, delivery, why, now)
        elif delivery.urgent and not delivery.handed_over and self._recipients.fallback(delivery.receiver, now):
            await self._hand_over(tx, delivery, why, now)

    async def _hand_over(self, tx: UnitOfWork, delivery: Delivery, why: str, now: datetime) -> None:
        """Tell the next channel, once; this one goes on being tried."""
        if await tx.deliveries.hand_over(delivery.id, now):
            await self._tell_the_next(tx, delivery, why, now)

    async def _tell_the_next(self, tx: UnitOfWork, delivery: Delivery, why: str, now: datetime) -> None:
        """Each alert in the message goes to whom it concerns: of those in a digest each may be known to others, or to nobody."""
        about = delivery.notification
        shares: dict[str, list[AlertEvent]] = {}
        if about.plan_run_id is not None and about.plan_why is not None:
            shares = {receiver: [*about.events] for receiver in await self._next_of_call(tx, about, about.plan_run_id, now)}
        else:
            for event in about.events:
                for receiver in await self._next_of(tx, about, event, now):
                    shares.setdefault(receiver, []).append(event)
        for receiver, events in shares.items():
            await self._tell(tx, receiver, about, events, now)
            await tx.timeline.add(happened(EventKind.DELIVERY_FALLBACK, delivery, now, to=receiver, why=why))

    async def _next_of_call(self, tx: UnitOfWork, about: Notification, run_id: int, now: datetime) -> tuple[str, ...]:
        """Whoever is called to act is another matter than who knows of the alert: a call that nobody hears was not made."""
        run = await tx.plans.get(run_id)
        people = run.snapshot.get("notify", ()) if run is not None else ()
        hopes = await tx.notifications.hopes_of_call(about, about.created_at - _SAME_CALL)
        return self._recipients.next_in_plan(about.receiver, people, hopes | {about.receiver: False}, now)

    async def _next_of(self, tx: UnitOfWork, about: Notification, event: AlertEvent, now: datetime) -> tuple[str, ...]:
        alert = await tx.alerts.get(event.alert_id)
        hopes = await tx.notifications.hopes(alert.incident_id, alert.id, alert.opened_at) if alert is not None else {}
        return self._recipients.next_after(about.receiver, alert, hopes | {about.receiver: False}, now)

    @staticmethod
    async def _tell(tx: UnitOfWork, receiver: str, about: Notification, events: Sequence[AlertEvent], now: datetime) -> None:
        await tx.notifications.add(
            incident_id=about.incident_id,
            receiver=receiver,
            kind=about.kind,
            events=events,
            created_at=now,
            due_at=now,
            plan_run_id=about.plan_run_id,
            plan_about=about.plan_about,
            plan_why=about.plan_why,
            more=about.more,
        )


def _story(clock: Clock, real: timedelta) -> timedelta:
    """How much story time passes while `real` passes, and never less than that: a demo's hours are no delay."""
    passing = clock.real_seconds(real)
    return real * max(real.total_seconds() / passing, 1.0) if passing else real


def happened(kind: EventKind, delivery: Delivery, now: datetime, **detail: object) -> TimelineEvent:
    """What happened to a delivery, for the timeline of its incident."""
    notification = delivery.notification
    return TimelineEvent(
        at=now,
        kind=kind,
        detail={"receiver": delivery.receiver, "message": str(notification.kind), **detail},
        incident_id=notification.incident_id,
        plan_run_id=notification.plan_run_id,
    )
