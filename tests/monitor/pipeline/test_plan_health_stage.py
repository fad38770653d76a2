"""A plan that Tocsin cannot carry out is told to people: in a crisis everybody relies on it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from notifiers import DeliveryError, Reason
from notifiers.wording import headline
from tests.monitor.pipeline.conftest import CRISIS, PLAN
from tests.monitor.pipeline.test_drills_stage import drilled
from tests.monitor.pipeline.test_plan_runs_stage import housed
from tests.monitor.pipeline.test_stuck_plans_stage import _write, two_plans

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

MINUTE = timedelta(minutes=1)


async def failing(build: Build) -> House:
    """A crisis whose plan has a step that its receiver refuses."""
    home = build(rules=[CRISIS | {"plan": "storm"}], plans=[PLAN])
    home.doors["queue"].troubles = [DeliveryError(Reason.REJECTED, "400 Bad Request")]
    await home.storm()
    await home.act()
    await home.wait(MINUTE, step=MINUTE)
    return home


@pytest.mark.fault("delivery", "a step of the plan that nobody takes")
async def test_a_step_that_failed_is_told_to_whoever_follows_the_plan(house: Build) -> None:
    """And to ops: critical, with the step's name and what the receiver answered."""
    home = await failing(house)
    alert = await home.alert("plan-health")
    assert (alert.kind, alert.severity, alert.labels["steps"]) == ("plan_health", "critical", "pause")
    assert list(alert.reasons) == ["step pause failed: queue: 400 Bad Request"]
    for receiver in ("tech", "room", "phone"):
        told = [each for message in home.told(receiver) for each in message.alerts if each.rule == "plan-health"]
        assert len(told) == 1, receiver


async def test_a_step_that_fails_in_a_drill_rings_no_alert(hut: Build) -> None:
    """The run itself tells its people, with the drill's prefix: nobody takes a rehearsal for a crisis."""
    home = housed(hut)
    home.doors["desk"].troubles = [DeliveryError(Reason.REJECTED, "404")] * 9
    await drilled(home)
    await home.wait(2 * MINUTE, step=MINUTE)
    assert "failed" in (await home.steps()).values()
    assert await home.alerts() == []
    said = [headline(each) for door in home.doors.values() for each in door.taken]
    assert said
    assert all(each.startswith("[EXERCICE]") for each in said)


async def test_it_is_over_when_somebody_has_done_the_step(hut: Build) -> None:
    """By hand, and said so: `tocsin plan done`."""
    home = await failing(hut)
    await home.do("done", step="pause")
    await home.wait(MINUTE, step=MINUTE)
    assert (await home.alert("plan-health")).resolved_reason == "the plan goes on, or was closed"


async def test_a_stuck_run_is_told_until_it_goes_on(hut: Build) -> None:
    """Whatever restarts in between: the timeline knows."""
    home = await two_plans(hut)
    first, _ = sorted(await home.runs(), key=lambda run: run.id)
    await home.act()
    await home.wait(MINUTE, step=MINUTE)
    alert = await home.alert("plan-health")
    assert (alert.key, alert.labels["trouble"], alert.resolved_at) == ({"run": str(first.id)}, "stuck", None)
    home.restart()
    await home.act()
    assert len(await home.timeline("plan.stuck")) == 1
    await _write(home, first.id, home.settings.plans["storm"].snapshot())
    home.clock.advance(timedelta(minutes=11))
    await home.act()
    await home.wait(MINUTE, step=MINUTE)
    assert len(await home.timeline("plan.freed")) == 1
    assert (await home.alert("plan-health")).resolved_at is not None
