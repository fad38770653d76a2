"""What the tests of the console share: a house, its console, and somebody of each role who has signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from yarl import URL

from monitor.access import Client
from monitor.access.sessions import open_session
from monitor.charts.drawing import Drawer
from monitor.console import Console
from monitor.console.charting import GALLERY, Gallery
from monitor.domain.account import Role
from monitor.storage import Store
from monitor.web import Gate, Reloaded, serve
from monitor.web.desk import Desk
from notifiers.message import Language
from rules import Rule
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS, Build, Configure, FragileStore, House, configure, hut, lite
from tests.monitor.web.conftest import MONITOR, PEOPLE, PLAN

__all__ = ["configure", "hut", "lite"]  # fixtures of the stages

HTML = {"Accept": "text/html,application/xhtml+xml"}
ROLES = ("viewer", "monitor", "manager", "admin")


@dataclass(frozen=True, slots=True)
class Page:
    """What came back, without following where it leads."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def leads_to(self) -> str:
        """Where the browser is sent."""
        return self.headers.get("Location", "")


@dataclass(slots=True)
class Person:
    """Somebody with a browser. `csrf` is what stands in their forms."""

    session: aiohttp.ClientSession
    csrf: str = ""

    async def get(self, path: str, **headers: str) -> Page:
        """Open a page."""
        return await self.ask("GET", path, headers)

    async def post(self, path: str, **fields: str) -> Page:
        """Press a button."""
        return await self.forge(path, **fields, **({"csrf": self.csrf} if self.csrf else {}))

    async def forge(self, path: str, **fields: str) -> Page:
        """Press a button on a page that somebody else has made."""
        return await self.ask("POST", path, {}, fields)

    async def send(self, path: str, said: object) -> Page:
        """What a script of a page sends."""
        headers = {"X-CSRF-Token": self.csrf, "Accept": "application/json"}
        async with self.session.post(path, json=said, headers=headers) as answer:
            return Page(answer.status, await answer.text(), answer.headers)

    async def ask(self, method: str, path: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None) -> Page:
        """Anything; what a stream has to tell is not waited for."""
        async with self.session.request(method, path, headers={**HTML, **headers}, data=form, allow_redirects=False) as answer:
            streams = answer.content_type == "text/event-stream"
            return Page(answer.status, "" if streams else await answer.text(), answer.headers)


class Unpainted(Drawer):
    """Draws nothing, and says what it was asked for: the worker's engine takes seconds to start."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Mapping[str, Any]] = []

    async def svg(self, spec: Mapping[str, Any]) -> str:
        """An empty picture."""
        self.asked.append(spec)
        return "<svg/>"

    async def png(self, spec: Mapping[str, Any], *, scale: float = 2.0) -> bytes:
        """Likewise."""
        self.asked.append(spec)
        return b"PNG"

    async def script(self) -> str:
        """No library."""
        return "// vega"


@dataclass(slots=True)
class Office:
    """A house with its console, and people of every role at it."""

    home: House
    gate: Gate
    address: str
    app: web.Application
    drawer: Unpainted
    people: dict[str, Person] = field(default_factory=dict)
    reloaded: list[tuple[datetime, Reloaded]] = field(default_factory=list)  # the last one is what the console knows of

    def __getitem__(self, role: str) -> Person:
        """Somebody of a role; `stranger`: nobody who has signed in."""
        return self.people[role]

    @property
    def desk(self) -> Desk:
        """What pages are served from."""
        return self.gate.desk()


async def _sign_in(office: Office, role: str, language: Language) -> None:
    """An account that is called like its role, and a session of it."""
    access, person, now = office.desk.access, office[role], office.home.clock.wall()
    async with office.home.store.begin() as tx:
        account = await tx.accounts.add(role, role.title(), Role(role), now)
        await tx.accounts.change(account.id, language=language, timezone="Europe/Paris")
        opened = await open_session(tx, account, "", Client("192.0.2.1", "test"), office.home.settings.console.sessions, now)
        await tx.commit()
    person.session.cookie_jar.update_cookies({access.cookie: opened.token}, URL(office.address))
    entry = await access.entry(opened.token)
    assert entry is not None
    person.csrf = entry.visitor.csrf


Open = Callable[..., Awaitable[Office]]


@pytest_asyncio.fixture
async def open_console(hut: Build, configure: Configure) -> AsyncIterator[Open]:
    """Opens a house with two rules, a plan, and the console at its public door; what is given changes monitor.yaml.

    Only of `signed_in` is there an account: of each role, unless told otherwise.
    """
    async with AsyncExitStack() as stack:

        async def open_door(language: Language = "en", signed_in: Collection[str] = ROLES, **more: Any) -> Office:
            rules = [COMPLAINT | {"notify": "room"}, CRISIS | {"plan": "storm", "notify": "room"}]
            home = hut(configure(**({"rules": rules, "plans": [PLAN], "people": PEOPLE} | MONITOR | {"web": {}} | more)))
            gate = Gate(home.clock, _reloading)
            gate.open(home.settings, {}, cast("Store", FragileStore(home.store)), print)
            apps: list[web.Application] = []
            reloaded: list[tuple[datetime, Reloaded]] = []
            drawer = Unpainted()

            def furnish(app: web.Application) -> None:
                apps.append(app)
                Console(lambda: reloaded[-1] if reloaded else None).furnish(app)
                app[GALLERY] = Gallery(drawer)

            address = await stack.enter_async_context(serve(gate, "public", "127.0.0.1", 0, furnish=furnish))
            office = Office(home, gate, address, apps[0], drawer, reloaded=reloaded)
            for role in (*ROLES, "stranger"):
                session = await stack.enter_async_context(
                    aiohttp.ClientSession(
                        address, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Accept-Language": language}
                    )
                )
                office.people[role] = Person(session)
                if role in signed_in:
                    await _sign_in(office, role, language)
            return office

        yield open_door


@pytest_asyncio.fixture
async def console(open_console: Open) -> Office:
    """A console in English, in which nothing has happened yet."""
    return await open_console()


async def _reloading() -> Reloaded:
    return Reloaded("in_force")


@pytest.fixture
def console_rule(configure: Configure) -> Rule:
    """A rule that rings when three people cry fire within the hour."""
    return configure(rules=[CRISIS]).rules[0]
