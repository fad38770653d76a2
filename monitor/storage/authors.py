"""The people who spoke: the one place where they are named; everything else refers to them by a number of ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, func, select

from monitor.domain.errors import UsageError
from monitor.storage.mention_rows import short_key
from monitor.storage.names import ERASED
from monitor.storage.session import Repository
from monitor.storage.tables import alert, author, delivery, evidence, mention, notification

_DIGITS = 19  # a number with as many may not fit into 64 bits


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message about alerts: to which receiver, and what became of it."""

    id: int
    receiver: str
    kind: str
    created_at: datetime
    state: str
    ended_at: datetime | None
    alerts: Sequence[int]


class Authors(Repository):
    """`who` is the network's own id of a person, or their handle, with or without the @."""

    async def find(self, network: str, who: str) -> RowMapping:
        """The row of one person. Raises `UsageError` when nobody, or more than one, is known by that name."""
        found = await self._called(network, who)
        if not found:
            others = "".join(f", but on {each}" for each in await self._networks(who))
            fix = "give the network's own id of the person, or the handle"
            raise UsageError(f"nobody called {who} is known on {network}{others}: {fix}")
        if len(found) > 1:
            ids = ", ".join(row["external_id"] for row in found)
            raise UsageError(f"{len(found)} people are called {who} on {network}: say which by id ({ids})")
        return found[0]

    async def known(self, network: str, who: str) -> bool:
        """Whether anybody is known by that name."""
        return bool(await self._called(network, who))

    async def _networks(self, who: str) -> Sequence[str]:
        """Where somebody is known by that name."""
        rows = await self._session.rows(select(author.c.network).distinct().order_by(author.c.network))
        return [row["network"] for row in rows if await self._called(row["network"], who)]

    async def _called(self, network: str, who: str) -> Sequence[RowMapping]:
        of_network = select(author).where(author.c.network == network, author.c.erased_at.is_(None))
        exact = await self._session.rows(of_network.where(author.c.external_id == short_key(who)))
        if exact:
            return exact
        handle = who.removeprefix("@").lower()
        return await self._session.rows(of_network.where(func.lower(author.c.handle).in_([handle, f"@{handle}"])))

    async def called(self, numbers: Iterable[str]) -> dict[str, str]:
        """The handles of authors by our numbers for them, as the keys of alerts hold them; `[erased]` for who was forgotten."""
        known = [int(number) for number in set(numbers) if number.isascii() and number.isdigit() and len(number) < _DIGITS]
        query = select(author.c.id, author.c.handle, author.c.name, author.c.erased_at).where(author.c.id.in_(known))
        rows = await self._session.rows(query)
        return {str(row["id"]): ERASED if row["erased_at"] else row["handle"] or row["name"] for row in rows}

    async def alerts_of(self, author_id: int) -> Sequence[RowMapping]:
        """The alerts that rest on what this person said."""
        said = select(mention.c.id).where(mention.c.author_id == author_id)
        resting = select(evidence.c.alert_id).where(evidence.c.mention_id.in_(said))
        return await self._session.rows(select(alert).where(alert.c.id.in_(resting)).order_by(alert.c.id))

    async def messages_about(self, alerts: Sequence[RowMapping]) -> list[SentMessage]:
        """Who was told, or is owed to be told, about these alerts."""
        ids = {row["id"] for row in alerts}
        told = select(
            notification.c.id,
            notification.c.events,
            delivery.c.receiver,
            notification.c.kind,
            notification.c.created_at,
            delivery.c.state,
            delivery.c.ended_at,
        ).join(delivery, delivery.c.notification_id == notification.c.id)
        concerned = notification.c.incident_id.in_({row["incident_id"] for row in alerts})
        rows = [dict(row) for row in await self._session.rows(told.where(concerned).order_by(delivery.c.id))]
        about = [(row, sorted(ids & {event["alert_id"] for event in row.pop("events")})) for row in rows]
        return [SentMessage(**row, alerts=found) for row, found in about if found]
