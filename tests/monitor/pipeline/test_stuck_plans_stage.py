"""A plan run that cannot be carried: the others go on, it is looked at again later, and its timeline says so."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from monitor.domain.errors import StorageError
from monitor.pipeline.plans import LONGEST_REST, REST
from monitor.storage.tables import plan_run
from tests.monitor.pipeline.conftest import CRISIS, PLAN

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

SECOND = timedelta(seconds=1)


async def _write(home: House, run_id: int, snapshot: dict[str, Any]) -> None:
    async with home.store.begin() as tx:
        await tx.plans._session.run(update(plan_run).where(plan_run.c.id == run_id).values(snapshot=snapshot))
        await tx.commit()


async def two_plans(build: Build) -> House:
    """Two crises, each with a plan of its own; what the first run has to do cannot be read."""
    rules = [CRISIS | {"plan": "storm"}, CRISIS | {"id": "wave", "where": {"text": {"any_of": ["flood"]}}, "plan": "wave"}]
    home = build(rules=rules, plans=[PLAN, PLAN | {"id": "wave"}])
    await home.storm()
    await home.storm(text="Acme under a flood")
    first, _ = sorted(await home.runs(), key=lambda run: run.id)
    await _write(home, first.id, {"no": "plan"})
    return home


@pytest.mark.fault("delivery", "a plan run that a bug of ours cannot carry")
async def test_a_stuck_run_holds_up_no_other(hut: Build) -> None:
    """The other plans go on at once, the stuck one is tried again after ever longer rests, and its timeline says so once."""
    home = await two_plans(hut)
    assert await home.stages.plans.step() > 0
    (event,) = await home.timeline("plan.stuck")
    assert event.detail == {"plan": "storm", "reason": "UnreadableRunError"}
    await home.stages.deliver.step("queue")
    assert [message.plan.id for message in home.told("queue") if message.plan] == ["wave"]


async def test_a_stuck_run_goes_on_when_it_can(hut: Build) -> None:
    """Once what was wrong is mended the run is carried, after its rest and not before."""
    home = await two_plans(hut)
    first, _ = sorted(await home.runs(), key=lambda run: run.id)
    while await home.stages.plans.step():
        pass
    await _write(home, first.id, home.settings.plans["storm"].snapshot())
    home.clock.advance(REST - SECOND)
    assert await home.stages.plans.step() == 0
    home.clock.advance(SECOND)
    assert await home.stages.plans.step() > 0


async def test_a_stuck_run_rests_no_longer_because_the_clock_was_set_back(hut: Build) -> None:
    """It is looked at again at once: nobody knows how long it has rested."""
    home = await two_plans(hut)
    while await home.stages.plans.step():
        pass
    home.clock.current -= timedelta(hours=1)
    await home.stages.plans.hurry()  # the daemon does, when it sees that
    await home.stages.plans.step()
    (stuck,) = home.stages.plans._stuck.values()
    assert stuck.times == 2


async def test_a_stuck_run_rests_longer_each_time(hut: Build) -> None:
    """From seconds to minutes, and no longer than that."""
    home = await two_plans(hut)
    for _ in range(12):
        await home.stages.plans.step()
        home.clock.advance(LONGEST_REST)
    (stuck,) = home.stages.plans._stuck.values()
    assert stuck.times == 12
    assert stuck.until == home.clock.now()
    assert len(await home.timeline("plan.stuck")) == 1


async def test_a_store_that_refuses_one_run_is_heard_after_the_others(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trouble with the store is the daemon's to know; the run behind has had its turn all the same."""
    home = await two_plans(hut)
    first, second = sorted(await home.runs(), key=lambda run: run.id)
    await _write(home, first.id, home.settings.plans["storm"].snapshot())
    move = home.stages.plans._move

    async def refused(number: int) -> int:
        if number == first.id:
            raise StorageError("the disk is full")
        return await move(number)

    monkeypatch.setattr(home.stages.plans, "_move", refused)
    with pytest.raises(StorageError, match="full"):
        await home.stages.plans.step()
    assert next(step.state for run in await home.runs() if run.id == second.id for step in run.steps) == "running"
