"""A daemon killed again and again while several plans are carried out and people act in them: each step happens once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from monitor.domain.alert import DeliveryState
from monitor.domain.clock import SystemClock
from monitor.domain.plan import Plan, PlanRun, StepState, TimelineEvent
from monitor.pipeline import operations
from monitor.plans import Act
from monitor.settings import load
from monitor.storage import StorageSettings, Store
from monitor.testing import serving
from tests.faults.brand import TWO_DOORS
from tests.faults.forging import PATIENCE, Doors, forging, free_port, write
from tests.faults.test_crash_kills import Hub, World, _die

SEED = 20240719
LIFE = (0.2, 0.8)  # seconds that a daemon lives
AT_A_MESSAGE = 0.5
OPENED = 0.6  # how often a run is opened in a life, until there are enough
ACTS = 0.5  # and how often somebody acts in one
BY_ITSELF = ("pause", "tell", "rest", "again", "rest-again", "last")

RULES = """
version: 1
rules:
  - {id: danger, kind: mention, where: {subjects: acme, text: {any_of: [fire]}}, key: [author]}
"""

# Steps that call, tell and wait, one after the other; a list that is late after a second, and a ladder that is climbed.
PLAN = """
version: 1
plan:
  id: relay
  title: {en: Relay}
  notify: hub
  activation: {mode: automatic}
  severity: [{level: 1, name: {en: alert}, ack_within: 2s}]
  steps:
    - {id: pause, action: webhook, receiver: hub}
    - {id: tell, action: notify, receiver: [care, hub]}
    - {id: rest, action: wait, for: 1s}
    - {id: again, action: notify, receiver: care, needs: [rest]}
    - {id: rest-again, action: wait, for: 1s, needs: [again]}
    - {id: last, action: webhook, receiver: care, needs: [rest-again]}
    - {id: facts, action: checklist, deadline: 1s, items: [{en: Look}]}
  escalation:
    - {at: 0.5, notify: hub}
    - {at: 1, unless: acknowledged, notify: [hub, care]}
"""


@pytest.fixture
async def world(smithy: Path, tmp_path: Path, storage: StorageSettings, store: Store) -> AsyncIterator[World]:
    """A hub that listens, a configuration with the plan, a forge, and an empty store with its tables."""
    hub, port, folder = Hub(), free_port(), tmp_path / "brand"
    async with serving() as site, aiohttp.ClientSession() as client, forging(smithy, folder) as forge:
        site.answer = hub.take
        filled = {"HUB": f"{site.url}/in", "PORT": str(port), "DATABASE": storage.url.get_secret_value()}
        write(folder, TWO_DOORS, RULES, PLAN, **filled)
        yield World(folder, store, Doors(client, port), hub, forge)


async def _open(world: World, plan: Plan) -> None:
    """About a matter of its own: what is about the same has one run."""
    actor, at = operations.Actor("zoe", "cli"), SystemClock().now()
    await operations.open_plan_by_hand(world.store, plan, f"matter of {at.isoformat()}", actor, at, why="a call")


async def _act(world: World, verb: str, run: PlanRun, **more: str) -> None:
    act = Act(verb, "zoe", SystemClock().now(), {"zoe"}, **more)  # type: ignore[arg-type]
    await operations.act_in_plan(world.store, run.id, act, "cli")


async def _meanwhile(world: World, plan: Plan, dice: random.Random, most: int) -> None:
    """Somebody opens a run, takes one, ends its list, or ends it again because two people did."""
    async with world.store.read() as tx:
        runs = await tx.plans.list()
    if len(runs) < most and dice.random() < OPENED:
        await _open(world, plan)
    if runs and dice.random() < ACTS:
        await _act(world, "acknowledge", dice.choice(runs))
        await _act(world, "done", dice.choice(runs), step="facts")


async def _some_time(world: World, dice: random.Random) -> None:
    """A life, which ends at any moment, or (every other one) at the next message or a little after it."""
    end, heard = time.monotonic() + dice.uniform(*LIFE), _heard(world)
    waits = dice.random() < AT_A_MESSAGE
    while time.monotonic() < end and not (waits and _heard(world) > heard):  # noqa: ASYNC110 it is another process that calls
        await asyncio.sleep(0.005)
    await asyncio.sleep(dice.choice((0, 0, 0.02, 0.1)))


def _heard(world: World) -> int:
    return sum(map(len, world.hub.lives.values()))


async def _at_rest(world: World) -> bool:
    """Whether nothing is left but what waits for a person."""
    async with world.store.read() as tx:
        runs, owed = await tx.plans.list(), await tx.deliveries.list(limit=100_000)
    walked = all(run.step(step).state is StepState.DONE for run in runs for step in BY_ITSELF)
    rung = all(run.rung == len(run.definition.escalation) and not run.owed for run in runs)
    listed = all(run.step("facts").ended or run.step("facts").late for run in runs)
    return walked and rung and listed and all(each.state is DeliveryState.DELIVERED for each in owed)


async def _killed(world: World, kills: int, runs: int) -> None:
    """Kill daemons at random while plans go on, then let the last one bring all to rest."""
    dice, plan = random.Random(SEED), load(world.folder, environ={}).plans["relay"]
    for _ in range(kills):
        pid = await world.forge.start()
        ended = asyncio.create_task(world.forge.ended(pid))
        await _meanwhile(world, plan, dice, runs)
        await _some_time(world, dice)
        os.kill(pid, signal.SIGKILL)
        await _die(world, ended)
    pid = await world.forge.start()
    ended = asyncio.create_task(world.forge.ended(pid))
    end = time.monotonic() + PATIENCE
    while not await _at_rest(world):
        assert time.monotonic() < end, f"never at rest; the daemon said {(world.folder / 'log').read_text()[-3000:]}"
        await asyncio.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    await _die(world, ended)


async def _promises_held(world: World) -> None:
    """Each step of each run recorded once, each effect owed once and arrived, and again only under the same id after a kill."""
    async with world.store.read() as tx:
        runs, owed = await tx.plans.list(), await tx.deliveries.list(limit=100_000)
        events = await tx.timeline.list(limit=100_000)
        for run in runs:
            _recorded_once(run, [event for event in events if event.plan_run_id == run.id])
            for step, receivers in {"pause": 1, "tell": 2, "again": 1, "last": 1}.items():
                assert len(await tx.deliveries.of_step(run.id, step)) == receivers, f"{step} is owed once to each"
    assert len(runs) > 1
    assert len({life for lives in world.hub.lives.values() for life in lives}) > 1, (
        "one daemon did all of it: nothing was cut off"
    )
    assert set(world.hub.lives) == {world._message(each.notification_id) for each in owed}, "owed is what arrived, and no more"
    for id_, lives in world.hub.lives.items():
        repeated = [life for life in lives[:-1] if id_ not in world.in_flight[life]]
        assert not repeated, f"{id_} came again though no kill cut it off, after the lives {repeated}: {lives}"


def _recorded_once(run: PlanRun, events: list[TimelineEvent]) -> None:
    steps = Counter((event.kind, (event.detail or {}).get("step")) for event in events if event.kind.startswith("plan.step."))
    assert set(steps.values()) == {1}, f"run {run.id}: {steps}"
    assert {step for kind, step in steps if kind == "plan.step.done"} >= {*BY_ITSELF}
    once = Counter(event.kind for event in events if event.kind in {"plan.opened", "plan.acknowledged"})
    assert max(once.values()) == 1
    rungs = [(event.detail or {})["rung"] for event in events if event.kind == "plan.escalated"]
    assert len(rungs) == len(set(rungs)) <= run.rung, f"run {run.id}: rungs {rungs}"


@pytest.mark.fault("crash", "SIGKILL at random while several plans are carried out and people act in them")
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
async def test_killed_while_plans_go_on(world: World) -> None:
    """Every step, deadline, rung and act is recorded once, nothing is lost, and a repeated message carries the same id."""
    await _killed(world, kills=12, runs=5)
    await _promises_held(world)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.fault("crash", "SIGKILL three hundred times while forty plans are carried out, on either database")
async def test_killed_three_hundred_times_while_plans_go_on(world: World) -> None:
    """As for the dozen."""
    await _killed(world, kills=300, runs=40)
    await _promises_held(world)
