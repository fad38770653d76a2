"""One-time links, by which somebody sets a password: the first admin, whoever was invited, and whoever has forgotten theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from monitor.access import throttle
from monitor.access.auditing import By, note
from monitor.access.names import account_name
from monitor.access.passwords import Passwords, require_strong
from monitor.access.secret import hashed, new_secret
from monitor.access.sessions import Opened, open_session, step_for
from monitor.domain.account import Account, Role
from monitor.domain.clock import Clock
from monitor.domain.errors import TocsinError
from monitor.domain.sign_in import Client
from monitor.settings.console import ConsoleSettings
from monitor.settings.web import WebSettings
from monitor.storage import Store, UnitOfWork

log = structlog.get_logger(__name__)

LASTS: Final = timedelta(hours=24)


class LinkGoneError(TocsinError):
    """The link was used, or is over, or another was made since."""

    def __init__(self) -> None:
        super().__init__("this link was used, or its day is over; ask whoever runs Tocsin for another (tocsin account link)")


def address(web: WebSettings, secret: str) -> str:
    """A link, as it is sent to people."""
    return f"{web.public_url or f'http://{web.host}:{web.port}'}/welcome?link={secret}"


async def make_link(tx: UnitOfWork, account: Account | None, now: datetime) -> str:
    """The secret of a link that lasts a day, for an account or for the first one. The one before works no more."""
    secret = new_secret()
    await tx.sign_ins.add_link(hashed(secret), account.id if account is not None else None, now + LASTS)
    return secret


async def first_link(store: Store, now: datetime) -> str | None:
    """The secret of the link that makes the first admin. None: there is an account already."""
    async with store.begin() as tx:
        if await tx.accounts.any():
            return None
        secret = await make_link(tx, None, now)
        await tx.commit()
    return secret


@dataclass(frozen=True, slots=True)
class Welcome:
    """Reads links and takes what people set by them."""

    settings: ConsoleSettings
    store: Store
    clock: Clock
    passwords: Passwords

    async def whose(self, secret: str) -> Account | None:
        """The account of a link; None: it makes the first one. Raises `LinkGoneError`."""
        async with self.store.read() as tx:
            return await self._whose(tx, secret)

    async def accept(self, secret: str, password: str, client: Client, *, name: str = "", called: str = "") -> Opened:
        """Set the password and sign in; `name` and `called` are those of the first account, and else passed over.

        All other sessions of the account end. Raises `LinkGoneError`, `WeakPasswordError`, `UsageError`.
        """
        before = await self.whose(secret)
        wanted = before.name if before is not None else account_name(name)
        require_strong(password, wanted)
        kept, now = await self.passwords.hash(password), self.clock.wall()
        async with self.store.begin() as tx:
            account = await self._whose(tx, secret)
            if not await tx.sign_ins.use_link(hashed(secret), now):
                raise LinkGoneError
            if account is None:
                account = await tx.accounts.add(wanted, called.strip() or wanted, Role.ADMIN, now)
            await tx.accounts.set_password(account.id, kept)
            await tx.sign_ins.end_all(account.id)
            counts = throttle.counts_of(account.name, client.address)
            await tx.sign_ins.tries([counts.place], now)
            await tx.sign_ins.count(counts.place, throttle.succeeded(now))
            await note(tx, By(account.name, "link", client.address), "password.set", now, account.name)
            opened = await open_session(tx, account, step_for(account, self.settings), client, self.settings.sessions, now)
            await tx.commit()
        return opened

    async def _whose(self, tx: UnitOfWork, secret: str) -> Account | None:
        found = await tx.sign_ins.linked(hashed(secret), self.clock.wall())
        if found is None:
            raise LinkGoneError
        (id_,) = found
        account = await tx.accounts.get(id_) if id_ is not None else None
        spent = await tx.accounts.any() if id_ is None else account is None or account.disabled_at is not None
        if spent:
            raise LinkGoneError
        return account


async def say_how_to_begin(store: Store, web: WebSettings, now: datetime) -> None:
    """While nobody has an account, log the link that makes the first: there is no password that everybody knows."""
    secret = await first_link(store, now)
    if secret is not None:
        log.info("console.nobody_yet", open=address(web, secret), works_until=(now + LASTS).isoformat())
