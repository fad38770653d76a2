"""A drill through all stages: who was told, who answered, and who hears of that; and what calm weather asks of a plan."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.errors import UsageError
from monitor.domain.plan import PlanRun
from monitor.pipeline import operations
from monitor.pipeline.drills import answers_of
from monitor.plans import Act
from monitor.storage import UnitOfWork
from notifiers import DeliveryError, Reason, render
from notifiers.render import payload, text
from notifiers.wording import headline
from tests.monitor.pipeline.conftest import CRISIS
from tests.monitor.pipeline.test_plan_runs_stage import PLAN, ZOE, housed

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


async def drilled(home: House, **more: Any) -> PlanRun:
    """Open the plan as a drill, and let its people be told."""
    plan = home.settings.plans["storm"]
    run = await operations.open_plan_by_hand(home.store, plan, "acme", ZOE, home.clock.now(), why="rehearsal", drill=True, **more)
    await home.act()
    return run


async def pass_time(home: House, passing: timedelta) -> None:
    """Minute by minute."""
    end = home.clock.now() + passing
    while home.clock.now() < end:
        home.clock.advance(MINUTE)
        await home.act()


async def answers(home: House, verb: str, by: str) -> None:
    """Somebody acts in the drill."""
    run = (await home.runs())[-1]
    act = Act(verb, by, home.clock.now(), {by, "zoe"})
    await operations.act_in_plan(home.store, run.id, act, "cli")
    await home.act()


async def test_a_drill_is_held_at_a_level(hut: Build) -> None:
    """At the gravest, or as asked: the ladder goes by its time, and no calm figure changes it."""
    home = housed(hut)
    assert (await drilled(home)).level == 3
    await pass_time(home, 25 * MINUTE)
    run = (await home.runs())[-1]
    assert (run.level, run.rung) == (3, 2)
    assert (await drilled(home, level=1)).level == 1
    with pytest.raises(UsageError, match="plan storm has no level 2"):
        await drilled(home, level=2)


async def test_nobody_is_asked_to_confirm_a_drill(hut: Build) -> None:
    """A person opened it, so the conversation is about an open plan, though one that a rule opens would wait for a yes."""
    home = housed(hut, activation={"mode": "confirm"})
    await drilled(home)
    told = [message for receiver in home.settings.receivers for message in home.told(receiver)]
    assert told
    assert not [message.topic for message in told if "confirm" in (message.topic or "")]


async def test_the_owner_hears_who_answered(house: Build) -> None:
    """Ana after two minutes by telephone; Ben was told when nobody had taken it, and never said a word."""
    home = housed(house, owner="ben")
    await drilled(home)
    await pass_time(home, 22 * MINUTE)
    await answers(home, "acknowledge", "ana")
    async with home.store.read() as tx:
        found = {each.who: each for each in await _found(home, tx)}
    assert found["ana"].through == ("phone",)
    assert found["ana"].after == 22 * MINUTE
    assert found["ben"].answered_at is None
    home.clock.advance(MINUTE)
    await answers(home, "stand_down", "zoe")
    message = home.told("backup-phone")[-1]
    assert message.plan is not None
    assert (message.kind, message.plan.why) == ("over", "drilled")
    assert headline(message).startswith("[EXERCICE] Drill “Storm plan” has ended: 1 answer from ")
    assert "Ben" in text(message)
    assert "no answer" in text(message)
    told = {each["who"]: each for each in payload(message)["data"]["plan"]["answers"]}
    assert payload(message)["data"]["plan"]["pace"] == {"first_seconds": 22 * 60, "half_seconds": None, "last_seconds": None}
    assert "The first answer came after 22 minutes." in text(message)
    assert told["Ben"]["answered"] is False


async def _found(home: House, tx: UnitOfWork) -> list[Any]:
    return await answers_of(tx, (await tx.plans.list())[-1], home.settings.contacts)


async def test_a_channel_that_takes_nothing_is_named(hut: Build) -> None:
    """A drill is how one learns of a telephone number that is gone."""
    home = housed(hut)
    home.doors["phone"].troubles = [DeliveryError(Reason.REJECTED, "404 Not Found")] * 9
    await drilled(home)
    async with home.store.read() as tx:
        (ana,) = (each for each in await _found(home, tx) if each.who == "ana")
    assert (ana.through, ana.refused) == ((), ("phone",))


async def test_what_is_a_step_itself_asks_for_no_answer(hut: Build) -> None:
    """Nobody is silent because a step was delivered to them; the after-action report counts the same."""
    home = housed(hut)
    await drilled(home)
    assert home.told("desk")
    async with home.store.read() as tx:
        assert "desk" not in {each.who for each in await _found(home, tx)}


async def test_every_message_of_a_drill_says_so_first(hut: Build) -> None:
    """In its first line, its subject and its data, whatever it is about."""
    home = housed(hut, owner="ben")
    await drilled(home)
    await pass_time(home, 65 * MINUTE)
    await answers(home, "acknowledge", "ana")
    await answers(home, "stand_down", "zoe")
    told = [message for door in home.doors.values() for message in door.taken]
    assert {message.kind for message in told} == {"plan", "step", "call", "over"}
    for message in told:
        assert headline(message).startswith("[EXERCICE] ")
        assert payload(message)["data"]["drill"] is True
        assert payload(message)["data"]["headline"].startswith("[EXERCICE] ")
        assert render.short(message).startswith("⚪ [EXERCICE] ")


async def test_what_is_due_is_told_once_a_period(house: Build) -> None:
    """To the owner, as information; a drill that ended quiets it, and nobody is told that it did."""
    now = {"reviewed_on": "2026-01-01", "review_every": "3650d", "drill": {"every": "30d"}}
    home = house(rules=[CRISIS], plans=[PLAN | now | {"owner": "ben"}])
    first = await _told(home, DAY)
    home.restart()
    assert first == 1
    assert await _told(home, 12 * DAY) == 1
    alert = (await home.alerts())[-1]
    assert (alert.rule, alert.severity, alert.labels["due"]) == ("plan-due", "info", "drill")
    assert "due for a drill since" in text(home.told("backup-phone")[-1])
    assert await _told(home, 30 * DAY) == 2
    await drilled(home)
    await answers(home, "stand_down", "zoe")
    home.doors["backup-phone"].taken.clear()
    assert await _told(home, DAY) == 0
    assert not [alert for alert in await home.alerts() if alert.resolved_at is None]


async def _told(home: House, passing: timedelta) -> int:
    """How many of Ben's messages tell of what is due, when so much time has passed."""
    await home.wait(passing, step=DAY)
    return sum(any(alert.rule == "plan-due" for alert in message.alerts) for message in home.told("backup-phone"))
