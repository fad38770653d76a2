"""What admins do with accounts: make them, change what they may, lock them out, send them a link."""

from __future__ import annotations

from datetime import datetime

from monitor.access.auditing import By, note
from monitor.access.links import make_link
from monitor.access.names import account_name, folded
from monitor.domain.account import Account, Role
from monitor.domain.errors import UsageError
from monitor.storage import Store, UnitOfWork


async def add(store: Store, written: str, called: str, role: Role, by: By, now: datetime) -> tuple[Account, str]:
    """A new account, and the secret of the link by which its owner sets a password. Raises `UsageError`."""
    name = account_name(written)
    async with store.begin() as tx:
        account = await tx.accounts.add(name, called.strip() or name, role, now)
        await note(tx, by, "account.added", now, name, role=role)
        secret = await make_link(tx, account, now)
        await tx.commit()
    return account, secret


async def give_role(store: Store, name: str, role: Role, by: By, now: datetime) -> Account:
    """Another role, from the next request on. Raises `UsageError`, also when nobody would be left to administer."""
    async with store.begin() as tx:
        account = await named(tx, name)
        await tx.accounts.change(account.id, role=role)
        await _require_an_admin(tx)
        await note(tx, by, "account.role", now, account.name, before=account.role, after=role)
        await tx.commit()
    return account


async def disable(store: Store, name: str, by: By, now: datetime) -> Account:
    """Nobody enters by it any more: its sessions end, its tokens rest. Raises `UsageError`, as `give_role` does."""
    async with store.begin() as tx:
        account = await named(tx, name)
        await tx.accounts.change(account.id, disabled_at=now)
        await _require_an_admin(tx)
        await tx.sign_ins.end_all(account.id)
        await note(tx, by, "account.disabled", now, account.name)
        await tx.commit()
    return account


async def enable(store: Store, name: str, by: By, now: datetime) -> Account:
    """It is as it was before; its tokens work again. Raises `UsageError`."""
    async with store.begin() as tx:
        account = await named(tx, name)
        await tx.accounts.change(account.id, disabled_at=None)
        await note(tx, by, "account.enabled", now, account.name)
        await tx.commit()
    return account


async def link(store: Store, name: str, by: By, now: datetime, *, without_codes: bool = False) -> tuple[Account, str]:
    """The secret of a link by which its owner sets a new password; perhaps they have lost the telephone with their codes, too.

    Raises `UsageError`.
    """
    async with store.begin() as tx:
        account = await named(tx, name)
        if account.disabled_at is not None:
            raise UsageError(f"the account `{account.name}` is disabled; `tocsin account enable {account.name}` comes first")
        if without_codes:
            await tx.accounts.drop_codes(account.id)
        secret = await make_link(tx, account, now)
        await note(tx, by, "link.made", now, account.name, without_codes=without_codes)
        await tx.commit()
    return account, secret


async def end_sessions(store: Store, name: str, by: By, now: datetime) -> int:
    """Sign somebody out everywhere. Returns how many sessions that were. Raises `UsageError`."""
    async with store.begin() as tx:
        account = await named(tx, name)
        ended = await tx.sign_ins.end_all(account.id)
        await note(tx, by, "sessions.ended", now, account.name, number=ended)
        await tx.commit()
    return ended


async def named(tx: UnitOfWork, written: str) -> Account:
    """The account of a name. Raises `UsageError` that says which there are."""
    account = await tx.accounts.named(folded(written))
    if account is None:
        known = ", ".join(f"`{each.name}`" for each in await tx.accounts.all()) or "none yet; `tocsin account add` makes one"
        raise UsageError(f"there is no account `{written}`; there is {known}")
    return account


async def _require_an_admin(tx: UnitOfWork) -> None:
    if not await tx.accounts.admins():
        raise UsageError("nobody would be left who may administer: make somebody else an admin first")
