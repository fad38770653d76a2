"""Who may use the console, and what they prove it with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, func, or_, select, update

from monitor.domain.account import Account, Role
from monitor.domain.errors import UsageError
from monitor.storage.session import Repository
from monitor.storage.tables import account as table
from monitor.storage.tables import recovery_code


class Accounts(Repository):
    """By their numbers, and by their names as they were made. Secrets are asked for one by one, and are part of no record."""

    async def add(self, name: str, called: str, role: Role, at: datetime, *, subject: str | None = None) -> Account:
        """A new account without a password. Raises `UsageError` when there is one of this name."""
        values = {"name": name, "called": called, "role": role, "created_at": at, "subject": subject}
        added = self._session.insert(table).values(values).on_conflict_do_nothing().returning(table)
        row = await self._session.row(added)
        if row is None:
            raise UsageError(f"there is an account `{name}` already; `tocsin account list` shows all")
        return _account(row)

    async def any(self) -> bool:
        """Whether there is an account at all, of whatever kind."""
        return await self._session.scalar(select(table.c.id).limit(1)) is not None

    async def all(self) -> list[Account]:
        """All of them, by name."""
        return [_account(row) for row in await self._session.rows(select(table).order_by(table.c.name))]

    async def get(self, id_: int) -> Account | None:
        """The account with this number."""
        return await self._one(table.c.id == id_)

    async def named(self, name: str) -> Account | None:
        """The account of this name."""
        return await self._one(table.c.name == name)

    async def of_subject(self, subject: str) -> Account | None:
        """The account of whom an identity provider knows by this."""
        return await self._one(table.c.subject == subject)

    async def many(self, ids: Collection[int]) -> dict[int, Account]:
        """Those of these numbers that are there."""
        found = (_account(row) for row in await self._session.rows(select(table).where(table.c.id.in_(set(ids)))))
        return {each.id: each for each in found}

    async def admins(self) -> int:
        """How many may administer at this moment: with none, nobody could ever let anybody in."""
        query = select(func.count()).where(table.c.role == Role.ADMIN, table.c.disabled_at.is_(None))
        return int(await self._session.scalar(query))

    async def change(self, id_: int, **values: Any) -> None:
        """Give it another `called`, `role`, `language`, `timezone`, `subject`, `seen_at` or `disabled_at`."""
        await self._session.run(update(table).where(table.c.id == id_).values(values))

    async def password(self, id_: int) -> str | None:
        """The argon2id hash of its password; None without one."""
        found: str | None = await self._session.scalar(select(table.c.password).where(table.c.id == id_))
        return found

    async def set_password(self, id_: int, hashed: str, *, instead_of: str | None = None) -> bool:
        """Keep the hash of a password. With `instead_of`, only if that is the one now: somebody may have set another."""
        same = () if instead_of is None else (table.c.password == instead_of,)
        return bool(await self._session.changed(update(table).where(table.c.id == id_, *same).values(password=hashed)))

    async def code_secret(self, id_: int, *, pending: bool = False) -> str | None:
        """What its one-time codes are made from; with `pending`, what they shall be once a first code was right."""
        column = table.c.code_pending if pending else table.c.code_secret
        found: str | None = await self._session.scalar(select(column).where(table.c.id == id_))
        return found

    async def begin_codes(self, id_: int, secret: str) -> None:
        """Remember what codes shall be made from, until `confirm_codes`."""
        await self._session.run(update(table).where(table.c.id == id_).values(code_pending=secret))

    async def confirm_codes(self, id_: int, secret: str, step: int, recovery: Iterable[str]) -> bool:
        """Codes are made from `secret` from now on. False: that is not what was begun. `recovery` are hashes."""
        begun = update(table).where(table.c.id == id_, table.c.code_pending == secret)
        done = await self._session.changed(begun.values(code_secret=secret, code_pending=None, code_step=step))
        if done:
            await self._set_recovery(id_, recovery)
        return bool(done)

    async def drop_codes(self, id_: int) -> None:
        """No one-time codes any more."""
        await self._session.run(
            update(table).where(table.c.id == id_).values(code_secret=None, code_pending=None, code_step=None)
        )
        await self._set_recovery(id_, ())

    async def use_step(self, id_: int, step: int) -> bool:
        """Use up the code of a step, and those before it. False: it was used."""
        unused = or_(table.c.code_step.is_(None), table.c.code_step < step)
        return bool(await self._session.changed(update(table).where(table.c.id == id_, unused).values(code_step=step)))

    async def use_recovery(self, id_: int, hashed: str) -> bool:
        """Use up a recovery code. False: there is none of this hash, any more."""
        mine = delete(recovery_code).where(recovery_code.c.account_id == id_, recovery_code.c.hash == hashed)
        return bool(await self._session.changed(mine))

    async def recovery_left(self, id_: int) -> int:
        """How many recovery codes are left."""
        return int(await self._session.scalar(select(func.count()).where(recovery_code.c.account_id == id_)))

    async def _set_recovery(self, id_: int, hashes: Iterable[str]) -> None:
        await self._session.run(delete(recovery_code).where(recovery_code.c.account_id == id_))
        rows: Sequence[dict[str, Any]] = [{"account_id": id_, "hash": each} for each in hashes]
        if rows:
            await self._session.run(self._session.insert(recovery_code), rows)

    async def _one(self, condition: ColumnElement[bool]) -> Account | None:
        row = await self._session.row(select(table).where(condition))
        return _account(row) if row else None


def _account(row: RowMapping) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        called=row["called"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        language=row["language"],
        timezone=row["timezone"],
        disabled_at=row["disabled_at"],
        has_password=row["password"] is not None,
        has_codes=row["code_secret"] is not None,
        subject=row["subject"],
        seen_at=row["seen_at"],
    )
