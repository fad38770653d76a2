"""Signing in: a name and a password, then, where it is asked for, a one-time code. Whoever guesses waits longer and longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import structlog

from monitor.access import codes, throttle
from monitor.access.auditing import By, note
from monitor.access.names import folded
from monitor.access.passwords import Passwords
from monitor.access.sessions import Opened, open_session, step_for
from monitor.access.throttle import Counts
from monitor.domain.account import Account
from monitor.domain.clock import Clock
from monitor.domain.errors import TocsinError
from monitor.domain.sign_in import Client, Session, Step
from monitor.settings.console import ConsoleSettings
from monitor.storage import Store, UnitOfWork

log = structlog.get_logger(__name__)

_SAID: Final = {
    "wrong": "the name or the password is wrong",
    "code": "the code is wrong, or was used before",
    "wait": "too many attempts failed: wait a little",
}


class SignInError(TocsinError):
    """Nobody was let in. `until` is the moment before which it need not be tried again."""

    def __init__(self, why: Literal["wrong", "code", "wait"], until: datetime | None = None) -> None:
        super().__init__(_SAID[why])
        self.why = why
        self.until = until


@dataclass(frozen=True, slots=True)
class SigningIn:
    """What happens at the door, for one configuration."""

    settings: ConsoleSettings
    store: Store
    clock: Clock
    passwords: Passwords

    async def by_password(self, written: str, password: str, client: Client) -> Opened:
        """A session, perhaps one that still wants a code. Raises `SignInError`, which never says what exactly was wrong."""
        name, now = folded(written), self.clock.wall()
        counts = throttle.counts_of(name, client.address)
        async with self.store.begin() as tx:
            await self._count(tx, counts, now, client)
            account = await tx.accounts.named(name)
            kept = await tx.accounts.password(account.id) if account is not None else None
            await tx.commit()
        checked = await self.passwords.check(kept, password)
        async with self.store.begin() as tx:
            # Somebody may have disabled the account, or changed its password, in the meantime.
            account = await tx.accounts.named(name)
            unchanged = account is not None and kept == await tx.accounts.password(account.id)
            if account is None or not checked.right or not unchanged or account.disabled_at is not None:
                await self._refuse(tx, "password.refused", account, client, now)
                raise SignInError("wrong")
            if checked.anew is not None:
                await tx.accounts.set_password(account.id, checked.anew)
            opened = await self._let_in(tx, account, step_for(account, self.settings), counts, client, now)
            await tx.commit()
        return opened

    async def by_code(self, session: Session, typed: str, client: Client) -> Opened:
        """Another session, which opens everything, for one that waits for a code. Raises `SignInError`."""
        now = self.clock.wall()
        async with self.store.begin() as tx:
            account = await tx.accounts.get(session.account_id)
            if account is None or session.step != "code":
                raise SignInError("code")
            counts = throttle.counts_of(account.name, client.address)
            await self._count(tx, counts, now, client)
            how = await use_code(tx, account, typed, now)
            if how is None:
                await self._refuse(tx, "code.refused", account, client, now)
                raise SignInError("code")
            await tx.sign_ins.end(session.id, account.id)
            opened = await self._let_in(tx, account, "", counts, client, now, how=how)
            await tx.commit()
        return opened

    async def again(self, account: Account, password: str, client: Client) -> str | None:
        """What is kept of the password of somebody who is in, once they have typed it again: their browser may be in other hands.

        Who guesses here waits as at the door. Raises `SignInError`.
        """
        now, counts = self.clock.wall(), throttle.counts_of(account.name, client.address)
        async with self.store.begin() as tx:
            await self._count(tx, counts, now, client)
            kept = await tx.accounts.password(account.id)
            await tx.commit()
        right = (await self.passwords.check(kept, password)).right
        async with self.store.begin() as tx:
            if not right:
                await self._refuse(tx, "password.refused", account, client, now)
                raise SignInError("wrong")
            await _take_back(tx, counts, now)
            await tx.commit()
        return kept

    async def _count(self, tx: UnitOfWork, counts: Counts, now: datetime, client: Client) -> None:
        """Count a failure beforehand, so that a hundred guesses at the same moment are a hundred. Raises `SignInError`."""
        tries = await tx.sign_ins.tries(counts.all, now)
        until = throttle.free_at(counts, tries, now)
        if until is not None:
            log.warning("sign_in.waits", address=client.address, until=until.isoformat())
            raise SignInError("wait", until)
        for key in (counts.address, throttle.counted(counts, tries, now)):
            await tx.sign_ins.count(key, throttle.once_more(tries[key], now))

    async def _let_in(
        self, tx: UnitOfWork, account: Account, step: Step, counts: Counts, client: Client, now: datetime, **detail: str
    ) -> Opened:
        """Begin the session. A password alone makes no place known, and forgives no wrong codes."""
        await _take_back(tx, counts, now)
        if step != "code":
            await tx.sign_ins.count(counts.place, throttle.succeeded(now))
            await note(tx, By(account.name, "console", client.address), "sign_in", now, account.name, **detail)
        return await open_session(tx, account, step, client, self.settings.sessions, now)

    async def _refuse(self, tx: UnitOfWork, action: str, account: Account | None, client: Client, now: datetime) -> None:
        """What was typed as a name may be a password: only names of accounts are written down."""
        name = account.name if account is not None else ""
        log.warning("sign_in.refused", why=action, account=name or None, address=client.address)
        await note(tx, By("", "console", client.address), action, now, name)
        await tx.sign_ins.forget_tries(now - throttle.FORGIVEN, now - throttle.REMEMBERED)
        await tx.commit()


async def _take_back(tx: UnitOfWork, counts: Counts, now: datetime) -> None:
    """What was counted beforehand was no failure."""
    tries = await tx.sign_ins.tries(counts.all, now)
    for key in (counts.address, throttle.counted(counts, tries, now)):
        await tx.sign_ins.count(key, throttle.taken_back(tries[key]))


async def use_code(tx: UnitOfWork, account: Account, typed: str, now: datetime) -> str | None:
    """Use up a one-time code (`code`) or a recovery code (`recovery`). None: it is neither, or was used."""
    secret = await tx.accounts.code_secret(account.id)
    step = codes.step_of(secret, typed, now) if secret is not None else None
    if step is not None:
        return "code" if await tx.accounts.use_step(account.id, step) else None
    return "recovery" if await tx.accounts.use_recovery(account.id, codes.recovery_hash(typed)) else None
