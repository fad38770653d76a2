"""An emergency and receivers that fail: tried by the schedule, told by the next channel in parallel, and never by nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.clock import AcceleratedClock, ManualClock
from monitor.pipeline.next_channels import NEXT_CHANNEL_AFTER, _story
from monitor.pipeline.patience import SCHEDULE
from notifiers import DeliveryError, Reason
from tests.monitor.pipeline.conftest import CRISIS, MONITOR, configure, hut, lite

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

__all__ = ["configure", "hut", "lite"]  # fixtures
SECOND = timedelta(seconds=1)
REFUSED = DeliveryError(Reason.UNAVAILABLE, "connection refused")


def receivers(**fallbacks: str) -> dict[str, Any]:
    """The usual receivers, some of them with a next channel."""
    return {
        name: each | ({"fallback": fallbacks[name]} if name in fallbacks else {}) for name, each in MONITOR["receivers"].items()
    }


async def crisis(build: Build, **fallbacks: str) -> House:
    """A critical alert, owed to the room."""
    home = build(rules=[CRISIS], receivers=receivers(**fallbacks))
    await home.storm()
    return home


async def pass_seconds(home: House, seconds: int) -> None:
    """Let time pass as the daemon sees it: a look every second."""
    for _ in range(seconds):
        home.clock.advance(SECOND)
        await home.act()


@pytest.mark.fault("delivery", "an emergency to a receiver that refuses")
async def test_an_emergency_is_tried_five_times_in_the_first_minute(hut: Build) -> None:
    """A critical message is tried 0, 5, 15, 30 and 60 s after its first try, under one id, then ever more patiently."""
    home = await crisis(hut)
    home.doors["room"].troubles = [REFUSED] * 100
    began = home.clock.now()
    await home.act()
    await pass_seconds(home, 125)
    tried = [at - began for _, at in home.doors["room"].attempts]
    assert tried == list(SCHEDULE[:6])
    assert [gap.total_seconds() for gap in tried] == [0, 5, 15, 30, 60, 120]
    assert len({id_ for id_, _ in home.doors["room"].attempts}) == 1


@pytest.mark.fault("delivery", "an emergency whose first channel fails")
async def test_the_next_channel_is_told_in_parallel(hut: Build) -> None:
    """After the first failure the receiver's fallback is told at once, once, and the timeline says why; the first goes on."""
    home = await crisis(hut, room="phone")
    home.doors["room"].troubles = [REFUSED] * 3
    await home.act()
    assert home.kinds("phone") == ["first"]
    assert [facts.rule for facts in home.told("phone")[0].alerts] == ["crisis"]
    (event,) = await home.timeline("delivery.fallback")
    assert event.detail == {"receiver": "room", "message": "first", "to": "phone", "why": "room: unavailable"}
    await pass_seconds(home, 40)
    assert home.kinds("room") == ["first"], "it was tried until it was taken"
    assert home.kinds("phone") == ["first"]


@pytest.mark.fault("delivery", "a whole chain of channels that fail")
async def test_each_channel_that_fails_has_a_next_one(hut: Build) -> None:
    """The fallback of a fallback is told when that one fails too; a circle ends where everybody has been told."""
    home = await crisis(hut, room="phone", phone="backup-phone", **{"backup-phone": "room"})
    for name in ("room", "phone"):
        home.doors[name].troubles = [REFUSED] * 100
    await home.act()
    assert home.kinds("backup-phone") == ["first"]
    home.doors["backup-phone"].troubles = [REFUSED] * 100
    await pass_seconds(home, 60)
    assert sorted({each.receiver for each in await home.deliveries()}) == ["backup-phone", "phone", "room"]


@pytest.mark.fault("delivery", "an emergency to a receiver that accepts the connection and says nothing")
async def test_silence_is_a_failure_after_half_a_minute(hut: Build) -> None:
    """While one attempt hangs, the next channel is told 30 s after it began."""
    home = await crisis(hut, room="phone")
    home.doors["room"].answers.clear()
    hanging = asyncio.ensure_future(home.stages.deliver.step("room"))
    await home.doors["room"].asked.wait()
    await pass_seconds(home, int(NEXT_CHANNEL_AFTER.total_seconds()) - 1)
    assert home.kinds("phone") == []
    await pass_seconds(home, 1)
    assert home.kinds("phone") == ["first"]
    (event,) = await home.timeline("delivery.fallback")
    assert event.detail is not None
    assert event.detail["why"] == "room: not delivered for 30 s"
    home.doors["room"].answers.set()
    await hanging


@pytest.mark.fault("delivery", "an emergency behind a queue that does not move")
async def test_what_never_got_its_turn_is_told_by_the_next_channel(hut: Build) -> None:
    """A critical message that could not even be tried for 30 s is told by the next channel, for each incident once."""
    home = await crisis(hut, room="phone")
    await home.hears("Acme broken")
    for _ in range(31):
        await home.stages.deliver.due()
        home.clock.advance(SECOND)
    await home.stages.deliver.due()
    assert [each.receiver for each in await home.deliveries()].count("phone") == 1


@pytest.mark.fault("delivery", "an emergency that every receiver of its rule fails to take")
async def test_somebody_is_always_told(hut: Build) -> None:
    """Without a fallback, and when all whom the rule names fail for 30 s, the default is told, then ops, then anybody."""
    rule = CRISIS | {"notify": ["room", "phone"]}
    home = hut(rules=[rule])
    await home.storm()
    for name in ("room", "phone", "desk"):
        home.doors[name].troubles = [REFUSED] * 100
    await home.act()
    await pass_seconds(home, 29)
    assert [each.receiver for each in await home.deliveries()] == ["room", "phone"]
    await pass_seconds(home, 2)
    assert [each.receiver for each in await home.deliveries()][2:] == ["desk"]
    await pass_seconds(home, 31)
    assert "first" in home.kinds("tech")


@pytest.mark.fault("delivery", "one of several receivers of an emergency fails")
async def test_nobody_else_is_woken_while_somebody_knows(hut: Build) -> None:
    """Without a fallback it is enough that one of those whom the rule names has taken the message."""
    home = hut(rules=[CRISIS | {"notify": ["room", "phone"]}])
    await home.storm()
    home.doors["room"].troubles = [REFUSED] * 100
    await home.act()
    await pass_seconds(home, 61)
    assert home.kinds("phone") == ["first"]
    assert home.kinds("desk") == []


async def test_what_is_not_urgent_wakes_no_next_channel(hut: Build) -> None:
    """A complaint waits for its receiver."""
    home = hut(receivers=receivers(desk="phone"))
    await home.hears("Acme broken")
    home.doors["desk"].troubles = [REFUSED] * 100
    await home.act()
    await pass_seconds(home, 61)
    assert home.told("phone") == []


@pytest.mark.fault("time", "a process that stood still for ten minutes with an emergency to send")
async def test_standing_still_is_nobody_elses_failure(hut: Build) -> None:
    """After a pause of our own the message is tried first; only if that fails is the next channel told."""
    home = await crisis(hut, room="phone")
    home.clock.advance(timedelta(minutes=10))
    await home.act()
    assert home.kinds("room") == ["first"]
    assert [each.receiver for each in await home.deliveries()] == ["room"]


def test_a_demo_in_which_hours_pass_in_a_second_is_no_outage(clock: ManualClock) -> None:
    """Half a minute of silence is half a minute of real time, however fast the story runs."""
    assert _story(AcceleratedClock(clock.now(), speed=1000.0), NEXT_CHANNEL_AFTER) == 1000 * NEXT_CHANNEL_AFTER
    assert _story(AcceleratedClock(clock.now(), speed=0.5), NEXT_CHANNEL_AFTER) == NEXT_CHANNEL_AFTER
