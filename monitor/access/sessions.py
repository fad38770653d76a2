"""Sessions: a random secret in a cookie, kept as a hash, which ends when nobody uses it, and in any case after some days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from monitor.access.secret import hashed, new_secret
from monitor.domain.account import Account
from monitor.domain.sign_in import Client, Session, Step
from monitor.settings.console import ConsoleSettings, SessionSettings
from monitor.storage import Store, UnitOfWork

_UNFINISHED: Final = timedelta(minutes=15)  # for whoever still has to find a telephone
_SEEN_EVERY: Final = timedelta(minutes=1)  # writing at every request would cost more than the request


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session, and the secret for its cookie, which is known only here."""

    session: Session
    token: str = field(repr=False)


async def open_session(
    tx: UnitOfWork, account: Account, step: Step, client: Client, settings: SessionSettings, now: datetime
) -> Opened:
    """Begin a session; those that are over go on this occasion."""
    await tx.sign_ins.end_over(now - settings.idle, now)
    token = new_secret()
    ends_at = now + (_UNFINISHED if step else settings.lasts)
    began = await tx.sign_ins.begin(hashed(token), account.id, step, client, now, ends_at)
    if not step:
        await tx.accounts.change(account.id, seen_at=now)
    return Opened(began, token)


def step_for(account: Account, settings: ConsoleSettings) -> Step:
    """What is still missing once the password was right."""
    if account.has_codes:
        return "code"
    return "enrol" if account.role in settings.one_time_codes else ""


async def find(store: Store, token: str, settings: SessionSettings, now: datetime) -> tuple[Session, Account] | None:
    """Whose session it is, if it goes on. That it was used is written once a minute."""
    async with store.read() as tx:
        session = await tx.sign_ins.session(hashed(token))
        account = await tx.accounts.get(session.account_id) if session is not None else None
    if session is None or account is None or account.disabled_at is not None or not goes_on(session, settings, now):
        return None
    if now - session.seen_at >= _SEEN_EVERY:
        async with store.begin() as tx:
            await tx.sign_ins.seen(session.id, now)
            await tx.commit()
    return session, account


def goes_on(session: Session, settings: SessionSettings, now: datetime) -> bool:
    """Whether a session opens anything at a moment."""
    return now < session.ends_at and now - session.seen_at < settings.idle and now - session.began_at < settings.lasts
