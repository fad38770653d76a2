"""From a signed webhook that comes in to the signed webhook that goes out, through a real daemon: how long the bell takes."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Self

import aiohttp
from aiohttp import web

from bench.daemon import Running, running
from bench.figure import Figure
from bench.replay import SHIPPED
from notifiers import signing

CALLS = 300
WARM_UP = 10
PAUSE = 0.02  # seconds between the answer to one call and the next
PATIENCE = 10.0


def measure() -> list[Figure]:
    """Ring the bell again and again, each time for another author, and time each ring."""
    times = asyncio.run(_rings())
    how = f"{len(times)} calls one after the other, each by another author and each an alert of its own"
    return [
        Figure("latency", "webhook in → signed webhook out, p50", median(times) * 1000, "ms", 150, how=how),
        Figure("latency", "webhook in → signed webhook out, p99", quantiles(times, n=100)[98] * 1000, "ms", 1000),
        Figure("latency", "  the longest", max(times) * 1000, "ms"),
    ]


async def _rings() -> list[float]:
    receiver = Receiver()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        here, secret = Path(folder), signing.new_secret()
        rules(here)
        async with receiver, running(here, settings(receiver, secret)) as daemon, aiohttp.ClientSession() as session:
            return [await ring(number, receiver, secret, daemon, session) for number in range(WARM_UP + CALLS)][WARM_UP:]


def rules(folder: Path) -> None:
    """The shipped rules for single mentions. A crisis would gather what follows it into one message, and rightly so."""
    shutil.copytree(SHIPPED / "words", folder / "words")
    (folder / "rules").mkdir()
    shutil.copy(SHIPPED / "rules" / "complaints.yaml", folder / "rules")


def settings(receiver: Receiver, secret: str) -> dict[str, object]:
    """A door for signed calls, and one receiver."""
    return {
        "subjects": {"lumora": {"names": ["Lumora"]}},
        "sources": {"hook": {"kind": "webhook", "secret": secret}},
        "receivers": {"out": {"kind": "webhook", "url": receiver.url, "secret": receiver.secret}},
        "routing": {"default": "out", "digest_after": 1_000_000},  # every ring is timed: none may be gathered
    }


async def ring(number: int, receiver: Receiver, secret: str, daemon: Running, session: aiohttp.ClientSession) -> float:
    """Seconds from the start of one call until the alert about it has arrived, its signature checked."""
    word = f"kettle{number}"
    record = {
        "id": f"call{number}",
        "text": f"My Lumora lamp is broken and nobody answers, {word}",
        "created_at": datetime.now(UTC).isoformat(),
        "author": {"id": f"author{number}", "handle": f"author{number}"},
    }
    body = json.dumps(record).encode()
    now = datetime.now(UTC)
    began = time.perf_counter()
    signed = signing.headers([secret], f"msg_{number}", now, body)
    async with session.post(f"{daemon.url}/hooks/hook", data=body, headers=signed) as answer:
        assert answer.status == 202, f"the daemon answered {answer.status}: {await answer.text()}"
    async with asyncio.timeout(PATIENCE):
        arrived = await receiver.heard(word)
    await asyncio.sleep(PAUSE)
    return arrived - began


class Receiver:
    """A webhook receiver on loopback that checks every signature and notes when what arrived."""

    def __init__(self) -> None:
        self.secret = signing.new_secret()
        self.url = ""
        self._calls: asyncio.Queue[tuple[float, str]] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        arrived = time.perf_counter()
        body = await request.read()
        signing.verify([self.secret], request.headers, body, now=datetime.now(UTC))
        self._calls.put_nowait((arrived, body.decode()))
        return web.Response(status=204)

    async def next(self) -> tuple[float, str]:
        """The next call that arrives, and when it did."""
        return await self._calls.get()

    async def heard(self, word: str) -> float:
        """When a call with this word in it arrived."""
        while True:
            arrived, body = await self.next()
            if word in body:
                return arrived
