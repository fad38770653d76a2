"""Sign-in at an identity provider: what it says is believed when it can only come from there, and is meant for us, now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import OctKey, RSAKey

from monitor.access.arrivals import NotAdmittedError
from monitor.access.oidc import Provider, ProviderError
from monitor.domain.account import Account, Role
from tests.monitor.access.conftest import HERE, Build, House
from tests.monitor.access.provider import CLIENT, SECRET, FakeProvider, answering

_KEY = RSAKey.generate_key(2048, {"kid": "first"})  # takes a while to make


@dataclass
class Desk:
    """Us, and the provider."""

    house: House
    there: FakeProvider

    @property
    def us(self) -> Provider:
        """Our side."""
        found = self.house.access.provider
        assert found is not None
        return found

    async def through(self) -> Account:
        """Somebody leaves for the provider, agrees, comes back and has a session."""
        begun = await self.us.begin("/alerts")
        returned = await self.us.finish(self.there.authorize(begun.address), begun.cookie)
        assert returned.onward == "/alerts"
        opened = await self.house.access.returned(returned, HERE)
        entry = await self.house.access.entry(opened.token)
        assert entry is not None
        return entry.account


@pytest.fixture
async def there(house: House) -> AsyncIterator[FakeProvider]:
    """The provider."""
    async with answering(FakeProvider(house.clock, keys=[_KEY])) as provider:
        yield provider


@pytest.fixture
def desk(build: Build, there: FakeProvider) -> Desk:
    """With accounts made for those who are in the group `staff`."""
    return _desk(build, there, roles={"staff": "monitor", "chiefs": "manager"}, create=True)


def _desk(build: Build, there: FakeProvider, **more: Any) -> Desk:
    oidc = {"issuer": there.issuer, "client_id": CLIENT, "client_secret": SECRET, **more}
    return Desk(build(console={"oidc": oidc}, http={"allow": "127.0.0.1", "retries": 0}), there)


async def test_whoever_comes_for_the_first_time_gets_an_account(desk: Desk) -> None:
    """With the name, the words and the role that the provider's claims give."""
    account = await desk.through()
    assert (account.name, account.called, account.role) == ("claire", "Claire M.", Role.MONITOR)
    assert account.subject == f"{desk.there.issuer} 42"
    assert await desk.house.audited() == ["account.added", "sign_in"]


async def test_the_browser_takes_no_secret_along(desk: Desk) -> None:
    """The address has a challenge, a state and a nonce; the verifier stays with us."""
    begun = await desk.us.begin("/")
    asked = parse_qs(urlsplit(begun.address).query)
    assert asked["redirect_uri"] == ["http://127.0.0.1:8080/sign-in/oidc/back"]
    assert asked["scope"] == ["openid profile email"]
    assert len({*asked["state"], *asked["nonce"], *asked["code_challenge"]}) == 3
    verifier = desk.us._from_state("verifier", asked["state"][0])
    assert verifier not in begun.address + begun.cookie + repr(begun)


async def test_roles_follow_groups(desk: Desk) -> None:
    """At each sign-in; of several groups the highest counts, and without any nobody enters."""
    await desk.through()
    desk.there.claims = {"groups": ["staff", "chiefs"]}
    assert (await desk.through()).role is Role.MANAGER
    desk.there.claims = {"groups": ["others"]}
    with pytest.raises(NotAdmittedError) as refused:
        await desk.through()
    assert refused.value.why == "group"


async def test_who_somebody_is_outlives_their_name(desk: Desk) -> None:
    """Another name there is the same account here; the name taken by somebody else there is not theirs."""
    first = await desk.through()
    desk.there.claims = {"preferred_username": "claire.martin"}
    assert (await desk.through()).id == first.id
    desk.there.claims = {"sub": "43"}
    with pytest.raises(NotAdmittedError) as refused:
        await desk.through()
    assert refused.value.why == "other"


async def test_an_account_with_a_password_is_handed_over_only_when_settings_say_so(build: Build, there: FakeProvider) -> None:
    """Or whoever can choose a name there would be admin here. One that was only invited waits for nobody else."""
    desk = _desk(build, there)
    with pytest.raises(NotAdmittedError) as refused:
        await desk.through()
    assert refused.value.why == "unknown"
    account = await desk.house.moves_in(role=Role.ADMIN)
    with pytest.raises(NotAdmittedError) as refused:
        await desk.through()
    assert refused.value.why == "taken"
    assert (await _desk(build, there, adopt=True).through()).id == account.id


async def test_an_invited_account_is_bound_at_the_first_sign_in(build: Build, there: FakeProvider) -> None:
    """It keeps the role it was given; disabled, it lets nobody in."""
    desk = _desk(build, there)
    invited = await desk.house.moves_in(role=Role.MANAGER, password=None)
    account = await desk.through()
    assert (account.id, account.role) == (invited.id, Role.MANAGER)
    async with desk.house.store.begin() as tx:
        await tx.accounts.change(account.id, disabled_at=desk.house.clock.now())
        await tx.commit()
    with pytest.raises(NotAdmittedError) as refused:
        await desk.through()
    assert refused.value.why == "disabled"


async def test_what_the_id_token_does_not_say_is_asked_for(desk: Desk) -> None:
    """At the provider's userinfo, if that speaks of the same person."""
    desk.there.claims = {"groups": None}
    desk.there.userinfo = {"sub": "42", "groups": ["chiefs"], "preferred_username": "somebody"}
    account = await desk.through()
    assert (account.name, account.role) == ("claire", Role.MANAGER)
    desk.there.userinfo = {"sub": "43", "groups": ["chiefs"]}
    with pytest.raises(ProviderError, match="somebody else"):
        await desk.through()


async def test_a_new_key_is_fetched(desk: Desk) -> None:
    """Providers change their keys; what they say of themselves is asked once an hour."""
    await desk.through()
    desk.there.keys.append(RSAKey.generate_key(2048, {"kid": "second"}))
    await desk.through()
    assert desk.there.asked == ["metadata", "keys", "keys"]
    desk.house.clock.advance(timedelta(hours=1))
    await desk.through()
    assert desk.there.asked.count("metadata") == 2


async def test_an_answer_is_used_once(desk: Desk) -> None:
    """Whoever finds the address in a history, even with the cookie, enters nowhere."""
    begun = await desk.us.begin("/")
    query = desk.there.authorize(begun.address)
    await desk.us.finish(query, begun.cookie)
    with pytest.raises(ProviderError, match="used before"):
        await desk.us.finish(query, begun.cookie)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "another"}, "another attempt"),
        ({"error": "access_denied"}, "access_denied"),
        ({"iss": "https://evil.example"}, "another provider"),
        ({"code": ""}, "no code"),
        ({"code": "guessed"}, "nothing for the code"),
    ],
)
async def test_an_odd_answer_opens_nothing(desk: Desk, change: dict[str, str], why: str) -> None:
    """Each is refused, and says why, for the log."""
    begun = await desk.us.begin("/")
    with pytest.raises(ProviderError, match=why) as refused:
        await desk.us.finish(desk.there.authorize(begun.address) | change, begun.cookie)
    assert SECRET not in str(refused.value)


async def test_another_browser_comes_back_in_vain(desk: Desk) -> None:
    """The cookie of the one that left is needed: no link from a stranger signs anybody in as that stranger."""
    begun, other = await desk.us.begin("/"), await desk.us.begin("/")
    query = desk.there.authorize(begun.address)
    for cookie in ("", "forged", begun.cookie[:-2], other.cookie):
        with pytest.raises(ProviderError):
            await desk.us.finish(query, cookie)


async def test_who_comes_back_too_late_begins_again(desk: Desk) -> None:
    """After ten minutes."""
    begun = await desk.us.begin("/")
    desk.house.clock.advance(timedelta(minutes=10))
    with pytest.raises(ProviderError, match="too late"):
        await desk.us.finish(desk.there.authorize(begun.address), begun.cookie)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"aud": ["tocsin", "another"], "azp": "another"},
        {"nonce": "of another attempt"},
        {"nonce": None},
        {"sub": None},
        {"exp": 1},
        {"at_hash": "of another token"},
    ],
)
async def test_an_id_token_that_is_not_for_us_now_is_refused(desk: Desk, claims: dict[str, Any]) -> None:
    """Signed as it may be."""
    desk.there.claims = claims
    with pytest.raises(ProviderError, match="not to be believed"):
        await desk.through()


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", RSAKey.generate_key(2048, {"kid": "first"})),
        ("HS256", OctKey.import_key(str(_KEY.as_dict(private=False)["n"]), {"kid": "first"})),
    ],
)
async def test_a_forged_signature_is_refused(desk: Desk, algorithm: str, key: Any) -> None:
    """By another key of the same name, or by taking the public key for a shared secret."""
    desk.there.algorithm, desk.there.signing_key = algorithm, key
    with pytest.raises(ProviderError, match="not to be believed"):
        await desk.through()


async def test_a_provider_by_another_name_is_refused(desk: Desk) -> None:
    """The address in the settings must be the one it calls itself."""
    desk.there.called_issuer = "https://other.example"
    with pytest.raises(ProviderError, match=r"write that as `console\.oidc\.issuer`"):
        await desk.us.begin("/")
