"""How each receiver stands: working, failing, or disabled until somebody changes its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime

from sqlalchemy import select, update

from monitor.domain.alert import ReceiverState
from monitor.storage.session import Repository, clipped
from monitor.storage.tables import receiver_state as table

_FIELDS = [table.c[field.name] for field in fields(ReceiverState)]


class Receivers(Repository):
    """One row a receiver, kept when it leaves the configuration."""

    async def register(self, hashes: Mapping[str, str]) -> None:
        """Make the configured receivers known. Changed settings enable a disabled one again."""
        for name, settings_hash in hashes.items():
            add = self._session.insert(table).values(receiver=name, settings_hash=settings_hash)
            anew = {"settings_hash": settings_hash, "disabled_at": None, "disabled_reason": None, "failures": 0}
            changed = table.c.settings_hash.is_distinct_from(settings_hash)
            await self._session.run(add.on_conflict_do_update(index_elements=[table.c.receiver], set_=anew, where=changed))

    async def disabled(self) -> dict[str, str]:
        """Who is not to be tried, and why."""
        rows = await self._session.rows(select(*_FIELDS).where(table.c.disabled_at.is_not(None)))
        return {row["receiver"]: row["disabled_reason"] for row in rows}

    async def disable(self, name: str, reason: str, at: datetime) -> None:
        """Stop trying it until its settings change."""
        await self._record(name, disabled_at=at, disabled_reason=clipped(reason))

    async def succeeded(self, name: str, at: datetime) -> None:
        """A message arrived."""
        await self._record(name, last_success_at=at, failures=0)

    async def failed(self, name: str, at: datetime) -> int:
        """A message did not arrive. Returns how many failures in a row that makes."""
        await self._record(name, last_failure_at=at, failures=table.c.failures + 1)
        return int(await self._session.scalar(select(table.c.failures).where(table.c.receiver == name)))

    async def _record(self, name: str, **values: object) -> None:
        await self._session.run(self._session.insert(table).values(receiver=name).on_conflict_do_nothing())
        await self._session.run(update(table).where(table.c.receiver == name).values(values))

    async def all(self) -> list[ReceiverState]:
        """Every receiver ever registered, by name."""
        return [ReceiverState(**row) for row in await self._session.rows(select(*_FIELDS).order_by(table.c.receiver))]
