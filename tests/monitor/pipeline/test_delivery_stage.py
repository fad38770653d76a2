"""Delivery: at least once under an id that stays the same, retried by reason, and nobody waits for somebody else's receiver."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import cycle, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.pipeline import delivery
from monitor.pipeline.delivery import GIVE_UP_AFTER, LEASE
from monitor.pipeline.patience import LONGEST_OBEDIENCE, SCHEDULE, patience
from monitor.shift import Shift
from monitor.telemetry import metrics
from notifiers import DeliveryError, Reason

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

SECOND = timedelta(seconds=1)
UNAVAILABLE = DeliveryError(Reason.UNAVAILABLE, "503")


async def owed(build: Build, **more: object) -> House:
    """A house that owes the desk one message."""
    home = build(**more)
    await home.hears("Acme broken")
    return home


async def test_a_message_is_sent_once(house: Build) -> None:
    """A delivered message is not due again; its outcome stands in the store and in the incident's timeline."""
    home = await owed(house)
    assert await home.stages.deliver.due() == {"desk"}
    assert await home.stages.deliver.step("desk") == 1
    assert await home.stages.deliver.step("desk") == 0
    (record,) = await home.deliveries()
    assert (record.state, record.attempts, record.detail) == ("delivered", 1, "taken")
    (event,) = await home.timeline("delivery.delivered")
    assert event.detail == {"receiver": "desk", "message": "first", "attempts": 1}
    assert event.incident_id == (await home.alert()).incident_id


async def test_a_transient_failure_is_tried_again(house: Build) -> None:
    """The tries follow the schedule, under one id."""
    home = await owed(house)
    home.doors["desk"].troubles = [UNAVAILABLE] * 3
    await home.stages.deliver.step("desk")
    (record,) = await home.deliveries()
    assert (record.state, record.reason, record.detail) == ("pending", "unavailable", "503")
    assert await home.stages.deliver.step("desk") == 0, "not before its time"
    for before, after in pairwise(SCHEDULE[:4]):
        home.clock.advance(after - before)
        assert await home.stages.deliver.step("desk") == 1
    assert len(home.told("desk")) == 1
    assert len({id_ for id_, _ in home.doors["desk"].attempts}) == 1
    assert (await home.deliveries())[0].attempts == 4


@pytest.mark.parametrize("reason", [Reason.UNKNOWN_RECIPIENT, Reason.REJECTED, Reason.MISCONFIGURED])
async def test_a_permanent_failure_ends_at_once(hut: Build, reason: Reason) -> None:
    """What will never be taken is not tried again, and the timeline says so."""
    home = await owed(hut)
    home.doors["desk"].troubles = [DeliveryError(reason, "no")]
    await home.act()
    record = (await home.deliveries())[0]
    assert (record.state, record.reason, record.attempts) == ("failed", str(reason), 1)
    (event,) = await home.timeline("delivery.failed")
    assert event.detail == {"receiver": "desk", "message": "first", "reason": str(reason), "detail": "no", "attempts": 1}


async def test_the_other_side_says_how_long_to_wait(hut: Build) -> None:
    """Retry-After is obeyed."""
    home = await owed(hut)
    home.doors["desk"].troubles = [DeliveryError(Reason.THROTTLED, "429", retry_after=90)]
    await home.act()
    home.clock.advance(89 * SECOND)
    assert await home.stages.deliver.due() == set()
    home.clock.advance(SECOND)
    await home.act()
    assert len(home.told("desk")) == 1


@given(attempts=st.integers(1, 10_000), asked=st.none() | st.floats())
def test_patience_is_never_absurd(attempts: int, asked: float | None) -> None:
    """Whatever the other side asks for, a receiver is neither hammered nor forgotten."""
    wait = patience(attempts, asked)
    assert SCHEDULE[1] <= wait <= max(LONGEST_OBEDIENCE, SCHEDULE[-1]) * 1.1


async def test_a_bug_in_a_notifier_is_an_outage(hut: Build) -> None:
    """What a notifier should not raise is kept, without its words, and tried again; so is one that hangs."""
    home = await owed(hut)
    home.doors["desk"].troubles = [ZeroDivisionError("password"), TimeoutError()]
    await home.act()
    assert [(each.state, each.reason, each.detail) for each in await home.deliveries()] == [
        ("pending", "internal", "ZeroDivisionError")
    ]
    home.clock.advance(6 * SECOND)
    await home.act()
    assert [(each.state, each.reason) for each in await home.deliveries()] == [("pending", "timeout")]


async def test_failures_of_the_receiver_are_no_bugs(hut: Build) -> None:
    """What was refused five times is not given up for the first bug of ours: it is tried in plain words before."""
    home = await owed(hut)
    home.doors["desk"].troubles = [*[UNAVAILABLE] * 5, ZeroDivisionError()]
    for before, after in pairwise((*SCHEDULE[:6], SCHEDULE[6] + 60 * SECOND)):
        await home.act()
        home.clock.advance(after - before)
    assert [(each.state, each.reason, each.attempts) for each in await home.deliveries()][:1] == [("pending", "internal", 6)]
    home.clock.advance(timedelta(minutes=10))
    await home.act()
    assert len(home.told("desk")) == 1


async def test_a_day_of_failures_is_enough(hut: Build) -> None:
    """After a day of trying a message is given up."""
    home = await owed(hut)
    home.doors["desk"].troubles = [UNAVAILABLE] * 1000
    while (record := (await home.deliveries())[0]).state == "pending":
        assert record.next_attempt_at is not None
        home.clock.advance_to(record.next_attempt_at)
        await home.deliver()
    assert (record.state, record.reason) == ("failed", "unavailable")
    assert GIVE_UP_AFTER - timedelta(hours=2) < record.ended_at - (await home.alert()).opened_at <= GIVE_UP_AFTER  # type: ignore[operator]


async def test_a_rest_outlasts_no_messages_patience(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the jitter falls, a receiver that fails is tried again at the moment the message's schedule names."""
    home = await owed(hut)
    home.doors["desk"].troubles = [UNAVAILABLE] * 8
    jitter = cycle([0.9, 1.1])  # the shortest wait, and the longest rest
    monkeypatch.setattr("monitor.pipeline.patience.random.uniform", lambda _least, _most: next(jitter))
    for _ in range(8):
        await home.deliver()
        due = (await home.deliveries())[0].next_attempt_at
        assert due is not None
        home.clock.advance_to(due)
        assert await home.stages.deliver.due() == {"desk"}


async def test_what_waited_while_we_were_down_is_tried_in_earnest(hut: Build) -> None:
    """A message that became due two days ago, when nothing ran, is not given up after one failure."""
    home = await owed(hut)
    home.clock.advance(timedelta(days=2))
    home.doors["desk"].troubles = [UNAVAILABLE]
    await home.act()
    assert [each.state for each in await home.deliveries()] == ["pending"]
    home.clock.advance(6 * SECOND)
    await home.act()
    assert len(home.told("desk")) == 1


async def test_gone_disables_the_receiver_alone(house: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a 410 the rest for this receiver fails unsent, until its settings change; others go on."""
    monkeypatch.setattr(delivery, "BESIDE", 1)
    home = await owed(house)
    await home.storm()
    await home.hears("Globex broken", by="bob")
    home.doors["desk"].troubles = [DeliveryError(Reason.GONE, "410 Gone")]
    await home.act()
    assert len(home.doors["desk"].attempts) == 1
    assert home.kinds("room") == ["first"]
    assert [(each.receiver, each.state) for each in await home.deliveries() if each.receiver != "tech"] == [
        ("desk", "failed"),
        ("room", "delivered"),
        ("desk", "failed"),
    ]
    assert home.kinds("tech") == ["first", "first"], "what nobody at the desk can be told, ops are"
    async with home.store.begin() as tx:
        assert await tx.receivers.disabled() == {"desk": "410 Gone"}
        await tx.receivers.register({"desk": "new settings"})
        await tx.commit()
    await home.hears("Globex broken", by="eve")
    await home.act()
    assert home.kinds("desk") == ["first"]


async def test_a_receiver_that_left_the_configuration_ends_its_messages(hut: Build) -> None:
    """Its pending messages fail in words."""
    home = await owed(hut)
    home.stages.deliver._notifiers = {}
    await home.act()
    assert {(each.state, each.reason) for each in await home.deliveries()} == {("failed", "misconfigured")}
    told = [each.receiver for each in await home.deliveries()]
    assert told[:2] == ["desk", "tech"], "ops are tried instead"
    assert sorted(told) == sorted(home.settings.receivers), "then everybody, once: somebody has to know"


async def test_a_dry_run_sends_nothing(hut: Build) -> None:
    """A replay records what would have been sent, and to whom."""
    home = await owed(hut, dry_run=True)
    await home.act()
    assert [(each.state, each.attempts) for each in await home.deliveries()] == [("dry_run", 1)]
    assert home.doors["desk"].attempts == []


def delivered() -> float:
    """How many messages to the desk are counted as delivered."""
    return metrics.registry.get_sample_value("tocsin_deliveries_total", {"receiver": "desk", "outcome": "delivered"}) or 0.0


async def test_a_killed_sender_leaves_its_message_to_another(house: Build) -> None:
    """When the lease has expired another process sends again, under the same id; the late outcome of the first is ignored."""
    home = await owed(house, owner="first")
    other = house(owner="second", doors=home.doors)
    desk = home.doors["desk"]
    desk.answers.clear()
    hanging = asyncio.ensure_future(home.stages.deliver.step("desk"))
    await desk.asked.wait()
    assert await other.stages.deliver.step("desk") == 0, "it is leased"
    home.clock.advance(LEASE)
    assert await other.stages.deliver.due() == {"desk"}
    async with other.store.begin() as tx:
        (claimed,) = await tx.deliveries.claim(
            "desk", owner="second", now=home.clock.now(), wall=home.clock.wall(), lease=LEASE, limit=1
        )
        await tx.commit()
    before = delivered()
    desk.answers.set()
    await hanging
    assert delivered() == before, "an outcome that was not recorded is not counted"
    assert [each.state for each in await home.deliveries()] == ["sending"]
    assert await home.timeline("delivery.") == [], "who lost the lease has nothing to say"
    await other.stages.deliver._attempt(claimed)
    assert [(each.state, each.attempts) for each in await home.deliveries()] == [("delivered", 2)]
    assert len({id_ for id_, _ in desk.attempts}) == 1
    assert len(desk.attempts) == 2


async def test_a_failure_after_the_lease_is_somebody_elses_business(hut: Build) -> None:
    """A sender that lost its lease does not end a message that another is sending."""
    home = await owed(hut, owner="first")
    async with home.store.begin() as tx:
        now = home.clock.now()
        (mine,) = await tx.deliveries.claim("desk", owner="first", now=now, wall=now, lease=LEASE, limit=1)
        await tx.commit()
    home.clock.advance(LEASE)
    async with home.store.begin() as tx:
        now = home.clock.now()
        await tx.deliveries.claim("desk", owner="second", now=now, wall=now, lease=LEASE, limit=1)
        await tx.commit()
    home.doors["desk"].troubles = [DeliveryError(Reason.REJECTED, "no")]
    with capture_logs() as said:
        await home.stages.deliver._attempt(mine)
    assert [each["event"] for each in said] == ["delivery.lease_lost"]
    assert [each.state for each in await home.deliveries()] == ["sending"]
    assert await home.timeline("delivery.") == []


async def test_what_was_cut_off_is_given_back(house: Build) -> None:
    """A message whose sender was cancelled is due again at once; what another process sends stays with it."""
    home = await owed(house, owner="first")
    desk = home.doors["desk"]
    desk.answers.clear()
    sending = asyncio.ensure_future(home.stages.deliver.step("desk"))
    await desk.asked.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await house(owner="second").stages.deliver.release()
    assert await home.stages.deliver.due() == set()
    await home.stages.deliver.release()
    assert await home.stages.deliver.due() == {"desk"}


async def test_a_hanging_receiver_delays_nobody(hut: Build) -> None:
    """While one receiver never answers, the daemon's dispatcher sends to the others."""
    home = await owed(hut)
    await home.storm()
    home.doors["desk"].answers.clear()
    shift = Shift(home.settings, home.store, home.clock, home.stages)
    await shift._dispatch()
    async with asyncio.timeout(10):
        await asyncio.gather(home.doors["desk"].asked.wait(), home.doors["room"].asked.wait())
    assert home.told("desk") == []
    await shift._dispatch()
    async with home.store.begin():
        assert home.kinds("room") == ["first"]
    home.doors["desk"].answers.set()
    await shift._workers.stop(timedelta(seconds=5))
    assert len(home.doors["desk"].attempts) == len(home.told("desk")) == 1


async def test_an_attempt_takes_a_bounded_time(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that never answers fails as a timeout."""
    monkeypatch.setattr(delivery, "ATTEMPT", timedelta(milliseconds=1))
    home = await owed(hut)
    home.doors["desk"].answers.clear()
    await home.stages.deliver.step("desk")
    assert [(each.state, each.reason) for each in await home.deliveries()] == [("pending", "timeout")]
