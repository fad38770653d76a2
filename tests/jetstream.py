"""A Jetstream in memory: whoever connects is told what was logged from the cursor on, and then what is added. People are made up.

https://github.com/bluesky-social/jetstream/blob/main/docs/README.md, section 5.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
POSTS = "app.bsky.feed.post"
EVENTS = "network.bsky.jetstream.subscribeEvents"


def micros(at: datetime) -> int:
    """A moment as Jetstream writes it."""
    return (at - EPOCH) // timedelta(microseconds=1)


def record(text: str, **more: Any) -> dict[str, Any]:
    """A post."""
    return {"$type": POSTS, "createdAt": "2026-03-02T07:59:00.000Z", "langs": ["en"], "text": text, **more}


def event(
    at: int,
    said: Mapping[str, Any] | None,
    *,
    rkey: str,
    did: str = "did:plc:ann",
    operation: str = "create",
    collection: str = POSTS,
    version: int = 1,
) -> str:
    """What happened to a record, in one of the two versions of the wire."""
    change: dict[str, Any] = {"rev": "3mm", "operation": operation, "collection": collection, "rkey": rkey}
    change |= {} if said is None else {"record": said, "cid": "bafy"}
    if version == 1:
        return written({"did": did, "time_us": at, "kind": "commit", "commit": change})
    when = (EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    payload = {"$type": f"{EVENTS}#commit", "seq": 7, "did": did, "time": when, "witnessedAt": when, **change}
    return written({"$type": "message", "payload": payload})


def written(document: Any) -> str:
    """JSON as Go writes it."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


@dataclass
class FakeJetstream:
    """`refusal` answers instead of a handshake. Each connection ends after as many messages as the next of `cuts` says."""

    refusal: Callable[[web.Request], web.Response | None] = lambda _: None
    log: list[tuple[int, str | bytes]] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    asked: list[web.Request] = field(default_factory=list)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    pongs: bool = True  # whether it answers pings
    floor: int = 0  # before which it has forgotten everything
    sent: int = 0  # messages that it got rid of
    connected: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)  # somebody has gone
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def add(self, *messages: tuple[int, str | bytes]) -> None:
        """Log messages, each with its time."""
        self.log += messages
        async with self._news:
            self._news.notify_all()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A handshake and everything after it, or what the public API knows of accounts."""
        if request.path == "/xrpc/app.bsky.actor.getProfiles":
            return web.json_response(
                {"profiles": [self.profiles[did] for did in request.query.getall("actors") if did in self.profiles]}
            )
        self.asked.append(request)
        if (refused := self.refusal(request)) is not None:
            return refused
        socket = web.WebSocketResponse(autoping=self.pongs)
        await socket.prepare(request)
        self.connected += 1
        telling = asyncio.create_task(self._tell(socket, max(int(request.query.get("cursor", 0)), self.floor)))
        with suppress(asyncio.CancelledError):
            async for _ in socket:
                pass
        telling.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await telling
        self.connected -= 1
        self.left.set()
        return socket

    async def _tell(self, socket: web.WebSocketResponse, cursor: int) -> None:
        left = self.cuts.pop(0) if self.cuts else None
        told = 0
        while left is None or left > 0:
            while told == len(self.log):
                async with self._news:
                    await self._news.wait()
            at, message = self.log[told]
            told += 1
            if at < cursor:
                continue
            await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
            self.sent += 1
            left = None if left is None else left - 1
        await socket.close()


def sequence(messages: Iterable[str], *, begin: int, apart: int = 1_000_000) -> list[tuple[int, str | bytes]]:
    """Messages, each with its time."""
    return [(begin + number * apart, message) for number, message in enumerate(messages)]
