"""How a source shows who it is, against a server that checks it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import count

import pytest
from aiohttp import web
from pydantic import SecretStr

from monitor.domain.clock import ManualClock
from monitor.domain.errors import SourceError, Trouble
from monitor.sources.http import HttpClient
from monitor.sources.signing import InAddress, InHeader, Session, Token, oauth2
from monitor.testing import Site, trouble_of

WITHIN = timedelta(seconds=5)
SECRET = "s3cr3t-w0rd"


class Gate:
    """A server that gives tokens, and answers whoever shows the last one it gave."""

    def __init__(self, site: Site) -> None:
        self.numbers = count(1)
        self.good = ""
        self.forms: list[dict[str, str]] = []
        self.refreshes = True
        site.answer = self.answer

    async def answer(self, request: web.Request) -> web.Response:
        if request.path != "/token":
            return web.json_response({}, status=200 if request.headers.get("Authorization") == f"Bearer {self.good}" else 401)
        form = {str(name): str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        if form["grant_type"] == "refresh_token" and not self.refreshes:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if form.get("client_secret") != SECRET:
            return web.json_response({"error": "invalid_client"}, status=400)
        self.good = f"token-{next(self.numbers)}"
        return web.json_response({"access_token": self.good, "expires_in": 3600, "refresh_token": "again"})


def session(site: Site, http: HttpClient, clock: ManualClock, secret: str = SECRET) -> Session:
    """A session of client credentials at the gate."""
    form: dict[str, SecretStr | str] = {"grant_type": "client_credentials", "client_id": "me", "client_secret": SecretStr(secret)}
    return oauth2(http, f"{site.url}/token", clock=clock, within=WITHIN, form=form)


async def test_a_key_in_the_address_shows_nowhere_else(site: Site, http: HttpClient) -> None:
    """It is sent, and stands in no error and no repr."""
    site.says(404)
    key = InAddress(SecretStr(SECRET), "api_key")
    error = await trouble_of(http.get(f"{site.url}/x", params={"q": "a b"}, within=WITHIN, signer=key))
    assert dict(site.asked[0].query) == {"q": "a b", "api_key": SECRET}
    assert SECRET not in f"{error!r} {error} {error.detail} {key!r}"


async def test_a_header_of_another_name(site: Site, http: HttpClient) -> None:
    """Some services want their own; it never goes to another host."""
    site.says(302, Location="http://localhost:1/")
    signer = InHeader(SecretStr(SECRET), "X-Api-Key", "")
    error = await trouble_of(http.get(site.url, within=WITHIN, signer=signer))
    assert (site.asked[0].headers["X-Api-Key"], error.trouble) == (SECRET, Trouble.REFUSED)


async def test_a_session_is_got_once_and_renewed_in_time(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """One token for many requests; another, by the refresh token, a minute before it ends."""
    gate, signer = Gate(site), session(site, http, clock)
    for _ in range(3):
        await http.get(f"{site.url}/x", within=WITHIN, signer=signer)
    clock.advance(timedelta(minutes=59, seconds=1))
    await http.get(f"{site.url}/x", within=WITHIN, signer=signer)
    assert [form["grant_type"] for form in gate.forms] == ["client_credentials", "refresh_token"]
    assert SECRET not in repr(signer)


async def test_a_session_that_is_refused_is_renewed_once(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """A token may end before its time: several requests that meet this get one new token between them."""
    gate, signer = Gate(site), session(site, http, clock)
    await http.get(f"{site.url}/x", within=WITHIN, signer=signer)
    gate.good, gate.refreshes = "revoked", False
    await asyncio.gather(*(http.get(f"{site.url}/x", within=WITHIN, signer=signer) for _ in range(3)))
    assert [form["grant_type"] for form in gate.forms] == ["client_credentials", "refresh_token", "client_credentials"]


async def test_whoever_is_refused_for_good_is_told(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """A wrong secret is refused credentials, although the server calls it a bad request."""
    Gate(site)
    error = await trouble_of(http.get(f"{site.url}/x", within=WITHIN, signer=session(site, http, clock, "wrong")))
    assert (error.trouble, "invalid_client" in error.detail) == (Trouble.CREDENTIALS, True)


async def test_a_server_of_tokens_that_is_down_refuses_nobody(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """It is asked again later, and the refresh token is kept."""
    gate, signer = Gate(site), session(site, http, clock)
    await http.get(f"{site.url}/x", within=WITHIN, signer=signer)
    clock.advance(timedelta(hours=2))
    site.says(503)
    assert (await trouble_of(http.get(f"{site.url}/x", within=WITHIN, signer=signer))).trouble is Trouble.UNAVAILABLE
    site.answer = gate.answer
    await http.get(f"{site.url}/x", within=WITHIN, signer=signer)
    assert gate.forms[-1]["grant_type"] == "refresh_token"


@pytest.mark.parametrize("says", ["[]", "{}", '{"access_token": 7}', "null"])
async def test_a_token_that_is_none_is_malformed(site: Site, http: HttpClient, clock: ManualClock, says: str) -> None:
    """Whatever else the server says in its place."""
    site.says(200, says)
    assert (await trouble_of(http.get(site.url, within=WITHIN, signer=session(site, http, clock)))).trouble is Trouble.MALFORMED


async def test_a_session_of_ones_own(site: Site, http: HttpClient, clock: ManualClock) -> None:
    """A network with its own way gives a function that gets a token."""
    site.says_json({})

    async def obtain(before: Token | None) -> Token:
        return Token(SecretStr("first" if before is None else "next"), refresh=SecretStr("r"))

    signer = Session(obtain, clock)
    await http.get(site.url, within=WITHIN, signer=signer)
    site.says(401)
    with pytest.raises(SourceError):
        await http.get(site.url, within=WITHIN, signer=signer)
    assert [each.headers["Authorization"] for each in site.asked] == ["Bearer first", "Bearer first", "Bearer next"]
