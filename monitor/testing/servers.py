"""Servers on loopback, and stand-ins for what is tested elsewhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from aiohttp import web

from monitor.domain.errors import SourceError
from monitor.domain.mention import Mention
from monitor.sources.base import Batch, Rejected, Source
from monitor.sources.connecting import HttpSettings
from monitor.workshop.pool import Workshop
from notifiers import Message, Receipt

T = TypeVar("T")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Site:
    """A web server on loopback: `answer` decides what it says, `asked` remembers what it was asked."""

    port: int = 0
    answer: Handler | None = None
    asked: list[web.Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def says(self, status: int = 200, body: str | bytes = b"", **headers: str) -> None:
        """Give the same answer to everything. In header names write an underscore for each hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body.encode() if isinstance(body, str) else body

        async def same(request: web.Request) -> web.Response:
            del request
            return web.Response(status=status, body=raw, headers=named)

        self.answer = same

    def says_json(self, value: Any, status: int = 200) -> None:
        """Give the same JSON to everything."""
        self.says(status, json.dumps(value), Content_Type="application/json")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.asked.append(request)
        assert self.answer is not None, "tell the site what to say"
        return await self.answer(request)


@asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    """A `Site` that listens while the context lasts."""
    site = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.port = runner.addresses[0][1]
        yield site
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(reply: bytes, *, hang: bool = False) -> AsyncIterator[str]:
    """The address of a server that sends exactly these bytes to everybody, and then closes, or hangs."""
    release = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        if hang:
            await release.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        release.set()
        server.close()
        await server.wait_closed()


def loopback(**settings: Any) -> HttpSettings:
    """Settings of a client that may call this machine, as tests do."""
    return HttpSettings(allow=("localhost",), **settings)


class AtOnce(Workshop):
    """A workshop without workers: what is asked for is done here and now. For tests of what is done, not of where."""

    async def run(self, function: Callable[..., T], *args: Any, within: timedelta, again: bool = True) -> T:
        """What the function gives, or raises."""
        del within, again
        return function(*args)


@dataclass
class Drained:
    """All that a source brought until it said that there is no more."""

    mentions: list[Mention]
    rejected: list[Rejected]
    cursor: str | None
    polls: int


async def drain(source: Source, cursor: str | None = None, *, at_most: int = 50) -> Drained:
    """Poll as the daemon does, at once again while there is more. A source that never ends fails here."""
    seen = Drained([], [], cursor, 0)
    while seen.polls < at_most:
        batch = await source.poll(seen.cursor)
        seen = Drained([*seen.mentions, *batch.mentions], [*seen.rejected, *batch.rejected], batch.cursor, seen.polls + 1)
        if not batch.more:
            return seen
    raise AssertionError(f"after {at_most} polls the source still says that there is more")


async def trouble_of(asking: Awaitable[object]) -> SourceError:
    """The error that a poll ends with."""
    try:
        await asking
    except SourceError as error:
        return error
    raise AssertionError("nothing went wrong")


@dataclass
class ScriptedSource:
    """A source that brings what stands in `script`, one entry a poll, and then nothing; an exception is raised."""

    script: list[Batch | BaseException] = field(default_factory=list)
    network: str = "mastodon"
    asked: list[str | None] = field(default_factory=list)  # the cursor of each poll

    async def poll(self, cursor: str | None) -> Batch:
        """The next entry of the script."""
        self.asked.append(cursor)
        said = self.script.pop(0) if self.script else Batch(cursor=cursor)
        if isinstance(said, BaseException):
            raise said
        return said


@dataclass
class RecordingNotifier:
    """A receiver that keeps what it takes; what stands in `troubles` is raised first, one an attempt.

    While `answers` is not set it keeps its callers waiting, like a server that accepts and says nothing.
    """

    troubles: list[BaseException] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    attempts: list[tuple[str, datetime]] = field(default_factory=list)  # id of the message, time of the attempt
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)  # set by the first attempt

    def __post_init__(self) -> None:
        self.answers.set()

    async def send(self, message: Message, *, attempted_at: datetime) -> Receipt:
        """Take the message, or not."""
        self.attempts.append((message.id, attempted_at))
        self.asked.set()
        await self.answers.wait()
        if self.troubles:
            raise self.troubles.pop(0)
        self.taken.append(message)
        return Receipt("taken")
