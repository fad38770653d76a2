"""One-time links, and the passwords that are set by them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from monitor.access import Client, keeping
from monitor.access.auditing import By
from monitor.access.links import LASTS, LinkGoneError, first_link, say_how_to_begin
from monitor.access.passwords import LONGEST, WeakPasswordError, require_strong
from monitor.access.secret import is_token, new_token
from monitor.access.signing_in import SignInError
from monitor.domain.account import Role
from monitor.domain.errors import UsageError
from tests.monitor.access.conftest import HERE, PASSWORD, House

ADMIN = By("root", "cli")


async def _first(house: House) -> str:
    secret = await first_link(house.store, house.clock.now())
    assert secret is not None
    return secret


async def test_the_first_admin_comes_by_a_link(house: House) -> None:
    """There is no default password; the link is logged at start, and works once, while there is no account."""
    with structlog.testing.capture_logs() as logged:
        await say_how_to_begin(house.store, house.settings.web, house.clock.now())
    [said] = logged
    assert said["event"] == "console.nobody_yet"
    secret = said["open"].removeprefix("http://127.0.0.1:8080/welcome?link=")
    assert await house.access.welcome.whose(secret) is None
    opened = await house.access.welcome.accept(secret, PASSWORD, HERE, name="Claire", called=" Claire M. ")
    entry = await house.access.entry(opened.token)
    assert entry is not None
    assert (entry.account.name, entry.account.called, entry.account.role) == ("claire", "Claire M.", Role.ADMIN)
    with pytest.raises(LinkGoneError):
        await house.access.welcome.accept(secret, PASSWORD, HERE, name="eve")
    with structlog.testing.capture_logs() as logged:
        await say_how_to_begin(house.store, house.settings.web, house.clock.now())
    assert not logged


async def test_the_first_link_is_worth_nothing_once_there_is_an_account(house: House) -> None:
    """However that was made."""
    secret = await _first(house)
    await house.moves_in()
    with pytest.raises(LinkGoneError):
        await house.access.welcome.accept(secret, PASSWORD, HERE, name="eve")


async def test_a_link_lasts_a_day_and_only_the_newest_works(house: House) -> None:
    """Nor does half of one, or what the store keeps of it."""
    before, secret = await _first(house), await _first(house)
    for wrong in (before, secret[:-1], ""):
        with pytest.raises(LinkGoneError):
            await house.access.welcome.whose(wrong)
    house.clock.advance(LASTS - timedelta(seconds=1))
    await house.access.welcome.whose(secret)
    house.clock.advance(timedelta(seconds=1))
    with pytest.raises(LinkGoneError):
        await house.access.welcome.whose(secret)


async def test_a_refused_password_uses_no_link_up(house: House) -> None:
    """Whoever is told to choose another one can."""
    secret = await _first(house)
    for name, password in (("claire", "short"), ("claire", "claire is my name"), ("no name at all", PASSWORD)):
        with pytest.raises((WeakPasswordError, UsageError)):
            await house.access.welcome.accept(secret, password, HERE, name=name)
    assert (await house.access.welcome.accept(secret, PASSWORD, HERE, name="claire")).session.step == ""


async def test_an_invited_person_sets_a_password(house: House) -> None:
    """And has the role that the admin gave; another name in the form changes nothing."""
    _, secret = await keeping.add(house.store, "Ada", "", Role.MANAGER, ADMIN, house.clock.now())
    opened = await house.access.welcome.accept(secret, PASSWORD, HERE, name="eve")
    entry = await house.access.entry(opened.token)
    assert entry is not None
    assert (entry.account.name, entry.account.role) == ("ada", Role.MANAGER)
    assert await house.audited() == ["account.added", "password.set"]


async def test_a_link_ends_all_sessions_and_gets_around_strangers(house: House) -> None:
    """Whoever has forgotten the password, or is kept waiting by somebody who guesses, comes in; codes stay unless lost."""
    await house.moves_in()
    before = await house.access.signing_in.by_password("claire", PASSWORD, Client("198.51.100.7"))
    for number in range(8):
        with pytest.raises(SignInError):
            await house.access.signing_in.by_password("claire", "guess", Client(f"203.0.113.{number}"))
    _, secret = await keeping.link(house.store, "claire", ADMIN, house.clock.now())
    assert (await house.access.welcome.accept(secret, "another fine password", HERE)).session.step == ""
    assert await house.access.entry(before.token) is None
    await house.access.signing_in.by_password("claire", "another fine password", HERE)


async def test_no_link_opens_a_disabled_account(house: House) -> None:
    """None is made, and one that was made before is worth nothing."""
    await house.moves_in("root", Role.ADMIN)
    await house.moves_in()
    _, secret = await keeping.link(house.store, "claire", ADMIN, house.clock.now())
    await keeping.disable(house.store, "claire", ADMIN, house.clock.now())
    with pytest.raises(LinkGoneError):
        await house.access.welcome.accept(secret, PASSWORD, HERE)
    with pytest.raises(UsageError, match="tocsin account enable claire"):
        await keeping.link(house.store, "claire", ADMIN, house.clock.now())


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("x" * 11, "short"),
        ("\u0061\u0301" * 11, "short"),  # eleven letters with accents, however they are put together
        ("x y" * (LONGEST // 2), "long"),
        ("Motdepasse123", "common"),
        ("aaaaaaaaaaaaaa", "common"),
        ("Claire2026!!", "name"),
    ],
)
def test_what_is_tried_first_is_no_password(password: str, why: str) -> None:
    """Each refusal says what is wrong, and never repeats the password."""
    with pytest.raises(WeakPasswordError) as refused:
        require_strong(password, "claire")
    assert refused.value.why == why
    assert password not in str(refused.value)


@given(st.text(alphabet="abcdefghijklmnop ", min_size=12, max_size=LONGEST))
def test_any_long_phrase_will_do(phrase: str) -> None:
    """No rule about capitals and digits: length is what counts, up to a thousand characters."""
    require_strong(phrase + " xyz", "claire")


def test_tokens_are_never_the_same() -> None:
    """And each has its checksum."""
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(is_token(each) for each in made)
