"""What is owed to whom: a conversation is an incident and a receiver; its first message leaves at once, the rest is gathered.

In a storm a receiver hears of so many incidents one by one, and of the others in a digest: one message across incidents. What
quiet hours hold is gathered in a digest of its own, which leaves at their end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.domain.alert import AlertEvent, Notification, NotificationKind, Priority, priority
from monitor.pipeline.quiet_hours import Quiet
from monitor.settings import Settings
from monitor.storage import UnitOfWork

# The alerts one message lists by name; those beyond are counted. In a crisis nobody reads the two hundredth.
MOST = 200


@dataclass
class _Talk:
    """One conversation, as a transaction found it, and what it adds to the message that waits."""

    last_due: datetime | None
    waiting: Notification | None = None
    due_at: datetime | None = None  # of the waiting message
    events: list[AlertEvent] = field(default_factory=list)  # of the waiting message, ours included
    more: int = 0
    changed: bool = False

    def wait_for(self, notification: Notification | None) -> None:
        """From now on, news joins this message."""
        self.waiting, self.changed = notification, False
        self.due_at = notification.due_at if notification is not None else None
        self.events, self.more = (list(notification.events), notification.more) if notification is not None else ([], 0)

    def takes_more(self, now: datetime) -> bool:
        """Whether a message waits that has not left yet."""
        return self.waiting is not None and self.due_at is not None and self.due_at > now

    def suits(self, kind: NotificationKind) -> bool:
        """Whether the message that waits can say it: one that tells what is over must not seem to say so of what goes on."""
        return kind is NotificationKind.RESOLVED or self.waiting is None or self.waiting.kind is not NotificationKind.RESOLVED

    def add(self, share: AlertEvent) -> None:
        """One more thing to say; what was said last of the same alert is not said twice."""
        said = [each.event for each in self.events if each.alert_id == share.alert_id]
        if said[-1:] == [share.event]:
            return
        self.changed = True
        if len(self.events) < MOST:
            self.events.append(share)
            return
        self.more += 1
        mild = next((n for n, each in enumerate(self.events) if each.severity != "critical"), None)
        if share.severity == "critical" and mild is not None:
            self.events[mild] = share  # what it replaces is counted

    def keep(self, share: AlertEvent) -> None:
        """Say each alert once, as it stands now: whoever reads it hours later was told nothing of what was before."""
        place = next((n for n, each in enumerate(self.events) if each.alert_id == share.alert_id), None)
        if place is None:
            self.add(share)
            return
        known = self.events[place]
        # What rang and is over while it was held is told by its beginning; that it is over stands in the alert.
        event = share.event if known.event == NotificationKind.RESOLVED else known.event
        self.events[place] = replace(share, event=event)
        self.changed = True

    def take_back(self, alerts: Collection[int]) -> None:
        """What was said of these alerts is told in another message."""
        left = [each for each in self.events if each.alert_id not in alerts]
        self.changed = self.changed or len(left) < len(self.events)
        self.events = left

    def leave_by(self, moment: datetime) -> None:
        """The message that waits leaves earlier than it would have."""
        if self.due_at is not None and moment < self.due_at:
            self.due_at, self.last_due, self.changed = moment, moment, True


@dataclass
class _Pressure:
    """How many messages a receiver was owed lately, and how many of them were urgent."""

    all: int
    urgent: int

    def leaves_room(self, share: AlertEvent, limit: int) -> bool:
        """Whether one more may come on its own. What is critical only makes way for what is critical."""
        return (self.urgent if share.severity == "critical" else self.all) < limit

    def count(self, notification: Notification | None) -> None:
        """One more message."""
        if notification is not None:
            self.all += 1
            self.urgent += priority(notification.kind, notification.events) is Priority.URGENT


class Conversations:
    """Gathers in memory what a transaction owes, and writes each waiting message once, in `save`."""

    def __init__(self, settings: Settings) -> None:
        self._routing = settings.routing
        self._quiet = Quiet(settings)
        self._talks: dict[tuple[int | None, str], _Talk] = {}
        self._held: dict[str, _Talk] = {}  # by receiver
        self._pressures: dict[str, _Pressure] = {}

    async def owe(
        self,
        tx: UnitOfWork,
        incident_id: int,
        receiver: str,
        kind: NotificationKind,
        share: AlertEvent,
        now: datetime,
        *,
        alone: bool = True,
    ) -> datetime | None:
        """Owe a receiver a message: the first of an incident, what is worse and what is critical at once, the rest gathered.

        Whoever was told much lately finds it in the digest instead, as everybody does unless it may come `alone`. Returns until
        when quiet hours hold it, if they do.
        """
        until = self._quiet.until(receiver, share, now)
        if until is not None:
            await self._hold(tx, receiver, share, now, until)
            return until
        await self._take_back(tx, receiver, (share,), now)
        talk = await self._talk(tx, incident_id, receiver, now)
        critical = kind is NotificationKind.FIRST and share.severity == "critical"
        pressing = talk.last_due is None or kind is NotificationKind.WORSE or critical
        if not pressing and talk.takes_more(now) and talk.suits(kind):
            talk.add(share)
        elif not alone or not await self._room(tx, receiver, kind, share, now):
            return await self._digest(tx, receiver, share, now)
        elif pressing:
            await self.at_once(tx, incident_id, receiver, kind, (share,), now)
        else:
            kind = NotificationKind.MORE if kind is NotificationKind.FIRST else kind
            return await self._gather(tx, talk, incident_id, receiver, kind, share, now, urgent=False)
        return None

    async def _hold(self, tx: UnitOfWork, receiver: str, share: AlertEvent, now: datetime, until: datetime) -> None:
        """Keep this until the quiet hours are over, with all else that they hold."""
        talk = await self._what_is_held(tx, receiver, now)
        if talk.takes_more(now):
            talk.keep(share)
            talk.leave_by(until)
            return
        await self._write(tx, talk)
        made = await tx.notifications.add(
            incident_id=None, receiver=receiver, kind=NotificationKind.HELD, events=(share,), created_at=now, due_at=until
        )
        talk.wait_for(made)

    async def _take_back(self, tx: UnitOfWork, receiver: str, shares: Sequence[AlertEvent], now: datetime) -> None:
        """What is told although something was held of it is not told again at the end of the quiet hours."""
        if self._quiet.may_hold(receiver):
            (await self._what_is_held(tx, receiver, now)).take_back({share.alert_id for share in shares})

    async def _digest(self, tx: UnitOfWork, receiver: str, share: AlertEvent, now: datetime) -> datetime | None:
        """Let the receiver find this among all that is gathered across incidents; what is critical does not wait for long."""
        talk = await self._talk(tx, None, receiver, now)
        urgent = share.severity == "critical"
        if not talk.takes_more(now):
            return await self._gather(tx, talk, None, receiver, NotificationKind.FIRST, share, now, urgent=urgent)
        talk.add(share)
        if urgent:
            talk.leave_by(now + self._routing.group_wait)
        return None

    async def _gather(
        self,
        tx: UnitOfWork,
        talk: _Talk,
        incident_id: int | None,
        receiver: str,
        kind: NotificationKind,
        share: AlertEvent,
        now: datetime,
        *,
        urgent: bool,
    ) -> datetime | None:
        """Begin a message that waits for more; what would leave in quiet hours waits for their end."""
        rest = self._routing.group_wait if urgent else self._routing.group_interval
        due = now + self._routing.group_wait
        if talk.last_due is not None:  # it may lie ahead by more than a rest, when the clock was set back since
            due = max(due, min(talk.last_due, now) + rest)
        until = self._quiet.until(receiver, share, due)
        if until is not None:
            await self._hold(tx, receiver, share, now, until)
            return until
        await self._write(tx, talk)
        talk.last_due = due
        made = await tx.notifications.add(
            incident_id=incident_id, receiver=receiver, kind=kind, events=(share,), created_at=now, due_at=due
        )
        talk.wait_for(made)
        (await self._pressure(tx, receiver, now)).count(made)
        return None

    async def at_once(
        self,
        tx: UnitOfWork,
        incident_id: int,
        receiver: str,
        kind: NotificationKind,
        shares: Sequence[AlertEvent],
        now: datetime,
        *,
        plan_run_id: int | None = None,
    ) -> None:
        """A message that waits for nothing."""
        await self._take_back(tx, receiver, shares, now)
        talk = await self._talk(tx, incident_id, receiver, now)
        talk.last_due = max(now, talk.last_due or now)
        pressure = await self._pressure(tx, receiver, now)
        made = await tx.notifications.add(
            incident_id=incident_id,
            receiver=receiver,
            kind=kind,
            events=shares,
            created_at=now,
            due_at=now,
            plan_run_id=plan_run_id,
        )
        pressure.count(made)

    async def save(self, tx: UnitOfWork) -> None:
        """Write what was gathered. The next transaction looks again: somebody may have sent what waited."""
        for talk in (*self._talks.values(), *self._held.values()):
            await self._write(tx, talk)
        self.forget()

    def forget(self) -> None:
        """The transaction failed: what it owed was never owed."""
        self._talks.clear()
        self._held.clear()
        self._pressures.clear()

    async def _room(self, tx: UnitOfWork, receiver: str, kind: NotificationKind, share: AlertEvent, now: datetime) -> bool:
        if kind is NotificationKind.RESOLVED or share.exempt:
            return True
        return (await self._pressure(tx, receiver, now)).leaves_room(share, self._routing.digest_after)

    async def _pressure(self, tx: UnitOfWork, receiver: str, now: datetime) -> _Pressure:
        if receiver not in self._pressures:
            since = now - self._routing.group_interval
            self._pressures[receiver] = _Pressure(*await tx.notifications.recent(receiver, since))
        return self._pressures[receiver]

    async def _talk(self, tx: UnitOfWork, incident_id: int | None, receiver: str, now: datetime) -> _Talk:
        if (incident_id, receiver) not in self._talks:
            talk = self._talks[incident_id, receiver] = _Talk(await tx.notifications.last_due(incident_id, receiver))
            if talk.last_due is not None and talk.last_due > now:
                talk.wait_for(await tx.notifications.gathering(incident_id, receiver, now))
        return self._talks[incident_id, receiver]

    async def _what_is_held(self, tx: UnitOfWork, receiver: str, now: datetime) -> _Talk:
        if receiver not in self._held:
            talk = self._held[receiver] = _Talk(None)
            talk.wait_for(await tx.notifications.held(receiver, now))
        return self._held[receiver]

    @staticmethod
    async def _write(tx: UnitOfWork, talk: _Talk) -> None:
        if talk.waiting is None or not talk.changed:
            return
        if talk.events or talk.more:
            await tx.notifications.rewrite(replace(talk.waiting, events=tuple(talk.events), more=talk.more), due_at=talk.due_at)
            talk.changed = False
        else:
            await tx.notifications.take_back(talk.waiting)
            talk.wait_for(None)
