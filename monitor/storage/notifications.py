"""What is owed to whom: one notification is one message to one receiver, and makes its delivery with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, RowMapping, Select, and_, bindparam, case, delete, func, or_, select, update

from monitor.domain.alert import AlertEvent, DeliveryState, Notification, NotificationKind, Priority, priority
from monitor.storage.session import Repository, insert_into
from monitor.storage.tables import delivery, incident
from monitor.storage.tables import notification as table

# Built once: to build them takes longer than to run them.
_IN_CONVERSATION = (table.c.incident_id == bindparam("incident"), table.c.receiver == bindparam("receiver"))
# These say one thing, and take nothing more.
_GATHERS = table.c.kind.not_in((NotificationKind.HELD, NotificationKind.ACCOUNT, NotificationKind.DIGEST))
_NEWEST = select(func.coalesce(func.max(table.c.sequence), 0)).where(*_IN_CONVERSATION)
_LAST_DUE = select(func.max(table.c.due_at)).where(*_IN_CONVERSATION)
_URGENT = func.coalesce(func.sum(case((delivery.c.priority == Priority.URGENT, 1), else_=0)), 0)
_RECENT = (
    select(func.count(), _URGENT)
    .select_from(table.join(delivery, delivery.c.notification_id == table.c.id))
    .where(table.c.receiver == bindparam("receiver"), table.c.created_at > bindparam("since"))
)


@lru_cache(maxsize=2)
def _add(*, postgresql: bool) -> Executable:
    effect = [table.c.plan_run_id, table.c.plan_step, table.c.receiver]
    return insert_into(table, postgresql=postgresql).on_conflict_do_nothing(index_elements=effect).returning(table)


class Notifications(Repository):
    """The conversations: 1, 2, 3 … within (incident, receiver). Without an incident: what is gathered across all of them."""

    async def next_sequence(self, incident_id: int | None, receiver: str) -> int:
        """The number of the next message to this receiver about this incident."""
        if incident_id is None:
            newest = select(func.coalesce(func.max(table.c.sequence), 0)).where(*_conversation(incident_id, receiver))
            return int(await self._session.scalar(newest)) + 1
        return int(await self._session.scalar(_NEWEST, {"incident": incident_id, "receiver": receiver})) + 1

    async def gathering(self, incident_id: int | None, receiver: str, now: datetime) -> Notification | None:
        """The message that still waits to be sent, and can take more events; it is locked until this transaction ends."""
        return await self._waiting(_conversation(incident_id, receiver), _GATHERS, now)

    async def held(self, receiver: str, now: datetime) -> Notification | None:
        """The message with what quiet hours hold, as long as they last; it is locked until this transaction ends."""
        return await self._waiting(_conversation(None, receiver), table.c.kind == NotificationKind.HELD, now)

    async def _waiting(
        self, conversation: tuple[ColumnElement[bool], ...], kind: ColumnElement[bool], now: datetime
    ) -> Notification | None:
        waiting = (
            delivery.c.state == DeliveryState.PENDING,
            delivery.c.attempts == 0,
            delivery.c.next_attempt_at > now,
            table.c.plan_run_id.is_(None),
        )
        query = select(table).join(delivery, delivery.c.notification_id == table.c.id)
        newest = query.where(*conversation, kind, *waiting).order_by(table.c.sequence.desc()).limit(1)
        return await self._one(newest.with_for_update(of=delivery))

    async def rewrite(self, waiting: Notification, *, due_at: datetime | None = None) -> None:
        """What a message that waits will say, and perhaps that it leaves earlier."""
        due = due_at or waiting.due_at
        values = {"events": [asdict(event) for event in waiting.events], "more": waiting.more, "due_at": due}
        await self._session.run(update(table).where(table.c.id == waiting.id).values(values))
        owed = {"priority": priority(waiting.kind, waiting.events), "next_attempt_at": due}
        await self._session.run(update(delivery).where(delivery.c.notification_id == waiting.id).values(owed))

    async def take_back(self, waiting: Notification) -> None:
        """A message that waits, of which nothing is left to say."""
        await self._session.run(delete(table).where(table.c.id == waiting.id))

    async def recent(self, receiver: str, since: datetime) -> tuple[int, int]:
        """How many messages this receiver was owed since then, and how many of them are urgent."""
        row = (await self._session.run(_RECENT, {"receiver": receiver, "since": since})).one()
        return int(row[0]), int(row[1])

    async def last_due(self, incident_id: int | None, receiver: str) -> datetime | None:
        """When the last message to this receiver about this incident was, or will be, due: grouping counts from there."""
        if incident_id is None:
            gathered: datetime | None = await self._session.scalar(
                select(func.max(table.c.due_at)).where(*_conversation(None, receiver), _GATHERS)
            )
            return gathered
        last: datetime | None = await self._session.scalar(_LAST_DUE, {"incident": incident_id, "receiver": receiver})
        return last

    async def opening(self, incident_id: int, receiver: str) -> Notification | None:
        """The first message of a conversation."""
        return await self._one(select(table).where(*_conversation(incident_id, receiver)).order_by(table.c.sequence).limit(1))

    async def told(self, incident_id: int, alert_id: int, since: datetime) -> list[str]:
        """The receivers who were told of this alert (opened at `since`), or are about to be, in the order of their first message.

        A step of a plan does something with its receiver (it pauses a queue, say), which is no telling.
        """
        return list(await self.hopes(incident_id, alert_id, since))

    async def hopes(self, incident_id: int, alert_id: int, since: datetime) -> dict[str, bool]:
        """Who is told of this alert, and whether there is hope that they learn of it: they did, or nothing went wrong so far."""
        query = select(table.c.receiver, table.c.events, delivery.c.state, delivery.c.attempts, delivery.c.handed_over_at)
        query = query.join(delivery, delivery.c.notification_id == table.c.id)
        of_a_step = or_(table.c.plan_step.is_not(None), table.c.plan_about.is_not(None))
        query = query.where(_may_tell(incident_id, since), ~of_a_step)
        found: dict[str, bool] = {}
        for row in await self._session.rows(query.order_by(table.c.id)):
            if any(each["alert_id"] == alert_id for each in row["events"]):
                found[row["receiver"]] = found.get(row["receiver"], False) or _hopeful(row)
        return found

    async def hopes_of_call(self, call: Notification, since: datetime) -> dict[str, bool]:
        """Who is told the same thing of a plan run (`since`), and whether there is hope that they learn of it."""
        query = select(table.c.receiver, delivery.c.state, delivery.c.attempts, delivery.c.handed_over_at)
        query = query.join(delivery, delivery.c.notification_id == table.c.id)
        same = (table.c.plan_run_id == call.plan_run_id, table.c.plan_why == call.plan_why, table.c.created_at >= since)
        query = query.where(*same, table.c.plan_about.is_not_distinct_from(call.plan_about)).order_by(table.c.id)
        found: dict[str, bool] = {}
        for row in await self._session.rows(query):
            found[row["receiver"]] = found.get(row["receiver"], False) or _hopeful(row)
        return found

    async def of_alert(self, incident_id: int, alert_id: int, since: datetime) -> list[Notification]:
        """The messages that tell of an alert (opened at `since`), digests too, oldest first."""
        rows = await self._session.rows(select(table).where(_may_tell(incident_id, since)).order_by(table.c.id))
        return [notification(row) for row in rows if any(each["alert_id"] == alert_id for each in row["events"])]

    async def of_run(self, run_id: int) -> list[Notification]:
        """The messages of a plan run, oldest first."""
        rows = await self._session.rows(select(table).where(table.c.plan_run_id == run_id).order_by(table.c.id))
        return [notification(row) for row in rows]

    async def add(
        self,
        *,
        incident_id: int | None,
        receiver: str,
        kind: NotificationKind,
        events: Sequence[AlertEvent],
        created_at: datetime,
        due_at: datetime,
        plan_run_id: int | None = None,
        plan_step: str | None = None,
        plan_about: str | None = None,
        plan_why: str | None = None,
        more: int = 0,
        state: DeliveryState = DeliveryState.PENDING,
    ) -> Notification | None:
        """A new message, and its delivery. None: this step of this plan run was told to this receiver already."""
        # Whoever else adds to this conversation waits here: without that, two would take the same number.
        if self._session.postgresql:
            await self._session.run(select(incident.c.id).where(incident.c.id == incident_id).with_for_update(key_share=True))
        values = {
            "incident_id": incident_id,
            "receiver": receiver,
            "sequence": await self.next_sequence(incident_id, receiver),
            "kind": kind,
            "events": [asdict(event) for event in events],
            "created_at": created_at,
            "due_at": due_at,
            "plan_run_id": plan_run_id,
            "plan_step": plan_step,
            "plan_about": plan_about,
            "plan_why": plan_why,
            "more": more,
        }
        row = await self._session.row(_add(postgresql=self._session.postgresql), values)
        if row is None:
            return None
        pending = state is DeliveryState.PENDING
        owed = {"next_attempt_at": due_at} if pending else {"ended_at": created_at}
        made = {"notification_id": row["id"], "receiver": receiver, "state": state, "priority": priority(kind, events), **owed}
        await self._session.run(self._session.insert(delivery), made)
        if made["priority"] is Priority.URGENT and row["sequence"] > 1:
            await self._before(row, due_at)
        return notification(row)

    async def detach(self, run_id: int, steps: Sequence[str]) -> None:
        """Steps of a run begin again: what was sent for them is about them from now on, and their effect may exist once more."""
        of = (table.c.plan_run_id == run_id, table.c.plan_step.in_(steps))
        await self._session.run(update(table).where(*of).values(plan_about=table.c.plan_step, plan_step=None))

    async def _before(self, row: RowMapping, due_at: datetime) -> None:
        """What the conversation still owes from before goes first, too: nobody reads that it got worse before what happened."""
        earlier = select(table.c.id).where(*_conversation(row["incident_id"], row["receiver"]), table.c.id < row["id"])
        owed = (delivery.c.state == DeliveryState.PENDING, delivery.c.next_attempt_at <= due_at)
        ahead = update(delivery).where(delivery.c.notification_id.in_(earlier), *owed)
        await self._session.run(ahead.values(priority=Priority.URGENT))

    async def told_so_far(self, last: Notification) -> set[int]:
        """The alerts that a message and those before it in its conversation told of; a digest speaks for itself alone."""
        if last.incident_id is None:
            return {event.alert_id for event in last.events}
        before = select(table.c.events).where(*_conversation(last.incident_id, last.receiver), table.c.id <= last.id)
        return {each["alert_id"] for row in await self._session.rows(before) for each in row["events"]}

    async def get(self, id_: int) -> Notification | None:
        """The notification with this number."""
        return await self._one(select(table).where(table.c.id == id_))

    async def _one(self, query: Select[Any]) -> Notification | None:
        row = await self._session.row(query)
        return notification(row) if row else None


def _conversation(incident_id: int | None, receiver: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.incident_id == incident_id, table.c.receiver == receiver


def _may_tell(incident_id: int, since: datetime) -> ColumnElement[bool]:
    """Messages about an incident, and digests: one may have waited before the alert was opened, and left afterwards."""
    gathered = and_(table.c.incident_id.is_(None), table.c.due_at >= since)
    return or_(table.c.incident_id == incident_id, gathered)


def _hopeful(row: RowMapping) -> bool:
    first = row["state"] in {DeliveryState.PENDING, DeliveryState.SENDING} and row["attempts"] <= 1
    return row["state"] == DeliveryState.DELIVERED or (first and row["handed_over_at"] is None)


def notification(row: RowMapping) -> Notification:
    """A row of `notification`."""
    return Notification(
        id=row["id"],
        incident_id=row["incident_id"],
        receiver=row["receiver"],
        sequence=row["sequence"],
        kind=NotificationKind(row["kind"]),
        events=tuple(_event(event) for event in row["events"]),
        created_at=row["created_at"],
        due_at=row["due_at"],
        plan_run_id=row["plan_run_id"],
        plan_step=row["plan_step"],
        plan_about=row["plan_about"],
        plan_why=row["plan_why"],
        more=row["more"],
    )


def _event(said: dict[str, Any]) -> AlertEvent:
    return AlertEvent(**said | {name: tuple(said.get(name, ())) for name in ("evidence", "reasons")})
