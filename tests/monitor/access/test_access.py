"""What the door is told: by a session, a token, a form, or a proxy in front."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import structlog
from multidict import CIMultiDict

from monitor.access import Access, Client, Entry, keeping, tokens
from monitor.access.auditing import By
from monitor.access.passwords import WeakPasswordError
from monitor.access.sessions import Opened
from monitor.access.signing_in import SignInError
from monitor.domain.account import Permission, Role
from monitor.domain.errors import UsageError
from tests.monitor.access.conftest import HERE, PASSWORD, Build, House

if TYPE_CHECKING:
    from monitor.domain.sign_in import Token

ADMIN = By("root", "cli")
DAY = timedelta(days=1)


async def _enters(house: House) -> tuple[Opened, Entry]:
    opened = await house.access.signing_in.by_password("claire", PASSWORD, HERE)
    entry = await house.access.entry(opened.token)
    assert entry is not None
    return opened, entry


async def test_a_session_that_nobody_uses_ends(house: House) -> None:
    """After twelve hours; whoever comes back in time begins them anew."""
    await house.moves_in()
    opened, _ = await _enters(house)
    for _ in range(3):
        house.clock.advance(timedelta(hours=11))
        assert await house.access.entry(opened.token) is not None
    house.clock.advance(timedelta(hours=12))
    assert await house.access.entry(opened.token) is None


async def test_every_session_ends(house: House) -> None:
    """After fourteen days, however busy; and shorter settings end those that go on."""
    await house.moves_in()
    opened, _ = await _enters(house)
    for _ in range(28):
        house.clock.advance(timedelta(hours=12) - timedelta(minutes=2))
        assert await house.access.entry(opened.token) is not None
    house.clock.advance(timedelta(hours=1))
    assert await house.access.entry(opened.token) is None


async def test_a_guessed_cookie_opens_nothing(house: House) -> None:
    """Nor does what the store keeps of one."""
    await house.moves_in()
    opened, _ = await _enters(house)
    assert opened.token not in repr(opened)
    for cookie in ("", "x", opened.token[:-1], "é" * 40, "\ud800"):
        assert await house.access.entry(cookie) is None


async def test_another_password_ends_all_sessions(house: House) -> None:
    """This browser goes on under another secret; the old password is worth nothing."""
    await house.moves_in()
    other, _ = await _enters(house)
    opened, entry = await _enters(house)
    with pytest.raises(SignInError):
        await house.access.own.change_password(entry.account, "wrong", "another fine password", entry.session, HERE)
    with pytest.raises(WeakPasswordError):
        await house.access.own.change_password(entry.account, PASSWORD, "short", entry.session, HERE)
    after = await house.access.own.change_password(entry.account, PASSWORD, "another fine password", entry.session, HERE)
    assert [await house.access.entry(each.token) is not None for each in (other, opened, after)] == [False, False, True]
    with pytest.raises(SignInError):
        await house.access.signing_in.by_password("claire", PASSWORD, HERE)


async def test_who_guesses_with_somebody_s_session_waits_too(house: House) -> None:
    """A browser that was left open gives nobody the password: five failures are free, and each is written down."""
    await house.moves_in()
    _, entry = await _enters(house)
    why = []
    for _ in range(3):
        with pytest.raises(SignInError) as refused:
            await house.access.own.change_password(entry.account, "a wrong guess", "another fine password", entry.session, HERE)
        why.append(refused.value.why)
    for password in ("another guess", "a third guess", PASSWORD):
        with pytest.raises(SignInError) as refused:
            await house.access.own.drop_codes(entry.account, password, HERE)
        why.append(refused.value.why)
    assert why == ["wrong"] * 5 + ["wait"]
    assert (await house.audited()).count("password.refused") == 5
    house.clock.advance(timedelta(minutes=1))
    await house.access.own.drop_codes(entry.account, PASSWORD, HERE)


async def test_people_end_their_own_sessions_and_no_others(house: House) -> None:
    """By the number on their page."""
    await house.moves_in()
    stranger = await house.moves_in("ada")
    opened, entry = await _enters(house)
    assert not await house.access.own.end_session(stranger, entry.session.id, HERE)
    await house.access.sign_out(entry, HERE)
    assert await house.access.entry(opened.token) is None


async def test_a_role_counts_from_the_next_request_on(house: House) -> None:
    """And who is disabled is out at once, with their tokens."""
    account = await house.moves_in(role=Role.MONITOR)
    await house.moves_in("root", Role.ADMIN)
    opened, _ = await _enters(house)
    _, token = await tokens.make(house.store, account, "bot", [Permission.LOOK], DAY, ADMIN, house.clock.now())
    await keeping.give_role(house.store, "claire", Role.MANAGER, ADMIN, house.clock.now())
    entry = await house.access.entry(opened.token)
    assert entry is not None
    assert entry.visitor.may(Permission.DECIDE)
    await keeping.disable(house.store, "claire", ADMIN, house.clock.now())
    assert await house.access.entry(opened.token) is None
    assert await house.access.bearer(token) is None
    await keeping.enable(house.store, "claire", ADMIN, house.clock.now())
    assert await house.access.bearer(token) is not None
    assert await house.access.entry(opened.token) is None


async def test_somebody_is_always_left_to_administer(house: House) -> None:
    """The last admin is neither disabled nor given another role."""
    await house.moves_in("root", Role.ADMIN)
    for refused in (keeping.disable(house.store, "root", ADMIN, house.clock.now()),
                    keeping.give_role(house.store, "root", Role.VIEWER, ADMIN, house.clock.now())):  # fmt: skip
        with pytest.raises(UsageError, match="nobody would be left"):
            await refused
    async with house.store.read() as tx:
        assert await tx.accounts.admins() == 1
        assert await tx.audit.page(10) == []


async def _token(house: House, *scopes: Permission, lasting: timedelta = DAY) -> tuple[Token, str]:
    async with house.store.read() as tx:
        account = await tx.accounts.named("claire")
    assert account is not None
    return await tokens.make(house.store, account, "grafana", scopes, lasting, ADMIN, house.clock.now())


async def test_a_token_may_what_its_scopes_say(house: House) -> None:
    """As long as its owner may it; it is shown once, and its end is its end."""
    await house.moves_in(role=Role.MANAGER)
    token, secret = await _token(house, Permission.LOOK, Permission.EXPORT)
    visitor = await house.access.bearer(secret)
    assert visitor is not None
    assert [each for each in Permission if visitor.may(each)] == [Permission.LOOK, Permission.EXPORT]
    assert (visitor.account, visitor.through) == ("claire", "token")
    async with house.store.read() as tx:
        [kept] = await tx.tokens.all()
    assert kept.used_at == house.clock.now()
    assert secret not in repr((token, kept))
    house.clock.advance(DAY)
    assert await house.access.bearer(secret) is None


async def test_a_token_is_recognised_wherever_it_was_published(house: House) -> None:
    """By its first letters and a checksum: a mistyped one is not even looked up, and logs show none."""
    await house.moves_in()
    _, secret = await _token(house, Permission.LOOK)
    assert len(secret) == len("tocsin_") + 72
    mistyped = secret[:-9] + ("0" if secret[-9] != "0" else "1") + secret[-8:]
    for wrong in (mistyped, secret.upper(), secret[7:], secret + "0", "tocsin_", "é" * 79):
        assert await house.access.bearer(wrong) is None
    from monitor.telemetry import hide_secrets  # noqa: PLC0415 - here alone

    assert secret not in hide_secrets(f"somebody posted {secret} in a ticket")


@pytest.mark.parametrize(
    ("scopes", "lasting"),
    [((), DAY), ((Permission.DECIDE,), DAY), ((Permission.LOOK,), DAY * 400), ((Permission.LOOK,), DAY * 0)],
)
async def test_a_token_is_no_way_up(house: House, scopes: tuple[Permission, ...], lasting: timedelta) -> None:
    """It may no more than its owner, and does not last for ever."""
    await house.moves_in()
    with pytest.raises(UsageError):
        await _token(house, *scopes, lasting=lasting)


async def test_an_ended_token_works_no_more(house: House) -> None:
    """Its owner's or an admin's word ends it; nobody else's."""
    await house.moves_in()
    stranger = await house.moves_in("ada")
    token, secret = await _token(house, Permission.LOOK)
    with pytest.raises(UsageError):
        await tokens.end(house.store, token.id, ADMIN, house.clock.now(), owner=stranger)
    await tokens.end(house.store, token.id, ADMIN, house.clock.now())
    assert await house.access.bearer(secret) is None


FROM_HERE = {"Sec-Fetch-Site": "same-origin", "Host": "tocsin.example", "Origin": "http://tocsin.example"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://tocsin.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "tocsin.example", "Origin": "https://evil.example"},
        {"Host": "tocsin.example", "Origin": "null"},
        {"Origin": "null"},
        {"Host": "tocsin.example", "Origin": "http://tocsin.example:81"},
    ],
)
async def test_what_another_site_sends_is_refused(house: House, headers: dict[str, str]) -> None:
    """Even with the right mark of the session."""
    await house.moves_in()
    _, entry = await _enters(house)
    assert house.access.forged("POST", headers, entry.visitor.csrf, entry.visitor) is not None
    assert house.access.forged("GET", headers, "", entry.visitor) is None


async def test_a_form_belongs_to_one_session(house: House) -> None:
    """The mark of another session, or none, is refused; a program with a token needs none."""
    await house.moves_in()
    _, other = await _enters(house)
    _, entry = await _enters(house)
    assert house.access.forged("POST", FROM_HERE, entry.visitor.csrf, entry.visitor) is None
    for given in (other.visitor.csrf, "", "é"):
        assert house.access.forged("POST", FROM_HERE, given, entry.visitor) is not None
    _, secret = await _token(house, Permission.LOOK)
    program = await house.access.bearer(secret)
    assert program is not None
    assert house.access.forged("POST", {}, "", program) is None
    assert entry.visitor.csrf not in repr(entry)


def test_the_cookie_is_ours_alone_behind_https(build: Build) -> None:
    """`__Host-` and Secure need https; no script reads it."""
    plain, safe = build().access, build(web={"public_url": "https://tocsin.example"}).access
    assert (plain.cookie, safe.cookie) == ("tocsin", "__Host-tocsin")
    assert (plain.cookie_options()["secure"], safe.cookie_options()["secure"]) == (False, True)
    assert safe.cookie_options() == {"path": "/", "httponly": True, "samesite": "Lax", "secure": True, "max_age": 14 * 86400}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # what the first one says, anybody may have written
        ("127.0.0.1", "203.0.113.9, 127.0.0.1", "203.0.113.9"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        (None, "203.0.113.9", ""),
    ],
)
def test_where_a_request_comes_from_is_said_by_our_own_proxies(
    house: House, peer: str | None, forwarded: str, address: str
) -> None:
    """Nobody else is believed: or else nobody would wait who guesses."""
    headers = CIMultiDict({"X-Forwarded-For": forwarded, "User-Agent": "a\nb"})
    assert house.access.client(peer, headers) == Client(address, "a b")


def test_the_line_that_a_proxy_adds_counts_and_not_the_one_above(house: House) -> None:
    """Some add a header of their own below the one that whoever guesses has sent, with another address each time."""
    headers = CIMultiDict([("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.9")])
    assert house.access.client("127.0.0.1", headers).address == "203.0.113.9"


PROXY = {"addresses": "10.0.0.5", "called": "X-Name", "groups": "X-Groups", "roles": {"staff": "monitor"}, "create": True}
SAYS = {"X-Forwarded-User": "Claire", "X-Name": "Claire M.", "X-Groups": "others, staff"}


async def _proxied(access: Access, peer: str, **headers: str) -> str | None:
    visitor = await access.proxied(peer, CIMultiDict(SAYS | headers), Client(peer))
    return f"{visitor.account} {visitor.role} {visitor.through}" if visitor is not None else None


async def test_a_trusted_proxy_says_who_people_are(build: Build) -> None:
    """From its own address alone: from elsewhere the header is passed over, and the log says so."""
    house = build(console={"proxy": PROXY})
    assert await _proxied(house.access, "10.0.0.5") == "claire monitor proxy"
    assert await _proxied(house.access, "10.0.0.5", **{"X-Forwarded-User": " "}) is None
    with structlog.testing.capture_logs() as logged:
        assert await _proxied(house.access, "10.0.0.6") is None
    assert [(each["event"], each["remote"]) for each in logged] == [("access.header_ignored", "10.0.0.6")]
    assert await _proxied(house.access, "10.0.0.5", **{"X-Groups": "others"}) is None
    assert await _proxied(build().access, "10.0.0.5") is None


@pytest.mark.parametrize(("name", "said"), [("X-Forwarded-User", "root"), ("X-Name", "The boss"), ("x-groups", "staff")])
async def test_who_adds_a_second_header_is_nobody(build: Build, name: str, said: str) -> None:
    """A proxy that adds its header, and leaves the one that came, would let people call themselves what they like."""
    access = build(console={"proxy": PROXY}).access
    with structlog.testing.capture_logs() as logged:
        assert await access.proxied("10.0.0.5", CIMultiDict([(name, said), *SAYS.items()]), HERE) is None
    assert [each["event"] for each in logged] == ["access.header_twice"]


async def test_a_proxy_s_visitor_has_forms_of_their_own(build: Build) -> None:
    """There is no session: the mark is that of the account."""
    access = build(console={"proxy": PROXY}).access
    claire = await access.proxied("10.0.0.5", CIMultiDict(SAYS), HERE)
    ada = await access.proxied("10.0.0.5", CIMultiDict(SAYS | {"X-Forwarded-User": "ada"}), HERE)
    assert claire is not None
    assert ada is not None
    assert access.forged("POST", FROM_HERE, claire.csrf, claire) is None
    assert access.forged("POST", FROM_HERE, ada.csrf, claire) is not None
