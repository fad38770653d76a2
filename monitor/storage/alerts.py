"""What rang: one alert per fingerprint while it is open, with the mentions that made it ring."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, RowMapping, Select, bindparam, func, literal, select, update
from sqlalchemy.types import Integer

from monitor.domain.alert import PERSONAL, Addressee, Alert, AlertState, NewAlert, fingerprint
from monitor.domain.mention import Observed
from monitor.storage.mention_rows import OBSERVED, observed
from monitor.storage.session import Repository, chunks, insert_into
from monitor.storage.tables import UtcDateTime, author, evidence, mention
from monitor.storage.tables import alert as table

_BATCH = 500
_BESIDE = ("unscored", "copies")
_UNDER_A_SILENCE = ("silenced_by", "told_severity")
_Alerts = list[Alert]

# Built once: to build them takes longer than to run them.
_LAST = select(table).where(table.c.fingerprint == bindparam("fp")).order_by(table.c.id.desc()).limit(1)
_OF_INCIDENT = select(table).where(table.c.incident_id == bindparam("incident")).order_by(table.c.id)
_STILL_THERE = select(bindparam("alert", type_=Integer), mention.c.id, bindparam("at", type_=UtcDateTime)).where(
    mention.c.id.in_(bindparam("ids", expanding=True))
)
_OVER = (
    update(table)
    .where(table.c.id == bindparam("number"), table.c.state == AlertState.OPEN, table.c.open_fingerprint.is_not(None))
    .values(state=AlertState.RESOLVED, resolved_at=bindparam("at"), resolved_reason=bindparam("reason"), open_fingerprint=None)
)
_OPEN_KINDS = (
    select(table.c.kind).where(table.c.incident_id == bindparam("incident"), table.c.state == AlertState.OPEN).distinct()
)


@lru_cache(maxsize=2)
def _open(*, postgresql: bool) -> Executable:
    return insert_into(table, postgresql=postgresql).returning(table)


@lru_cache(maxsize=2)
def _keep_evidence(*, postgresql: bool) -> Executable:
    add = insert_into(evidence, postgresql=postgresql)
    return add.from_select(["alert_id", "mention_id", "added_at"], _STILL_THERE).on_conflict_do_nothing()


class Alerts(Repository):
    """`open_fingerprint` is unique while an alert is open, and free again afterwards."""

    async def last_by_fingerprint(self, fp: str) -> Alert | None:
        """The newest alert with this fingerprint, open or over."""
        return _alert(await self._session.row(_LAST, {"fp": fp}))

    async def open(self, new: NewAlert, incident_id: int, at: datetime, *, silenced_by: str | None = None) -> Alert:
        """A new alert, told at `at` unless a silence covers it. Raises `StorageError` when one like it is open already."""
        values = _row(new, incident_id, at) | {"told_at": None if silenced_by else at, "silenced_by": silenced_by}
        opened = _alert(await self._session.row(_open(postgresql=self._session.postgresql), values))
        assert opened is not None
        await self._add_evidence(opened.id, new.evidence, at)
        return opened

    async def reopen(self, id_: int, new: NewAlert, incident_id: int, at: datetime) -> Alert:
        """An alert that was over rings again: the same alert, with the new figures; it is nobody's until taken again."""
        fresh = ("open_fingerprint", "severity", "state", "last_seen_at", "observed", "expected", "learning", "reasons", *_BESIDE)
        values = {name: value for name, value in _row(new, incident_id, at).items() if name in fresh}
        values |= dict.fromkeys(("resolved_at", "resolved_reason", "acknowledged_at", "acknowledged_by"))
        values |= dict.fromkeys(_UNDER_A_SILENCE)
        values |= {"incident_id": incident_id, "told_at": at, "occurrences": table.c.occurrences + 1}
        row = await self._session.row(update(table).where(table.c.id == id_).values(values).returning(table))
        reopened = _alert(row)
        assert reopened is not None
        await self._add_evidence(id_, new.evidence, at)
        return reopened

    async def again(
        self,
        id_: int,
        *,
        observed: float,
        expected: float | None,
        severity: str,
        last_seen_at: datetime,
        evidence: Sequence[int],
        occurrences: int,
        reasons: Sequence[str],
        unscored: int = 0,
        copies: int = 0,
    ) -> None:
        """The condition held again: the new figures (`occurrences` is the new total), and more evidence."""
        values = {
            "observed": observed,
            "expected": expected,
            "severity": severity,
            "last_seen_at": last_seen_at,
            "occurrences": occurrences,
            "reasons": list(reasons),
            "unscored": unscored,
            "copies": copies,
        }
        await self._session.run(update(table).where(table.c.id == id_).values(values))
        await self._add_evidence(id_, evidence, last_seen_at)

    async def _add_evidence(self, id_: int, mentions: Sequence[int], at: datetime) -> None:
        """Only of mentions that still exist: retention may have been faster."""
        keep = _keep_evidence(postgresql=self._session.postgresql)
        for chunk in chunks(mentions, _BATCH):
            await self._session.run(keep, {"alert": id_, "at": at, "ids": list(chunk)})

    async def move_to(self, id_: int, incident_id: int) -> None:
        """It belongs to another incident from now on."""
        await self._session.run(update(table).where(table.c.id == id_).values(incident_id=incident_id))

    async def address(self, id_: int, goes_to: Sequence[Addressee]) -> None:
        """Whom it goes to from now on."""
        await self._session.run(update(table).where(table.c.id == id_).values(goes_to=_pairs(goes_to)))

    async def told(self, id_: int, at: datetime) -> None:
        """Somebody was told (again): the time from which `realert` counts. Nothing is left to be told after a silence."""
        await self._session.run(update(table).where(table.c.id == id_).values(told_at=at, **dict.fromkeys(_UNDER_A_SILENCE)))

    async def silenced(self, id_: int, by: str | None, told_severity: str | None) -> None:
        """A silence covers it, or (None) covers it no more; `told_severity` is what people know where that is not all."""
        await self._session.run(update(table).where(table.c.id == id_).values(silenced_by=by, told_severity=told_severity))

    async def acknowledge(self, id_: int, by: str, at: datetime) -> bool:
        """Somebody takes charge. False: it is resolved, or somebody had."""
        return await self._change(id_, table.c.acknowledged_at.is_(None), acknowledged_by=by, acknowledged_at=at)

    async def resolve(self, id_: int, at: datetime, reason: str) -> bool:
        """It is over. False: it was already."""
        return bool((await self._session.run(_OVER, {"number": id_, "at": at, "reason": reason})).rowcount)

    async def _change(self, id_: int, condition: ColumnElement[bool], **values: object) -> bool:
        still = (table.c.id == id_, table.c.state == AlertState.OPEN, condition)
        return bool(await self._session.changed(update(table).where(*still).values(values)))

    async def get(self, id_: int) -> Alert | None:
        """The alert with this number."""
        return _alert(await self._session.row(select(table).where(table.c.id == id_)))

    async def many(self, ids: Collection[int]) -> dict[int, Alert]:
        """Those of these numbers that are there."""
        return {alert.id: alert for alert in await self._alerts(select(table).where(table.c.id.in_(set(ids))))}

    async def open_alerts(self, *, kind: str | None = None) -> _Alerts:
        """Those that are open, oldest first: of one kind, or all."""
        query = select(table).where(table.c.state == AlertState.OPEN).order_by(table.c.id)
        return await self._alerts(query if kind is None else query.where(table.c.kind == kind))

    async def open_counts(self) -> dict[str, int]:
        """How many are open, by severity."""
        query = select(table.c.severity, func.count().label("n")).where(table.c.state == AlertState.OPEN)
        return {row["severity"]: row["n"] for row in await self._session.rows(query.group_by(table.c.severity))}

    async def behind(self, mentions: Collection[int]) -> _Alerts:
        """The open alerts that one of these mentions rang, oldest first."""
        rung = select(evidence.c.alert_id).where(evidence.c.mention_id.in_(mentions))
        return await self._alerts(
            select(table).where(table.c.state == AlertState.OPEN, table.c.id.in_(rung)).order_by(table.c.id)
        )

    async def of_mention(self, number: int, limit: int = 20) -> _Alerts:
        """The alerts that a mention is evidence of, open or over, newest first."""
        rung = select(evidence.c.alert_id).where(evidence.c.mention_id == number)
        return await self._alerts(select(table).where(table.c.id.in_(rung)).order_by(table.c.id.desc()).limit(limit))

    async def of_incident(self, incident_id: int) -> _Alerts:
        """An incident's alerts, oldest first."""
        rows = await self._session.rows(_OF_INCIDENT, {"incident": incident_id})
        return [found for row in rows if (found := _alert(row))]

    async def asking_for(self, plan: str) -> _Alerts:
        """The open alerts whose rules name a plan, oldest first."""
        asking = (table.c.state == AlertState.OPEN, table.c.plan == plan)
        return await self._alerts(select(table).where(*asking).order_by(table.c.id))

    async def hold_open(self, incident_id: int) -> bool:
        """Whether an incident goes on: an alert about a crowd is open, or it only ever had complaints and one is."""
        kinds = {row["kind"] for row in await self._session.rows(_OPEN_KINDS, {"incident": incident_id})}
        return bool(kinds - PERSONAL) or (bool(kinds) and not await self.beyond_complaints(incident_id))

    async def beyond_complaints(self, incident_id: int) -> bool:
        """Whether an incident is, or was, about more than single mentions."""
        crowd = select(table.c.id).where(table.c.incident_id == incident_id, table.c.kind.not_in(PERSONAL)).limit(1)
        return await self._session.scalar(crowd) is not None

    async def evidence(self, alert_ids: Sequence[int], limit: int, *, newest: bool = False) -> list[Observed]:
        """The mentions behind these alerts, the loudest first (widest reach, unknown last, most reactions), or the newest."""
        behind = select(evidence.c.mention_id).where(evidence.c.alert_id.in_(alert_ids))
        counts = (mention.c.shares, mention.c.likes, mention.c.replies)
        reactions: ColumnElement[int] = sum((func.coalesce(count, 0) for count in counts), literal(0, Integer))
        last = (mention.c.written_at.desc(), mention.c.id.desc())
        order = last if newest else (author.c.reach.desc().nulls_last(), reactions.desc(), *last)
        rows = await self._session.all(OBSERVED.where(mention.c.id.in_(behind)).order_by(*order).limit(limit))
        return [observed(row) for row in rows]

    async def first_post(self, alert_ids: Sequence[int]) -> datetime | None:
        """When the first of the mentions behind these alerts was written; None when none of them is kept."""
        query = select(func.min(mention.c.written_at)).join(evidence, evidence.c.mention_id == mention.c.id)
        found: datetime | None = await self._session.scalar(query.where(evidence.c.alert_id.in_(alert_ids)))
        return found

    async def evidence_count(self, alert_ids: Sequence[int]) -> int:
        """How many mentions are behind these alerts, each counted once."""
        query = select(func.count(evidence.c.mention_id.distinct())).where(evidence.c.alert_id.in_(alert_ids))
        return int(await self._session.scalar(query))

    async def deleted_count(self, alert_ids: Sequence[int]) -> int:
        """How many of them their networks do not show any more."""
        query = select(func.count(evidence.c.mention_id.distinct())).join(mention, mention.c.id == evidence.c.mention_id)
        gone = query.where(evidence.c.alert_id.in_(alert_ids), mention.c.deleted_at.is_not(None))
        return int(await self._session.scalar(gone))

    async def list(self, state: AlertState | None = None, limit: int = 100, *, before: int | None = None) -> _Alerts:
        """The newest first, with numbers below `before`."""
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(table.c.id < before)
        return await self._alerts(query if state is None else query.where(table.c.state == state))

    async def _alerts(self, query: Select[Any]) -> _Alerts:
        return [found for row in await self._session.rows(query) if (found := _alert(row))]


def _row(new: NewAlert, incident_id: int, at: datetime) -> dict[str, Any]:
    fp = fingerprint(new.rule, new.key)
    return {
        "incident_id": incident_id,
        "fingerprint": fp,
        "open_fingerprint": fp,
        "rule": new.rule,
        "kind": new.kind,
        "category": new.category,
        "severity": new.severity,
        "state": AlertState.OPEN,
        "key": dict(new.key),
        "labels": dict(new.labels),
        "fired_at": new.fired_at,
        "opened_at": at,
        "last_seen_at": new.fired_at,
        "observed": new.observed,
        "expected": new.expected,
        "measure": new.measure,
        "window_seconds": None if new.window is None else new.window.total_seconds(),
        "learning": new.learning,
        "unscored": new.unscored,
        "copies": new.copies,
        "coverage": new.coverage,
        "reasons": list(new.reasons),
        "plan": new.plan,
        "goes_to": _pairs(new.goes_to),
    }


def _pairs(goes_to: Sequence[Addressee]) -> list[list[str]]:
    return [[each.name, each.why] for each in goes_to]


def _alert(row: RowMapping | None) -> Alert | None:
    if row is None:
        return None
    return Alert(
        id=row["id"],
        incident_id=row["incident_id"],
        fingerprint=row["fingerprint"],
        rule=row["rule"],
        kind=row["kind"],
        category=row["category"],
        severity=row["severity"],
        state=AlertState(row["state"]),
        key=row["key"],
        labels=row["labels"],
        fired_at=row["fired_at"],
        opened_at=row["opened_at"],
        last_seen_at=row["last_seen_at"],
        told_at=row["told_at"],
        observed=row["observed"],
        expected=row["expected"],
        measure=row["measure"],
        window=None if row["window_seconds"] is None else timedelta(seconds=row["window_seconds"]),
        learning=row["learning"],
        unscored=row["unscored"],
        copies=row["copies"],
        coverage=row["coverage"],
        reasons=tuple(row["reasons"]),
        occurrences=row["occurrences"],
        plan=row["plan"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        resolved_at=row["resolved_at"],
        resolved_reason=row["resolved_reason"],
        silenced_by=row["silenced_by"],
        told_severity=row["told_severity"],
        goes_to=tuple(Addressee(*each) for each in row["goes_to"] or ()),
    )
