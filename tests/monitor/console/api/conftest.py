"""What the tests of the API share: a console in which something happened, and programs with tokens."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest_asyncio

from monitor.access import tokens
from monitor.access.auditing import By
from monitor.domain.account import MAY, Permission, Role
from tests.monitor.console.conftest import Office, configure, console, hut, lite, open_console

__all__ = ["configure", "console", "hut", "lite", "open_console"]  # fixtures of the console


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    said: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Program:
    """Somebody's program, with a token."""

    office: Office
    token: str

    async def get(self, path: str, **query: str | list[str]) -> Answer:
        """Ask."""
        return await self.ask("GET", path, params=query)

    async def post(self, path: str, said: object = None, **headers: str) -> Answer:
        """Act; what is None is no body at all."""
        return await self.ask("POST", path, json=said, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """Anything."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        session = self.office["stranger"].session
        more = {name: value for name, value in more.items() if value is not None}
        async with session.request(method, f"/api/v1{path}", headers=sent, allow_redirects=False, **more) as answer:
            text = await answer.text()
            assert answer.content_type in {"application/json", "application/problem+json"}, text
            return Answer(answer.status, json.loads(text), answer.headers)


Give = Callable[..., Awaitable[Program]]


@pytest_asyncio.fixture
async def office(console: Office) -> Office:
    """A storm came: four mentions, of which one is a complaint, alerts, and a plan run."""
    await console.home.storm()
    await console.home.hears("Acme never answers, I want my money back", by="bob", language="en")
    return console


@pytest_asyncio.fixture
async def give(office: Office) -> Give:
    """Makes a program of somebody's, with all that their role may, or with these scopes alone."""

    async def make(role: str = "admin", *scopes: Permission) -> Program:
        now = office.home.clock.wall()
        async with office.home.store.read() as tx:
            account = await tx.accounts.named(role)
        assert account is not None
        wanted = scopes or MAY[Role(role)]
        made = await tokens.make(office.home.store, account, "test", wanted, timedelta(days=1), By(role, "test"), now)
        return Program(office, made[1])

    return make
