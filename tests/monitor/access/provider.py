"""A small identity provider: discovery, keys, a token for a code (PKCE checked), and what it knows of a person. RS256 is real."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import BasicAuth, web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import RSAKey

from monitor.domain.clock import Clock

CLIENT, SECRET = "tocsin", "a secret of ours"


@dataclass
class FakeProvider:
    """Gives one code per attempt. Tests change what it says before it says it."""

    clock: Clock
    keys: list[RSAKey] = field(default_factory=lambda: [RSAKey.generate_key(2048, {"kid": "first"})])
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    issuer: str = ""
    called_issuer: str = ""
    algorithm: str = "RS256"
    signing_key: Any = None
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, address: str) -> dict[str, str]:
        """What a browser brings back when somebody agrees at this address."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    async def metadata(self, request: web.Request) -> web.Response:
        """Discovery."""
        self.asked.append("metadata")
        return web.json_response(
            {
                "issuer": self.called_issuer or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
            }
        )

    async def public_keys(self, request: web.Request) -> web.Response:
        """The keys."""
        self.asked.append("keys")
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def token(self, request: web.Request) -> web.Response:
        """An id token for a code, once, to whoever has the verifier and our secret."""
        form = await request.post()
        left = self._codes.pop(str(form.get("code")), None)
        us = BasicAuth.decode(request.headers["Authorization"])
        verifier = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if left is None or left["code_challenge"] != challenge or (us.login, us.password) != (CLIENT, SECRET.replace(" ", "%20")):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(self.clock.now().timestamp())
        claims = {"iss": self.issuer, "sub": "42", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": left["nonce"]}
        claims |= {"preferred_username": "Claire", "name": "Claire M.", "groups": ["staff"]} | self.claims
        key = self.signing_key or self.keys[-1]
        header = {"alg": self.algorithm, "kid": getattr(key, "kid", None) or "first"}
        said = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(header, said, key, algorithms=[self.algorithm])
        return web.json_response({"access_token": "at", "token_type": "Bearer", "id_token": token})

    async def person(self, request: web.Request) -> web.Response:
        """More about whoever the access token is of."""
        self.asked.append("userinfo")
        assert request.headers["Authorization"] == "Bearer at"
        return web.json_response(self.userinfo)


@asynccontextmanager
async def answering(provider: FakeProvider) -> AsyncIterator[FakeProvider]:
    """The provider on loopback, while it lasts."""
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.metadata)
    app.router.add_get("/keys", provider.public_keys)
    app.router.add_post("/token", provider.token)
    app.router.add_get("/userinfo", provider.person)
    async with TestServer(app) as server:
        provider.issuer = str(server.make_url("/")).rstrip("/")
        yield provider
