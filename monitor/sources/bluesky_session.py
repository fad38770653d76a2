"""Being signed in to Bluesky: by an app password once, then by a token that is renewed; and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError, Trouble
from monitor.sources.http import HttpClient
from monitor.sources.mapping import at
from monitor.sources.signing import InHeader, Session, Token

_BAD_REQUEST, _UNAUTHORIZED, _NOT_FOUND = 400, 401, 404
_ENDED = frozenset({"ExpiredToken", "InvalidToken"})
_STOPPED = frozenset({"AccountTakedown", "AccountSuspended", "AccountDeactivated", "RepoTakendown", "RepoDeactivated"})
_HIDDEN = frozenset({"NotFound", "BlockedActor", "BlockedByActor"})


def signed_in(http: HttpClient, url: str, *, clock: Clock, within: timedelta, account: str, password: SecretStr) -> Session:
    """A session as long as the process lives. A server gives a new one thirty times in five minutes, and renews one at will."""

    async def obtain(before: Token | None) -> Token:
        if before is not None and before.refresh is not None:
            path, signer, sent = "refreshSession", InHeader(before.refresh), None
        else:
            path, signer, sent = "createSession", None, {"identifier": account, "password": password.get_secret_value()}
        answer = await http.post(
            f"{url}/xrpc/com.atproto.server.{path}", within=within, document=sent, signer=signer, means=what_bluesky_means
        )
        return _token(answer.json())

    return Session(obtain, clock)


def _token(said: Any) -> Token:
    access, refresh = at(said, "accessJwt"), at(said, "refreshJwt")
    if not (isinstance(access, str) and access and isinstance(refresh, str) and refresh):
        raise SourceError(Trouble.MALFORMED, "the server gave no session; is `url` that of a server of Bluesky accounts (a PDS)?")
    return Token(SecretStr(access), refresh=SecretStr(refresh))


def what_bluesky_means(status: int, headers: Mapping[str, str], document: Any) -> SourceError | None:
    """What an answer says beyond its status. `GONE`: the post or the account that was asked for is not shown to us."""
    del headers
    name, words = at(document, "error"), str(at(document, "message"))
    if status not in {_BAD_REQUEST, _UNAUTHORIZED, _NOT_FOUND}:
        return None
    if name in _ENDED:
        return SourceError(Trouble.CREDENTIALS, "the session has ended")
    if name == "AuthFactorTokenRequired":
        return SourceError(
            Trouble.CREDENTIALS, "the account is protected by a code; give an app password as `password`, and not its own"
        )
    if name in _STOPPED:
        return SourceError(Trouble.CREDENTIALS, f"the account is stopped ({name}); look at it in the app")
    if name in _HIDDEN or (status == _BAD_REQUEST and words.startswith(("Profile not found", "Post not found"))):
        return SourceError(Trouble.GONE, "there is no such post or account, or it is not shown to us")
    return None
