"""Where each source stands: written in the transaction that stores what a poll brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, or_, select

from monitor.domain.errors import Trouble
from monitor.domain.source import Hour, SourceState
from monitor.storage.session import Repository, clipped
from monitor.storage.tables import source_hour
from monitor.storage.tables import source_state as table

_FIELDS = [table.c[field.name] for field in fields(SourceState)]
_States = list[SourceState]


class Sources(Repository):
    """One row a source, kept when a source leaves the configuration: it may come back."""

    async def register(self, hashes: Mapping[str, str]) -> None:
        """Make the configured sources known: called at every start and reload, which is when a person has mended something.

        A stopped source is asked again: its token may have been renewed where we cannot see it. Changed settings also end a wait.
        """
        for name, settings_hash in hashes.items():
            add = self._session.insert(table).values(source=name, settings_hash=settings_hash)
            anew = {
                "settings_hash": settings_hash,
                "stopped": False,
                "backoff_until": None,
                "failures": 0,
                "trouble": None,
                "detail": None,
            }
            again = or_(table.c.settings_hash.is_distinct_from(settings_hash), table.c.stopped)
            await self._session.run(add.on_conflict_do_update(index_elements=[table.c.source], set_=anew, where=again))

    async def get(self, name: str) -> SourceState:
        """How a source stands; a source nobody has polled yet stands at the beginning."""
        row = await self._session.row(select(*_FIELDS).where(table.c.source == name))
        return SourceState(**row) if row else SourceState(name)

    async def succeeded(
        self,
        name: str,
        *,
        cursor: str | None,
        watermark: datetime | None,
        at: datetime,
        rests_until: datetime | None = None,
        spent: Mapping[str, Any] | None = None,
        brought: int = 0,
    ) -> None:
        """A poll ended well. `watermark` None means that everything written before `at` has been seen.

        `rests_until`: its network asks to be left alone. `spent`: what was used of its budgets. `brought`: how many mentions
        that it had not brought before.
        """
        done = {
            "cursor": cursor,
            "watermark": watermark or at,
            "last_attempt_at": at,
            "last_success_at": at,
            "failures": 0,
            "trouble": None,
            "detail": None,
            "backoff_until": rests_until,
            "stopped": False,
            "spent": spent,
        }
        await self._record(name, {**done, "brought_at": at} if brought else done, at)
        await self._count(name, at, brought=brought)

    async def failed(
        self,
        name: str,
        *,
        trouble: Trouble | str,
        detail: str,
        at: datetime,
        backoff_until: datetime | None,
        stopped: bool,
        spent: Mapping[str, Any] | None = None,
    ) -> int:
        """A poll failed. The cursor stays. Returns how many failures in a row that makes."""
        done = {
            "last_attempt_at": at,
            "trouble": str(trouble),
            "detail": clipped(detail),
            "backoff_until": backoff_until,
            "stopped": stopped,
            "failures": 1,
            "spent": spent,
        }
        await self._record(name, done, at, failures=table.c.failures + 1)
        await self._count(name, at, failed=1)
        return int(await self._session.scalar(select(table.c.failures).where(table.c.source == name)))

    async def spent(self, name: str, spent: Mapping[str, Any]) -> None:
        """A source was asked outside its polls: what has been used of its budgets by now."""
        add = self._session.insert(table).values(source=name, spent=spent)
        await self._session.run(add.on_conflict_do_update(index_elements=[table.c.source], set_={"spent": spent}))

    async def _record(self, name: str, done: Mapping[str, object], at: datetime, **known: object) -> None:
        """`known`: what is written otherwise of a source that has been asked before."""
        first = func.coalesce(table.c.first_attempt_at, at)
        new = self._session.insert(table).values(source=name, first_attempt_at=at, **done)
        anew = {**done, **known, "first_attempt_at": first}
        await self._session.run(new.on_conflict_do_update(index_elements=[table.c.source], set_=anew))

    async def _count(self, name: str, at: datetime, *, failed: int = 0, brought: int = 0) -> None:
        """One more poll in the hour in which it began."""
        hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        add = self._session.insert(source_hour).values(source=name, hour=hour, polls=1, failed=failed, brought=brought)
        counted = ("polls", "failed", "brought")
        more = {column: source_hour.c[column] + add.excluded[column] for column in counted}
        await self._session.run(add.on_conflict_do_update(index_elements=[source_hour.c.source, source_hour.c.hour], set_=more))

    async def hours(self, name: str, since: datetime, until: datetime) -> list[Hour]:
        """The hours of a source that began from `since` on and before `until`, in order. In missing ones nobody asked."""
        within = (source_hour.c.source == name, source_hour.c.hour >= since, source_hour.c.hour < until)
        columns = [source_hour.c[field.name] for field in fields(Hour)]
        rows = await self._session.rows(select(*columns).where(*within).order_by(source_hour.c.hour))
        return [Hour(**row) for row in rows]

    async def polled(self, since: datetime) -> dict[str, tuple[int, int]]:
        """Of every source how many polls there were in the hours that began from `since` on, and how many of them failed."""
        sums = [func.sum(source_hour.c[name]).label(name) for name in ("polls", "failed")]
        counted = select(source_hour.c.source, *sums).where(source_hour.c.hour >= since).group_by(source_hour.c.source)
        return {row["source"]: (int(row["polls"]), int(row["failed"])) for row in await self._session.rows(counted)}

    async def all(self) -> _States:
        """Every source ever registered, by name."""
        return [SourceState(**row) for row in await self._session.rows(select(*_FIELDS).order_by(table.c.source))]
