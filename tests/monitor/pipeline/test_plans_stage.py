"""Plans: opened once per incident, people told once, automatic steps delivered in order, each done once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.plan import RunState
from monitor.pipeline.plans import PlanRunner
from notifiers import DeliveryError, Reason
from tests.monitor.pipeline.conftest import CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def plan(**changes: Any) -> dict[str, Any]:
    """A plan with two automatic steps and two for people."""
    return {
        "id": "storm",
        "title": {"en": "Storm plan"},
        "notify": ["room", "phone"],
        "activation": {"mode": "automatic"},
        "steps": [
            {"id": "pause", "action": "webhook", "receiver": "queue", "title": {"en": "Pause the queue"}},
            {"id": "call", "action": "notify", "receiver": "lead", "title": {"en": "Wake the lead"}},
            {"id": "check", "action": "checklist", "title": {"en": "Check"}, "items": [{"en": "Is it true?"}]},
            {"id": "say", "action": "statement", "statement": "holding", "title": {"en": "Say that we know"}},
        ],
        "statements": [{"id": "holding", "text": {"en": "We know."}, "status": "approved"}],
    } | changes


def housed(build: Build, **changes: Any) -> House:
    """A house with the crisis rule and the plan."""
    return build(rules=[CRISIS | {"plan": "storm"}], plans=[plan(**changes)])


async def test_a_plan_is_opened_once_and_its_people_told_once(house: Build, moment: datetime) -> None:
    """The alert and the plan come in one message, not in two; later news of the incident opens nothing."""
    home = housed(house)
    await home.storm()
    (run,) = await home.runs()
    assert (run.plan, run.state, run.opened_at) == ("storm", "running", moment)
    await home.act()
    assert home.kinds("room") == ["plan"]
    assert home.kinds("phone")[:1] == ["plan"]
    (message,) = home.told("room")
    assert [facts.rule for facts in message.alerts] == ["crisis"]
    assert message.plan is not None
    assert (message.plan.title, len(message.plan.steps)) == ("Storm plan", 4)
    await home.wait(2 * HOUR)
    await home.storm()
    assert len(await home.runs()) == 1, "what comes back within realert is the same incident, and the same run"
    assert [event.detail for event in await home.timeline("plan.opened")] == [{"plan": "storm", "mode": "automatic"}]


async def test_automatic_steps_are_delivered_in_order(house: Build) -> None:
    """Each step starts when the one before was tried; what they sent stands under their own names."""
    home = housed(house)
    await home.storm()
    assert await home.stages.plans.step() == 1
    assert await home.steps() == {"pause": "running", "call": "waiting", "check": "ready", "say": "ready"}
    assert await home.stages.plans.step() == 0, "the order stands"
    await home.act()
    assert await home.steps() == {"pause": "done", "call": "done", "check": "ready", "say": "ready"}
    (pause,) = home.told("queue")
    assert pause.plan is not None
    assert (pause.kind, pause.plan.step, [facts.rule for facts in pause.alerts]) == ("step", "pause", ["crisis"])
    assert home.kinds("phone") == ["plan", "step"]
    told = [(event.kind, (event.detail or {})["step"]) for event in await home.timeline("plan.step")]
    assert told == [
        ("plan.step.started", "pause"),
        ("plan.step.done", "pause"),
        ("plan.step.started", "call"),
        ("plan.step.done", "call"),
    ]
    home.restart()
    await home.act()
    assert home.kinds("queue") == ["step"]


async def test_a_dead_queue_does_not_keep_the_lead_asleep(hut: Build) -> None:
    """A step that cannot be delivered holds nobody up once it was tried, and is done when it arrives."""
    home = housed(hut)
    home.doors["queue"].troubles = [DeliveryError(Reason.UNAVAILABLE, "503")]
    await home.storm()
    await home.act()
    assert await home.steps() == {"pause": "running", "call": "done", "check": "ready", "say": "ready"}
    home.clock.advance(MINUTE)
    await home.act()
    assert (await home.steps())["pause"] == "done"


async def test_a_step_that_fails_is_marked_as_failed(hut: Build) -> None:
    """With the reason, for people to see; the next step goes on."""
    home = housed(hut)
    home.doors["queue"].troubles = [DeliveryError(Reason.REJECTED, "400 Bad Request")]
    await home.storm()
    await home.act()
    (run,) = await home.runs()
    assert (run.steps[0].state, run.steps[0].detail) == ("failed", "queue: 400 Bad Request")
    assert (await home.steps())["call"] == "done"
    assert len(await home.timeline("plan.step.failed")) == 1


async def test_a_crash_between_claim_and_send_repeats_no_step(house: Build) -> None:
    """A step whose sender died is sent by another, under the same id, as the same step."""
    home = housed(house)
    await home.storm()
    await home.stages.plans.step()
    async with home.store.begin() as tx:
        wall = home.clock.wall()
        await tx.deliveries.claim("queue", owner="dead", now=wall, wall=wall, lease=MINUTE, limit=1)
        await tx.commit()
    home.restart()
    await home.act()
    assert home.kinds("queue") == []
    home.clock.advance(MINUTE)
    await home.act()
    assert home.kinds("queue") == ["step"]
    assert (await home.steps())["pause"] == "done"
    assert len([each for each in await home.deliveries() if each.receiver == "queue"]) == 1


async def test_a_plan_to_confirm_tells_people_and_waits(house: Build) -> None:
    """In mode `confirm` people know at once, and what people do is ready; the automatic steps wait for somebody."""
    home = housed(house, activation={"mode": "confirm"})
    await home.storm()
    await home.act()
    assert home.kinds("phone") == ["plan"]
    assert await home.steps() == {"pause": "waiting", "call": "waiting", "check": "ready", "say": "ready"}
    await home.do("confirm")
    await home.act()
    assert home.kinds("queue") == ["step"]
    assert await home.steps() == {"pause": "done", "call": "done", "check": "ready", "say": "ready"}


async def test_a_step_left_to_people_is_not_carried_out(hut: Build) -> None:
    """`auto: false` makes a step ready, and sends nothing."""
    steps = [{"id": "pause", "action": "webhook", "receiver": "queue", "title": {"en": "Pause"}, "auto": False}]
    home = housed(hut, steps=steps)
    await home.storm()
    await home.act()
    assert await home.steps() == {"pause": "ready"}
    assert home.kinds("queue") == []


async def test_a_run_is_as_the_plan_was_when_it_opened(hut: Build) -> None:
    """Editing the file changes no run; a receiver that is gone means the default route."""
    home = housed(hut)
    await home.storm()
    rest = {name: each for name, each in home.settings.receivers.items() if name != "queue"}
    home.restart(home.settings.model_copy(update={"plans": {}, "rules": (), "receivers": rest}))
    await home.act()
    assert home.kinds("desk") == ["step"]
    assert (await home.steps())["call"] == "done"


async def test_a_closed_plan_starts_nothing(hut: Build) -> None:
    """« Lever la crise » ends the run, also for a stage that had read it before; its people hear of the end."""
    home = housed(hut)
    await home.storm()
    (stale,) = await home.runs()
    await home.do("stand_down")
    async with home.store.begin() as tx:
        assert not await tx.plans.save(stale, replace(stale, state=RunState.RUNNING)), "what was read before is not written"
    await home.act()
    assert home.kinds("queue") == []
    assert (await home.steps())["pause"] == "waiting"
    assert home.kinds("room") == ["plan", "over"]


async def test_two_processes_move_a_run_once(house: Build) -> None:
    """Of two that saw the same run due, one moves it, and the other looks again."""
    home = housed(house)
    await home.storm()
    other = PlanRunner(home.settings, home.store, home.clock)
    await asyncio.gather(home.stages.plans.step(), other.step())
    await home.act()
    await asyncio.gather(home.stages.plans.step(), other.step())
    assert home.kinds("queue") == ["step"]
    assert len(await home.timeline("plan.step.started")) == 2
    assert len(await home.timeline("plan.step.done")) == 2


async def test_a_step_for_nobody_fails(hut: Build) -> None:
    """A step whose receivers are all gone is marked as failed, and holds nothing up."""
    home = housed(hut)
    await home.storm()
    empty = home.settings.model_copy(
        update={"receivers": {}, "routing": home.settings.routing.model_copy(update={"default": ()})}
    )
    home.restart(empty)
    await home.act()
    assert (await home.steps())["pause"] == "failed"


async def test_a_backup_is_told_by_a_step_at_night(hut: Build) -> None:
    """A step for a role reaches its backup, too, when the primary is off duty."""
    home = housed(hut)
    home.clock.advance(14 * HOUR)
    await home.storm()
    await home.act()
    assert home.kinds("backup-phone") == ["step"]


@pytest.mark.parametrize("severity", ["critical"])
async def test_a_plan_of_a_single_mention_says_what_happened(hut: Build, severity: str) -> None:
    """A rule that looks at single mentions may open a plan: its steps tell of the mention."""
    safety = {
        "id": "safety",
        "kind": "mention",
        "where": {"text": {"any_of": ["injured"]}},
        "severity": severity,
        "plan": "storm",
    }
    home = hut(rules=[safety], plans=[plan()])
    await home.hears("somebody was injured by an Acme")
    await home.act()
    (step,) = home.told("queue")
    assert ([facts.rule for facts in step.alerts], step.severity) == (["safety"], severity)
