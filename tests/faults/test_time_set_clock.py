"""The wall clock of a real daemon is set while it runs, while it sleeps, and while it is down: polls and messages go on."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from monitor.testing import serving
from tests.faults.forging import Doors, Forge, forging, free_port, is_frozen, lit, logged, write

Patiently = Callable[..., Awaitable[Any]]
HOUR = timedelta(hours=1)
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
# Seconds: how often a daemon compares its clocks, and looks at what the passing of time brings about.
WATCHFUL = {"monitor.scheduling:LOOK_EVERY": 0.1, "monitor.shift:TICK": 0.1, "monitor.shift:DELIVER_IDLE": 0.1}

MONITOR = """
version: 1
subjects: {acme: {names: [Acme]}}
sources:
  tickets: {kind: webhook, secret: SECRET, every: 1s}
  news: {kind: feed, url: SITE/feed, every: 1s}
receivers:
  hub: {kind: webhook, url: SITE/hub, secret: SECRET}
routing: {default: hub, ops: hub, group_wait: 0s, group_interval: 0s}
storage: {url: "sqlite:///DATABASE"}
web: {port: PORT}
http: {retries: 0, allow: [127.0.0.1]}
"""
RULES = """
version: 1
rules:
  - {id: complaint, kind: mention, where: {subjects: acme, text: {any_of: [broken]}}, key: [author]}
"""
FEED = '<rss version="2.0"><channel><title>News</title><link>https://news.example/</link></channel></rss>'


class Wall:
    """The wall clock of a daemon, by libfaketime: the monotonic one is left alone, as the kernel does."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._library, self._file = library, folder / "clock"
        self.off = timedelta(0)
        self.set_right()

    @property
    def environ(self) -> dict[str, str]:
        """For the daemon's process."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # with it the threads that wait for one another turn in circles
            "NO_FAKE_STAT": "1",
        }

    def set_right(self) -> None:
        """Let it show what it is."""
        self.put(-self.off)

    def put(self, by: timedelta) -> None:
        """Set it forward, or back."""
        self.off += by
        half = self._file.with_suffix(".half")
        half.write_text(f"{self.off.total_seconds():+.0f}\n")
        half.rename(self._file)


@dataclass
class Town:
    """A feed that is asked, a receiver that is told, and a daemon with a clock of its own in between."""

    folder: Path
    wall: Wall
    doors: Doors
    forge: Forge
    patiently: Patiently
    ill: bool = False  # the feed and the receiver are
    hanging: bool = False  # the feed answers nobody
    asked: int = 0  # the feed
    refused: int = 0  # messages
    came: list[str] = field(default_factory=list)  # messages, by id
    told: list[str] = field(default_factory=list)  # what they say

    async def answer(self, request: web.Request) -> web.Response:
        """Both the feed and the receiver."""
        body = await request.text()
        feed = request.path == "/feed"
        self.asked += feed
        if feed and self.hanging:
            await asyncio.Event().wait()
        if self.ill:
            self.refused += not feed
            return web.Response(status=503)
        if feed:
            return web.Response(text=FEED, content_type="application/rss+xml")
        self.came.append(request.headers["webhook-id"])
        self.told.append(body)
        return web.Response(status=204)

    async def start(self) -> int:
        """A daemon, at work."""
        pid = await self.forge.start()
        await self.patiently(self.doors.ready, f"it is ready; it said {self.log()}")
        return pid

    def log(self) -> str:
        """The end of what the daemon said."""
        return (self.folder / "log").read_text()[-3000:] if (self.folder / "log").exists() else ""

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until it is so."""

        async def so() -> bool:
            return condition()

        await self.patiently(so, what)

    async def polls_go_on(self) -> None:
        """Wait until the feed was asked three times more."""
        enough = self.asked + 3
        await self.until(lambda: self.asked >= enough, "the feed is asked")

    async def rings(self, *numbers: int) -> None:
        """The last of these complains; wait until somebody was told of each."""
        assert await self.doors.tell(numbers[-1], "My Acme is broken", f"user{numbers[-1]}", off=self.wall.off) == 202
        await self.until(lambda: all(self._rang(each) for each in numbers), f"{numbers} ring; the daemon said {self.log()}")

    def _rang(self, number: int) -> bool:
        return any(f"from user{number}" in told for told in self.told)

    async def in_trouble(self) -> int:
        """Feed and receiver fail, and both are left alone for a while; the daemon's process."""
        self.ill = True
        pid = await self.start()
        assert await self.doors.tell(0, "My Acme is broken", "user0", off=self.wall.off) == 202
        await self.until(lambda: len(logged(self.folder, "delivery.retry")) == 1, "the message is to be tried again")
        await self.until(lambda: len(logged(self.folder, "source.failed")) == 1, "the feed rests")
        self.ill = False
        return pid

    def no_alarm(self) -> None:
        """Fail if anybody was told that a source is ill, or anything twice."""
        assert {each["rule"] for each in logged(self.folder, "alert.opened")} == {"complaint"}
        assert len(set(self.came)) == len(self.came)


@pytest.fixture(scope="module")
def timeless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wall, Path]]:
    """A clock, and the address of a forge whose daemons go by it."""
    if LIBRARY is None:
        pytest.skip("libfaketime is not installed (Debian: apt-get install faketime)")
    folder = tmp_path_factory.mktemp("timeless")
    wall = Wall(LIBRARY, folder)
    with lit(folder, wall.environ) as address:
        yield wall, address


@pytest.fixture
async def town(timeless: tuple[Wall, Path], tmp_path: Path, patiently: Patiently) -> AsyncIterator[Town]:
    """Everything but the daemon."""
    folder, port, (wall, address) = tmp_path / "brand", free_port(), timeless
    wall.set_right()
    async with (
        serving() as site,
        aiohttp.ClientSession() as client,
        forging(address, folder, WATCHFUL) as forge,
    ):
        made = Town(folder, wall, Doors(client, port), forge, patiently)
        site.answer = made.answer
        write(folder, MONITOR, RULES, SITE=site.url, PORT=str(port), DATABASE=str(tmp_path / "tocsin.db"))
        yield made


@pytest.mark.fault("time", "the wall clock is set an hour forward, or back")
@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
async def test_a_clock_that_is_set(town: Town, jump: timedelta) -> None:
    """What waits for another try, a message or a source, waits no longer for it; polls go on, none rings, nothing comes twice."""
    await town.in_trouble()
    town.wall.put(jump)
    await town.polls_go_on()
    await town.rings(0, 1)
    assert logged(town.folder, "clock.jumped")
    town.no_alarm()


@pytest.mark.fault("time", "the machine sleeps for a night")
async def test_a_night_of_sleep(town: Town) -> None:
    """What is due is done at once, and nobody is told that sources are ill, though the wall clock went on without us."""
    pid = await town.start()
    await town.polls_go_on()
    town.hanging = True  # its network needs longer than we to come back
    os.kill(pid, signal.SIGSTOP)
    await town.until(lambda: is_frozen(pid), "it sleeps")
    town.wall.put(8 * HOUR)
    os.kill(pid, signal.SIGCONT)
    await town.until(lambda: bool(logged(town.folder, "clock.jumped")), "it notices")
    for number in range(3):  # it judges, and looks at the time, as often
        await town.rings(number)
    town.no_alarm()


@pytest.mark.fault("time", "the clock is set back an hour while the daemon is down")
async def test_a_clock_that_is_set_back_meanwhile(town: Town) -> None:
    """A message that was to be tried again in seconds, and a source that rested, do not wait an hour for the next daemon."""
    assert await town.forge.end(await town.in_trouble()) == 0
    town.wall.put(-HOUR)
    await town.start()
    await town.polls_go_on()
    await town.rings(0, 1)
    town.no_alarm()
