"""What is owed to whom: a conversation is an incident and a receiver; its first message leaves at once, the rest is gathered.

In a storm a receiver hears of so many incidents one by one, and of the others in a digest: one message across incidents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.domain.alert import AlertEvent, Notification, NotificationKind, Priority, priority
from monitor.settings import Routing
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

    def __init__(self, routing: Routing) -> None:
        self._routing = routing
        self._talks: dict[tuple[int | None, str], _Talk] = {}
        self._pressures: dict[str, _Pressure] = {}

    async def owe(
        self, tx: UnitOfWork, incident_id: int, receiver: str, kind: NotificationKind, share: AlertEvent, now: datetime
    ) -> None:
        """Owe a receiver a message: the first of an incident, what is worse and what is critical at once, the rest gathered.

        Whoever was told much lately finds it in the digest instead.
        """
        talk = await self._talk(tx, incident_id, receiver, now)
        critical = kind is NotificationKind.FIRST and share.severity == "critical"
        pressing = talk.last_due is None or kind is NotificationKind.WORSE or critical
        if not pressing and talk.takes_more(now):
            talk.add(share)
        elif kind is not NotificationKind.RESOLVED and not await self._room(tx, receiver, share, now):
            await self._digest(tx, receiver, share, now)
        elif pressing:
            await self.at_once(tx, incident_id, receiver, kind, (share,), now)
        else:
            kind = NotificationKind.MORE if kind is NotificationKind.FIRST else kind
            await self._gather(tx, talk, incident_id, receiver, kind, share, now, urgent=False)

    async def _digest(self, tx: UnitOfWork, receiver: str, share: AlertEvent, now: datetime) -> None:
        """Let the receiver find this among all that is gathered across incidents; what is critical does not wait for long."""
        talk = await self._talk(tx, None, receiver, now)
        urgent = share.severity == "critical"
        if not talk.takes_more(now):
            await self._gather(tx, talk, None, receiver, NotificationKind.FIRST, share, now, urgent=urgent)
            return
        talk.add(share)
        if urgent:
            talk.leave_by(now + self._routing.group_wait)

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
    ) -> None:
        """Begin a message that waits for more."""
        rest = self._routing.group_wait if urgent else self._routing.group_interval
        due = now + self._routing.group_wait
        if talk.last_due is not None:  # it may lie ahead by more than a rest, when the clock was set back since
            due = max(due, min(talk.last_due, now) + rest)
        await self._write(tx, talk)
        talk.last_due = due
        made = await tx.notifications.add(
            incident_id=incident_id, receiver=receiver, kind=kind, events=(share,), created_at=now, due_at=due
        )
        talk.wait_for(made)
        (await self._pressure(tx, receiver, now)).count(made)

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
        for talk in self._talks.values():
            await self._write(tx, talk)
        self.forget()

    def forget(self) -> None:
        """The transaction failed: what it owed was never owed."""
        self._talks.clear()
        self._pressures.clear()

    async def _room(self, tx: UnitOfWork, receiver: str, share: AlertEvent, now: datetime) -> bool:
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

    @staticmethod
    async def _write(tx: UnitOfWork, talk: _Talk) -> None:
        if talk.waiting is not None and talk.changed:
            await tx.notifications.rewrite(replace(talk.waiting, events=tuple(talk.events), more=talk.more), due_at=talk.due_at)
            talk.changed = False
