"""Once a day, as long as anything is only observed: an account of what would have rung, owed to people, exactly once.

That it was owed stands in the timeline, in the same transaction: neither a restart, nor a second process, nor a clock that is
set makes two of one day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from monitor.domain.alert import AlertEvent, NotificationKind
from monitor.domain.clock import Clock
from monitor.domain.plan import EventKind, TimelineEvent
from monitor.pipeline.quiet_hours import Quiet
from monitor.pipeline.recipients import Recipients
from monitor.settings import Settings
from monitor.storage import Store, UnitOfWork

BEGAN, TOLD, ENDED = EventKind.OBSERVED_BEGAN, EventKind.OBSERVED_ACCOUNT, EventKind.OBSERVED_ENDED
KINDS: Final = (BEGAN, TOLD, ENDED)
# What is being judged while the hour strikes is in the account.
_SETTLES: Final = timedelta(seconds=10)
_ORDINARY: Final = AlertEvent(0, NotificationKind.ACCOUNT, "info", 0, None, 0)  # as quiet hours see an account


class Accounts:
    """Owes the account to its receivers when its hour has come."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._recipients = Recipients(settings)
        self._quiet = Quiet(settings)

    async def step(self) -> int:
        """Begin, or owe the account that is due. Returns how many messages were owed."""
        now = self._clock.now()
        async with self._store.read() as tx:
            if self._next(await tx.timeline.of_kinds(KINDS), now) is None:
                return 0
        async with self._store.begin() as tx:
            event = self._next(await tx.timeline.of_kinds(KINDS, alone=True), now)
            owed = await self._note(tx, event) if event is not None else 0
            await tx.commit()
        return owed

    def _next(self, story: Sequence[TimelineEvent], now: datetime) -> TimelineEvent | None:
        """What is to be noted now, if anything. What a clock wrote that was ahead, and was set back, is passed over."""
        known = [event for event in story if event.at <= now]
        under_way = bool(known) and known[-1].kind != ENDED
        observes = anything_observed(self._settings, now)
        if not under_way:
            return TimelineEvent(now, BEGAN) if observes else None
        zone = self._settings.timezone
        since, due = span(known[-1])[1], self._settings.observing.last(now, zone)
        ends = self._settings.observing.ends(zone)
        if not observes and ends is not None and ends > since:
            due = min(due, ends)  # what happened after that has rung
        if due <= since or any(span(event)[1] == due for event in story if event.kind != BEGAN):
            return None
        detail = {"since": since.isoformat(), "until": due.isoformat()}
        return TimelineEvent(now, TOLD if observes else ENDED, detail=detail)

    async def _note(self, tx: UnitOfWork, event: TimelineEvent) -> int:
        await tx.timeline.add(event)
        if event.kind == BEGAN:
            return 0
        to = self._recipients.expand(self._settings.observing.to, event.at)
        receivers = to or self._recipients.expand(("default",), event.at)
        for receiver in receivers:
            await self._owe(tx, receiver, event)
        return len(receivers)

    async def _owe(self, tx: UnitOfWork, receiver: str, event: TimelineEvent) -> None:
        settled = max(event.at, span(event)[1] + _SETTLES)
        await tx.notifications.add(
            incident_id=None,
            receiver=receiver,
            kind=NotificationKind.ACCOUNT,
            events=(),
            created_at=event.at,
            due_at=self._quiet.until(receiver, _ORDINARY, settled) or settled,
        )


def span(event: TimelineEvent) -> tuple[datetime, datetime]:
    """From when until when an account is; of the beginning, which is none, the moment itself."""
    detail: Mapping[str, Any] = event.detail or {}
    if event.kind == BEGAN:
        return event.at, event.at
    return datetime.fromisoformat(detail["since"]), datetime.fromisoformat(detail["until"])


def anything_observed(settings: Settings, now: datetime) -> bool:
    """Whether something would ring at a moment (aware), and nobody is told."""
    return settings.observes_all(now) or bool(settings.observed_by_themselves)


def in_time(events: Sequence[TimelineEvent], at: datetime) -> TimelineEvent | None:
    """The account that was owed at a moment."""
    return next((event for event in reversed(events) if event.at == at and event.kind != BEGAN), None)
