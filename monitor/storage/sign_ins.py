"""How people come in: their sessions, the links by which they set a password, and how often somebody tried in vain."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update

from monitor.domain.sign_in import Client, Session, Step, Try
from monitor.storage.session import Repository
from monitor.storage.tables import sign_in_link as link
from monitor.storage.tables import sign_in_session as table
from monitor.storage.tables import sign_in_try as attempt

_SESSION = [table.c[field.name] for field in fields(Session)]


class SignIns(Repository):
    """Secrets come hashed, and are looked up by their hashes."""

    async def begin(self, hashed: str, account_id: int, step: Step, client: Client, at: datetime, ends_at: datetime) -> Session:
        """A new session."""
        values = {
            "hash": hashed,
            "account_id": account_id,
            "step": step,
            "began_at": at,
            "seen_at": at,
            "ends_at": ends_at,
            "address": client.address,
            "agent": client.agent,
        }
        row = await self._session.row(self._session.insert(table).values(values).returning(*_SESSION))
        assert row is not None
        return Session(**row)

    async def session(self, hashed: str) -> Session | None:
        """The session with this hash, over or not."""
        row = await self._session.row(select(*_SESSION).where(table.c.hash == hashed))
        return Session(**row) if row else None

    async def sessions(self, account_id: int) -> list[Session]:
        """Those of an account, over or not, the one used last first."""
        query = select(*_SESSION).where(table.c.account_id == account_id).order_by(table.c.seen_at.desc(), table.c.id.desc())
        return [Session(**row) for row in await self._session.rows(query)]

    async def seen(self, id_: int, at: datetime) -> None:
        """A session was used."""
        await self._session.run(update(table).where(table.c.id == id_).values(seen_at=at))

    async def end(self, id_: int, account_id: int) -> bool:
        """End a session of an account. False: it has none of this number."""
        return bool(await self._session.changed(delete(table).where(table.c.id == id_, table.c.account_id == account_id)))

    async def end_all(self, account_id: int, *, but: int | None = None) -> int:
        """End all sessions of an account, one aside. Returns how many."""
        others: Collection[ColumnElement[bool]] = () if but is None else (table.c.id != but,)
        return await self._session.changed(delete(table).where(table.c.account_id == account_id, *others))

    async def end_over(self, idle_since: datetime, now: datetime) -> None:
        """Let go of sessions that nobody has used since a moment, or whose time is over."""
        await self._session.run(delete(table).where((table.c.seen_at < idle_since) | (table.c.ends_at <= now)))

    async def add_link(self, hashed: str, account_id: int | None, ends_at: datetime) -> None:
        """A link for an account, or for the first one; it takes the place of the one before."""
        await self._session.run(delete(link).where(_for(account_id)))
        await self._session.run(self._session.insert(link).values(hash=hashed, account_id=account_id, ends_at=ends_at))

    async def linked(self, hashed: str, now: datetime) -> tuple[int | None] | None:
        """Whose link it is, None within for the first account; None when it is nobody's, was used, or is over."""
        row = await self._session.row(select(link.c.account_id).where(link.c.hash == hashed, link.c.ends_at > now))
        return (row["account_id"],) if row else None

    async def use_link(self, hashed: str, now: datetime) -> bool:
        """Use up a link. False: somebody has, or it is over."""
        return bool(await self._session.changed(delete(link).where(link.c.hash == hashed, link.c.ends_at > now)))

    async def tries(self, keys: Collection[str], at: datetime) -> dict[str, Try]:
        """How often it was tried, by key. Until the end of this unit of work nobody else counts at these keys."""
        rows = [{"key": key, "failures": 0, "tried_at": at} for key in sorted(set(keys))]
        await self._session.run(self._session.insert(attempt).on_conflict_do_nothing(), rows)
        query = select(attempt).where(attempt.c.key.in_(set(keys))).order_by(attempt.c.key).with_for_update()
        return {row["key"]: Try(row["failures"], row["tried_at"], row["succeeded_at"]) for row in await self._session.rows(query)}

    async def count(self, key: str, tried: Try) -> None:
        """Keep how often it was tried by now, at a key that `tries` has read."""
        values = {"failures": tried.failures, "tried_at": tried.tried_at, "succeeded_at": tried.succeeded_at}
        await self._session.run(update(attempt).where(attempt.c.key == key).values(values))

    async def forget_tries(self, before: datetime, successes_before: datetime) -> None:
        """Let go of what was last tried before a moment; of where somebody signed in, before another."""
        failed = attempt.c.succeeded_at.is_(None) & (attempt.c.tried_at < before)
        await self._session.run(delete(attempt).where(failed | (attempt.c.tried_at < successes_before)))


def _for(account_id: int | None) -> ColumnElement[bool]:
    return link.c.account_id.is_(None) if account_id is None else link.c.account_id == account_id
