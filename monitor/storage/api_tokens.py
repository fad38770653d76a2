"""What programs show instead of a password."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime

from sqlalchemy import RowMapping, delete, select, update

from monitor.domain.account import Permission
from monitor.domain.sign_in import Token
from monitor.storage.session import Repository
from monitor.storage.tables import api_token as table

_TOKEN = [table.c[field.name] for field in fields(Token)]


class ApiTokens(Repository):
    """Kept by their hashes alone."""

    async def add(
        self, hashed: str, account_id: int, name: str, scopes: Collection[Permission], at: datetime, ends_at: datetime
    ) -> Token:
        """A new token."""
        values = {"hash": hashed, "account_id": account_id, "name": name, "made_at": at, "ends_at": ends_at}
        added = self._session.insert(table).values(values | {"scopes": sorted(scopes)})
        row = await self._session.row(added.returning(*_TOKEN))
        assert row is not None
        return _token(row)

    async def get(self, hashed: str) -> Token | None:
        """The token with this hash, over or not."""
        row = await self._session.row(select(*_TOKEN).where(table.c.hash == hashed))
        return _token(row) if row else None

    async def all(self, account_id: int | None = None) -> list[Token]:
        """All tokens, or those of an account, the newest first."""
        query = select(*_TOKEN).order_by(table.c.id.desc())
        mine = query if account_id is None else query.where(table.c.account_id == account_id)
        return [_token(row) for row in await self._session.rows(mine)]

    async def used(self, id_: int, at: datetime) -> None:
        """A program came with it."""
        await self._session.run(update(table).where(table.c.id == id_).values(used_at=at))

    async def end(self, id_: int, account_id: int | None = None) -> Token | None:
        """Remove a token, of whomever or of this account. Returns what it was, or None: there is none of this number."""
        gone = delete(table).where(table.c.id == id_, *(() if account_id is None else (table.c.account_id == account_id,)))
        row = await self._session.row(gone.returning(*_TOKEN))
        return _token(row) if row else None


def _token(row: RowMapping) -> Token:
    return Token(**{**row, "scopes": frozenset(map(Permission, row["scopes"]))})
