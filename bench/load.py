"""A thousand mentions a second through a real daemon, and how long the bell takes meanwhile: `python -m bench --only load`."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import aiohttp

from bench import stream
from bench.daemon import Running, running
from bench.figure import Figure
from bench.latency import Receiver
from bench.replay import SHIPPED
from notifiers import signing

RATE = 1000  # mentions a second
CALLS = 10  # a second, each with RATE / CALLS mentions
RINGS = 5  # a second: complaints among them, each an alert of its own
SECONDS = 90.0
WARM_UP = 10.0
PATIENCE = 60.0
AT_ONCE = 20  # calls that may wait for their answer
AUTHORS = 4_000
# What is open is kept in memory, 1.5 kB an alert. Five alerts a second that stay open for a day would still be gathering
# after an hour: these end sooner, so that what grows then is a leak.
_OPEN_FOR = "10m"
# What counts everybody who talks, and never rings: a crisis would gather what follows it into one message, and rightly so.
_CALM = {"subjects": "lumora", "not": {"text": {"any_of": ["broken"]}}}
_WINDOWS = [
    {"kind": "window", "where": _CALM, **rule}
    for rule in (
        {"id": "people", "measure": {"distinct": "author"}, "window": "60m", "fire": {"at_least": 5_000}},
        {"id": "posts", "measure": "count", "window": "10m", "fire": {"at_least": 10_000_000}},
    )
]


@dataclass
class Load:
    """What was measured: seconds per ring, and once a second (seconds since the start, MB of memory, open descriptors)."""

    rings: list[float] = field(default_factory=list)
    samples: list[tuple[float, float, int]] = field(default_factory=list)
    sent: int = 0
    unheard: int = 0
    late: float = 0.0  # seconds by which the stream ran behind its own clock at worst
    seconds: float = 0.0
    processor: float = 0.0  # share of one core

    @property
    def rate(self) -> float:
        """Mentions a second that the daemon took."""
        return self.sent / self.seconds

    @property
    def p99(self) -> float:
        """Seconds within which 99 in 100 rings were heard; one that was never heard counts as the whole patience."""
        return quantiles([*self.rings, *([PATIENCE] * self.unheard)], n=100)[98]


def measure() -> list[Figure]:
    """Stream for a minute and a half."""
    return figures(asyncio.run(load(SECONDS)))


def figures(done: Load) -> list[Figure]:
    """What a load came to."""
    how = (
        f"{done.sent:,} mentions in {done.seconds:.0f} s, {RATE // CALLS} a call, SQLite; {len(done.rings):,} complaints among"
        " them, each an alert of its own, from the start of its call until the signed webhook arrived"
    )
    memory = [megabytes for _, megabytes, _ in done.samples]
    return [
        Figure("load", "mentions a second, taken in", done.rate, "/s", RATE * 0.98, at_least=True, how=how),
        Figure("load", "  webhook in → first notification, p50", median(done.rings) * 1000, "ms"),
        Figure("load", "  webhook in → first notification, p99", done.p99 * 1000, "ms", 2000),
        Figure("load", "  the longest", max(done.rings) * 1000, "ms"),
        Figure("load", "  notifications that never came", done.unheard, "", 1),
        Figure("load", "  processor", done.processor * 100, "%"),
        Figure("load", "  memory of the main process (RSS), at most", max(memory), "MB"),
    ]


async def load(seconds: float) -> Load:
    """Stream `RATE` mentions a second for so long, and time every ring after the warm-up."""
    receiver = Receiver()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        here, secret = Path(folder), signing.new_secret()
        _rules(here)
        async with receiver, running(here, _settings(receiver, secret)) as daemon, aiohttp.ClientSession() as session:
            return await _Streaming(receiver, secret, daemon, session).run(seconds)


def _rules(folder: Path) -> None:
    shutil.copytree(SHIPPED / "words", folder / "words")
    (folder / "rules").mkdir()
    shipped = (SHIPPED / "rules" / "complaints.yaml").read_text(encoding="utf-8")
    assert "after: 24h" in shipped, "the shipped rule ends its alerts by another time"
    (folder / "rules" / "complaints.yaml").write_text(shipped.replace("after: 24h", f"after: {_OPEN_FOR}"), encoding="utf-8")
    windows = json.dumps({"version": 1, "rules": _WINDOWS})  # JSON is YAML
    (folder / "rules" / "windows.yaml").write_text(windows, encoding="utf-8")


def _settings(receiver: Receiver, secret: str) -> dict[str, object]:
    return {
        "subjects": {"lumora": {"names": ["Lumora"]}},
        "sources": {"hook": {"kind": "webhook", "secret": secret, "items": "posts"}},
        "receivers": {"out": {"kind": "webhook", "url": receiver.url, "secret": receiver.secret}},
        # Every ring is timed: none may be gathered.
        "routing": {"default": "out", "digest_after": 1_000_000},
    }


class _Streaming:
    """Calls the daemon by the clock, whether or not it keeps up, and listens for what it tells."""

    def __init__(self, receiver: Receiver, secret: str, daemon: Running, session: aiohttp.ClientSession) -> None:
        self._receiver, self._secret, self._daemon, self._session = receiver, secret, daemon, session
        self._rung: dict[str, float] = {}  # when the call with this word in it began
        self._done = Load()
        self._records = _calm()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._warm = False
        self._heard = asyncio.Event()

    async def run(self, seconds: float) -> Load:
        """The whole measurement."""
        listening, watching = asyncio.ensure_future(self._listen()), asyncio.ensure_future(self._watch())
        try:
            await self._stream(WARM_UP)
            self._done.sent, self._done.late, self._warm = 0, 0.0, True
            began, used = time.perf_counter(), self._daemon.processor
            await self._stream(seconds)
            self._done.seconds = time.perf_counter() - began
            self._done.processor = (self._daemon.processor - used) / self._done.seconds
            await self._wait_for_the_last()
        finally:
            for task in (listening, watching):
                task.cancel()
            await asyncio.gather(listening, watching, return_exceptions=True)
        self._done.unheard = len(self._rung)
        return self._done

    async def _stream(self, seconds: float) -> None:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as calls:
            for number in range(round(seconds * CALLS)):
                due = began + number / CALLS
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                await self._room.acquire()
                self._done.late = max(self._done.late, time.perf_counter() - due)
                calls.create_task(self._call(ring=number % (CALLS // RINGS) == 0))

    async def _call(self, *, ring: bool) -> None:
        try:
            records = list(itertools.islice(self._records, RATE // CALLS))
            began = time.perf_counter()
            if ring:
                self._ring(records[0], began)
            body = json.dumps({"posts": records}).encode()
            signed = signing.headers([self._secret], f"msg_{records[0]['id']}", datetime.now(UTC), body)
            async with self._session.post(f"{self._daemon.url}/hooks/hook", data=body, headers=signed) as answer:
                assert answer.status == 202, f"the daemon answered {answer.status}: {await answer.text()}"
            self._done.sent += len(records)
        finally:
            self._room.release()

    def _ring(self, record: dict[str, object], began: float) -> None:
        """Make a complaint of a record, by somebody who says nothing else, with a word by which it is known again."""
        word = f"kettle{record['id']}"
        record |= {"text": f"My Lumora lamp is broken and nobody answers, {word}", "author": {"id": word, "handle": word}}
        if self._warm:
            self._rung[word] = began

    async def _listen(self) -> None:
        while True:
            arrived, body = await self._receiver.next()
            for post in json.loads(body)["data"]["posts"]:
                began = self._rung.pop(str(post["text"]).rpartition(" ")[2], None)
                if began is not None:
                    self._done.rings.append(arrived - began)
            self._heard.set()

    async def _watch(self) -> None:
        began = time.perf_counter()
        while True:
            self._done.samples.append((time.perf_counter() - began, self._daemon.memory, self._daemon.descriptors))
            await asyncio.sleep(1)

    async def _wait_for_the_last(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self._rung:
                    await self._heard.wait()
                    self._heard.clear()


def _calm() -> Iterator[dict[str, object]]:
    """People who talk and do not complain, for ever, as they would now."""
    told = [each for each in stream.records(20_000) if stream.number_of(each) < AUTHORS]
    for number in itertools.count(1):
        record = dict(told[number % len(told)])
        now = datetime.now(UTC).isoformat()
        yield record | {"id": f"{os.getpid()}-{number}", "url": f"https://social.example/@p/{number}", "created_at": now}
