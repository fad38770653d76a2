"""Two hundred sources at once in one process: its memory, how long its loop stands still, and how late each poll is."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from bench import networks
from bench.daemon import PATIENCE, Running, free_port
from bench.figure import Figure
from bench.replay import SHIPPED

SECONDS = 90.0
SETTLE = 40.0  # seconds: the first polls, which find everything new, and the second, which find their place
EVERY = 30.0  # seconds: what asks every two minutes, as is usual, does a quarter of this
APART = timedelta(seconds=5)  # between two posts on one network: forty a second on all
BACKLOG = timedelta(minutes=30)
MIX: Mapping[type[networks.Network], int] = {
    networks.Feed: 60,
    networks.Records: 30,
    networks.Mastodon: 30,
    networks.X: 20,
    networks.YouTube: 20,
    networks.Reddit: 20,
    networks.Facebook: 10,
    networks.Instagram: 10,
}
SOURCES = sum(MIX.values())
SLOW = 3.0  # seconds that every tenth takes to answer
TICK = 0.005


@dataclass
class Site:
    """One network, at a port of its own, and when it was asked. `temper` is how it answers."""

    name: str
    network: networks.Network
    temper: str
    port: int = 0
    asked: list[float] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """One question."""
        self.asked.append(time.monotonic())
        if self.temper == "slow":
            await asyncio.sleep(SLOW)
        elif self.temper == "failing":
            return web.Response(status=500)
        elif self.temper == "throttled":
            return web.Response(status=429, headers={"Retry-After": "30"})
        self.network.talk.now = datetime.now(UTC)
        said = self.network.answer(request.path, request.query)
        return web.Response(text=said, content_type="application/rss+xml") if isinstance(said, str) else web.json_response(said)

    def polls(self, since: float) -> list[float]:
        """When each began: a poll may ask several times, and is over before half of its interval."""
        begun: list[float] = []
        for at in self.asked:
            if not begun or at - begun[-1] > EVERY * 0.45:
                begun.append(at)
        return [at for at in begun if at >= since]

    def late(self, since: float) -> list[float]:
        """By how many seconds each poll came later than the most punctual of them lets expect."""
        polls = self.polls(since)
        phases = [at - round((at - polls[0]) / EVERY) * EVERY for at in polls]
        return [each - min(phases) for each in phases]

    def missed(self, since: float, until: float) -> int:
        """Turns in which nobody asked."""
        polls = self.polls(since)
        return max(int((until - polls[0]) / EVERY) + 1 - len(polls), 0) if polls else 1


@dataclass(frozen=True, slots=True)
class Lag:
    """How long a loop stood still: each time in seconds, all and without what others had of the processor."""

    longest: float
    ours: float
    often: int  # times that ours were more than 50 ms
    p999: float


@dataclass(frozen=True, slots=True)
class Done:
    """What was measured."""

    lag: Lag
    idle: Lag
    late: Sequence[float]
    missed: int
    memory: float
    processor: float
    polls: int


def measure() -> list[Figure]:
    """Watch for a minute and a half."""
    return figures(asyncio.run(watch(SECONDS)), SECONDS)


def figures(done: Done, seconds: float) -> list[Figure]:
    """What it came to."""
    how = (
        f"{SOURCES} sources of eight kinds, every {EVERY:g} s, watched for {seconds:g} s after the first {SETTLE:g}:"
        f" {done.polls:,} polls; every tenth answers after {SLOW:g} s, every tenth with 500 or 429 (these rest, and are not"
        f" counted as late); a tick every {TICK * 1000:g} ms. An idle loop beside it stood still for"
        f" {done.idle.longest * 1000:.0f} ms at most, {done.idle.ours * 1000:.0f} without what others had of the processor"
    )
    return [
        Figure("many sources", f"memory of the main process, {SOURCES} sources, at most", done.memory, "MB", 250, how=how),
        Figure("many sources", "longest time that the loop stood still", done.lag.ours * 1000, "ms", 50),
        Figure("many sources", "  with what others had of the processor", done.lag.longest * 1000, "ms"),
        Figure("many sources", "  999 of 1,000 ticks are late by at most", done.lag.p999 * 1000, "ms"),
        Figure("many sources", "  times that it stood still for more than 50 ms", done.lag.often, ""),
        Figure("many sources", "latest poll, of its interval", max(done.late) / EVERY * 100, "%", 10),
        Figure("many sources", "  median", median(done.late) / EVERY * 100, "%"),
        Figure("many sources", "polls that never came", done.missed, "", 1),
        Figure("many sources", "  processor of the main process", done.processor * 100, "%"),
    ]


async def watch(seconds: float, *, profile: bool = False) -> Done:
    """Run the daemon on all of them for so long after it is ready."""
    sites = _sites()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        async with _served(sites), _running(Path(folder), sites, profile=profile) as (daemon, ended), _idle() as idle:
            first = await _most_memory(daemon, SETTLE)
            os.kill(daemon.pid, signal.SIGUSR1)  # from now on ticks count
            used, began = daemon.processor, time.monotonic()
            memory = max(first, await _most_memory(daemon, seconds))
            used, until = (daemon.processor - used) / seconds, time.monotonic()
            lag, resting = await ended(), await idle()
    punctual = [each for each in sites if each.temper in {"", "slow"}]
    late = [seconds for site in punctual for seconds in site.late(began)]
    return Done(
        lag,
        resting,
        late,
        sum(each.missed(began, until - EVERY / 10) for each in punctual),
        memory,
        used,
        sum(len(each.polls(began)) for each in sites),
    )


async def _most_memory(daemon: Running, seconds: float) -> float:
    until, most = time.monotonic() + seconds, 0.0
    while time.monotonic() < until:
        await asyncio.sleep(0.5)
        most = max(most, daemon.memory)
    return most


def _sites() -> list[Site]:
    recorded = {kind: networks.recorded(kind.kind) for kind in MIX}
    now, sites = datetime.now(UTC), []
    for number, kind in enumerate(each for each, many in MIX.items() for _ in range(many)):
        temper = {5: "slow", 8: "failing", 18: "throttled"}.get(number % 20, "slow" if number % 20 == 15 else "")
        talk = networks.Talk(now - BACKLOG + timedelta(seconds=number % 5), APART, now, recorded[kind])
        sites.append(Site(f"{kind.kind}-{number}", kind(talk), temper))
    return sites


@asynccontextmanager
async def _served(sites: Sequence[Site]) -> AsyncIterator[None]:
    """Each on a port of its own, as networks have hosts of their own: what is limited per host must not hold up others."""
    runners = []
    for site in sites:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", site.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.port = runner.addresses[0][1]
        runners.append(runner)
    try:
        yield
    finally:
        await asyncio.gather(*(runner.cleanup() for runner in runners))


def _settings(folder: Path, sites: Sequence[Site], port: int, private: int) -> dict[str, Any]:
    asked = {each.name: each.network.settings(f"http://127.0.0.1:{each.port}") | {"every": f"{EVERY:g}s"} for each in sites}
    return {
        "version": 1,
        "storage": {"url": f"sqlite:///{folder}/tocsin.db"},
        "web": {"port": port, "private": {"port": private}},
        "http": {"allow": ["localhost"]},
        "logging": {"level": "error"},
        "subjects": {"lumora": {"names": ["Lumora"], "handles": ["@lumora"], "hashtags": ["#lumora"]}},
        "sources": asked,
        "receivers": {"out": {"kind": "webhook", "url": "https://never-called.invalid/"}},
        "routing": {"default": "out"},
    }


@asynccontextmanager
async def _running(folder: Path, sites: Sequence[Site], *, profile: bool) -> AsyncIterator[tuple[Running, Any]]:
    """The daemon with the shipped rules, in a process of its own that watches a tick; `ended` ends it, and gives the lag."""
    for part in ("words", "rules", "plans"):
        shutil.copytree(SHIPPED / part, folder / part)
    port, private = free_port(), free_port()
    (folder / "monitor.yaml").write_text(yaml.safe_dump(_settings(folder, sites, port, private)), encoding="utf-8")
    began = time.perf_counter()
    typed = ["--daemon", str(folder), *(["--profile"] if profile else [])]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.many_sources", *typed, stdout=-1)
    try:
        await _ready(f"http://127.0.0.1:{private}/-/ready")
        yield Running(process.pid, "", time.perf_counter() - began), lambda: _lag(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _ready(url: str) -> None:
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _idle() -> AsyncIterator[Any]:
    """A loop that does nothing else but tick: what it suffers is the machine's."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.many_sources", "--idle", stdout=-1)
    try:
        yield lambda: _lag(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _lag(process: asyncio.subprocess.Process) -> Lag:
    process.terminate()
    said, _ = await process.communicate()
    return Lag(**json.loads(said.splitlines()[-1]))


class Ticking:
    """Ticks in a loop, and knows how late each tick came.

    The longest that one of our threads stood in the kernel's queue meanwhile is the machine's: the loop may wait for it.
    """

    def __init__(self) -> None:
        self.late: list[float] = []
        self.ours: list[float] = []
        self._queues: dict[str, int] = {}  # by thread, where the kernel says how long it stood in its queue

    async def forever(self) -> None:
        """Tick."""
        while True:
            began, queued = time.perf_counter(), self._queued()
            await asyncio.sleep(TICK)
            late = max(time.perf_counter() - began - TICK, 0.0)
            self.late.append(late)
            others = max((waited - queued.get(thread, 0.0) for thread, waited in self._queued().items()), default=0.0)
            self.ours.append(max(late - others, 0.0))

    def _queued(self) -> dict[str, float]:
        found = {}
        for thread in os.listdir("/proc/self/task"):  # noqa: PTH208 two hundred times a second
            try:
                if thread not in self._queues:
                    self._queues[thread] = os.open(f"/proc/self/task/{thread}/schedstat", os.O_RDONLY)
                found[thread] = int(os.pread(self._queues[thread], 64, 0).split()[1]) / 1e9
            except OSError:  # it has ended
                if thread in self._queues:
                    os.close(self._queues.pop(thread))
        return found

    def forget(self) -> None:
        """Begin anew."""
        self.late.clear()
        self.ours.clear()

    def lag(self) -> dict[str, float]:
        """As `Lag` holds it."""
        longest, ours = max(self.late, default=0.0), max(self.ours, default=0.0)
        p999 = quantiles(self.ours, n=1000)[-1] if len(self.ours) > 1 else 0.0
        return {"longest": longest, "ours": ours, "often": sum(each > 0.05 for each in self.ours), "p999": p999}


async def _work(folder: Path | None) -> None:
    """What a child does until SIGTERM: run the daemon, or nothing, and tick."""
    ticking, loop = Ticking(), asyncio.get_running_loop()
    task = loop.create_task(ticking.forever())
    loop.add_signal_handler(signal.SIGUSR1, ticking.forget)
    if folder is None:
        ended = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, ended.set)
        await ended.wait()
    else:
        from monitor import heaps  # noqa: PLC0415 the idle loop needs none of it
        from monitor.daemon import Daemon  # noqa: PLC0415 likewise
        from monitor.domain.clock import SystemClock  # noqa: PLC0415 likewise
        from monitor.settings import load  # noqa: PLC0415 likewise
        from monitor.telemetry import configure_logging  # noqa: PLC0415 likewise

        settings = load(folder)
        configure_logging(settings.logging.format, settings.logging.level)
        daemon = Daemon(settings, SystemClock(), reload=lambda: load(folder), built=heaps.settle)
        running = loop.create_task(daemon.run())
        await asyncio.sleep(0)  # the daemon listens to signals, too: ours come after

        def end() -> None:
            task.cancel()  # how it ends is not measured
            daemon.stop()

        loop.add_signal_handler(signal.SIGTERM, end)
        await running
    task.cancel()
    print(json.dumps(ticking.lag()))


def _child(folder: Path | None, *, profile: bool) -> None:
    if folder is not None:
        from monitor import heaps  # noqa: PLC0415 as `tocsin run` does

        heaps.share()
    if profile:
        _tell_what_blocks()
    asyncio.run(_work(folder))


def _tell_what_blocks(longest: float = 0.02) -> None:
    """Print each callback that keeps the loop for long: wall and processor time, in ms."""
    run = asyncio.events.Handle._run  # noqa: SLF001 nothing public tells

    def timed(self: asyncio.events.Handle) -> None:
        began, worked = time.perf_counter(), time.thread_time()
        run(self)
        took, work = time.perf_counter() - began, time.thread_time() - worked
        if took > longest:
            print(f"{took * 1000:6.0f} {work * 1000:6.0f} {_told(self)}", file=sys.stderr)

    asyncio.events.Handle._run = timed  # type: ignore[method-assign]  # noqa: SLF001 likewise


def _told(handle: asyncio.events.Handle) -> str:
    owner = getattr(getattr(handle, "_callback", None), "__self__", None)
    if isinstance(owner, asyncio.Task):
        stack = [f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}" for frame in owner.get_stack()]
        return f"{owner.get_name()} {getattr(owner.get_coro(), '__qualname__', '')} {stack[-1:]}"
    return repr(handle)[:200]


def main() -> None:
    """Measure for as long as is asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.many_sources", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long to watch")
    parser.add_argument("--profile", action="store_true", help="print what keeps the daemon's loop for more than 20 ms")
    parser.add_argument("--daemon", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--idle", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.daemon or asked.idle:
        _child(asked.daemon, profile=asked.profile)
        return
    for figure in figures(asyncio.run(watch(asked.seconds, profile=asked.profile)), asked.seconds):
        print(f"{figure.what:60} {figure.value:10,.2f} {figure.unit}")
        if figure.how:
            print(f"    {figure.how}")


if __name__ == "__main__":
    main()
