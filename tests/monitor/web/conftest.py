"""What the tests of pages and calls share: a house whose messages have links, and a client at its public door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import pytest_asyncio

from monitor.domain.plan import PlanRun
from monitor.settings import Settings
from monitor.storage import Store
from monitor.web import Gate, Reloaded, serve
from notifiers import signing
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS, Build, Configure, FragileStore, House, configure, hut, lite

__all__ = ["configure", "hut", "lite"]  # fixtures of the stages

PUBLIC = "https://tocsin.example"
SECRET = signing.new_secret()
PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"en": "Storm plan", "fr": "Plan tempête"},
    "notify": ["room", "ana", "ben"],
    "window": "1h",
    "severity": [
        {"level": 3, "name": {"en": "crisis", "fr": "crise"}, "ack_within": "20m", "when": {"authors": {"gte": 8}}},
        {"level": 1, "name": {"en": "vigilance"}, "ack_within": "60m"},
    ],
    "activation": {"mode": "automatic"},
    "steps": [
        {"id": "facts", "action": "checklist", "title": {"fr": "Les faits"}, "items": [{"fr": "Vrai ?"}, {"fr": "Qui ?"}]},
        {
            "id": "answer",
            "action": "statement",
            "statement": "answer",
            "title": {"fr": "Répondre"},
            "publish": "queue",
            "approval": {"role": "spokesperson", "within": "20m"},
        },
    ],
    "statements": [
        {"id": "answer", "text": {"fr": "Nous cherchons.", "en": "We look into it."}, "status": "approved"},
        {"id": "spare", "text": {"fr": "Un autre texte."}, "status": "draft"},
    ],
    "never": [{"fr": "Supprimer une critique"}],
}
MONITOR: dict[str, Any] = {
    "language": "fr",
    "smtp": {"host": "localhost", "sender": "tocsin@acme.example", "security": "none"},
    "receivers": {
        "room": {"kind": "email", "to": ["room@acme.example", "night@acme.example"]},
        "queue": {"kind": "webhook", "url": "https://hooks.example/queue"},
    },
    "routing": {"default": "room"},
    "web": {"public_url": PUBLIC},
}
PEOPLE: dict[str, Any] = {
    "people": {
        "ana": {"name": "Ana Lopez", "email": "ana@acme.example"},
        "ben": {"name": "Ben <b>Roy</b>", "email": "ben@acme.example", "language": "en"},
        "cleo": {"name": "Cléo", "email": "cleo@acme.example"},
    },
    "roles": {"spokesperson": {"primary": "ben", "backup": "cleo"}},
}


@dataclass
class Doorstep:
    """A house, and somebody at its public door."""

    home: House
    client: aiohttp.ClientSession
    store: FragileStore  # what the door works on

    async def run(self) -> PlanRun:
        """The only plan run."""
        (run,) = await self.home.runs()
        return run

    def link(self, receiver: str) -> str:
        """The newest link by which a receiver's reader takes charge, as its path."""
        address = next(message.links["acknowledge"] for message in reversed(self.home.told(receiver)) if message.links)
        assert address.startswith(f"{PUBLIC}/take?")
        return address.removeprefix(PUBLIC)

    def page(self, receiver: str) -> str:
        """The newest link to the run's page."""
        plan = next(message.plan for message in reversed(self.home.told(receiver)) if message.plan)
        assert plan.page.startswith(f"{PUBLIC}/run?")
        return plan.page.removeprefix(PUBLIC)

    async def get(self, path: str, **more: Any) -> tuple[int, str]:
        """What a browser is shown."""
        async with self.client.get(path, **more) as answer:
            return answer.status, await answer.text()

    async def press(self, path: str, by: str = "") -> tuple[int, str]:
        """Press the button, and stay where one is."""
        async with self.client.post(path, data={"by": by} if by else {}, allow_redirects=False) as answer:
            return answer.status, await answer.text()


_READ: dict[str, Settings] = {}  # what was configured before
Meet = Callable[..., Awaitable[Doorstep]]


@pytest_asyncio.fixture
async def meet(hut: Build, configure: Configure) -> AsyncIterator[Meet]:
    """Opens a house with two rules and the plan, and its public door; what is given changes monitor.yaml."""
    async with AsyncExitStack() as stack:

        async def open_door(**more: Any) -> Doorstep:
            rules = [COMPLAINT | {"notify": "room"}, CRISIS | {"plan": "storm", "notify": "room"}]
            if repr(more) not in _READ:  # reading a configuration takes longer than most of these tests
                _READ[repr(more)] = configure(rules=rules, plans=[PLAN], people=PEOPLE, **(MONITOR | more))
            home = hut(_READ[repr(more)])
            gate, fragile = Gate(home.clock, _reloading), FragileStore(home.store)
            gate.open(home.settings, {}, cast("Store", fragile), print)
            address = await stack.enter_async_context(serve(gate, "public", "127.0.0.1", 0))
            client = await stack.enter_async_context(aiohttp.ClientSession(address))
            return Doorstep(home, client, fragile)

        yield open_door


@pytest_asyncio.fixture
async def storm(meet: Meet) -> Doorstep:
    """A plan was opened, and its people were told."""
    doorstep = await meet()
    await doorstep.home.storm()
    await doorstep.home.act()
    return doorstep


async def _reloading() -> Reloaded:
    return Reloaded("waiting")
