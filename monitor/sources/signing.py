"""How a source shows who it is: a token, a key in the address, or a session that is renewed before and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import SecretStr

from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError, Trouble
from monitor.sources.request import Request

if TYPE_CHECKING:
    from monitor.sources.http import HttpClient

EARLY = timedelta(seconds=60)  # before its end a token is no longer used: clocks differ, and answers take their time


class Signer(Protocol):
    """Signs requests."""

    async def sign(self, request: Request) -> Request:
        """The request with whatever shows who we are. Raises `SourceError`."""
        ...

    async def renew(self, refused: Request) -> bool:
        """What signed this was refused: whether there is something else now, so that asking again is worth it.

        Raises `SourceError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class InHeader:
    """A secret that never changes, in a header; as a bearer token unless told otherwise."""

    secret: SecretStr
    name: str = "Authorization"
    scheme: str = "Bearer "

    async def sign(self, request: Request) -> Request:
        """The request with its header."""
        return request.with_header(self.name, self.scheme + self.secret.get_secret_value())

    async def renew(self, refused: Request) -> bool:
        """Only a person can renew it."""
        del refused
        return False


@dataclass(frozen=True, slots=True)
class InAddress:
    """A key that never changes, as a parameter of the address."""

    secret: SecretStr
    name: str = "key"

    async def sign(self, request: Request) -> Request:
        """The request with its key."""
        return request.with_parameter(self.name, self.secret.get_secret_value())

    async def renew(self, refused: Request) -> bool:
        """Only a person can renew it."""
        del refused
        return False


@dataclass(frozen=True, slots=True)
class Token:
    """What a server gave us for a while. `refresh` gets the next one, where the server works so."""

    access: SecretStr
    ends_at: datetime | None = None
    refresh: SecretStr | None = None


Obtain = Callable[[Token | None], Awaitable[Token]]
"""Gets a token; given the one before, which may know how to get the next. Raises `SourceError`."""


@dataclass(slots=True)
class Session:
    """A bearer token that is obtained when it is first needed, and again shortly before it ends and when it is refused."""

    obtain: Obtain
    clock: Clock
    _token: Token | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def sign(self, request: Request) -> Request:
        """The request with the token of the moment."""
        async with self._turn:
            ends_at = self._token.ends_at if self._token else None
            if self._token is None or (ends_at is not None and self.clock.wall() >= ends_at - EARLY):
                await self._get()
            assert self._token is not None
            return await InHeader(self._token.access).sign(request)

    async def renew(self, refused: Request) -> bool:
        """Another token, unless somebody else who was refused has got it already."""
        async with self._turn:
            if self._token is not None and await InHeader(self._token.access).sign(refused) == refused:
                await self._get()
            return True

    async def _get(self) -> None:
        """Another token; from nothing where the one before no longer helps."""
        before, self._token = self._token, None
        if before is not None and before.refresh is not None:
            try:
                self._token = await self.obtain(before)
            except SourceError as error:
                if error.trouble not in {Trouble.CREDENTIALS, Trouble.REFUSED}:
                    self._token = before
                    raise
        if self._token is None:
            self._token = await self.obtain(None)


def oauth2(
    http: HttpClient,
    url: str,
    *,
    clock: Clock,
    within: timedelta,
    form: Mapping[str, SecretStr | str],
    signer: Signer | None = None,
    headers: Mapping[str, str] | None = None,
) -> Session:
    """A session by OAuth 2 (RFC 6749).

    `form` names the grant: `grant_type: client_credentials` with `client_id` and `client_secret`, or `refresh_token` with the
    `refresh_token` that a person got once. `signer` shows who the client is, where that stands in a header (HTTP Basic).
    """

    async def obtain(before: Token | None) -> Token:
        sent = dict(form)
        if before is not None and before.refresh is not None:
            identity = {name: value for name, value in form.items() if name in {"client_id", "client_secret"}}
            sent = {**identity, "grant_type": "refresh_token", "refresh_token": before.refresh}
        plain = {name: each.get_secret_value() if isinstance(each, SecretStr) else each for name, each in sent.items()}
        answer = await http.post(url, within=within, form=plain, signer=signer, headers=headers, means=_refused)
        return _token(answer.json(), clock.wall())

    return Session(obtain, clock)


def _refused(status: int, headers: Mapping[str, str], document: Any) -> SourceError | None:
    """What RFC 6749 (5.2) says in a 400."""
    del headers
    said = document.get("error") if isinstance(document, dict) else None
    if status == 400 and said in {"invalid_grant", "invalid_client", "unauthorized_client"}:  # noqa: PLR2004 - HTTP's own number
        return SourceError(Trouble.CREDENTIALS, f"no token is given to us ({said}); check the id, the secret and the token")
    return None


def _token(said: Any, now: datetime) -> Token:
    access = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(access, str) or not access:
        raise SourceError(Trouble.MALFORMED, "the server that gives tokens gave none; check its address")
    lasts, refresh = said.get("expires_in"), said.get("refresh_token")
    known = isinstance(lasts, int | float) and not isinstance(lasts, bool) and 0 < lasts < 10**9
    return Token(
        SecretStr(access),
        now + timedelta(seconds=lasts) if known else None,
        SecretStr(refresh) if isinstance(refresh, str) and refresh else None,
    )
