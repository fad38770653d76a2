"""The one thing that the door asks who somebody is: by a session, a token, a proxy in front, or an identity provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import structlog
from multidict import MultiMapping

from monitor.access import csrf, sessions, tokens
from monitor.access.arrivals import NotAdmittedError, arrive
from monitor.access.auditing import By, note
from monitor.access.client import claimed_by_proxy, client_of, is_among, is_said_twice
from monitor.access.links import Welcome
from monitor.access.oidc import Provider, Returned
from monitor.access.own import Own
from monitor.access.passwords import Passwords
from monitor.access.secret import mark
from monitor.access.sessions import Opened, open_session
from monitor.access.signing_in import SigningIn
from monitor.domain.account import Account, Permission, Through, Visitor
from monitor.domain.clock import Clock
from monitor.domain.sign_in import Client, Session, Step
from monitor.settings import Settings
from monitor.storage import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a session's cookie opens: everything, or, while `step` says so, only the page for a code or for setting codes up."""

    visitor: Visitor
    account: Account
    session: Session

    @property
    def step(self) -> Step:
        """What is still missing."""
        return self.session.step


class Access:
    """Serves one configuration, as long as it is at work. Whatever asks the store may raise `StorageError`."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._all, self._console = settings, settings.console
        self._store, self._clock = store, clock
        self._passwords = Passwords()

    @property
    def secure(self) -> bool:
        """Whether people reach us by https alone."""
        return (self._all.web.public_url or "").startswith("https://")

    @property
    def cookie(self) -> str:
        """The name of the session's cookie: with `__Host-`, a browser takes it from nobody but us."""
        return "__Host-tocsin" if self.secure else "tocsin"

    def cookie_options(self) -> dict[str, Any]:
        """How that cookie is set."""
        lasts = int(self._console.sessions.lasts.total_seconds())
        return {"path": "/", "httponly": True, "samesite": "Lax", "secure": self.secure, "max_age": lasts}

    @cached_property
    def signing_in(self) -> SigningIn:
        """By a password and a code."""
        return SigningIn(self._console, self._store, self._clock, self._passwords)

    @cached_property
    def welcome(self) -> Welcome:
        """By a one-time link."""
        return Welcome(self._console, self._store, self._clock, self._passwords)

    @cached_property
    def own(self) -> Own:
        """What people do with their own account."""
        return Own(self._console, self._store, self._clock, self._passwords)

    @cached_property
    def provider(self) -> Provider | None:
        """The identity provider, if there is one."""
        if self._console.oidc is None:
            return None
        web = self._all.web
        here = web.public_url or f"http://{web.host}:{web.port}"
        return Provider(self._console.oidc, self._store, self._clock, self._all.http, here)

    def client(self, peer: str | None, headers: MultiMapping[str]) -> Client:
        """Where a request comes from, behind our own proxies."""
        return client_of(peer, headers, self._console.behind)

    async def entry(self, token: str) -> Entry | None:
        """What the session's cookie opens. None: nothing, or no more."""
        found = await sessions.find(self._store, token, self._console.sessions, self._clock.wall()) if token else None
        if found is None:
            return None
        session, account = found
        return Entry(self._visitor(account, "console", mark(token.encode(), "csrf")), account, session)

    async def bearer(self, token: str) -> Visitor | None:
        """Whose program it is that shows a token; it may do what the token's scopes say. None: it works no more, or never did."""
        found = await tokens.find(self._store, token, self._clock.wall())
        return self._visitor(found[1], "token", "", found[0].scopes) if found is not None else None

    async def proxied(self, peer: str | None, headers: MultiMapping[str], client: Client) -> Visitor | None:
        """Whom a trusted proxy says it is. None: nobody, or it is not to be trusted, or they have no business here."""
        settings = self._console.proxy
        claimed = claimed_by_proxy(settings, headers) if settings is not None else None
        if settings is None or claimed is None:
            return None
        if not is_among(peer or "", settings.addresses):
            log.warning("access.header_ignored", header=settings.account, remote=peer)
            return None
        if is_said_twice(settings, headers):
            log.warning("access.header_twice", header=settings.account, remote=peer)
            return None
        by = By(claimed.name, "proxy", client.address)
        try:
            account = await arrive(self._store, claimed, settings, by, self._clock.wall(), adopt=True)
        except NotAdmittedError as error:
            log.warning("access.not_admitted", through="proxy", why=error.why)
            return None
        return self._visitor(account, "proxy", mark(self._store.access_key, "csrf", account.name))

    async def returned(self, returned: Returned, client: Client) -> Opened:
        """A session for whoever came back from the identity provider. Raises `NotAdmittedError`."""
        settings, now = self._console.oidc, self._clock.wall()
        assert settings is not None, "somebody came back from a provider"
        by = By(returned.claimed.name, "oidc", client.address)
        account = await arrive(self._store, returned.claimed, settings, by, now, adopt=settings.adopt)
        async with self._store.begin() as tx:
            await note(tx, By(account.name, "oidc", client.address), "sign_in", now, account.name)
            opened = await open_session(tx, account, "", client, self._console.sessions, now)
            await tx.commit()
        return opened

    async def sign_out(self, entry: Entry, client: Client) -> None:
        """End a session."""
        await self.own.end_session(entry.account, entry.session.id, client)

    def foreign(self, headers: Mapping[str, str]) -> bool:
        """Whether a browser says that another site sent this."""
        return csrf.is_foreign(headers, self._all.web.public_url)

    def forged(self, method: str, headers: Mapping[str, str], given: str, visitor: Visitor) -> str | None:
        """Why a request is not to be believed that would change something, else None. `given` came with the form.

        A token is no cookie: nobody else's page can make a browser send it.
        """
        if csrf.is_safe(method) or visitor.through == "token":
            return None
        if self.foreign(headers):
            return "another site sent this"
        return None if csrf.is_right(given, visitor.csrf) else "the form is not of this session: open the page again"

    def _visitor(self, account: Account, through: Through, mark: str, scopes: frozenset[Permission] | None = None) -> Visitor:
        person = self._all.contacts.people.get(account.name)
        language = account.language or (person.language if person else None) or self._all.language
        timezone = account.timezone or (person.timezone if person else None) or self._all.timezone
        called = person.name if person else account.called
        return Visitor(account.name, called, account.role, language, timezone, through, mark, scopes)
