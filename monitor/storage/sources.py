"""Where each source stands: written in the transaction that stores what a poll brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from monitor.domain.errors import Trouble
from monitor.domain.source import SourceState
from monitor.storage.session import Repository, clipped
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
    ) -> None:
        """A poll ended well. `watermark` None means that everything written before `at` has been seen.

        `rests_until`: its network asks to be left alone. `spent`: what was used of its budgets.
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
        await self._record(name, done, at)

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
        return int(await self._session.scalar(select(table.c.failures).where(table.c.source == name)))

    async def _record(self, name: str, done: Mapping[str, object], at: datetime, **known: object) -> None:
        """`known`: what is written otherwise of a source that has been asked before."""
        first = func.coalesce(table.c.first_attempt_at, at)
        new = self._session.insert(table).values(source=name, first_attempt_at=at, **done)
        anew = {**done, **known, "first_attempt_at": first}
        await self._session.run(new.on_conflict_do_update(index_elements=[table.c.source], set_=anew))

    async def all(self) -> _States:
        """Every source ever registered, by name."""
        return [SourceState(**row) for row in await self._session.rows(select(*_FIELDS).order_by(table.c.source))]
