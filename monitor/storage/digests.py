"""Which digest was owed to whom, for which day: what keeps two of one from leaving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import select, update

from monitor.domain.digest import Owed
from monitor.storage.session import Repository
from monitor.storage.tables import digest_owed as table

_FIELDS = [table.c[field.name] for field in fields(Owed)]


class Digests(Repository):
    """A day of a digest stands here once for each receiver."""

    async def begin(self, owed: Owed) -> bool:
        """Note that it is owed; False: it was, whoever noted it."""
        values = {field.name: getattr(owed, field.name) for field in fields(Owed)}
        insert = self._session.insert(table).values(values).on_conflict_do_nothing().returning(table.c.digest)
        return await self._session.scalar(insert) is not None

    async def tell(self, owed: Owed, notification_id: int) -> None:
        """Note which message tells it."""
        this = (table.c.digest == owed.digest, table.c.receiver == owed.receiver, table.c.day == owed.day)
        await self._session.run(update(table).where(*this).values(notification_id=notification_id))

    async def known(self, digest: str, receiver: str) -> bool:
        """Whether this receiver was ever owed it, or is to get the next."""
        query = select(table.c.day).where(table.c.digest == digest, table.c.receiver == receiver).limit(1)
        return await self._session.scalar(query) is not None

    async def since(self, moment: datetime, digest: str | None = None) -> Sequence[Owed]:
        """Those that were owed for what ended at this moment (aware) or later, the newest first."""
        wanted = (table.c.until >= moment, *(() if digest is None else (table.c.digest == digest,)))
        query = select(*_FIELDS).where(*wanted).order_by(table.c.day.desc(), table.c.digest, table.c.receiver)
        return [Owed(**row) for row in await self._session.rows(query)]

    async def of_notification(self, number: int) -> Owed | None:
        """What a message tells."""
        row = await self._session.row(select(*_FIELDS).where(table.c.notification_id == number))
        return Owed(**row) if row is not None else None
