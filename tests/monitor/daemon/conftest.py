"""A folder of configuration, a daemon at work in this process or in one of its own, and patience without sleeping blindly."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from monitor.daemon import Daemon
from monitor.domain.clock import Clock, SystemClock
from monitor.settings import Settings, load
from monitor.telemetry import configure_logging, metrics
from notifiers.signing import headers

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
PATIENCE = 40.0  # seconds, real: the machine may be busy

BASE = """
version: 1
subjects: {acme: {names: [Acme]}}
sources:
  tickets: {kind: webhook, secret: SECRET, every: 1s}
receivers:
  hub: {kind: webhook, url: HUB, secret: SECRET, timeout: 20s}
routing: {default: hub, ops: hub, group_wait: 1s, group_interval: 1s}
storage: {url: "DATABASE"}
web: {port: 0}
http: {allow: [localhost]}
logging: {format: json}
"""

RULES = """
version: 1
rules:
  - {id: complaint, kind: mention, where: {subjects: acme, text: {any_of: [broken]}}, key: [author]}
"""


# What opens with a crisis, and is carried out by itself: one step of each kind.
OUTAGE = """
version: 1
plan:
  id: outage
  title: {en: Outage}
  notify: [hub]
  activation: {mode: automatic}
  steps:
    - {id: pause, action: webhook, receiver: hub, title: {en: Pause the queue}}
    - {id: tell, action: notify, receiver: care, title: {en: Tell customer care}}
"""


@dataclass
class Hanging:
    """What a web server says that takes a message and never answers; `begun` once it has one."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.Response:
        """Never."""
        await request.read()
        self.begun.set()
        await asyncio.Event().wait()
        raise AssertionError


async def eventually(condition: Callable[[], Awaitable[Any]], what: str, within: float = PATIENCE) -> Any:
    """Ask again and again until the answer is true; fail, saying for what, when it never is."""
    end = time.monotonic() + within
    while True:
        answer = await condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"in vain: {what}"
        await asyncio.sleep(0.02)


async def call_in(address: str, number: int, text: str = "My Acme is broken", source: str = "tickets") -> None:
    """One signed call to the daemon's door."""
    now = SystemClock().now()
    body = json.dumps({"text": text, "author": f"user{number}", "url": f"https://tickets.example/{number}"}).encode()
    signed = headers([SECRET], f"call-{number}", now, body)
    async with aiohttp.ClientSession() as session, session.post(f"{address}/hooks/{source}", data=body, headers=signed) as answer:
        assert answer.status == 202, await answer.text()


def value(name: str, **labels: str) -> float:
    """A metric's value; 0 when it was never touched."""
    return metrics.registry.get_sample_value(name, labels) or 0.0


@contextmanager
def notify_socket(folder: Path) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """A socket as systemd's, and what was said to it so far. Somebody always listens: the kernel keeps only ten for later."""
    heard: list[str] = []

    def listen() -> None:
        while said := listener.recv(4096):
            heard.append(said.decode().partition("\n")[0])

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener, ThreadPoolExecutor(1) as thread:
        listener.bind(str(folder / "notify"))
        listening = thread.submit(listen)
        try:
            yield str(folder / "notify"), lambda: list(heard)
        finally:  # of a test that fails, too: else it would wait for the thread, and the thread for ever
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", str(folder / "notify"))
        listening.result()


@dataclass
class Folder:
    """A folder of configuration."""

    path: Path
    database: str
    base: str = BASE
    rules: str = RULES

    def write(self, monitor: str = BASE, rules: str = RULES, hub: str = "http://127.0.0.1:1") -> Path:
        """Write monitor.yaml and the rules."""
        (self.path / "rules").mkdir(parents=True, exist_ok=True)
        filled = monitor.replace("HUB", hub).replace("SECRET", SECRET).replace("DATABASE", self.database)
        (self.path / "monitor.yaml").write_text(filled)
        (self.path / "rules" / "acme.yaml").write_text(rules)
        return self.path

    def settings(self) -> Settings:
        """Read it."""
        return load(self.path, environ={})


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Folder:
    """An empty folder; its database is SQLite, and has its tables."""
    shutil.copyfile(empty_database, tmp_path / "tocsin.db")
    return Folder(tmp_path / "brand", f"sqlite:///{tmp_path}/tocsin.db")


Start = Callable[..., AbstractAsyncContextManager[Daemon]]


@pytest.fixture
def at_work(folder: Folder) -> Start:
    """Starts a daemon in this process; it is ready inside, and has stopped afterwards."""

    @asynccontextmanager
    async def start(clock: Clock | None = None, reload: Callable[[], Settings] | None = None) -> AsyncIterator[Daemon]:
        daemon = Daemon(folder.settings(), clock or SystemClock(), reload or folder.settings, handle_signals=False)
        running = asyncio.create_task(daemon.run())
        ready = asyncio.create_task(daemon.ready.wait())
        try:
            await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
            yield daemon
        finally:
            ready.cancel()
            daemon.stop()
            await running

    return start


@dataclass
class Process:
    """`tocsin run` in a process of its own."""

    process: asyncio.subprocess.Process
    events: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""  # where webhooks arrive
    private: str = ""  # where it says how it is

    async def listen(self) -> None:
        """Keep what it logs; learn from it where it listens."""
        assert self.process.stderr is not None
        async for row in self.process.stderr:
            if row.startswith(b"{"):
                self.events.append(json.loads(row))
            else:
                self.events.append({"event": row.decode(errors="replace")})
            said = self.events[-1]
            if said["event"] == "web.listening":
                setattr(self, "address" if said["door"] == "public" else "private", said["address"])

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        return [each for each in self.events if each["event"] == event]

    async def get(self, path: str) -> tuple[int, str]:
        """Ask one of its private endpoints; 0 while nobody listens."""
        try:
            async with aiohttp.ClientSession() as session, session.get(self.private + path) as answer:
                return answer.status, await answer.text()
        except (aiohttp.ClientError, ValueError):
            return 0, ""

    async def ready(self) -> bool:
        """Whether it says that it is."""
        return (await self.get("/-/ready"))[0] == 200

    async def metric(self, line: str) -> bool:
        """Whether /metrics has this very line."""
        return line in (await self.get("/metrics"))[1].splitlines()

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


Launch = Callable[..., AbstractAsyncContextManager[Process]]


@pytest.fixture
def launched(folder: Folder) -> Launch:
    """Starts `tocsin run` in a process; it is ready inside, and gone afterwards."""

    @asynccontextmanager
    async def launch(**environ: str) -> AsyncIterator[Process]:
        command = (str(Path(sys.executable).parent / "tocsin"), "run", "--config", str(folder.path))
        process = await asyncio.create_subprocess_exec(
            *command, stderr=asyncio.subprocess.PIPE, env={"PATH": "/usr/bin:/bin", **environ}
        )
        started = Process(process)
        listening = asyncio.create_task(started.listen())
        try:
            await eventually(started.ready, f"the daemon is ready; it said {started.events}")
            yield started
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await listening

    return launch


@pytest.fixture
def logged() -> io.StringIO:
    """What the daemon logs during a test, whatever an earlier test made of the logging."""
    stream = io.StringIO()
    configure_logging("json", "info", stream)
    return stream


@pytest.fixture
def patiently() -> Callable[..., Awaitable[Any]]:
    """`eventually`, for tests."""
    return eventually
