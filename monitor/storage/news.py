"""What was added last, read often: only what stands in an index and a few columns beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from monitor.storage.session import Repository
from monitor.storage.tables import mention, source_state, timeline

_MENTION = (mention.c.id, mention.c.network, mention.c.subjects)
_EVENT = (
    *(timeline.c.id, timeline.c.kind, timeline.c.actor, timeline.c.detail),
    *(timeline.c.incident_id, timeline.c.alert_id, timeline.c.plan_run_id),
)
_SOURCE = (source_state.c.source, source_state.c.trouble, source_state.c.stopped, source_state.c.last_success_at.is_(None))


class Newest(Repository):
    """For whoever watches. Numbers grow, but on PostgreSQL a smaller one may become visible after a greater one."""

    async def marks(self) -> tuple[int, int]:
        """The greatest numbers of a mention and of an event of the timeline; 0 where there is none."""
        query = select(
            func.coalesce(select(func.max(mention.c.id)).scalar_subquery(), 0),
            func.coalesce(select(func.max(timeline.c.id)).scalar_subquery(), 0),
        )
        (row,) = await self._session.all(query)
        return int(row[0]), int(row[1])

    async def mentions(self, after: int, limit: int) -> Sequence[Any]:
        """`id`, `network`, `subjects` of those with a greater number, in order."""
        return await self._session.all(select(*_MENTION).where(mention.c.id > after).order_by(mention.c.id).limit(limit))

    async def events(self, after: int, limit: int) -> Sequence[Any]:
        """`id`, `kind`, `actor`, `detail`, `incident_id`, `alert_id`, `plan_run_id` of those with a greater number, in order."""
        return await self._session.all(select(*_EVENT).where(timeline.c.id > after).order_by(timeline.c.id).limit(limit))

    async def sources(self) -> dict[str, tuple[object, ...]]:
        """By source what it says when anything of its condition changes: its trouble, whether it is stopped, was never heard."""
        return {row[0]: tuple(row[1:]) for row in await self._session.all(select(*_SOURCE))}
