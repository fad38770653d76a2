"""What is owed to whom: a conversation is an incident and a receiver; its first message leaves at once, the rest is gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.domain.alert import AlertEvent, Notification, NotificationKind
from monitor.settings import Routing
from monitor.storage import UnitOfWork

# The alerts one message lists by name; those beyond are counted. In a crisis nobody reads the two hundredth.
MOST = 200


@dataclass
class _Talk:
    """One conversation, as a transaction found it, and what it adds to the message that waits."""

    last_due: datetime | None
    waiting: Notification | None = None
    events: list[AlertEvent] = field(default_factory=list)  # of the waiting message, ours included
    more: int = 0
    changed: bool = False

    def wait_for(self, notification: Notification | None) -> None:
        """From now on, news joins this message."""
        self.waiting, self.changed = notification, False
        self.events, self.more = (list(notification.events), notification.more) if notification is not None else ([], 0)

    def add(self, share: AlertEvent) -> None:
        """One more thing to say; what was said last of the same alert is not said twice."""
        said = [each.event for each in self.events if each.alert_id == share.alert_id]
        if said[-1:] == [share.event]:
            return
        self.changed = True
        if len(self.events) < MOST or share.severity == "critical":
            self.events.append(share)
        else:
            self.more += 1


class Conversations:
    """Gathers in memory what a transaction owes, and writes each waiting message once, in `save`."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing
        self._talks: dict[tuple[int, str], _Talk] = {}

    async def owe(
        self, tx: UnitOfWork, incident_id: int, receiver: str, kind: NotificationKind, share: AlertEvent, now: datetime
    ) -> None:
        """Owe a receiver a message: the first of an incident, what is worse and what is critical at once, the rest gathered."""
        talk = await self._talk(tx, incident_id, receiver, now)
        critical = kind is NotificationKind.FIRST and share.severity == "critical"
        if talk.last_due is None or kind is NotificationKind.WORSE or critical:
            await self.at_once(tx, incident_id, receiver, kind, (share,), now)
        elif talk.waiting is not None and talk.waiting.due_at > now:
            talk.add(share)
        else:
            kind = NotificationKind.MORE if kind is NotificationKind.FIRST else kind
            due = max(now + self._routing.group_wait, talk.last_due + self._routing.group_interval)
            await self._write(tx, talk)
            talk.last_due = due
            talk.wait_for(
                await tx.notifications.add(
                    incident_id=incident_id, receiver=receiver, kind=kind, events=(share,), created_at=now, due_at=due
                )
            )

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
        await tx.notifications.add(
            incident_id=incident_id,
            receiver=receiver,
            kind=kind,
            events=shares,
            created_at=now,
            due_at=now,
            plan_run_id=plan_run_id,
        )

    async def save(self, tx: UnitOfWork) -> None:
        """Write what was gathered. The next transaction looks again: somebody may have sent what waited."""
        for talk in self._talks.values():
            await self._write(tx, talk)
        self._talks.clear()

    def forget(self) -> None:
        """The transaction failed: what it owed was never owed."""
        self._talks.clear()

    async def _talk(self, tx: UnitOfWork, incident_id: int, receiver: str, now: datetime) -> _Talk:
        if (incident_id, receiver) not in self._talks:
            talk = self._talks[incident_id, receiver] = _Talk(await tx.notifications.last_due(incident_id, receiver))
            if talk.last_due is not None and talk.last_due > now:
                talk.wait_for(await tx.notifications.gathering(incident_id, receiver, now))
        return self._talks[incident_id, receiver]

    @staticmethod
    async def _write(tx: UnitOfWork, talk: _Talk) -> None:
        if talk.waiting is not None and talk.changed:
            await tx.notifications.rewrite(talk.waiting.id, talk.events, more=talk.more)
            talk.changed = False
