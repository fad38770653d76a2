"""Accounts, and how people come in, on both databases."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from monitor.domain.account import Account, Permission, Role
from monitor.domain.errors import UsageError
from monitor.domain.sign_in import Audited, Client, Try
from monitor.storage import Retention, Store

CLIENT = Client("192.0.2.1", "Firefox")


async def _add(store: Store, now: datetime, name: str = "claire", role: Role = Role.VIEWER) -> Account:
    async with store.begin() as tx:
        account = await tx.accounts.add(name, name.title(), role, now)
        await tx.commit()
    return account


async def test_a_name_is_given_once(store: Store, now: datetime) -> None:
    """Whoever asks for one that is taken is told so, and the first stays as it is."""
    account = await _add(store, now)
    with pytest.raises(UsageError, match="tocsin account list"):
        await _add(store, now, role=Role.ADMIN)
    async with store.read() as tx:
        assert await tx.accounts.named("claire") == account
        assert await tx.accounts.all() == [account]
        assert await tx.accounts.admins() == 0


async def test_a_code_s_step_is_used_once(store: Store, now: datetime) -> None:
    """By one of those who come at the same moment; and no earlier one afterwards."""
    account = await _add(store, now)

    async def use(step: int) -> bool:
        async with store.begin() as tx:
            used = await tx.accounts.use_step(account.id, step)
            await tx.commit()
        return used

    assert sorted(await asyncio.gather(*(use(7) for _ in range(4)))) == [False, False, False, True]
    assert [await use(6), await use(8)] == [False, True]


async def test_codes_begin_with_what_was_begun(store: Store, now: datetime) -> None:
    """A confirmation of anything else changes nothing; recovery codes are used up one by one, and go with the codes."""
    account = await _add(store, now)
    async with store.begin() as tx:
        await tx.accounts.begin_codes(account.id, "new")
        assert not await tx.accounts.confirm_codes(account.id, "other", 1, ["a"])
        assert await tx.accounts.confirm_codes(account.id, "new", 1, ["a", "b"])
        assert await tx.accounts.code_secret(account.id) == "new"
        assert await tx.accounts.code_secret(account.id, pending=True) is None
        assert [await tx.accounts.use_recovery(account.id, each) for each in "aa"] == [True, False]
        assert await tx.accounts.recovery_left(account.id) == 1
        await tx.accounts.drop_codes(account.id)
        assert await tx.accounts.recovery_left(account.id) == 0
        assert await tx.accounts.code_secret(account.id) is None


async def test_a_link_is_used_once(store: Store, now: datetime) -> None:
    """By one of those who come at the same moment; a newer one takes its place; the first account's is a link, too."""
    account = await _add(store, now)
    async with store.begin() as tx:
        for hashed, whose in (("old", account.id), ("new", account.id), ("first", None)):
            await tx.sign_ins.add_link(hashed, whose, now + timedelta(days=1))
        assert [await tx.sign_ins.linked(each, now) for each in ("old", "new", "first")] == [None, (account.id,), (None,)]
        await tx.commit()

    async def use() -> bool:
        async with store.begin() as tx:
            used = await tx.sign_ins.use_link("new", now)
            await tx.commit()
        return used

    assert sorted(await asyncio.gather(*(use() for _ in range(4)))) == [False, False, False, True]


async def test_failures_at_the_same_moment_all_count(store: Store, now: datetime) -> None:
    """Also those of a key that was never counted before."""

    async def fail() -> None:
        async with store.begin() as tx:
            tried = (await tx.sign_ins.tries(["a", "b"], now))["a"]
            await tx.sign_ins.count("a", Try(tried.failures + 1, now))
            await tx.commit()

    await asyncio.gather(*(fail() for _ in range(8)))
    async with store.begin() as tx:
        assert await tx.sign_ins.tries(["a", "b"], now) == {"a": Try(8, now), "b": Try(0, now)}
        await tx.sign_ins.count("b", Try(0, now, now))
        await tx.sign_ins.forget_tries(now + timedelta(days=1), now - timedelta(days=1))
        assert await tx.sign_ins.tries(["a", "b"], now) == {"a": Try(0, now), "b": Try(0, now, now)}


async def test_sessions_end_one_by_one_or_all(store: Store, now: datetime) -> None:
    """Those of one account; and those that nobody uses go by themselves."""
    mine, other = await _add(store, now), await _add(store, now, "ada")
    day = timedelta(days=1)
    async with store.begin() as tx:
        one, two = [await tx.sign_ins.begin(each, mine.id, "", CLIENT, now, now + day) for each in "ab"]
        await tx.sign_ins.begin("c", other.id, "code", CLIENT, now, now + day)
        assert await tx.sign_ins.session("a") == one
        await tx.sign_ins.seen(one.id, now + timedelta(hours=1))
        assert [each.id for each in await tx.sign_ins.sessions(mine.id)] == [one.id, two.id]
        assert not await tx.sign_ins.end(one.id, other.id)
        assert await tx.sign_ins.end_all(mine.id, but=one.id) == 1
        await tx.sign_ins.end_over(now, now)
        assert await tx.sign_ins.session("c") is not None
        await tx.sign_ins.end_over(now + timedelta(minutes=1), now)
        assert [await tx.sign_ins.session(each) is None for each in "abc"] == [False, True, True]


async def test_tokens_are_listed_and_ended(store: Store, now: datetime) -> None:
    """With their scopes as they were given."""
    account = await _add(store, now)
    async with store.begin() as tx:
        scopes = frozenset({Permission.LOOK, Permission.EXPORT})
        made = await tx.tokens.add("h", account.id, "grafana", scopes, now, now + timedelta(days=1))
        assert (await tx.tokens.get("h"), await tx.tokens.all(account.id + 1)) == (made, [])
        assert made.scopes == scopes
        assert await tx.tokens.end(made.id, account.id + 1) is None
        assert await tx.tokens.end(made.id) == made
        assert await tx.tokens.all() == []


async def test_the_audit_log_is_read_page_by_page_and_forgotten_in_time(store: Store, now: datetime) -> None:
    """By or about somebody, the newest first; retention lets go of it with the incidents."""
    async with store.begin() as tx:
        for number in range(5):
            old = now - timedelta(days=400) if number < 2 else now
            await tx.audit.add(
                Audited(old, "root", "cli", f"did.{number}", "claire" if number % 2 else "ada", detail={"n": number})
            )
        await tx.commit()
    async with store.read() as tx:
        page = await tx.audit.page(2)
        more = await tx.audit.page(2, before=page[-1].id)
        assert [each.action for each in (*page, *more)] == ["did.4", "did.3", "did.2", "did.1"]
        assert [each.detail for each in await tx.audit.page(9, whom="claire")] == [{"n": 3}, {"n": 1}]
        assert len(await tx.audit.page(9, whom="root")) == 5
    while await store.forget(Retention(), now, 100):
        pass
    async with store.read() as tx:
        assert [each.action for each in await tx.audit.page(9)] == ["did.4", "did.3", "did.2"]
