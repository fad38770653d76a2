"""What people do with their own account: another password, one-time codes, and an end to their other sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from monitor.access import codes
from monitor.access.auditing import By, note
from monitor.access.passwords import Passwords, require_strong
from monitor.access.sessions import Opened, open_session
from monitor.access.signing_in import SignInError, SigningIn
from monitor.domain.account import Account
from monitor.domain.clock import Clock
from monitor.domain.errors import UsageError
from monitor.domain.sign_in import Client, Session
from monitor.settings.console import ConsoleSettings
from monitor.storage import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator is given: the secret, and the same as an `otpauth:` address, for a picture."""

    secret: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The recovery codes, shown once, and the session that goes on with everything open."""

    recovery: list[str] = field(repr=False)
    opened: Opened


@dataclass(frozen=True, slots=True)
class Own:
    """For whoever has a session."""

    settings: ConsoleSettings
    store: Store
    clock: Clock
    passwords: Passwords

    @property
    def _door(self) -> SigningIn:
        return SigningIn(self.settings, self.store, self.clock, self.passwords)

    async def change_password(self, account: Account, current: str, new: str, session: Session, client: Client) -> Opened:
        """Another password; all sessions end, and this one goes on under another secret.

        Raises `SignInError` when `current` is wrong, `WeakPasswordError` when `new` is no good.
        """
        require_strong(new, account.name)
        kept = await self._door.again(account, current, client)
        hashed, now = await self.passwords.hash(new), self.clock.wall()
        async with self.store.begin() as tx:
            if not await tx.accounts.set_password(account.id, hashed, instead_of=kept):
                raise SignInError("wrong")
            await tx.sign_ins.end_all(account.id)
            await self._note(tx, account, "password.set", now, client)
            opened = await open_session(tx, account, session.step, client, self.settings.sessions, now)
            await tx.commit()
        return opened

    async def begin_codes(self, account: Account, issuer: str) -> Enrolment:
        """The first step: what an authenticator shall make codes from. Nothing changes until `confirm_codes`."""
        async with self.store.begin() as tx:
            secret = await tx.accounts.code_secret(account.id, pending=True) or codes.new_secret()
            await tx.accounts.begin_codes(account.id, secret)
            await tx.commit()
        return Enrolment(secret, codes.address(secret, account.name, issuer))

    async def confirm_codes(self, account: Account, typed: str, client: Client) -> Enrolled:
        """The second step: a code shows that the authenticator has it. Raises `SignInError`."""
        now, recovery = self.clock.wall(), codes.recovery_codes()
        async with self.store.begin() as tx:
            secret = await tx.accounts.code_secret(account.id, pending=True)
            step = codes.step_of(secret, typed, now) if secret is not None else None
            if secret is None or step is None:
                raise SignInError("code")
            if not await tx.accounts.confirm_codes(account.id, secret, step, map(codes.recovery_hash, recovery)):
                raise SignInError("code")
            await tx.sign_ins.end_all(account.id)
            await self._note(tx, account, "codes.begun", now, client)
            opened = await open_session(tx, account, "", client, self.settings.sessions, now)
            await tx.commit()
        return Enrolled(recovery, opened)

    async def drop_codes(self, account: Account, password: str, client: Client) -> None:
        """No codes any more, where the role needs none. Raises `SignInError` without the password, else `UsageError`."""
        if account.role in self.settings.one_time_codes:
            raise UsageError("your role needs one-time codes (console.one_time_codes in monitor.yaml)")
        await self._door.again(account, password, client)
        async with self.store.begin() as tx:
            await tx.accounts.drop_codes(account.id)
            await self._note(tx, account, "codes.dropped", self.clock.wall(), client)
            await tx.commit()

    async def end_session(self, account: Account, number: int, client: Client) -> bool:
        """End one of one's own sessions. False: there is none of this number."""
        async with self.store.begin() as tx:
            ended = await tx.sign_ins.end(number, account.id)
            if ended:
                await self._note(tx, account, "session.ended", self.clock.wall(), client)
            await tx.commit()
        return ended

    async def prefer(self, account: Account, language: Literal["fr", "en"] | None, timezone: str | None) -> None:
        """In which language, and by whose clock; None: as contacts.yaml or monitor.yaml have it."""
        async with self.store.begin() as tx:
            await tx.accounts.change(account.id, language=language, timezone=timezone)
            await tx.commit()

    async def _note(self, tx: UnitOfWork, account: Account, action: str, now: datetime, client: Client) -> None:
        await note(tx, By(account.name, "console", client.address), action, now, account.name)
