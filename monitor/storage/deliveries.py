"""What must be sent: claimed under a lease, tried, and ended; a process that dies leaves its claims to the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, ColumnElement, RowMapping, Select, TextClause, and_, bindparam, case, func, or_, select, text, update

from monitor.domain.alert import Delivery, DeliveryRecord, DeliveryState, NotificationKind, Priority
from monitor.storage.notifications import notification
from monitor.storage.session import Repository, clipped
from monitor.storage.tables import delivery as table
from monitor.storage.tables import notification as notification_table
from monitor.storage.tables import receiver_state

_Records = list[DeliveryRecord]
# Written out, as in the indexes: a database uses a partial index only for a condition it recognises.
_OWED = text("delivery.ended_at IS NULL")
_UNHEARD = text("delivery.ended_at IS NULL AND delivery.priority = 0 AND delivery.handed_over_at IS NULL")
# To take one message of each conversation so many times more are looked at.
_CHOICE = 8


class Deliveries(Repository):
    """Times: `now` and `next_attempt_at` are story time, `wall` and leases are real time."""

    async def claim(
        self,
        receiver: str,
        *,
        owner: str,
        now: datetime,
        wall: datetime,
        lease: timedelta,
        limit: int,
        urgent: bool = False,
        apart: bool = False,
    ) -> list[Delivery]:
        """Take up to `limit` messages that are due: what is urgent first (or alone), then the longest waiting.

        `apart` takes one of a conversation at a time, so that its messages can be sent beside one another and keep their order.
        Nobody else gets what was taken before the lease ends. Commit before sending: a crash in between costs one attempt and
        loses nothing.
        """
        sending = await self._session.rows(_SENDING, {"receiver": receiver})
        abandoned = [row for row in sending if row["lease_until"] <= wall]
        due = await self._due(receiver, now, limit * _CHOICE if apart else limit, urgent=urgent)
        under_way = {row["incident_id"] for row in sending if row["lease_until"] > wall and row["incident_id"] is not None}
        chosen = _apart([*abandoned, *due], under_way) if apart else [*abandoned, *due]
        ids = [row["id"] for row in chosen[:limit]]
        if not ids:
            return []
        taken = {
            "state": DeliveryState.SENDING,
            "attempts": table.c.attempts + 1,
            "lease_owner": owner,
            "lease_until": wall + lease,
            "first_attempt_at": func.coalesce(table.c.first_attempt_at, now),
        }
        free = and_(table.c.id.in_(ids), _claimable(now, wall))
        claimed = await self._session.rows(update(table).where(free).values(taken).returning(table.c.id))
        return await self._claimed([row["id"] for row in claimed])

    async def _due(self, receiver: str, now: datetime, limit: int, *, urgent: bool) -> Sequence[RowMapping]:
        """The pending ones, locked: whoever else claims at this moment takes others."""
        pending = (_OWED, table.c.receiver == receiver, table.c.state == DeliveryState.PENDING, table.c.next_attempt_at <= now)
        query = _WITH_INCIDENT.where(*pending).order_by(table.c.priority, table.c.next_attempt_at, table.c.id).limit(limit)
        query = query.where(table.c.priority == Priority.URGENT) if urgent else query
        return await self._session.rows(query.with_for_update(skip_locked=True, of=table))

    async def _claimed(self, ids: list[int]) -> list[Delivery]:
        if not ids:
            return []
        mine = ("id", "attempts", "lease_until", "priority", "handed_over_at", "reason")
        query = select(notification_table, *(table.c[name].label(f"delivery_{name}") for name in mine))
        query = query.join(table, table.c.notification_id == notification_table.c.id).where(table.c.id.in_(ids))
        rows = await self._session.rows(query.order_by(table.c.priority, table.c.next_attempt_at, table.c.id))
        return [_delivery(row) for row in rows]

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

    async def put_off_at(self) -> datetime | None:
        """The last moment at which something was owed or put off, by the clock of then; None: nothing ever was."""
        newest = await self._session.scalar(_NEWEST)
        failed = await self._session.scalar(select(func.max(receiver_state.c.last_failure_at)))
        return max((moment for moment in (newest, failed) if moment is not None), default=None)

    async def hurry(self, now: datetime, *, wall: datetime, lease: timedelta) -> int:
        """Make due at once whatever waits: the clock was set back, and nobody knows any more how long it has waited.

        What is being sent is left alone for one lease from now: whoever sends it may live.
        """
        held = (_OWED, table.c.state == DeliveryState.SENDING, table.c.lease_until > wall + lease)
        await self._session.run(update(table).where(*held).values(lease_until=wall + lease))
        waits = (_OWED, table.c.state == DeliveryState.PENDING, table.c.next_attempt_at > now)
        tried = case((table.c.first_attempt_at > now, now), else_=table.c.first_attempt_at)
        return await self._session.changed(update(table).where(*waits).values(next_attempt_at=now, first_attempt_at=tried))

    async def holders(self, wall: datetime) -> set[str]:
        """Who is sending at this moment, or died while it was."""
        held = and_(_OWED, table.c.state == DeliveryState.SENDING, table.c.lease_until > wall)
        return {row["lease_owner"] for row in await self._session.rows(select(table.c.lease_owner).where(held).distinct())}

    async def free(self, holder: str) -> int:
        """Make what a holder known to be dead was sending due again: it may have arrived, and its id says so. How many."""
        held = (_OWED, table.c.state == DeliveryState.SENDING, table.c.lease_owner == holder)
        again = {"state": DeliveryState.PENDING, "lease_owner": None, "lease_until": None}
        return await self._session.changed(update(table).where(*held).values(again))

    async def due_receivers(self, now: datetime, wall: datetime, *, urgent: bool = False) -> set[str]:
        """Who has something (urgent) to send them at once."""
        rows = await self._session.rows(_due_receivers(urgent=urgent), {"now": now, "wall": wall})
        return {row["receiver"] for row in rows}

    async def unheard(self, since: datetime, *, looking_since: datetime, limit: int) -> list[Delivery]:
        """What is urgent, and nobody took although we try since `since` or longer; each is given once (see `hand_over`).

        What was never tried, because others were in front of it, waits since it was due, or since we look.
        """
        query = _unheard(untried=looking_since <= since)
        return await self._claimed([row["id"] for row in await self._session.rows(query, {"since": since, "limit": limit})])

    async def hand_over(self, id_: int, at: datetime) -> bool:
        """The next channel is looked for, once. False: it was already."""
        first = update(table).where(table.c.id == id_, table.c.handed_over_at.is_(None)).values(handed_over_at=at)
        return bool(await self._session.changed(first))

    async def next_due(self) -> datetime | None:
        """When the next pending message is due; it may be past."""
        due: datetime | None = await self._session.scalar(
            select(func.min(table.c.next_attempt_at)).where(_OWED, table.c.state == DeliveryState.PENDING)
        )
        return due

    async def pending(self) -> dict[str, int]:
        """How many messages each receiver still has to get."""
        query = select(table.c.receiver, func.count().label("n")).where(_OWED).group_by(table.c.receiver)
        return {row["receiver"]: row["n"] for row in await self._session.rows(query)}

    async def call_off(self, run_id: int, at: datetime, detail: str) -> None:
        """What a plan's steps still owe will never be sent: the run is over."""
        of = select(notification_table.c.id).where(
            notification_table.c.plan_run_id == run_id, notification_table.c.kind == NotificationKind.STEP
        )
        waiting = (table.c.notification_id.in_(of), table.c.state == DeliveryState.PENDING)
        over = {"state": DeliveryState.FAILED, "ended_at": at, "detail": clipped(detail)}
        await self._session.run(update(table).where(*waiting).values(over))

    async def of_step(self, run_id: int, step: str) -> _Records:
        """What became of one plan step's messages."""
        of = (notification_table.c.plan_run_id == run_id, notification_table.c.plan_step == step)
        return await self._records(_RECORDS.where(*of).order_by(table.c.id))

    async def of_messages(self, notifications: Collection[int]) -> dict[int, DeliveryRecord]:
        """What became of these messages, by their numbers."""
        records = await self._records(_RECORDS.where(table.c.notification_id.in_(set(notifications))))
        return {each.notification_id: each for each in records}

    async def list(self, limit: int = 100, incident_id: int | None = None) -> _Records:
        """The newest first, of one incident or of all."""
        query = _RECORDS.order_by(table.c.id.desc()).limit(limit)
        return await self._records(query if incident_id is None else query.where(notification_table.c.incident_id == incident_id))

    async def _records(self, query: Select[Any]) -> _Records:
        return [_record(row) for row in await self._session.rows(query)]


_NEWEST = select(notification_table.c.created_at).order_by(notification_table.c.id.desc()).limit(1)
_RECORDS = select(
    *(table.c[field.name] for field in fields(DeliveryRecord) if field.name != "kind"), notification_table.c.kind
).join(notification_table, notification_table.c.id == table.c.notification_id)


_WITH_INCIDENT = select(table.c.id, notification_table.c.incident_id).join(
    notification_table, notification_table.c.id == table.c.notification_id
)
_SENDING = _WITH_INCIDENT.add_columns(table.c.lease_until).where(
    _OWED, table.c.receiver == bindparam("receiver"), table.c.state == DeliveryState.SENDING
)


def _apart(rows: Iterable[RowMapping], under_way: Collection[int]) -> list[RowMapping]:
    """One of each conversation, the first; none of those under way."""
    chosen: list[RowMapping] = []
    busy = set(under_way)
    for row in rows:
        if row["incident_id"] in busy:
            continue
        chosen.append(row)
        if row["incident_id"] is not None:
            busy.add(row["incident_id"])
    return chosen


def _receivers() -> CTE:
    """Those who are owed something, read by leaps: from each name to the next, past all that is owed to it."""
    first = select(func.min(table.c.receiver).label("receiver")).where(_OWED)
    found = first.cte("owed", recursive=True)
    following = select(func.min(table.c.receiver)).where(_OWED, table.c.receiver > found.c.receiver).correlate(found)
    return found.union_all(select(following.scalar_subquery()).where(found.c.receiver.is_not(None)))


@lru_cache(maxsize=2)
def _due_receivers(*, urgent: bool) -> Select[Any]:
    owed = _receivers()
    theirs = (_OWED, table.c.receiver == owed.c.receiver)
    of = (Priority.URGENT,) if urgent else tuple(Priority)
    # The first of the index, not whether there is any: told that a sixth of all rows are due, PostgreSQL would read the table.
    pending = (*theirs, table.c.state == DeliveryState.PENDING)
    due = (_first((*pending, table.c.priority == priority)) <= bindparam("now") for priority in of)
    abandoned = (*theirs, table.c.state == DeliveryState.SENDING, table.c.lease_until <= bindparam("wall"))
    return select(owed.c.receiver).where(or_(*due, _exists(abandoned)))


@lru_cache(maxsize=2)
def _unheard(*, untried: bool) -> Select[Any]:
    tried = table.c.first_attempt_at <= bindparam("since")
    waiting = and_(table.c.first_attempt_at.is_(None), notification_table.c.due_at <= bindparam("since"))
    query = select(table.c.id).join(notification_table, notification_table.c.id == table.c.notification_id)
    return query.where(_UNHEARD, or_(tried, waiting) if untried else tried).order_by(table.c.id).limit(bindparam("limit"))


def _first(conditions: Sequence[ColumnElement[bool] | TextClause]) -> ColumnElement[datetime]:
    """When the first of these is due; NULL when there is none."""
    earliest = select(table.c.next_attempt_at).where(*conditions).order_by(table.c.next_attempt_at).limit(1)
    return earliest.correlate_except(table).scalar_subquery()


def _exists(conditions: Sequence[ColumnElement[bool] | TextClause]) -> ColumnElement[bool]:
    return select(table.c.id).where(*conditions).correlate_except(table).exists()


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
        urgent=row["delivery_priority"] == Priority.URGENT,
        handed_over=row["delivery_handed_over_at"] is not None,
        reason=row["delivery_reason"],
    )


def _record(row: RowMapping) -> DeliveryRecord:
    said = dict(row)
    return DeliveryRecord(**said | {"kind": NotificationKind(said["kind"]), "state": DeliveryState(said["state"])})
