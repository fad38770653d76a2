"""Legal holds: what is needed for a claim is kept as it is, whatever retention and erasure would do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import ColumnElement, RowMapping, Select, func, or_, select, update

from monitor.domain.errors import UsageError
from monitor.storage.session import Repository, chunks
from monitor.storage.tables import alert, author, evidence, incident, mention
from monitor.storage.tables import legal_hold as table

_BATCH = 500

What = Literal["author", "mention", "incident"]
WHATS: tuple[What, ...] = get_args(What)
_THINGS = {"author": author, "mention": mention, "incident": incident}


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold. `number` is that of the author (our pseudonym), mention or incident; None once retention has removed it.

    `covers` are the mentions it was placed on, and `evidence_hash` the SHA-256 of `Holds.evidence` at that moment.
    """

    id: int
    what: What
    number: int | None
    reason: str
    placed_at: datetime
    placed_by: str
    until: datetime | None
    released_at: datetime | None
    released_by: str | None
    covers: Sequence[int]
    evidence_hash: str


class Holds(Repository):
    """A hold is in force until it is released; `expire` releases those whose time is over."""

    async def place(self, what: What, number: int, *, reason: str, by: str, at: datetime, until: datetime | None = None) -> Hold:
        """Hold something from now on. Raises `UsageError` when it does not exist."""
        # Whoever erases or forgets at this moment has looked for holds already.
        await self._session.lock("mentions")
        thing = _THINGS[what]
        if await self._session.scalar(select(thing.c.id).where(thing.c.id == number)) is None:
            raise UsageError(f"there is no {what} {number}")
        covers = await self._covered(what, number)
        values = {
            f"{what}_id": number,
            "reason": reason,
            "placed_by": by,
            "placed_at": at,
            "until": until,
            "covers": covers,
            "evidence_hash": fingerprint(await self._lines(covers)),
        }
        row = await self._session.row(self._session.insert(table).returning(table), values)
        assert row is not None
        return _hold(row)

    async def release(self, id_: int, by: str, at: datetime) -> bool:
        """End a hold. False: there is none, or it has ended."""
        over = update(table).where(table.c.id == id_, in_force()).values(released_at=at, released_by=by)
        return bool(await self._session.changed(over))

    async def expire(self, now: datetime) -> list[Hold]:
        """End those whose time is over. Returns them."""
        over = update(table).where(in_force(), table.c.until <= now).values(released_at=table.c.until, released_by="tocsin")
        return [_hold(row) for row in await self._session.rows(over.returning(table))]

    async def get(self, id_: int) -> Hold | None:
        """The hold with this number."""
        row = await self._session.row(select(table).where(table.c.id == id_))
        return _hold(row) if row else None

    async def all(self, *, everything: bool = False) -> list[Hold]:
        """Those in force, or all, the oldest first."""
        query = select(table).order_by(table.c.id)
        return [_hold(row) for row in await self._session.rows(query if everything else query.where(in_force()))]

    async def of_author(self, author_id: int) -> Sequence[Hold]:
        """Those in force that keep something a person said."""
        said = select(mention.c.id).where(mention.c.author_id == author_id)
        incidents = (
            select(alert.c.incident_id)
            .join(evidence, evidence.c.alert_id == alert.c.id)
            .join(mention, mention.c.id == evidence.c.mention_id)
            .where(mention.c.author_id == author_id)
        )
        about = or_(table.c.author_id == author_id, table.c.mention_id.in_(said), table.c.incident_id.in_(incidents))
        return [_hold(row) for row in await self._session.rows(select(table).where(in_force(), about).order_by(table.c.id))]

    async def evidence(self, hold: Hold) -> list[str]:
        """What a hold was placed on, as it is now: one JSON object a line."""
        return await self._lines(hold.covers)

    async def _covered(self, what: What, number: int) -> Sequence[int]:
        return [row["id"] for row in await self._session.rows(covering(what, number).order_by(mention.c.id))]

    async def _lines(self, ids: Sequence[int]) -> list[str]:
        lines: list[str] = []
        for chunk in chunks(ids, _BATCH):
            lines += [_line(row) for row in await self._session.rows(_EVIDENCE.where(mention.c.id.in_(chunk)))]
        return lines


def in_force() -> ColumnElement[bool]:
    """Holds that were not released."""
    return table.c.released_at.is_(None)


def held_mention() -> ColumnElement[bool]:
    """Mentions that a hold covers: by themselves, by their author, or as evidence of an incident."""
    behind = (
        select(evidence.c.mention_id)
        .join(alert, alert.c.id == evidence.c.alert_id)
        .where(alert.c.incident_id.in_(_held("incident")))
    )
    by_author = func.coalesce(mention.c.author_id.in_(_held("author")), False)
    return or_(mention.c.id.in_(_held("mention")), mention.c.id.in_(behind), by_author)


def held_author() -> ColumnElement[bool]:
    """Authors under a hold of their own."""
    return author.c.id.in_(_held("author"))


def held_incident() -> ColumnElement[bool]:
    """Incidents under a hold."""
    return incident.c.id.in_(_held("incident"))


def _held(what: What) -> Select[tuple[int]]:
    column = table.c[f"{what}_id"]
    return select(column).where(in_force(), column.is_not(None))


def covering(what: What, number: int | None) -> Select[tuple[int]]:
    """The mentions that a hold on this covers."""
    if what == "author":
        return select(mention.c.id).where(mention.c.author_id == number)
    if what == "mention":
        return select(mention.c.id).where(mention.c.id == number)
    behind = select(evidence.c.mention_id).join(alert, alert.c.id == evidence.c.alert_id).where(alert.c.incident_id == number)
    return select(mention.c.id).where(mention.c.id.in_(behind))


# What is never written again once a mention is evidence: a change of any of it is a change of the evidence.
_SAID = ("id", "network", "key", "uri", "source", "title", "text", "written_at", "seen_at")
_EVIDENCE = (
    select(*(mention.c[name] for name in _SAID), author.c.external_id.label("author"))
    .outerjoin(author, author.c.id == mention.c.author_id)
    .order_by(mention.c.id)
)


def _line(row: RowMapping) -> str:
    said = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    return json.dumps(said, ensure_ascii=False, sort_keys=True)


def fingerprint(lines: Iterable[str]) -> str:
    """What `sha256sum` says of a file with these lines."""
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _hold(row: RowMapping) -> Hold:
    what: What = next((each for each in WHATS if row[f"{each}_id"] is not None), "mention")
    rest = {name: row[name] for name in Hold.__slots__ if name not in {"what", "number"}}
    return Hold(what=what, number=row[f"{what}_id"], **rest)
