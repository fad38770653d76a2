"""In the middle of a plan run what opened it changes: the plan, its rule, the version of Tocsin. The run goes on."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from sqlalchemy import update

from monitor.domain.plan import PlanRun, RunState
from monitor.storage import StorageSettings, Store
from monitor.storage.tables import plan_run
from monitor.testing import serving
from tests.faults.forging import PATIENCE, Doors, Forge, forging, free_port, logged, write
from tests.faults.next_version import scripts

# Seconds between two looks of the daemon at the time and at its plans, and for which it lets its work end when it is stopped.
IMPATIENT = {"monitor.shift:TICK": 0.2, "monitor.shift:PLANS_IDLE": 0.1, "monitor.shift:DRAIN": 0.2}
STEPS = ("pause", "look", "tell", "gather")

MONITOR = """
version: 1
subjects: {acme: {names: [Acme]}, globex: {names: [Globex]}}
sources:
  tickets: {kind: webhook, secret: SECRET, every: 1s}
receivers:
  queue: {kind: webhook, url: HUB/queue, secret: SECRET}
  care: {kind: webhook, url: HUB/care, secret: SECRET}
  room: {kind: webhook, url: HUB/room, secret: SECRET}
routing: {default: room, group_wait: 0s, group_interval: 0s}
storage: {url: "DATABASE"}
web: {port: PORT}
http: {allow: [127.0.0.1]}
logging: {format: json}
"""
RULES = """
version: 1
rules:
  - id: crisis
    title: {en: Everybody talks of a fire}
    kind: window
    where: {text: {any_of: [fire]}}
    measure: {distinct: author}
    key: [subject]
    window: 60m
    fire: {at_least: 3}
    severity: critical
    plan: outage
"""
OTHER_RULES = """
version: 1
rules:
  - {id: complaint, kind: mention, where: {text: {any_of: [broken]}}, key: [author]}
"""
PLAN = """
version: 1
plan:
  id: outage
  title: {en: Outage}
  notify: [room]
  activation: {mode: automatic}
  steps:
    - {id: pause, action: webhook, receiver: queue, title: {en: Pause the queue}}
    - {id: look, action: checklist, items: [{en: Ask the plant}], title: {en: Look at it}}
    - {id: tell, action: notify, receiver: care, title: {en: Tell customer care}}
    - {id: gather, action: notify, receiver: room, title: {en: Gather the room}}
"""
# The first step is another one under its old name, the others are gone, there is a new one, and now somebody must confirm.
EDITED_PLAN = """
version: 1
plan:
  id: outage
  title: {en: Outage with a lawyer}
  notify: [room]
  steps:
    - {id: pause, action: webhook, receiver: care, title: {en: Pause the newsletter}}
    - {id: lawyer, action: notify, receiver: queue, title: {en: Call the lawyer}}
"""


@dataclass
class Hub:
    """All receivers: what each was told, by the message's id, and how often it came; customer care does not answer at first."""

    told: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    came: Counter[str] = field(default_factory=Counter)
    hangs: str = "care"
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        id_, receiver, said = request.headers["webhook-id"], request.path.strip("/"), json.loads(await request.read())
        self.came[id_] += 1
        if receiver == self.hangs:
            self.hanging.set()
            await asyncio.Event().wait()
        self.told[id_] = receiver, said["data"]
        return web.Response(status=204)

    def steps(self) -> Counter[tuple[str, str]]:
        """Who was told of which step, in how many messages."""
        return Counter((receiver, said["plan"]["step"]) for receiver, said in self.told.values() if said["kind"] == "step")

    def said(self, kind: str) -> list[dict[str, Any]]:
        """What the crisis room was told for one reason."""
        return [said for receiver, said in self.told.values() if receiver == "room" and said["kind"] == kind]


@dataclass
class Scene:
    """A plan run half-way, and its daemon stopped: what follows is another configuration's, or another version's."""

    folder: Path
    store: Store
    doors: Doors
    hub: Hub
    forge: Forge
    program: Path
    calls: int = 0
    migrations: Path | None = None

    async def start(self, migrations: Path | None = None) -> int:
        """A daemon, which reads what lies there now; with migrations it is the next version, as is all that is typed then."""
        self.migrations = migrations
        pid = await self.forge.start(typed=("run", "--config", str(self.folder)), migrations=migrations)
        await self.until(self.doors.ready, "it is ready")
        return pid

    async def until(self, condition: Callable[[], Awaitable[Any]], what: str) -> None:
        """Wait until it is so."""
        end = time.monotonic() + PATIENCE
        while not await condition():
            assert time.monotonic() < end, f"in vain: {what}; the daemon said {(self.folder / 'log').read_text()[-3000:]}"
            await asyncio.sleep(0.01)

    async def fire(self, subject: str, people: int) -> None:
        """So many people say that there is fire."""
        for _ in range(people):
            self.calls += 1
            assert await self.doors.tell(self.calls, f"My {subject} is on fire", f"user{self.calls}") == 202

    async def typed(self, *words: str) -> str:
        """What a command prints, which must end well."""
        process = await asyncio.create_subprocess_exec(
            self.program,
            *(*words, "--config", str(self.folder)),
            env={"PATH": os.environ["PATH"], "NEXT_VERSION": str(self.migrations or "")},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    def lies(self, rules: str, plan: str | None) -> None:
        """Write the rules, and the plan, or none."""
        (self.folder / "rules" / "acme.yaml").write_text(rules)
        file = self.folder / "plans" / "outage.yaml"
        file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        if plan is not None:
            file.write_text(plan)

    async def runs(self) -> list[PlanRun]:
        """All of them, the oldest first."""
        async with self.store.read() as tx:
            return list(reversed(await tx.plans.list()))

    async def write_run(self, snapshot: Mapping[str, Any]) -> None:
        """Let the plan in the only run be written as another version writes it."""
        async with self.store.begin() as tx:
            await tx.plans._session.run(update(plan_run).values(snapshot=snapshot))
            await tx.commit()

    async def half_way(self) -> None:
        """A crisis opens the plan; one step is done by Tocsin, one by a person, one is under way when the daemon is stopped."""
        pid = await self.start()
        await self.fire("Acme", 3)
        await asyncio.wait_for(self.hub.hanging.wait(), PATIENCE)
        await self.typed("plan", "done", "1", "look")
        assert await self.forge.end(pid) == 0
        [run] = await self.runs()
        assert states(run) == {"pause": "done", "look": "done", "tell": "running", "gather": "waiting"}
        self.hub.hangs = ""

    async def comes_to_its_end(self) -> None:
        """Wait until the run is done: nothing of it twice, nothing left out, nothing but what it was opened with."""

        async def done() -> bool:
            return states((await self.runs())[0]) == dict.fromkeys(STEPS, "done")

        await self.until(done, "the run comes to its end")
        run = (await self.runs())[0]
        assert (run.plan, run.state, run.definition.title) == ("outage", RunState.RUNNING, {"en": "Outage"})
        assert self.hub.steps() == Counter([("queue", "pause"), ("care", "tell"), ("room", "gather")])
        assert [self.hub.told[id_][0] for id_, times in self.hub.came.items() if times > 1] == ["care"], "what was cut off"
        async with self.store.read() as tx:
            story = await tx.timeline.of_incident(run.incident_id)
            [alert] = await tx.alerts.of_incident(run.incident_id)
        assert (alert.rule, alert.plan) == ("crisis", "outage")
        ends = Counter((event.detail or {})["step"] for event in story if event.kind == "plan.step.done")
        assert ends == dict.fromkeys(STEPS, 1)
        shown = await self.typed("plan", "show", "1")
        assert shown.startswith("Outage  under way\n")
        assert [line.split()[1] for line in shown.splitlines() if line.startswith("  done ")] == list(STEPS)
        assert shown.endswith("\nNext: tocsin plan ack 1\n")


def states(run: PlanRun) -> dict[str, str]:
    """How its steps stand."""
    return {each.step: str(each.state) for each in run.steps}


@pytest.fixture
async def scene(
    smithy: Path, typed_program: Path, tmp_path: Path, storage: StorageSettings, store: Store
) -> AsyncIterator[Scene]:
    """A plan run half-way, and nobody at work."""
    hub, port, folder = Hub(), free_port(), tmp_path / "brand"
    async with serving() as site, aiohttp.ClientSession() as client, forging(smithy, folder, IMPATIENT) as forge:
        site.answer = hub.take
        write(folder, MONITOR, RULES, HUB=site.url, PORT=str(port), DATABASE=storage.url.get_secret_value())
        made = Scene(folder, store, Doors(client, port), hub, forge, typed_program)
        made.lies(RULES, PLAN)
        await made.half_way()
        yield made


@pytest.mark.fault("operations", "a plan and its rule are edited in the middle of a plan run")
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
async def test_an_edited_plan(scene: Scene) -> None:
    """The run goes on as it was opened, each step once; the next crisis opens the plan as it is now."""
    scene.lies(RULES.replace("at_least: 3", "at_least: 2"), EDITED_PLAN)
    await scene.start()
    await scene.comes_to_its_end()
    await scene.fire("Globex", 2)

    async def opened() -> bool:
        return len(await scene.runs()) == 2

    await scene.until(opened, "the next crisis opens a run of its own")
    first, second = await scene.runs()
    assert first.incident_id != second.incident_id
    assert second.state is RunState.AWAITING_CONFIRMATION
    assert states(second) == {"pause": "waiting", "lawyer": "waiting"}


@pytest.mark.fault("operations", "a plan and its rule are removed in the middle of a plan run")
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
async def test_a_removed_rule(scene: Scene) -> None:
    """The run goes on to its end; whoever knew of the crisis is told that nobody watches any more, which is no all-clear."""
    scene.lies(OTHER_RULES, None)
    await scene.start()
    await scene.comes_to_its_end()

    async def told() -> bool:
        return bool(scene.hub.said("resolved"))

    await scene.until(told, "the end of the alert is told")
    [said] = scene.hub.said("resolved")
    assert said["headline"].startswith("No longer watched: “crisis”. Still going on: plan “Outage”")


@pytest.mark.fault("operations", "an upgrade in the middle of a plan run")
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
async def test_the_next_version(scene: Scene, tmp_path: Path) -> None:
    """The new version changes the tables, and goes on with the run: settings that the old one did not know are as usual."""
    await scene.write_run(yaml.safe_load(PLAN)["plan"])
    await scene.start(scripts(tmp_path))
    assert logged(scene.folder, "storage.migrated")
    await scene.comes_to_its_end()


@pytest.mark.fault("operations", "an upgrade is taken back in the middle of a plan run")
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
async def test_the_version_before(scene: Scene) -> None:
    """The old version goes on with a run that the new one opened: settings that only the new one knows are left aside."""
    [run] = await scene.runs()
    steps = [step | {"of_a_later_version": "5m"} for step in run.definition.snapshot()["steps"]]
    await scene.write_run({**run.snapshot, "steps": steps, "of_a_later_version": None})
    await scene.start()
    await scene.comes_to_its_end()
