"""What must be sent: claimed under a lease, tried, and ended; a process that dies leaves its claims to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select, update

from monitor.domain.alert import Delivery, DeliveryRecord, DeliveryState, NotificationKind
from monitor.storage.notifications import notification
from monitor.storage.session import Repository, clipped
from monitor.storage.tables import delivery as table
from monitor.storage.tables import notification as notification_table

_UNENDED = (DeliveryState.PENDING, DeliveryState.SENDING)
_Records = list[DeliveryRecord]


class Deliveries(Repository):
    """Times: `now` and `next_attempt_at` are story time, `wall` and leases are real time."""

    async def claim(
        self, receiver: str, *, owner: str, now: datetime, wall: datetime, lease: timedelta, limit: int
    ) -> list[Delivery]:
        """Take up to `limit` messages that are due, the longest waiting first. Nobody else gets them before the lease ends.

        Commit before sending: a crash in between costs one attempt and loses nothing.
        """
        free = and_(table.c.receiver == receiver, _claimable(now, wall))
        due = select(table.c.id).where(free).order_by(table.c.next_attempt_at, table.c.id).limit(limit)
        ids = [row["id"] for row in await self._session.rows(due.with_for_update(skip_locked=True))]
        taken = {
            "state": DeliveryState.SENDING,
            "attempts": table.c.attempts + 1,
            "lease_owner": owner,
            "lease_until": wall + lease,
            "first_attempt_at": func.coalesce(table.c.first_attempt_at, now),
        }
        claimed = await self._session.rows(update(table).where(table.c.id.in_(ids), free).values(taken).returning(table.c.id))
        return await self._claimed([row["id"] for row in claimed])

    async def _claimed(self, ids: list[int]) -> list[Delivery]:
        mine = ("id", "attempts", "lease_until")
        query = select(notification_table, *(table.c[name].label(f"delivery_{name}") for name in mine))
        query = query.join(table, table.c.notification_id == notification_table.c.id).where(table.c.id.in_(ids))
        return [_delivery(row) for row in await self._session.rows(query.order_by(table.c.next_attempt_at, table.c.id))]

    async def delivered(self, id_: int, owner: str, at: datetime, detail: str | None = None) -> bool:
        """It arrived. False: the lease had gone to somebody else, who decides."""
        return await self._end(id_, owner, state=DeliveryState.DELIVERED, ended_at=at, reason=None, detail=detail)

    async def pretended(self, ids: Sequence[int], owner: str, at: datetime, detail: str) -> int:
        """A dry run would have sent these. Returns how many were still ours."""
        ours = (table.c.id.in_(ids), table.c.state == DeliveryState.SENDING, table.c.lease_owner == owner)
        over = {"state": DeliveryState.DRY_RUN, "ended_at": at, "lease_owner": None, "lease_until": None, "detail": detail}
        return await self._session.changed(update(table).where(*ours).values(over))

    async def retry(self, id_: int, owner: str, at: datetime, next_attempt_at: datetime, reason: str, detail: str | None) -> bool:
        """It did not arrive, and is due again at `next_attempt_at`. False as in `delivered`."""
        del at  # what failed is counted by `attempts`; only ends are dated
        return await self._end(
            id_, owner, state=DeliveryState.PENDING, next_attempt_at=next_attempt_at, reason=reason, detail=detail
        )

    async def failed(self, id_: int, owner: str, at: datetime, reason: str, detail: str | None) -> bool:
        """It will never arrive. False as in `delivered`."""
        return await self._end(id_, owner, state=DeliveryState.FAILED, ended_at=at, reason=reason, detail=detail)

    async def _end(self, id_: int, owner: str, *, detail: str | None, **values: object) -> bool:
        ours = (table.c.id == id_, table.c.state == DeliveryState.SENDING, table.c.lease_owner == owner)
        said = detail and clipped(detail)
        done = update(table).where(*ours).values(lease_owner=None, lease_until=None, detail=said, **values)
        return bool(await self._session.changed(done))

    async def holders(self, wall: datetime) -> set[str]:
        """Who is sending at this moment, or died while it was."""
        held = and_(table.c.state == DeliveryState.SENDING, table.c.lease_until > wall)
        return {row["lease_owner"] for row in await self._session.rows(select(table.c.lease_owner).where(held).distinct())}

    async def free(self, holder: str) -> int:
        """Make what a holder known to be dead was sending due again: it may have arrived, and its id says so. How many."""
        held = (table.c.state == DeliveryState.SENDING, table.c.lease_owner == holder)
        again = {"state": DeliveryState.PENDING, "lease_owner": None, "lease_until": None}
        return await self._session.changed(update(table).where(*held).values(again))

    async def due_receivers(self, now: datetime, wall: datetime) -> set[str]:
        """Who has something to send them at once."""
        rows = await self._session.rows(select(table.c.receiver).where(_claimable(now, wall)).distinct())
        return {row["receiver"] for row in rows}

    async def next_due(self) -> datetime | None:
        """When the next pending message is due; it may be past."""
        due: datetime | None = await self._session.scalar(
            select(func.min(table.c.next_attempt_at)).where(table.c.state == DeliveryState.PENDING)
        )
        return due

    async def pending(self) -> dict[str, int]:
        """How many messages each receiver still has to get."""
        query = select(table.c.receiver, func.count().label("n")).where(table.c.state.in_(_UNENDED)).group_by(table.c.receiver)
        return {row["receiver"]: row["n"] for row in await self._session.rows(query)}

    async def of_step(self, run_id: int, step: str) -> _Records:
        """What became of one plan step's messages."""
        of = (notification_table.c.plan_run_id == run_id, notification_table.c.plan_step == step)
        return await self._records(_RECORDS.where(*of).order_by(table.c.id))

    async def list(self, limit: int = 100, incident_id: int | None = None) -> _Records:
        """The newest first, of one incident or of all."""
        query = _RECORDS.order_by(table.c.id.desc()).limit(limit)
        return await self._records(query if incident_id is None else query.where(notification_table.c.incident_id == incident_id))

    async def _records(self, query: Select[Any]) -> _Records:
        return [_record(row) for row in await self._session.rows(query)]


_RECORDS = select(
    *(table.c[field.name] for field in fields(DeliveryRecord) if field.name != "kind"), notification_table.c.kind
).join(notification_table, notification_table.c.id == table.c.notification_id)


def _claimable(now: datetime, wall: datetime) -> ColumnElement[bool]:
    due = and_(table.c.state == DeliveryState.PENDING, table.c.next_attempt_at <= now)
    abandoned = and_(table.c.state == DeliveryState.SENDING, table.c.lease_until <= wall)
    return or_(due, abandoned)


def _delivery(row: RowMapping) -> Delivery:
    about = notification(row)
    return Delivery(
        id=row["delivery_id"],
        notification=about,
        receiver=about.receiver,
        attempts=row["delivery_attempts"],
        lease_until=row["delivery_lease_until"],
    )


def _record(row: RowMapping) -> DeliveryRecord:
    said = dict(row)
    return DeliveryRecord(**said | {"kind": NotificationKind(said["kind"]), "state": DeliveryState(said["state"])})
