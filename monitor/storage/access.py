"""Answers an access request: all that is held about one person, and nothing about another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Table, Text, and_, cast, func, or_, select

from monitor.storage.authors import Authors
from monitor.storage.holds import Holds
from monitor.storage.names import SHORTEST_NAME
from monitor.storage.personal import about_authors
from monitor.storage.session import Repository
from monitor.storage.tables import (
    alert,
    author,
    erasure,
    evidence,
    feedback,
    inbox,
    legal_hold,
    mention,
    mention_deed,
    mention_handling,
    rule_state,
    sighting,
    silence,
    timeline,
)

OTHERS = "[about others]"

Rows = list[dict[str, Any]]

# Where the answer shows what a table holds about authors.
SECTIONS: Mapping[str, str] = {
    "author": "author",
    "mention": "mentions",
    "sighting": "mentions",
    "alert": "alerts",
    "evidence": "evidence",
    "notification": "messages",
    "delivery": "messages",
    "timeline": "timeline",
    "rule_state": "rules_memory",
    "silence": "silences",
    "legal_hold": "legal_holds",
    "erasure": "erasures",
    "inbox": "calls_not_understood",
    "feedback": "corrections",
    "mention_handling": "handling",
    "mention_deed": "handling",
}


class Access(Repository):
    """What is shown of each table is what the register says is about authors."""

    async def export(self, network: str, who: str) -> dict[str, Any]:
        """Everything about one person, ready for JSON, by table. Raises `UsageError` when nobody, or several, are called so."""
        person = await Authors(self._session).find(network, who)
        number, held = person["id"], [hold.id for hold in await Holds(self._session).of_author(person["id"])]
        alerts = await Authors(self._session).alerts_of(number)
        ids = [row["id"] for row in alerts]
        shared = await self._shared(ids, number)
        return {
            "author": _shown(author, person),
            "mentions": await self._mentions(number),
            "alerts": [_alert(row, shared=row["id"] in shared) for row in alerts],
            "evidence": await self._rows(evidence, evidence.c.mention_id.in_(_said(number))),
            "messages": [_plain(asdict(each)) for each in await Authors(self._session).messages_about(alerts)],
            "timeline": await self._events(ids, shared),
            "rules_memory": await self._rows(rule_state, _of_key(rule_state.c.key, number)),
            "silences": await self._rows(silence, _of_key(cast(silence.c.matcher, Text), number)),
            "legal_holds": await self._rows(legal_hold, legal_hold.c.id.in_(held)),
            "erasures": await self._rows(erasure, erasure.c.author_id == number),
            "corrections": await self._rows(feedback, feedback.c.mention_id.in_(_said(number))),
            "handling": await self._handling(number),
            "calls_not_understood": await self._bodies(person),
        }

    async def _rows(self, table: Table, where: ColumnElement[bool]) -> Rows:
        return [_shown(table, row) for row in await self._session.rows(select(table).where(where).order_by(*table.primary_key))]

    async def _mentions(self, number: int) -> Rows:
        said = select(mention).where(mention.c.author_id == number).order_by(mention.c.id)
        mentions: Rows = [_shown(mention, row) | {"sightings": []} for row in await self._session.rows(said)]
        by_id = {row["id"]: row for row in mentions}
        for row in await self._rows(sighting, sighting.c.mention_id.in_(_said(number))):
            by_id[row["mention_id"]]["sightings"].append(row)
        return mentions

    async def _handling(self, number: int) -> Rows:
        """How each mention was handled, with all that was done with it."""
        handled = await self._rows(mention_handling, mention_handling.c.mention_id.in_(_said(number)))
        deeds = await self._rows(mention_deed, mention_deed.c.mention_id.in_(_said(number)))
        found: dict[int, dict[str, Any]] = {deed["mention_id"]: {"mention_id": deed["mention_id"]} for deed in deeds}
        found |= {row["mention_id"]: row for row in handled}
        return [row | {"deeds": [deed for deed in deeds if deed["mention_id"] == of]} for of, row in sorted(found.items())]

    async def _shared(self, alerts: list[int], number: int) -> set[int]:
        """The alerts that also rest on what others said: their reasons are not about this person alone."""
        query = select(evidence.c.alert_id).join(mention, mention.c.id == evidence.c.mention_id)
        others = or_(mention.c.author_id != number, mention.c.author_id.is_(None))
        return {row["alert_id"] for row in await self._session.rows(query.where(evidence.c.alert_id.in_(alerts), others))}

    async def _events(self, alerts: list[int], shared: set[int]) -> Rows:
        events = await self._rows(timeline, timeline.c.alert_id.in_(alerts))
        return [event | {"detail": OTHERS} if event["alert_id"] in shared else event for event in events]

    async def _bodies(self, person: RowMapping) -> Rows:
        """Raw calls that name the person. They are shown by number: each may be about many."""
        words = {person["external_id"], person["handle"].removeprefix("@"), person["name"]}
        query = select(inbox).where(func.length(inbox.c.body) > 0).order_by(inbox.c.id)
        sure = [word.lower().encode() for word in words if len(word) >= SHORTEST_NAME]
        rows = [row for row in await self._session.rows(query) if any(word in row["body"].lower() for word in sure)]
        return [_shown(inbox, row) | {"body": f"{len(row['body'])} bytes, {OTHERS}"} for row in rows]


def _said(number: int) -> Any:
    return select(mention.c.id).where(mention.c.author_id == number)


def _of_key(column: Any, number: int) -> ColumnElement[bool]:
    """Keys hold our number for an author as the text `"author":"12"`, with or without a space."""
    parts = (column.contains(f'"author":{space}"{number}"', autoescape=True) for space in ("", " "))
    return and_(or_(*parts))


def _alert(row: RowMapping, *, shared: bool) -> dict[str, Any]:
    shown = _shown(alert, row)
    return shown | {"reasons": [OTHERS]} if shared else shown


def _shown(table: Table, row: Mapping[Any, Any]) -> dict[str, Any]:
    """What a row says about authors."""
    return _plain({name: row[name] for name in about_authors(table.name)})


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as JSON can hold it: times as ISO 8601 text, sets of names as sorted lists."""
    return {str(name): _as_json(value) for name, value in row.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return sorted(value) if isinstance(value, frozenset) else value
