"""How many events a second of Bluesky's stream are read and filtered to what is looked for, on one core."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from statistics import median
from typing import Any

from bench import machine
from bench.figure import Figure

EVENTS = 100_000
WANTED = 0.002  # of the posts
DELETED, IDENTITIES = 0.08, 0.07  # of the events; identities come whatever is asked for
ABROAD = 0.4  # of the posts, with letters beyond ASCII
RUNS = 3
AT_LEAST = 20_000
TERMS = 50
SEED = 20261130
BEGAN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
_HOME = Path(__file__).resolve().parent.parent
_LAST = "lumora, the last of all"
_SYLLABLES = ("ba", "co", "di", "fu", "ge", "li", "mo", "na", "pe", "ri", "so", "tu", "va", "xe", "zo", "qui")
_ABROAD = ("é", "ão", "ñu", "ür", "の", "日", "ね", "東", "キ", "안", "привет", "😍")


def measure() -> list[Figure]:
    """A server in a process of its own, and three times a fresh listener that is pinned to one core; medians."""
    runs = [_run() for _ in range(RUNS)]
    how = (
        f"{EVENTS:,} events by a WebSocket on loopback, {DELETED:.0%} deletions, {IDENTITIES:.0%} identities, past {TERMS} terms,"
        f" one of which {WANTED:.1%} of the posts say; from the connection to the last mention; median of {RUNS} runs"
    )
    return [
        Figure(
            "jetstream", "events a second read and filtered, one core", _of(runs, "rate"), "/s", AT_LEAST, at_least=True, how=how
        ),
        Figure("jetstream", "  by the processor time that it took", _of(runs, "worked"), "/s"),
        Figure("jetstream", "  mentions found", _of(runs, "found"), ""),
    ]


def _of(runs: list[dict[str, float]], what: str) -> float:
    return median(run[what] for run in runs)


def _run() -> dict[str, float]:
    serving = subprocess.Popen([sys.executable, "-m", "bench.jetstream", "serve"], stdout=subprocess.PIPE, text=True, cwd=_HOME)
    try:
        assert serving.stdout is not None
        port = serving.stdout.readline().strip()
        done = subprocess.run(
            [sys.executable, "-m", "bench.jetstream", port], check=True, capture_output=True, text=True, cwd=_HOME
        )
    finally:
        serving.kill()
        serving.wait()
    found: dict[str, float] = json.loads(done.stdout)
    return found


def events() -> Iterator[bytes]:
    """What a busy hour looks like; the last event is one that is looked for."""
    chance = random.Random(SEED)
    words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(5_000)]
    for number in range(EVENTS - 1):
        yield _written(_event(chance, words, number))
    yield _written(_commit(EVENTS, "create", record=_post(_LAST, EVENTS)))


def _event(chance: random.Random, words: list[str], number: int) -> dict[str, Any]:
    kind = chance.random()
    if kind < IDENTITIES:
        return {"did": _did(number), "time_us": _at(number), "kind": "identity", "identity": {"did": _did(number), "seq": number}}
    if kind < IDENTITIES + DELETED:
        return _commit(number, "delete")
    said = chance.choices(words, k=chance.randint(4, 40))
    if chance.random() < ABROAD:
        said += chance.choices(_ABROAD, k=8)
    if chance.random() < WANTED:
        said.insert(2, "Lumora")
    post = _post(" ".join(said), number)
    if chance.random() < 0.5:  # half of what is written answers something
        above = {"cid": "bafyrei" + "x" * 52, "uri": f"at://{_did(number + 1)}/app.bsky.feed.post/{number:013}"}
        post["reply"] = {"parent": above, "root": above}
    return _commit(number, "create", record=post)


def _commit(number: int, operation: str, **record: Any) -> dict[str, Any]:
    change = {"rev": f"{number:013}", "operation": operation, "collection": "app.bsky.feed.post", "rkey": f"{number:013}"}
    cid = {"cid": "bafyrei" + "y" * 52} if record else {}
    return {"did": _did(number), "time_us": _at(number), "kind": "commit", "commit": {**change, **record, **cid}}


def _post(text: str, number: int) -> dict[str, Any]:
    return {"$type": "app.bsky.feed.post", "createdAt": _moment(number).isoformat(), "langs": ["en"], "text": text}


def _did(number: int) -> str:
    return f"did:plc:{number * 7_919 % 10**9:024}"


def _moment(number: int) -> datetime:
    return BEGAN + timedelta(milliseconds=number)


def _at(number: int) -> int:
    return int(_moment(number).timestamp() * 1e6)


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _serve() -> None:
    """Tell all of it to whoever connects, as frames that were made before."""
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {machine.one_core()} or {machine.one_core()})
    frames = b"".join(bytes([0x81, 126]) + len(said).to_bytes(2) + said for said in events())

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(line.partition(": ")[2] for line in asked.split("\r\n") if line.lower().startswith("sec-websocket-key:"))
        accepted = b64encode(sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accepted}\r\n\r\n".encode()
        )
        for first in range(0, len(frames), 2**16):
            writer.write(frames[first : first + 2**16])
            await writer.drain()

    async def run() -> None:
        server = await asyncio.start_server(told, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(run())


def _listen(port: str) -> None:
    """Read all of it once, on one core, and print what it came to."""
    os.sched_setaffinity(0, {machine.one_core()})
    from monitor.domain.clock import SystemClock  # noqa: PLC0415 after the pinning
    from monitor.sources import HttpClient, HttpSettings, Inbox, Kit  # noqa: PLC0415 likewise
    from monitor.sources.jetstream import Jetstream, JetstreamSettings  # noqa: PLC0415 likewise
    from monitor.workshop.pool import Workshop  # noqa: PLC0415 likewise

    others = [f"nobodysays{number}" for number in range(TERMS - 1)]
    settings = JetstreamSettings.model_validate(
        {"kind": "jetstream", "url": f"http://127.0.0.1:{port}", "terms": ("lumora", *others), "profiles": None}
    )
    nobody: Inbox = None  # type: ignore[assignment]  # nobody calls it

    async def run() -> tuple[int, float, float]:
        rung, found, cursor, said = asyncio.Event(), 0, None, ""
        async with HttpClient(HttpSettings(allow=("localhost",))) as http, Workshop() as workshop:
            source = Jetstream(settings, Kit("sky", http, SystemClock(), nobody, workshop))
            began, worked = time.perf_counter(), time.process_time()
            while said != _LAST:
                batch = await source.poll(cursor)
                cursor, found = batch.cursor, found + len(batch.mentions)
                said = batch.mentions[-1].text if batch.mentions else ""
                if not batch.more and said != _LAST:
                    rung.clear()
                    await source.listen(rung.set)
                    await rung.wait()
            await source.close()
            return found, time.perf_counter() - began, time.process_time() - worked

    found, seconds, worked = asyncio.run(run())
    print(json.dumps({"rate": EVENTS / seconds, "worked": EVENTS / worked, "found": found}))


if __name__ == "__main__":
    _serve() if sys.argv[1] == "serve" else _listen(sys.argv[1])
