"""A stretch of the past, taken from one store into another: what was said in it, in the order in which it was written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from monitor.storage.bulk import Bulk
from monitor.storage.mention_rows import AUTHOR_COLUMNS, MENTION_COLUMNS
from monitor.storage.session import Repository, chunks
from monitor.storage.tables import author, mention

Row = Sequence[Any]

_AT_ONCE = 500
_MENTION = tuple(name for name in mention.c.keys() if name in {"id", *MENTION_COLUMNS, "answered_at"})  # noqa: SIM118 in its order
_AUTHOR = ("id", *AUTHOR_COLUMNS)
_WRITTEN_AT, _SEEN_AT, _AUTHOR_ID = (_MENTION.index(name) for name in ("written_at", "seen_at", "author_id"))

_MENTIONS = Bulk(mention, _MENTION, lambda add: add.on_conflict_do_nothing())
_AUTHORS = Bulk(author, _AUTHOR, lambda add: add.on_conflict_do_nothing())


class Extracts(Repository):
    """Reads from the one store, writes into the other. Scores go with the texts; what was judged does not."""

    async def written(self) -> tuple[datetime, datetime] | None:
        """When the first and the last mention were written; None where there is none."""
        first, last = (await self._session.all(select(func.min(mention.c.written_at), func.max(mention.c.written_at))))[0]
        return None if first is None else (first, last)

    async def page(self, since: datetime, until: datetime, after: Row | None, limit: int) -> Sequence[Row]:
        """The next mentions that were written from `since` to before `until`; `after` is the last one of the page before."""
        further = [mention.c.written_at >= since, mention.c.written_at < until]
        if after is not None:
            written_at, id_ = after[_WRITTEN_AT], after[0]
            same = (mention.c.written_at == written_at) & (mention.c.id > id_)
            further.append(or_(mention.c.written_at > written_at, same))
        query = select(*(mention.c[name] for name in _MENTION)).where(*further)
        return await self._session.all(query.order_by(mention.c.written_at, mention.c.id).limit(limit))

    async def authors(self, of: Sequence[Row]) -> Sequence[Row]:
        """Those who wrote these mentions."""
        found: list[Row] = []
        for chunk in chunks(sorted({row[_AUTHOR_ID] for row in of if row[_AUTHOR_ID] is not None}), _AT_ONCE):
            found += await self._session.all(select(*(author.c[name] for name in _AUTHOR)).where(author.c.id.in_(chunk)))
        return found

    async def take_in(self, mentions: Sequence[Row], authors: Sequence[Row], *, after: int) -> None:
        """Store them under the numbers that follow `after`, as if each had been seen when it was written."""
        await _AUTHORS.insert(self._session, authors)
        rows = [(after + at, *row[1:_SEEN_AT], row[_WRITTEN_AT], *row[_SEEN_AT + 1 :]) for at, row in enumerate(mentions, 1)]
        await _MENTIONS.insert(self._session, rows)

    @staticmethod
    def written_at(row: Row) -> datetime:
        """When a mention of a page was written."""
        moment: datetime = row[_WRITTEN_AT]
        return moment
