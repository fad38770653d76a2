"""Sign-in by OpenID Connect: to the provider and back (authorization code with PKCE, state and nonce), and what it then says.

https://openid.net/specs/openid-connect-core-1_0.html, section 3.1; RFC 7636 (PKCE).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from itsdangerous import BadData, URLSafeSerializer
from joserfc.jwk import KeySet
from pydantic import SecretStr

from monitor.access.arrivals import Claimed
from monitor.access.id_token import IdTokenError, UnknownKeyError, read
from monitor.access.secret import mark, new_secret
from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError, TocsinError
from monitor.settings.console import OidcSettings
from monitor.sources.connecting import HttpSettings
from monitor.sources.http import HttpClient
from monitor.storage import Store

PATH: Final = "/sign-in/oidc/back"
LASTS: Final = timedelta(minutes=10)  # from leaving for the provider until being back
_WITHIN: Final = timedelta(seconds=10)
_KNOWN_FOR: Final = timedelta(hours=1)
_ONCE: Final = "@oidc"
_LONGEST: Final = 2_000  # characters of an answer in an address


class ProviderError(TocsinError):
    """Nobody came back from the provider whom we could let in: the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and the cookie by which it is known when it comes back."""

    address: str = field(repr=False)
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Returned:
    """Who came back, and the page they wanted at first."""

    claimed: Claimed
    onward: str


class Provider:
    """One identity provider. What it says of itself is asked once an hour, its keys also when it signs with a new one."""

    def __init__(self, settings: OidcSettings, store: Store, clock: Clock, http: HttpSettings, here: str) -> None:
        self._settings, self._store, self._clock, self._http = settings, store, clock, http
        self._back = here + PATH
        self._signed = URLSafeSerializer(store.access_key, salt="oidc", signer_kwargs={"digest_method": hashlib.sha256})
        self._about: Mapping[str, Any] = {}
        self._asked_at: datetime | None = None
        self._keys: KeySet | None = None

    async def begin(self, onward: str) -> Begun:
        """Leave for the provider; `onward` is the page wanted afterwards. Raises `ProviderError`."""
        about = await self._metadata()
        state, until = new_secret(), int((self._clock.wall() + LASTS).timestamp())
        address = prepare_grant_uri(
            about["authorization_endpoint"],
            client_id=self._settings.client_id,
            response_type="code",
            redirect_uri=self._back,
            scope=list(self._settings.scopes),
            state=state,
            nonce=self._from_state("nonce", state),
            code_challenge=create_s256_code_challenge(self._from_state("verifier", state)),
            code_challenge_method="S256",
        )
        return Begun(address, str(self._signed.dumps([state, until, onward])))

    async def finish(self, query: Mapping[str, str], cookie: str) -> Returned:
        """Who has come back. A state works once, in the browser that left with it. Raises `ProviderError`."""
        state, onward = await self._left(query, cookie)
        if "error" in query:
            raise ProviderError(f"the provider refused: {query['error'][:_LONGEST]}")
        code = query.get("code", "")
        if not code or len(code) > _LONGEST:
            raise ProviderError("the provider sent no code")
        issuer = query.get("iss", self._settings.issuer)
        if issuer != self._settings.issuer:
            raise ProviderError("another provider than ours answered")
        answer = await self._exchange(code, self._from_state("verifier", state))
        claims = await self._claims(answer, self._from_state("nonce", state))
        return Returned(self._claimed(claims), onward)

    async def _left(self, query: Mapping[str, str], cookie: str) -> tuple[str, str]:
        try:
            state, until, onward = self._signed.loads(cookie)
        except BadData:
            raise ProviderError("this browser did not leave for the provider from here") from None
        now = self._clock.wall()
        if not hmac.compare_digest(state.encode(), query.get("state", "").encode("utf-8", "replace")):
            raise ProviderError("the answer belongs to another attempt")
        if datetime.fromtimestamp(until, UTC) <= now:
            raise ProviderError("the answer came too late")
        async with self._store.begin() as tx:
            new = await tx.inbox.mark(_ONCE, hashlib.sha256(state.encode()).hexdigest(), now)
            await tx.commit()
        if not new:
            raise ProviderError("the answer was used before")
        return state, onward

    def _from_state(self, what: str, state: str) -> str:
        """The nonce and the verifier of an attempt: nobody knows them who has not our key, and nobody must keep them."""
        return mark(self._store.access_key, "oidc", what, state)

    async def _metadata(self) -> Mapping[str, Any]:
        now = self._clock.wall()
        if self._asked_at is None or now - self._asked_at >= _KNOWN_FOR:
            about = await self._json(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            if about.get("issuer") != self._settings.issuer:
                raise ProviderError(f"the provider calls itself {about.get('issuer')!r}: write that as `console.oidc.issuer`")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not isinstance(about.get(name), str):
                    raise ProviderError(f"the provider names no {name}")
            self._about, self._asked_at, self._keys = about, now, None
        return self._about

    async def _exchange(self, code: str, verifier: str) -> Mapping[str, Any]:
        about, us = await self._metadata(), self._settings
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._back, "code_verifier": verifier}
        form["client_id"] = us.client_id
        headers = {}
        if us.client_secret is not None:
            secret = us.client_secret.get_secret_value()
            if "client_secret_basic" in about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
                both = f"{quote(us.client_id, safe='')}:{quote(secret, safe='')}"
                headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
            else:
                form["client_secret"] = secret
        try:
            async with HttpClient(self._http, self._clock) as http:
                answer = (await http.post(about["token_endpoint"], within=_WITHIN, form=form, headers=headers)).json()
        except SourceError as error:
            raise ProviderError(f"the provider gave nothing for the code: {error}") from None
        if not isinstance(answer, Mapping) or not isinstance(answer.get("id_token"), str):
            raise ProviderError("the provider gave no id token for the code")
        return answer

    async def _claims(self, answer: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        us, access = self._settings, answer.get("access_token")
        expected = {"iss": us.issuer, "aud": us.client_id, "nonce": nonce, "access_token": access}
        try:
            try:
                claims = read(answer["id_token"], await self._known_keys(), expected, self._clock.wall())
            except UnknownKeyError:
                claims = read(answer["id_token"], await self._known_keys(anew=True), expected, self._clock.wall())
        except IdTokenError as error:
            raise ProviderError(f"the provider's id token is not to be believed: {error}") from None
        wanted = {us.account, us.called, *((us.groups,) if us.roles else ())}
        address = (await self._metadata()).get("userinfo_endpoint")
        if wanted <= claims.keys() or not isinstance(address, str) or not isinstance(access, str):
            return claims
        more = await self._json(address, access)
        if more.get("sub") != claims["sub"]:
            raise ProviderError("the provider spoke of somebody else when asked for more")
        return {**more, **claims}

    async def _known_keys(self, *, anew: bool = False) -> KeySet:
        if self._keys is None or anew:
            document = await self._json((await self._metadata())["jwks_uri"])
            try:
                self._keys = KeySet.import_key_set(document)  # type: ignore[arg-type]  # whatever it is, it is checked there
            except (ValueError, KeyError, TypeError):
                raise ProviderError("the provider's keys cannot be read") from None
        return self._keys

    async def _json(self, address: str, token: str | None = None) -> Mapping[str, Any]:
        secret = SecretStr(token) if token is not None else None
        try:
            async with HttpClient(self._http, self._clock) as http:
                found = (await http.get(address, within=_WITHIN, token=secret)).json()
        except SourceError as error:
            raise ProviderError(f"the provider does not answer: {error}") from None
        if not isinstance(found, Mapping):
            raise ProviderError("the provider answers with something that is no JSON object")
        return found

    def _claimed(self, claims: Mapping[str, Any]) -> Claimed:
        us = self._settings
        name, called, groups = claims.get(us.account), claims.get(us.called), claims.get(us.groups)
        if not isinstance(name, str):
            raise ProviderError(f"the provider says nothing by the claim `{us.account}`: name another as `console.oidc.account`")
        listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        known = frozenset(each for each in listed if isinstance(each, str))
        return Claimed(name, called if isinstance(called, str) else "", known, f"{us.issuer} {claims['sub']}")
