"""Those who come with somebody else's word for who they are: which account is theirs, and what they may."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from monitor.access.auditing import By, note
from monitor.access.names import account_name
from monitor.domain.account import Account, Role
from monitor.domain.errors import TocsinError, UsageError
from monitor.settings.console import ElsewhereSettings
from monitor.storage import Store, UnitOfWork

_SAID: Final = {
    "unknown": "there is no account for them here, and none is made",
    "group": "none of their groups has a role here",
    "disabled": "their account is disabled",
    "taken": "an account of this name has a password; `adopt` hands it over",
    "other": "the account of this name belongs to somebody else there",
    "name": "what they are called there is no login name here",
}

Why = Literal["unknown", "group", "disabled", "taken", "other", "name"]


class NotAdmittedError(TocsinError):
    """They are who they say, and have no business here."""

    def __init__(self, why: Why) -> None:
        super().__init__(_SAID[why])
        self.why = why


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is said of somebody. `subject` is who they are for an identity provider, whatever they are called next year."""

    name: str
    called: str = ""
    groups: frozenset[str] = frozenset()
    subject: str | None = None


def role_of(settings: ElsewhereSettings, groups: Collection[str]) -> Role | None:
    """The highest of the roles that come with groups; without any, `role`."""
    found = [role for group, role in settings.roles.items() if group in groups]
    return max(found, key=list(Role).index, default=settings.role)


async def arrive(store: Store, claimed: Claimed, settings: ElsewhereSettings, by: By, now: datetime, *, adopt: bool) -> Account:
    """The account of somebody who has come, with the role that their groups give. Raises `NotAdmittedError`."""
    role = role_of(settings, claimed.groups)
    if settings.roles and role is None:
        raise NotAdmittedError("group")
    async with store.read() as tx:
        account = await _find(tx, claimed, adopt=adopt)
    if account is not None and account.disabled_at is not None:
        raise NotAdmittedError("disabled")
    if account is not None and claimed.subject in {None, account.subject} and (not settings.roles or account.role == role):
        return account
    async with store.begin() as tx:
        arrived = await _change(tx, await _find(tx, claimed, adopt=adopt), claimed, settings, by, now)
        await tx.commit()
    return arrived


async def _change(
    tx: UnitOfWork, account: Account | None, claimed: Claimed, settings: ElsewhereSettings, by: By, now: datetime
) -> Account:
    role = role_of(settings, claimed.groups)
    if account is None:
        if not settings.create or role is None:
            raise NotAdmittedError("unknown")
        name = _name(claimed.name)
        account = await tx.accounts.add(name, claimed.called or name, role, now, subject=claimed.subject)
        await note(tx, by, "account.added", now, name, role=role)
        return account
    if claimed.subject is not None and account.subject is None:
        await tx.accounts.change(account.id, subject=claimed.subject)
        await note(tx, by, "account.bound", now, account.name)
    if settings.roles and role is not None and account.role != role:
        await tx.accounts.change(account.id, role=role)
        await note(tx, by, "account.role", now, account.name, before=account.role, after=role)
    return await tx.accounts.get(account.id) or account


async def _find(tx: UnitOfWork, claimed: Claimed, *, adopt: bool) -> Account | None:
    """By who they are; the first time, by what they are called."""
    if claimed.subject is not None and (known := await tx.accounts.of_subject(claimed.subject)) is not None:
        return known
    account = await tx.accounts.named(_name(claimed.name))
    if account is not None and claimed.subject is not None:
        if account.subject is not None:
            raise NotAdmittedError("other")
        if account.has_password and not adopt:
            raise NotAdmittedError("taken")
    return account


def _name(written: str) -> str:
    try:
        return account_name(written)
    except UsageError:
        raise NotAdmittedError("name") from None
