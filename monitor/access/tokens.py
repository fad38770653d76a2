"""API tokens: what programs show instead of a password. Shown once, kept as a hash, good for what was asked and for a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from monitor.access.auditing import By, note
from monitor.access.secret import hashed, is_token, new_token
from monitor.domain.account import MAY, Account, Permission
from monitor.domain.errors import UsageError
from monitor.domain.sign_in import Token
from monitor.storage import Store

LONGEST: Final = timedelta(days=366)
_USED_EVERY: Final = timedelta(minutes=1)


async def make(
    store: Store, account: Account, name: str, scopes: Collection[Permission], lasting: timedelta, by: By, now: datetime
) -> tuple[Token, str]:
    """A token, and what its program shows: it is known only here. Raises `UsageError`."""
    beyond = sorted(set(scopes) - MAY[account.role])
    if beyond:
        raise UsageError(f"{account.name} is {account.role} and may not {', '.join(beyond)}: a token may no more than its owner")
    if not scopes or not name.strip():
        raise UsageError("a token needs a name, by which you know it again, and at least one scope, such as `look`")
    if not timedelta(0) < lasting <= LONGEST:
        raise UsageError(f"a token lasts up to {LONGEST.days} days: one that is forgotten must end by itself")
    secret = new_token()
    async with store.begin() as tx:
        token = await tx.tokens.add(hashed(secret), account.id, name.strip(), scopes, now, now + lasting)
        ends_at = token.ends_at.isoformat()
        await note(
            tx, by, "token.made", now, account.name, number=token.id, name=token.name, scopes=sorted(scopes), ends_at=ends_at
        )
        await tx.commit()
    return token, secret


async def end(store: Store, number: int, by: By, now: datetime, *, owner: Account | None = None) -> Token:
    """End a token, `owner`'s or anybody's. Raises `UsageError`."""
    async with store.begin() as tx:
        token = await tx.tokens.end(number, owner.id if owner is not None else None)
        if token is None:
            raise UsageError(f"there is no token {number}")
        account = await tx.accounts.get(token.account_id)
        await note(tx, by, "token.ended", now, account.name if account else "", number=number, name=token.name)
        await tx.commit()
    return token


async def find(store: Store, written: str, now: datetime) -> tuple[Token, Account] | None:
    """Whose token it is, if it is one that works. That it was used is written once a minute."""
    if not is_token(written):
        return None
    async with store.read() as tx:
        token = await tx.tokens.get(hashed(written))
        account = await tx.accounts.get(token.account_id) if token is not None else None
    if token is None or account is None or account.disabled_at is not None or token.ends_at <= now:
        return None
    if token.used_at is None or now - token.used_at >= _USED_EVERY:
        async with store.begin() as tx:
            await tx.tokens.used(token.id, now)
            await tx.commit()
    return token, account
