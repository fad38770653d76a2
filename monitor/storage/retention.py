"""Lets go of what is past its time, a little in each transaction, and keeps how many there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Column, ColumnElement, RowMapping, Select, Table, and_, delete, exists, false, or_, select, text

from monitor.domain.alert import AlertState, DeliveryState
from monitor.domain.plan import RunState
from monitor.storage.holds import held_author, held_incident, held_mention
from monitor.storage.session import Repository, Session, chunks
from monitor.storage.settings import Retention as Keep
from monitor.storage.tables import (
    alert,
    audit,
    author,
    delivery,
    digest_owed,
    erasure,
    evidence,
    forgotten,
    inbox,
    incident,
    legal_hold,
    mention,
    notification,
    plan_run,
    silence,
    source_hour,
    timeline,
)
from monitor.storage.tallies import Tallies

_BATCH = 500
# What a source brought in the weeks before it fell silent is what its silence is measured by.
_HOURS = timedelta(weeks=8)
# Whoever was owed a monthly digest is known by the last one: forgotten too soon, they would be newcomers who wait for the next.
_OWED = timedelta(days=70)
_INCIDENTS_AT_ONCE = 50
_UNENDED = (DeliveryState.PENDING, DeliveryState.SENDING)


class Retention(Repository):
    """One call is one small piece of one kind of record, so that whoever writes waits for no more than that."""

    def __init__(self, session: Session, tallies: Tallies) -> None:
        super().__init__(session)
        self._tallies = tallies

    async def forget(self, keep: Keep, now: datetime, limit: int) -> int:
        """Remove up to `limit` records that are past their time. Returns how many went; 0 when there is nothing left to do."""
        for step in self._steps(keep, now, limit):
            gone = await step()
            if gone:
                return gone
        return 0

    def _steps(self, keep: Keep, now: datetime, limit: int) -> list[Callable[[], Awaitable[int]]]:
        old, sensitive = now - keep.mentions, now - keep.soonest
        open_ = plan_run.c.state != RunState.CLOSED
        lately = or_(open_, plan_run.c.closed_at >= now - keep.evidence)
        raw, past, ancient = now - keep.raw, now - keep.incidents, now - keep.counts
        return [
            lambda: self._mentions(and_(text("mention.sensitive"), mention.c.seen_at < sensitive), open_, limit),
            lambda: self._mentions(mention.c.seen_at < old, lately, limit),
            lambda: self._authors(old, limit),
            lambda: self._rows(inbox, _stale_call(raw, old), inbox.c.received_at, limit),
            lambda: self._incidents(past, limit),
            lambda: self._rows(timeline, and_(timeline.c.incident_id.is_(None), timeline.c.at < past), timeline.c.at, limit),
            lambda: self._messages(_stray(past), limit),
            lambda: self._rows(silence, silence.c.ends_at < past, silence.c.id, limit),
            lambda: self._rows(legal_hold, legal_hold.c.released_at < past, legal_hold.c.id, limit),
            lambda: self._rows(audit, audit.c.at < past, audit.c.id, limit),
            lambda: self._session.changed(delete(digest_owed).where(digest_owed.c.until < min(past, now - _OWED))),
            lambda: self._rows(erasure, erasure.c.done_at < ancient, erasure.c.id, limit),
            lambda: self._counts(ancient.date()),
            lambda: self._tallies.forget(now - keep.figures, limit),
            lambda: self._session.changed(delete(source_hour).where(source_hour.c.hour < now - _HOURS)),
        ]

    async def _mentions(self, old: ColumnElement[bool], since: ColumnElement[bool], limit: int) -> int:
        """The evidence of open alerts stays, so does that of plan runs that are open or `since`, and what is under legal hold."""
        # Whoever is storing mentions at this moment may be storing one of an author who is about to go.
        await self._session.lock("mentions")
        behind = (evidence.c.mention_id == mention.c.id, evidence.c.alert_id == alert.c.id)
        needed = exists().where(*behind, alert.c.state == AlertState.OPEN)
        proof = exists().where(*behind, plan_run.c.incident_id == alert.c.incident_id, plan_run.c.drill.is_(false()), since)
        found = select(mention.c.id).where(old, ~needed, ~proof, ~held_mention()).order_by(mention.c.seen_at).limit(limit)
        returned = (
            delete(mention).where(mention.c.id.in_(found)).returning(mention.c.source, mention.c.seen_at, mention.c.author_id)
        )
        gone = await self._session.rows(returned)
        await self._count("mention", ((row["seen_at"].date(), row["source"]) for row in gone))
        for chunk in chunks(sorted({row["author_id"] for row in gone if row["author_id"] is not None}), _BATCH):
            await self._session.run(delete(author).where(author.c.id.in_(chunk), _is_silent()))
        return len(gone)

    async def _authors(self, before: datetime, limit: int) -> int:
        """Authors of whom no mention ever was: two sources named different authors of one post."""
        await self._session.lock("mentions")
        return await self._rows(author, and_(author.c.last_seen_at < before, _is_silent()), author.c.last_seen_at, limit)

    async def _incidents(self, before: datetime, limit: int) -> int:
        """What belongs to an incident goes first, so that a large one is no large transaction; the incident last."""
        over = select(incident.c.id).where(incident.c.resolved_at < before, ~held_incident(), ~_goes_on())
        oldest = over.order_by(incident.c.resolved_at).limit(_INCIDENTS_AT_ONCE)
        ids = [row["id"] for row in await self._session.rows(oldest)]
        return (
            await self._rows(timeline, timeline.c.incident_id.in_(ids), timeline.c.id, limit)
            or await self._messages(notification.c.incident_id.in_(ids), limit)
            or await self._rows(plan_run, plan_run.c.incident_id.in_(ids), plan_run.c.id, limit)
            or await self._alerts(alert.c.incident_id.in_(ids), limit)
            or await self._rows(incident, incident.c.id.in_(ids), incident.c.id, limit)
        )

    async def _messages(self, old: ColumnElement[bool], limit: int) -> int:
        return await self._counted(notification, old, "message", notification.c.created_at, notification.c.receiver, limit)

    async def _alerts(self, old: ColumnElement[bool], limit: int) -> int:
        return await self._counted(alert, old, "alert", alert.c.opened_at, alert.c.rule, limit)

    async def _counted(
        self, table: Table, old: ColumnElement[bool], kind: str, at: Column[datetime], name: Column[str], limit: int
    ) -> int:
        removed = delete(table).where(table.c.id.in_(_some(table, old, table.c.id, limit)))
        gone: Sequence[RowMapping] = await self._session.rows(removed.returning(at.label("at"), name.label("name")))
        await self._count(kind, ((row["at"].date(), row["name"]) for row in gone))
        return len(gone)

    async def _rows(self, table: Table, old: ColumnElement[bool], order: Column[object], limit: int) -> int:
        return await self._session.changed(delete(table).where(table.c.id.in_(_some(table, old, order, limit))))

    async def _count(self, kind: str, gone: Iterable[tuple[date, str]]) -> None:
        """How many there were outlives them."""
        rows = [{"day": day, "kind": kind, "name": name, "number": n} for (day, name), n in sorted(Counter(gone).items())]
        if rows:
            add = self._session.insert(forgotten)
            same = [forgotten.c.day, forgotten.c.kind, forgotten.c.name]
            more = {"number": forgotten.c.number + add.excluded.number}
            await self._session.run(add.on_conflict_do_update(index_elements=same, set_=more), rows)

    async def _counts(self, before: date) -> int:
        return await self._session.changed(delete(forgotten).where(forgotten.c.day < before))

    async def counts(self, since: date) -> list[RowMapping]:
        """How many there were a day, of what has been forgotten."""
        return list(await self._session.rows(select(forgotten).where(forgotten.c.day >= since).order_by(*forgotten.primary_key)))


def _some(table: Table, old: ColumnElement[bool], order: Column[object], limit: int) -> Select[tuple[int]]:
    return select(table.c.id).where(old).order_by(order).limit(limit)


def _is_silent() -> ColumnElement[bool]:
    """An author is personal data without a purpose once nothing they said is kept."""
    speaks = exists().where(mention.c.author_id == author.c.id)
    awaited = exists().where(erasure.c.author_id == author.c.id, erasure.c.done_at.is_(None))
    return and_(~speaks, ~awaited, ~held_author())


def _stale_call(raw: datetime, unread: datetime) -> ColumnElement[bool]:
    """Read calls, and, much later, those that nobody reads any more: their source was removed."""
    read = and_(inbox.c.processed_at.is_not(None), inbox.c.received_at < raw)
    return or_(read, inbox.c.received_at < unread)


def _goes_on() -> ColumnElement[bool]:
    """Incidents that are over, and not quite: a complaint in them is open, a plan is, or a message is still owed."""
    return or_(
        exists().where(alert.c.incident_id == incident.c.id, alert.c.state == AlertState.OPEN),
        exists().where(plan_run.c.incident_id == incident.c.id, plan_run.c.state != RunState.CLOSED),
        _told_elsewhere(),
        exists().where(notification.c.incident_id == incident.c.id, _owed()),
    )


def _told_elsewhere() -> ColumnElement[bool]:
    """Whether messages of an earlier incident tell of a run that has joined this one: they go first."""
    joined = (plan_run.c.incident_id == incident.c.id, notification.c.plan_run_id == plan_run.c.id)
    return exists().where(*joined, notification.c.incident_id != incident.c.id)


def _owed() -> ColumnElement[bool]:
    return exists().where(delivery.c.notification_id == notification.c.id, delivery.c.state.in_(_UNENDED))


def _stray(before: datetime) -> ColumnElement[bool]:
    """Messages about no incident that have long been sent, or given up."""
    return and_(notification.c.incident_id.is_(None), notification.c.created_at < before, ~_owed())
