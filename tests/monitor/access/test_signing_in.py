"""Signing in by a name and a password, and by a code."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
import structlog
from argon2 import PasswordHasher

from monitor.access import Client
from monitor.access.passwords import Passwords
from monitor.access.signing_in import SignInError
from monitor.domain.account import Role
from monitor.domain.errors import UsageError
from tests.monitor.access.conftest import HERE, PASSWORD, Build, CountingHasher, House

if TYPE_CHECKING:
    from monitor.access.sessions import Opened

ELSEWHERE = Client("203.0.113.9", "curl")


async def _fails(house: House, name: str = "claire", password: str = "wrong", client: Client = HERE) -> SignInError:
    with pytest.raises(SignInError) as refused:
        await house.access.signing_in.by_password(name, password, client)
    return refused.value


async def _enters(house: House, client: Client = HERE) -> Opened:
    return await house.access.signing_in.by_password("claire", PASSWORD, client)


async def test_whoever_knows_the_password_is_let_in(house: House) -> None:
    """However the name and the letters of the password are typed."""
    await house.moves_in(password="café crème brûlée")
    opened = await house.access.signing_in.by_password(" CLAIRE ", "cafe\u0301 crème brûlée", HERE)
    entry = await house.access.entry(opened.token)
    assert entry is not None
    assert (entry.visitor.account, entry.visitor.role, entry.step, entry.session.address) == ("claire", "viewer", "", "192.0.2.1")
    assert await house.audited() == ["sign_in"]


async def test_all_refusals_cost_and_say_the_same(house: House) -> None:
    """Nobody learns whether an account exists, has a password or is disabled: as much is hashed, and the words are the same."""
    await house.moves_in()
    await house.moves_in("invited", password=None)
    await house.moves_in("gone")
    async with house.store.begin() as tx:
        gone = await tx.accounts.named("gone")
        assert gone is not None
        await tx.accounts.change(gone.id, disabled_at=house.clock.now())
        await tx.commit()
    said, worked = set(), set()
    for name, password in (("claire", "wrong"), ("nobody", PASSWORD), ("invited", PASSWORD), ("gone", PASSWORD)):
        before = house.hasher.verified
        said.add(str(await _fails(house, name, password)))
        worked.add(house.hasher.verified - before)
    assert said == {"the name or the password is wrong"}
    assert worked == {1}


async def test_what_was_typed_is_written_down_nowhere(house: House) -> None:
    """People type their password where the name belongs: neither the log nor the audit log has it."""
    with structlog.testing.capture_logs() as logged:
        await _fails(house, "my secret passphrase", "hunter2 hunter2")
    async with house.store.read() as tx:
        written = repr(await tx.audit.page(10))
    assert [each["event"] for each in logged] == ["sign_in.refused"]
    assert "secret passphrase" not in repr(logged) + written
    assert "hunter2" not in repr(logged) + written


async def test_who_guesses_waits_longer_and_longer(house: House) -> None:
    """Five failures are free; then each doubles the wait, up to a quarter of an hour, and what comes sooner is not checked."""
    await house.moves_in()
    for _ in range(5):
        assert (await _fails(house)).why == "wrong"
    waits = []
    for _ in range(12):
        worked = house.hasher.verified
        refused = await _fails(house, password=PASSWORD)
        assert refused.why == "wait"
        assert refused.until is not None
        assert house.hasher.verified == worked
        waits.append((refused.until - house.clock.now()).total_seconds())
        house.clock.advance_to(refused.until)
        assert (await _fails(house)).why == "wrong"
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_a_restart_forgets_no_failure(house: House, build: Build) -> None:
    """The count is in the store."""
    await house.moves_in()
    for _ in range(5):
        await _fails(house)
    assert (await _fails(build())).why == "wait"


async def test_guesses_at_the_same_moment_count_each(house: House) -> None:
    """A failure is counted before the password is looked at: a hundred guesses at once are five."""
    await house.moves_in()
    refusals = await asyncio.gather(*(_fails(house) for _ in range(12)))
    assert sorted(each.why for each in refusals) == ["wait"] * 7 + ["wrong"] * 5
    assert house.hasher.verified == 5


async def test_strangers_lock_nobody_out(house: House) -> None:
    """Where an account has signed in before, the failures of strangers elsewhere do not count."""
    await house.moves_in()
    await _enters(house)
    for number in range(8):
        await _fails(house, client=Client(f"203.0.113.{number}"))
    assert (await _fails(house, password=PASSWORD, client=ELSEWHERE)).why == "wait"
    assert (await _enters(house)).session.address == HERE.address


async def test_one_address_does_not_try_many_names(house: House) -> None:
    """Twenty failures from one address are enough, whichever names are tried; of IPv6, an address is a network."""
    for number in range(20):
        assert (await _fails(house, f"name{number}", client=Client(f"2001:db8:1:2::{number:x}"))).why == "wrong"
    assert (await _fails(house, "another", client=Client("2001:db8:1:2:ffff::1"))).why == "wait"
    assert (await _fails(house, "another", client=Client("2001:db8:1:3::1"))).why == "wrong"


async def test_a_day_forgives(house: House) -> None:
    """And the store lets go of what was counted."""
    await house.moves_in()
    for _ in range(6):
        await _fails(house)
    house.clock.advance(timedelta(days=1, minutes=20))
    for _ in range(5):
        assert (await _fails(house)).why == "wrong"


async def test_sign_ins_are_no_failures(house: House) -> None:
    """An office behind one address may sign in as often as it likes."""
    await house.moves_in()
    for _ in range(30):
        await _enters(house)


async def test_an_old_hash_is_made_anew(house: House) -> None:
    """When the parameters have changed, the next sign-in keeps a hash with those of now."""
    account = await house.moves_in()
    house.access.__dict__.clear()
    stronger = CountingHasher(memory_cost=16)
    house = House(
        house.store, house.clock, house.settings, type(house.access)(house.settings, house.store, house.clock), stronger
    )
    house.access._passwords = Passwords(stronger)
    await _enters(house)
    async with house.store.read() as tx:
        kept = await tx.accounts.password(account.id)
    assert kept is not None
    assert "m=16," in kept
    assert not stronger.check_needs_rehash(kept)
    await _enters(house)


def test_passwords_are_hashed_as_advised() -> None:
    """argon2id with 19 MiB and two passes, unless somebody has weakened it."""
    hasher = Passwords()._hasher
    assert isinstance(hasher, PasswordHasher)
    assert (hasher.type.name, hasher.memory_cost, hasher.time_cost) == ("ID", 19 * 1024, 2)


async def _enrols(house: House, opened: Opened) -> tuple[pyotp.TOTP, list[str], str]:
    entry = await house.access.entry(opened.token)
    assert entry is not None
    begun = await house.access.own.begin_codes(entry.account, "Tocsin")
    totp = pyotp.TOTP(begun.secret)
    done = await house.access.own.confirm_codes(entry.account, totp.at(house.clock.now()), HERE)
    return totp, done.recovery, done.opened.token


async def _code(house: House, typed: str) -> Opened:
    opened = await _enters(house)
    assert opened.session.step == "code"
    return await house.access.signing_in.by_code(opened.session, typed, HERE)


async def test_a_code_is_asked_for_once_it_is_set_up(house: House) -> None:
    """Half a sign-in opens nothing, and the cookie of afterwards is another."""
    await house.moves_in()
    totp, _, _ = await _enrols(house, await _enters(house))
    house.clock.advance(timedelta(minutes=1))
    half = await _enters(house)
    entry = await house.access.entry(half.token)
    assert entry is not None
    assert entry.step == "code"
    whole = await house.access.signing_in.by_code(half.session, totp.at(house.clock.now()), HERE)
    entered = await house.access.entry(whole.token)
    assert entered is not None
    assert entered.step == ""
    assert await house.access.entry(half.token) is None


async def test_a_code_works_once(house: House) -> None:
    """Whoever looks over a shoulder comes too late: neither the same code again, nor the one before it."""
    await house.moves_in()
    totp, _, _ = await _enrols(house, await _enters(house))
    house.clock.advance(timedelta(minutes=2))
    code, before = totp.at(house.clock.now()), totp.at(house.clock.now() - timedelta(seconds=30))
    assert (await _code(house, f" {code[:3]} {code[3:]} ")).session.step == ""
    for used in (code, before):
        with pytest.raises(SignInError) as refused:
            await _code(house, used)
        assert refused.value.why == "code"


async def test_the_code_that_set_them_up_is_used_up(house: House) -> None:
    """It was on the screen."""
    await house.moves_in()
    totp, _, _ = await _enrols(house, await _enters(house))
    with pytest.raises(SignInError):
        await _code(house, totp.at(house.clock.now()))


async def test_a_recovery_code_works_once(house: House) -> None:
    """However its groups are typed; nine are left."""
    account = await house.moves_in()
    _, recovery, _ = await _enrols(house, await _enters(house))
    assert (await _code(house, recovery[0].upper().replace("-", " "))).session.step == ""
    with pytest.raises(SignInError):
        await _code(house, recovery[0])
    async with house.store.read() as tx:
        assert await tx.accounts.recovery_left(account.id) == 9


async def test_codes_are_not_guessed(house: House) -> None:
    """Wrong codes count as wrong passwords do, and knowing the password forgives none of them."""
    await house.moves_in()
    await _enrols(house, await _enters(house))
    for _ in range(5):
        with pytest.raises(SignInError) as refused:
            await _code(house, "000000")
        assert refused.value.why == "code"
    assert (await _fails(house, password=PASSWORD)).why == "wait"


async def test_a_role_may_have_to_set_up_codes(build: Build) -> None:
    """Until then their session opens only the page for it; afterwards they cannot do without."""
    house = build(console={"one_time_codes": "admin"})
    await house.moves_in(role=Role.ADMIN)
    opened = await _enters(house)
    assert opened.session.step == "enrol"
    _, _, token = await _enrols(house, opened)
    entry = await house.access.entry(token)
    assert entry is not None
    assert entry.step == ""
    assert await house.access.entry(opened.token) is None
    with pytest.raises(UsageError):
        await house.access.own.drop_codes(entry.account, PASSWORD, HERE)


async def test_a_wrong_first_code_sets_nothing_up(house: House) -> None:
    """Whoever mistypes it tries again with the same picture, and is not locked out meanwhile."""
    await house.moves_in()
    entry = await house.access.entry((await _enters(house)).token)
    assert entry is not None
    begun = await house.access.own.begin_codes(entry.account, "Tocsin")
    with pytest.raises(SignInError):
        await house.access.own.confirm_codes(entry.account, "000000", HERE)
    assert (await house.access.own.begin_codes(entry.account, "Tocsin")).secret == begun.secret
    assert (await _enters(house)).session.step == ""
