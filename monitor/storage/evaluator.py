"""Who evaluates, and how far: one leased owner per partition, fenced by an epoch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from monitor.domain.errors import StorageError
from monitor.storage.session import Repository
from monitor.storage.tables import evaluator as table

_PARTITION = 0


class LeaseLost(StorageError):  # noqa: N818 it says what happened, and the caller goes on
    """Somebody else has taken over: forget this transaction, and claim again before going on."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to evaluate. `epoch` names it in every commit; `offset` is the last mention evaluated."""

    epoch: int
    offset: int


class Evaluator(Repository):
    """A frozen process that wakes up after its lease has gone cannot commit: its epoch is no longer the row's."""

    async def claim(self, owner: str, *, wall: datetime, lease: timedelta) -> Lease | None:
        """Take the lease if it is free, expired or already ours. None: somebody else holds it, for no longer than `lease`.

        Commit in either case: a lease that lasts for longer was written before the clock was set back, and is cut.
        """
        await self._session.run(self._session.insert(table).values(partition=_PARTITION).on_conflict_do_nothing())
        longer = (table.c.partition == _PARTITION, table.c.lease_until > wall + lease)
        await self._session.run(update(table).where(*longer).values(lease_until=wall + lease))
        free = or_(table.c.lease_owner.is_(None), table.c.lease_owner == owner, table.c.lease_until <= wall)
        taken = {"lease_owner": owner, "lease_until": wall + lease, "epoch": table.c.epoch + 1}
        claim = update(table).where(table.c.partition == _PARTITION, free).values(taken)
        row = await self._session.row(claim.returning(table.c.epoch, table.c.offset))
        return Lease(row["epoch"], row["offset"]) if row else None

    async def renew(self, owner: str, epoch: int, wall: datetime, lease: timedelta) -> None:
        """Hold on to it. Raises `LeaseLost`."""
        await self._fenced(owner, epoch, lease_until=wall + lease)

    async def fence(self, owner: str, epoch: int) -> None:
        """Begin a transaction that will `advance`. Whoever dispossesses us waits until it has ended. Raises `LeaseLost`.

        Both take this row before any other: taken at the end, each would hold what the other waits for.
        """
        ours = select(table.c.epoch).where(*_ours(owner, epoch)).with_for_update(key_share=True)
        if await self._session.scalar(ours) is None:
            raise _lost(owner, epoch)

    async def advance(self, owner: str, epoch: int, offset: int) -> None:
        """Everything up to `offset` is evaluated, in this transaction. Raises `LeaseLost`."""
        await self._fenced(owner, epoch, offset=offset)

    async def release(self, owner: str, epoch: int) -> None:
        """Give it back; does nothing when it is no longer ours."""
        await self._session.run(update(table).where(*_ours(owner, epoch)).values(lease_owner=None, lease_until=None))

    async def holder(self, wall: datetime) -> str | None:
        """Whose lease it is at this moment, dead or alive; None: anybody may claim it."""
        held = select(table.c.lease_owner).where(table.c.partition == _PARTITION, table.c.lease_until > wall)
        found: str | None = await self._session.scalar(held)
        return found

    async def free(self, holder: str) -> None:
        """Take the lease from a holder known to be dead; should it live after all, its epoch still fences it."""
        dead = (table.c.partition == _PARTITION, table.c.lease_owner == holder)
        await self._session.run(update(table).where(*dead).values(lease_owner=None, lease_until=None, epoch=table.c.epoch + 1))

    async def dispossess(self) -> None:
        """Take the lease from whoever holds it: what they judge at this moment, they judged by what is no longer so."""
        ours = update(table).where(table.c.partition == _PARTITION)
        await self._session.run(ours.values(lease_owner=None, lease_until=None, epoch=table.c.epoch + 1))

    async def offset(self) -> int:
        """The last mention evaluated; 0 before the first."""
        return int(await self._session.scalar(select(table.c.offset).where(table.c.partition == _PARTITION)) or 0)

    async def _fenced(self, owner: str, epoch: int, **values: Any) -> None:
        if not await self._session.changed(update(table).where(*_ours(owner, epoch)).values(values)):
            raise _lost(owner, epoch)


def _lost(owner: str, epoch: int) -> LeaseLost:
    return LeaseLost(f"the evaluator {owner} (epoch {epoch}) was taken for dead, and another has taken over")


def _ours(owner: str, epoch: int) -> tuple[ColumnElement[bool], ...]:
    return table.c.partition == _PARTITION, table.c.lease_owner == owner, table.c.epoch == epoch
