"""Killed twenty times in the middle of its work, a replay ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from monitor.domain.clock import SystemClock
from monitor.domain.plan import RunState
from monitor.storage import StorageSettings, Store
from monitor.testing import serving
from notifiers.signing import verify
from tests.faults.forging import Forge, forging
from tests.monitor.daemon.conftest import OUTAGE

SEED = 20240719
KILLS = 20
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
MORNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

MONITOR = f"""
version: 1
subjects: {{acme: {{names: [Acme]}}}}
sources:
  posts: {{kind: file, path: posts.jsonl}}
receivers:
  hub: {{kind: webhook, url: HUB, secret: {SECRET}}}
  care: {{kind: webhook, url: HUB, secret: {SECRET}}}
routing: {{default: care, group_wait: 2m, group_interval: 10m}}
http: {{allow: ["127.0.0.1"]}}
"""

RULES = """
version: 1
rules:
  - id: danger
    kind: mention
    where: {subjects: acme, text: {any_of: [fire, smoke]}}
    key: [author]
    severity: critical
    notify: hub
  - id: crisis
    kind: window
    where: {subjects: acme, text: {any_of: [broken, awful, fire]}}
    measure: {distinct: author}
    key: [subject]
    window: 60m
    fire: {at_least: 20, times_expected: 3}
    baseline: {min_history: 4h}
    severity: critical
    plan: outage
    notify: [hub, care]
"""


def stream(rng: random.Random) -> list[dict[str, str]]:
    """A day of posts: calm, a storm from noon to two, calm again; a few posts a second time under the same address."""
    posts: list[dict[str, str]] = []
    at = MORNING
    while at < MORNING + timedelta(hours=16):
        stormy = timedelta(hours=6) < at - MORNING < timedelta(hours=8)
        at += timedelta(seconds=rng.expovariate(1 / (8 if stormy else 40)))
        words = ["is broken", "is awful"] if stormy or rng.random() < 0.03 else ["is here", "came today", "is blue"]
        said = "caught fire" if rng.random() < 0.04 else rng.choice(words)
        who = f"user{rng.randrange(900)}"
        posts.append(
            {"text": f"My Acme {said}", "created_at": at.isoformat(), "author": who, "url": f"https://p.example/{len(posts)}"}
        )
        if rng.random() < 0.02:
            posts.append(posts[-1])
    return posts


def write(folder: Path, hub: str, posts: list[dict[str, str]]) -> Path:
    """The configuration and the recording."""
    for name, text in {
        "monitor.yaml": MONITOR.replace("HUB", hub),
        "rules/acme.yaml": RULES,
        "plans/outage.yaml": OUTAGE,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "posts.jsonl").write_text("".join(json.dumps(post) + "\n" for post in posts))
    return folder


class Hub:
    """Takes every call, remembers its id and body, and says when the next has come."""

    def __init__(self) -> None:
        self.bodies: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        self.calls = 0
        self._more = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies[verify([SECRET], request.headers, body, now=SystemClock().now())].append(json.loads(body))
        self.calls += 1
        self._more.set()
        return web.Response(status=204)

    async def reaches(self, calls: int) -> None:
        """Wait until so many calls have come."""
        while self.calls < calls:
            self._more.clear()
            await self._more.wait()


async def begin(forge: Forge, folder: Path, database: str) -> int:
    """`tocsin replay … --deliver`, in a process of its own, which has everything imported already; its number."""
    (folder / "log").unlink(missing_ok=True)
    words = ("replay", str(folder / "posts.jsonl"), "--config", str(folder))
    return await forge.start(typed=(*words, "--database", database, "--deliver", "--json"))


async def to_the_end(forge: Forge, folder: Path, database: str) -> dict[str, Any]:
    """A replay that nobody disturbs; its JSON."""
    code = await forge.ended(await begin(forge, folder, database))
    said = (folder / "log").read_text()
    assert code == 0, said
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


async def until_killed(forge: Forge, folder: Path, database: str, hub: Hub, rng: random.Random) -> bool:
    """Kill a replay after a few more deliveries, or a little later. False: it had ended before."""
    pid = await begin(forge, folder, database)
    ended = asyncio.ensure_future(forge.ended(pid))
    moment = asyncio.create_task(hub.reaches(hub.calls + rng.randrange(1, 4)))
    await asyncio.wait({ended, moment}, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait({ended}, timeout=rng.choice((0, 0, 0.01, 0.1)))
    moment.cancel()
    if not ended.done():
        os.kill(pid, signal.SIGKILL)
    code = await ended
    assert code in {0, -signal.SIGKILL}, (folder / "log").read_text()
    return code != 0


async def messages(database: str) -> dict[str, str]:
    """The id that each message owed must have been sent under, and its state."""
    store = await Store.open(StorageSettings(url=SecretStr(database)))
    try:
        async with store.read() as tx:
            prefix = f"msg_{store.installation.replace('-', '')[:12]}_"
            found = {f"{prefix}{each.notification_id}": str(each.state) for each in await tx.deliveries.list(limit=100_000)}
            assert {run.state for run in await tx.plans.list()} == {RunState.RUNNING}
            return found
    finally:
        await store.close()


async def stored(database: str) -> int:
    """How many mentions the store has."""
    store = await Store.open(StorageSettings(url=SecretStr(database)))
    try:
        async with store.read() as tx:
            return await tx.mentions.count()
    finally:
        await store.close()


@pytest.mark.timeout(300)
async def test_twenty_kills_lose_nothing_and_repeat_nothing(tmp_path: Path, smithy: Path) -> None:
    """Every mention once, every message at least once and once by its id; alerts and plans as in a replay left in peace."""
    rng = random.Random(SEED)
    posts = stream(rng)
    hub = Hub()
    async with serving() as site:
        site.answer = hub.take
        folder = write(tmp_path / "brand", f"{site.url}/in", posts)
        async with forging(smithy, folder) as forge:
            calm = await to_the_end(forge, folder, f"sqlite:///{tmp_path}/calm.db")
            hub.bodies.clear()

            database, kills = f"sqlite:///{tmp_path}/killed.db", 0
            while kills < KILLS and await until_killed(forge, folder, database, hub, rng):
                kills += 1
            ended = await to_the_end(forge, folder, database)

    assert kills == KILLS, "the recording is too short to be killed so often"
    assert await stored(database) == len({post["url"] for post in posts})
    owed = await messages(database)
    assert set(owed.values()) == {"delivered"}
    assert set(hub.bodies) == set(owed), "each message arrived, and none that nobody owed"
    for sent in hub.bodies.values():
        assert len({body["data"]["kind"] for body in sent}) == 1, "what is repeated under an id is the same message"
    assert ended["alerts"] == calm["alerts"]
    assert ended["plan_runs"] == calm["plan_runs"]
    assert len(ended["plan_runs"]) == 1
    told, once = ([(each["receiver"], each["kind"]) for each in outcome["deliveries"]] for outcome in (ended, calm))
    assert sorted(told) == sorted(once)
