"""Sources, receivers, the inbox, rule states and the evaluator's lease, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from monitor.domain.alert import ReceiverState
from monitor.domain.errors import Trouble
from monitor.domain.mention import Enriched
from monitor.domain.source import Hour, SourceState
from monitor.storage import LeaseLost, Retention, StorageSettings, Store
from monitor.storage.inbox import WAITING
from monitor.storage.tables import inbox

Said = Callable[..., Enriched]
MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=30)


async def test_a_source_starts_at_the_beginning(store: Store) -> None:
    """Nobody has polled it: no cursor, no failure."""
    async with store.read() as tx:
        assert await tx.sources.get("feed") == SourceState("feed")
        assert await tx.sources.all() == []


async def test_a_source_remembers_its_failures_until_it_answers(store: Store, now: datetime) -> None:
    """Failures in a row are counted, the cursor stays; a success clears them."""
    async with store.begin() as tx:
        await tx.sources.register({"feed": "h1"})
        await tx.sources.succeeded("feed", cursor="c1", watermark=None, at=now)
        for n in (1, 2):
            failures = await tx.sources.failed(
                "feed",
                trouble=Trouble.THROTTLED,
                detail="429\x00",
                at=now + n * MINUTE,
                backoff_until=now + 5 * MINUTE,
                stopped=n == 2,
            )
            assert failures == n
        await tx.commit()
    async with store.begin() as tx:
        assert await tx.sources.get("feed") == SourceState(
            "feed",
            cursor="c1",
            watermark=now,
            first_attempt_at=now,
            last_attempt_at=now + 2 * MINUTE,
            last_success_at=now,
            failures=2,
            trouble="throttled",
            detail="429",
            backoff_until=now + 5 * MINUTE,
            stopped=True,
            settings_hash="h1",
        )
        await tx.sources.succeeded("feed", cursor="c2", watermark=now + MINUTE, at=now + 3 * MINUTE)
        well = await tx.sources.get("feed")
    assert (well.cursor, well.failures, well.trouble, well.detail, well.backoff_until, well.stopped) == (
        "c2",
        0,
        None,
        None,
        None,
        False,
    )
    assert (well.watermark, well.first_attempt_at, well.last_success_at) == (now + MINUTE, now, now + 3 * MINUTE)


async def test_a_start_lets_a_stopped_source_try_again(store: Store, now: datetime) -> None:
    """A token may have been renewed where we cannot see it: a start or reload asks once more; the cursor is kept."""
    async with store.begin() as tx:
        await tx.sources.register({"feed": "h1", "other": "h1"})
        await tx.sources.succeeded("feed", cursor="c1", watermark=None, at=now)
        await tx.sources.failed("feed", trouble="credentials", detail="401", at=now, backoff_until=now, stopped=True)
        await tx.sources.register({"feed": "h1"})
        assert not (await tx.sources.get("feed")).stopped


async def test_changed_settings_end_a_wait(store: Store, now: datetime) -> None:
    """The same settings go on waiting as they were told to; changed ones try at once."""
    async with store.begin() as tx:
        await tx.sources.register({"feed": "h1", "other": "h1"})
        await tx.sources.succeeded("feed", cursor="c1", watermark=None, at=now)
        await tx.sources.failed("feed", trouble="throttled", detail="429", at=now, backoff_until=now, stopped=False)
        await tx.sources.register({"feed": "h1"})
        assert (await tx.sources.get("feed")).backoff_until == now
        await tx.sources.register({"feed": "h2"})
        state = await tx.sources.get("feed")
        assert (state.stopped, state.backoff_until, state.failures, state.trouble, state.cursor) == (False, None, 0, None, "c1")
        assert [each.source for each in await tx.sources.all()] == ["feed", "other"]


async def test_a_receiver_is_disabled_until_its_settings_change(store: Store, now: datetime) -> None:
    """410 Gone disables it; failures in a row are counted until one arrives."""
    async with store.begin() as tx:
        await tx.receivers.register({"hook": "h1", "ops": "h1"})
        assert [await tx.receivers.failed("hook", now), await tx.receivers.failed("hook", now)] == [1, 2]
        await tx.receivers.disable("hook", "410 Gone", now)
        await tx.receivers.register({"hook": "h1"})
        assert await tx.receivers.disabled() == {"hook": "410 Gone"}
        await tx.receivers.register({"hook": "h2"})
        assert await tx.receivers.disabled() == {}
        await tx.receivers.failed("ops", now)
        await tx.receivers.succeeded("ops", now + MINUTE)
        assert await tx.receivers.all() == [
            ReceiverState("hook", last_failure_at=now, settings_hash="h2"),
            ReceiverState("ops", last_success_at=now + MINUTE, last_failure_at=now, settings_hash="h1"),
        ]
        assert await tx.receivers.failed("unregistered", now) == 1


async def test_what_is_pushed_is_kept_once_and_read_in_order(store: Store, now: datetime) -> None:
    """A repeated delivery is recognised, even after it was read; what was understood is emptied."""
    async with store.begin() as tx:
        assert await tx.inbox.put("hook", "d1", b"\x00\xff", now)
        assert not await tx.inbox.put("hook", "d1", b"again", now)
        assert await tx.inbox.put("other", "d1", b"theirs", now)
        assert await tx.inbox.put("hook", "d" * 5000, b"two", now)
        assert not await tx.inbox.put("hook", "d" * 5000, b"two", now)
        await tx.commit()
    async with store.begin() as tx:
        one, two = await tx.inbox.pending("hook", 10)
        assert (one.source, one.body, one.received_at, two.body) == ("hook", b"\x00\xff", now, b"two")
        assert await tx.inbox.pending("hook", 1) == [one]
        assert await tx.inbox.pending("hook", 10, 1) == [one]  # its body alone is as much as anybody wants to hold
        assert await tx.inbox.waiting() == {"hook": 2, "other": 1}
        await tx.inbox.processed(one.id, now)
        await tx.inbox.processed(two.id, now, error="not JSON")
        assert await tx.inbox.pending("hook", 10) == []
        assert not await tx.inbox.put("hook", "d1", b"again", now)


async def test_what_is_done_once_is_marked_and_waits_for_nobody(store: Store, now: datetime) -> None:
    """The first mark counts, by its means and key; one that was rolled back is none."""
    async with store.begin() as tx:
        assert await tx.inbox.mark("/take", "1", now)
    async with store.begin() as tx:
        assert await tx.inbox.marked("/take", "1") is None
        assert await tx.inbox.mark("/take", "1", now)
        assert not await tx.inbox.mark("/take", "1", now + MINUTE)
        assert await tx.inbox.mark("/api", "1", now)
        assert await tx.inbox.mark("/take", "2" * 5000, now)
        await tx.commit()
    async with store.read() as tx:
        assert await tx.inbox.marked("/take", "1") == now
        assert await tx.inbox.marked("/take", "2" * 5000) == now
        assert await tx.inbox.marked("/take", "3") is None
        assert await tx.inbox.waiting() == {}


def test_what_waits_is_counted_without_looking_at_what_was_read() -> None:
    """The metrics ask every few seconds, and a year of webhooks may have been read."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        inbox.create(connection)
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {WAITING.compile(engine)}")).all()
    engine.dispose()
    assert [row.detail for row in plan] == ["SCAN inbox USING INDEX ix_inbox_waiting"]


async def test_rule_states_are_saved_in_part(store: Store, now: datetime) -> None:
    """What is not mentioned stays, None forgets, and rules that are gone are pruned."""
    a, b, c = ("storm", "s1", '["brand"]'), ("storm", "s2", "k"), ("old", "s1", "k")
    async with store.begin() as tx:
        await tx.rule_states.save({a: {"n": [1, 2.5, None, "é"]}, b: {"n": 1}, c: {}}, now)
        await tx.rule_states.save({b: {"n": 2}, c: None, ("never", "was", "there"): None}, now)
        await tx.rule_states.save({}, now)
        assert await tx.rule_states.load() == {a: {"n": [1, 2.5, None, "é"]}, b: {"n": 2}}
        assert await tx.rule_states.prune({("storm", "s1"), ("new", "s9")}) == 1
        assert list(await tx.rule_states.load()) == [a]
        assert await tx.rule_states.prune(set()) == 1
        assert await tx.rule_states.load() == {}


async def test_whether_a_rules_states_are_complete_is_noted_beside_them(store: Store, now: datetime) -> None:
    """It is no state itself, and goes with the rule, or with its shape."""
    async with store.begin() as tx:
        assert await tx.rule_states.complete() == {}
        await tx.rule_states.note({("storm", "s1"): False, ("storm", "s2"): True, ("old", "s1"): True}, now)
        await tx.rule_states.note({("storm", "s1"): True}, now)
        assert await tx.rule_states.load() == {}
        assert await tx.rule_states.complete() == {("storm", "s1"): True, ("storm", "s2"): True, ("old", "s1"): True}
        await tx.rule_states.prune({("storm", "s1")})
        assert await tx.rule_states.complete() == {("storm", "s1"): True}


async def test_one_evaluator_at_a_time(store: Store, now: datetime) -> None:
    """A lease is refused to others while it lasts, renewed by its holder, and free once given back."""
    async with store.begin() as tx:
        assert await tx.evaluator.offset() == 0
        mine = await tx.evaluator.claim("a", wall=now, lease=LEASE)
        assert mine is not None
        assert (mine.epoch, mine.offset) == (1, 0)
        assert await tx.evaluator.claim("b", wall=now + LEASE - timedelta(seconds=1), lease=LEASE) is None
        await tx.evaluator.renew("a", mine.epoch, now + LEASE, LEASE)
        assert await tx.evaluator.claim("b", wall=now + LEASE, lease=LEASE) is None
        await tx.evaluator.advance("a", mine.epoch, 42)
        await tx.evaluator.release("a", mine.epoch)
        await tx.evaluator.release("a", mine.epoch)
        yours = await tx.evaluator.claim("b", wall=now, lease=LEASE)
        assert yours is not None
        assert (yours.epoch, yours.offset, await tx.evaluator.offset()) == (2, 42, 42)


async def test_nobody_holds_a_lease_for_longer_than_it_lasts(store: Store, now: datetime) -> None:
    """Its holder may have died, and the clock was set back since: the others wait for one lease, not until that hour."""
    async with store.begin() as tx:
        await tx.evaluator.claim("dead", wall=now + timedelta(hours=1), lease=LEASE)
        assert await tx.evaluator.claim("heir", wall=now, lease=LEASE) is None
        assert await tx.evaluator.claim("heir", wall=now + LEASE, lease=LEASE) is not None


async def test_an_evaluator_that_restarts_takes_its_own_lease_anew(store: Store, now: datetime) -> None:
    """Under a new epoch: what its former self had begun cannot be committed."""
    async with store.begin() as tx:
        first = await tx.evaluator.claim("a", wall=now, lease=LEASE)
        second = await tx.evaluator.claim("a", wall=now, lease=LEASE)
        assert first is not None
        assert second is not None
        assert second.epoch == first.epoch + 1
        with pytest.raises(LeaseLost):
            await tx.evaluator.renew("a", first.epoch, now, LEASE)


async def test_the_lease_of_the_dead_is_freed_at_once(store: Store, now: datetime) -> None:
    """And should the dead live after all, its epoch fences it."""
    async with store.begin() as tx:
        assert await tx.evaluator.holder(now) is None
        lease = await tx.evaluator.claim("dead", wall=now, lease=LEASE)
        assert lease is not None
        await tx.evaluator.free("somebody else")
        assert await tx.evaluator.holder(now) == "dead"
        assert await tx.evaluator.holder(now + LEASE) is None
        await tx.evaluator.free("dead")
        assert await tx.evaluator.holder(now) is None
        with pytest.raises(LeaseLost):
            await tx.evaluator.advance("dead", lease.epoch, 1)
        assert await tx.evaluator.claim("heir", wall=now, lease=LEASE) is not None


async def test_a_zombie_evaluator_cannot_commit(store: Store, storage: StorageSettings, said: Said, now: datetime) -> None:
    """Frozen past its lease, awake again: its work is refused, and rolled back with it."""
    other = await Store.open(storage)
    async with store.begin() as tx:
        await tx.mentions.add([said("1")], source="feed", seen_at=now)
        zombie = await tx.evaluator.claim("a", wall=now, lease=LEASE)
        await tx.commit()
    async with other.begin() as tx:
        heir = await tx.evaluator.claim("b", wall=now + LEASE, lease=LEASE)
        await tx.commit()
    assert zombie is not None
    assert heir is not None
    async with store.begin() as tx:
        await tx.rule_states.save({("storm", "s", "k"): {"n": 1}}, now)
        with pytest.raises(LeaseLost, match="another has taken over"):
            await tx.evaluator.advance("a", zombie.epoch, 1)
    async with other.begin() as tx:
        assert await tx.rule_states.load() == {}
        await tx.evaluator.advance("b", heir.epoch, 1)
        await tx.commit()
    await other.close()
    async with store.read() as tx:
        assert await tx.evaluator.offset() == 1


async def test_what_a_source_does_is_counted_by_the_hour(store: Store, now: datetime) -> None:
    """Polls, failures and what it had not brought before, in the hour in which each poll began; another source apart."""
    async with store.begin() as tx:
        await tx.sources.succeeded("feed", cursor=None, watermark=None, at=now, brought=3)
        await tx.sources.failed("feed", trouble="timeout", detail="", at=now + MINUTE, backoff_until=None, stopped=False)
        await tx.sources.succeeded("feed", cursor=None, watermark=None, at=now + 60 * MINUTE)
        await tx.sources.succeeded("other", cursor=None, watermark=None, at=now, brought=1)
        await tx.commit()
    async with store.read() as tx:
        assert await tx.sources.hours("feed", now, now + 120 * MINUTE) == [Hour(now, 2, 1, 3), Hour(now + 60 * MINUTE, 1, 0, 0)]
        assert await tx.sources.hours("feed", now, now + 60 * MINUTE) == [Hour(now, 2, 1, 3)]
        assert await tx.sources.polled(now) == {"feed": (3, 1), "other": (1, 0)}
        assert await tx.sources.polled(now + MINUTE) == {"feed": (1, 0)}
        assert (await tx.sources.get("feed")).brought_at == now


async def test_the_hours_of_sources_are_forgotten_after_weeks(store: Store, now: datetime) -> None:
    """A habit needs a few weeks, and no more."""
    async with store.begin() as tx:
        for weeks in (9, 7):
            await tx.sources.succeeded("feed", cursor=None, watermark=None, at=now - timedelta(weeks=weeks))
        await tx.commit()
    while await store.forget(Retention(), now, 100):
        pass
    async with store.read() as tx:
        kept = await tx.sources.hours("feed", now - timedelta(weeks=10), now)
    assert [each.hour for each in kept] == [now - timedelta(weeks=7)]
