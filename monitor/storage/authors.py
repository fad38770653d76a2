"""The people who spoke: the one place of personal data, and what the law lets them ask of us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Text, cast, func, literal, select, update

from monitor.domain.errors import UsageError
from monitor.storage.mention_rows import short_key
from monitor.storage.session import Repository
from monitor.storage.tables import alert, author, delivery, evidence, mention, notification, sighting, timeline, tombstone
from monitor.storage.tombstones import tombstone_hash

ERASED = "[erased]"
_DIGITS = 19  # a number with as many may not fit into 64 bits
_SHORTEST_NAME = 3


@dataclass(frozen=True, slots=True)
class ErasedAuthor:
    """What an erasure did. `told` counts messages already sent about what the person said: those cannot be recalled."""

    erased_at: datetime
    mentions: int
    alerts: int
    told: int


class Authors(Repository):
    """`who` is the network's own id of a person, or their handle, with or without the @."""

    async def erase(self, network: str, who: str, at: datetime) -> ErasedAuthor:
        """Empty all that is known of a person and what they said, and keep them out from now on.

        The numbers stay: how many spoke, about which subject, how it was scored. Raises `UsageError` when nobody, or more
        than one, is known by that name, and when the person is under legal hold.
        """
        # Whoever is storing mentions at this moment would bring the person back.
        await self._session.lock("mentions")
        already = await self._buried(network, who)
        if already:
            return ErasedAuthor(already, mentions=0, alerts=0, told=0)
        person = await self._find(network, who)
        if person["legal_hold"]:
            raise UsageError(f"{who} on {network} is under legal hold, so nothing may be erased: lift the hold first")
        concerned = await self._alerts_of(person["id"])
        erased = ErasedAuthor(
            at,
            mentions=await self._empty_mentions(person["id"]),
            alerts=len(concerned),
            told=sum(1 for message in await self._messages_about(concerned) if message["ended_at"]),
        )
        await self._clean_alerts(concerned, _names(person))
        await self._empty_author(person, at)
        return erased

    async def called(self, numbers: Iterable[str]) -> dict[str, str]:
        """The handles of authors by our numbers for them, as the keys of alerts hold them; `[erased]` for who was forgotten."""
        known = [int(number) for number in set(numbers) if number.isascii() and number.isdigit() and len(number) < _DIGITS]
        query = select(author.c.id, author.c.handle, author.c.name, author.c.erased_at).where(author.c.id.in_(known))
        rows = await self._session.rows(query)
        return {str(row["id"]): ERASED if row["erased_at"] else row["handle"] or row["name"] for row in rows}

    async def _buried(self, network: str, who: str) -> datetime | None:
        """When this id was erased; a handle cannot be recognised any more."""
        hash_ = tombstone_hash(self._session.installation.tombstone_key, network, short_key(who))
        at: datetime | None = await self._session.scalar(select(tombstone.c.erased_at).where(tombstone.c.hash == hash_))
        return at

    async def _find(self, network: str, who: str) -> RowMapping:
        of_network = select(author).where(author.c.network == network, author.c.erased_at.is_(None))
        exact = await self._session.row(of_network.where(author.c.external_id == short_key(who)))
        if exact:
            return exact
        handle = who.removeprefix("@").lower()
        found = await self._session.rows(of_network.where(func.lower(author.c.handle).in_([handle, f"@{handle}"])))
        if not found:
            raise UsageError(f"nobody called {who} is known on {network}: give the network's own id of the person, or the handle")
        if len(found) > 1:
            ids = ", ".join(row["external_id"] for row in found)
            raise UsageError(f"{len(found)} people are called {who} on {network}: say which by id ({ids})")
        return found[0]

    async def _empty_mentions(self, author_id: int) -> int:
        """Addresses go, too: most contain the handle."""
        nothing: dict[str, Any] = {
            "key": literal("erased:") + cast(mention.c.id, Text),
            "uri": None,
            "title": "",
            "text": "",
            "parent": None,
            "thread": None,
            "hashtags": [],
        }
        return await self._session.changed(update(mention).where(mention.c.author_id == author_id).values(nothing))

    async def _alerts_of(self, author_id: int) -> Sequence[RowMapping]:
        """The alerts that rest on what this person said."""
        said = select(mention.c.id).where(mention.c.author_id == author_id)
        resting = select(evidence.c.alert_id).where(evidence.c.mention_id.in_(said))
        return await self._session.rows(select(alert).where(alert.c.id.in_(resting)).order_by(alert.c.id))

    async def _messages_about(self, alerts: Sequence[RowMapping]) -> list[dict[str, Any]]:
        """Who was told about these alerts, and when."""
        ids = {row["id"] for row in alerts}
        told = select(
            notification.c.events, notification.c.kind, delivery.c.receiver, delivery.c.state, delivery.c.ended_at
        ).join(delivery, delivery.c.notification_id == notification.c.id)
        rows = await self._session.rows(
            told.where(notification.c.incident_id.in_({row["incident_id"] for row in alerts})).order_by(delivery.c.id)
        )
        about = [(row, sorted(ids & {event["alert_id"] for event in row["events"]})) for row in rows]
        return [{**row, "alerts": found} for row, found in about if found]

    async def _clean_alerts(self, alerts: Sequence[RowMapping], names: re.Pattern[str] | None) -> None:
        """Reasons and the timeline may quote the handle.

        Keys and labels hold pseudonyms and configured names alone; with another key it would be another alert.
        """
        for row in alerts:
            clean_reasons = _without(row["reasons"], names)
            await self._session.run(update(alert).where(alert.c.id == row["id"]).values(reasons=clean_reasons))
        incidents = {row["incident_id"] for row in alerts}
        for event in await self._session.rows(select(timeline).where(timeline.c.incident_id.in_(incidents))):
            clean_detail = _without(event["detail"], names)
            if clean_detail != event["detail"]:
                await self._session.run(update(timeline).where(timeline.c.id == event["id"]).values(detail=clean_detail))

    async def _empty_author(self, person: RowMapping, at: datetime) -> None:
        nothing = {
            "external_id": f"erased:{person['id']}",
            "handle": "",
            "name": "",
            "reach": None,
            "verified": None,
            "erased_at": at,
        }
        await self._session.run(update(author).where(author.c.id == person["id"]).values(nothing))
        hash_ = tombstone_hash(self._session.installation.tombstone_key, person["network"], person["external_id"])
        await self._session.run(self._session.insert(tombstone).values(hash=hash_, erased_at=at).on_conflict_do_nothing())

    async def hold(self, network: str, who: str, on: bool) -> None:
        """A legal hold: neither erasure nor retention touches the person and what they said. Raises `UsageError`."""
        person = await self._find(network, who)
        await self._session.run(update(author).where(author.c.id == person["id"]).values(legal_hold=on))

    async def export(self, network: str, who: str) -> dict[str, Any]:
        """Everything about one person, ready for JSON: the answer to an access request. Raises `UsageError`."""
        person = await self._find(network, who)
        alerts = await self._alerts_of(person["id"])
        return {
            "author": _plain(person),
            "mentions": await self._mentions_of(person["id"]),
            "alerts": [_plain(row) for row in alerts],
            "messages": [_plain(message) for message in await self._messages_about(alerts)],
        }

    async def _mentions_of(self, author_id: int) -> list[dict[str, Any]]:
        said = select(mention).where(mention.c.author_id == author_id).order_by(mention.c.id)
        mentions = [_plain(row) | {"sightings": []} for row in await self._session.rows(said)]
        by_id = {row["id"]: row for row in mentions}
        seen = select(sighting).join(mention, mention.c.id == sighting.c.mention_id).where(mention.c.author_id == author_id)
        for row in await self._session.rows(seen.order_by(sighting.c.seen_at, sighting.c.source)):
            by_id[row["mention_id"]]["sightings"].append({"source": row["source"], "seen_at": row["seen_at"].isoformat()})
        return mentions


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row with its times as ISO 8601 text."""
    return {str(name): value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _names(person: RowMapping) -> re.Pattern[str] | None:
    """Finds what a text could call the person, as whole words, the longest first. None when no name is sure to mean a person.

    Numbers and one or two letters are not looked for: "142 authors" is not about the person whose id is 142.
    """
    said = {person["external_id"], person["handle"].removeprefix("@"), person["name"]}
    sure = sorted((name for name in said if len(name) >= _SHORTEST_NAME and not name.isnumeric()), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sure))})(?!\w)") if sure else None


def _without(value: Any, names: re.Pattern[str] | None) -> Any:
    """The same JSON, with every name in its texts replaced."""
    if isinstance(value, dict):
        return {key: _without(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, names) for inner in value]
    return names.sub(ERASED, value) if names is not None and isinstance(value, str) else value
