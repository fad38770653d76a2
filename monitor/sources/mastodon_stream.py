"""Posts on servers with the Mastodon API as they are written: the server's stream says when to look, and looking brings them.

The stream has no cursor, so that it can lose what is said while it is interrupted; a look loses nothing, and understands all.
https://docs.joinmastodon.org/methods/streaming/
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp

from monitor.domain.errors import SourceError, Trouble
from monitor.sources import strict_json
from monitor.sources.base import Batch, Rejected, Source
from monitor.sources.kinds import Kit
from monitor.sources.mapping import at
from monitor.sources.mastodon_settings import MastodonSettings
from monitor.sources.signing import InAddress
from monitor.sources.streams import Bell, Stream
from monitor.telemetry import safe_address

MESSAGE = 2**20  # bytes of one event: a status with its author, and perhaps another that it quotes
PACE = 2.0  # seconds between two looks for each request of a look: half of what servers allow (300 in five minutes)
_WORTH = frozenset({"update", "status.update", "notification"})
_OLD = frozenset({Trouble.REFUSED, Trouble.MALFORMED, Trouble.GONE})  # how a server without `/api/v2/instance` answers


class MastodonStream:
    """The cursor is that of `looking`, which brings everything. It looks every `every`, too, and only then without a stream."""

    def __init__(self, settings: MastodonSettings, kit: Kit, looking: Source) -> None:
        self.network = looking.network
        self._bell = Bell()
        self._settings, self._http, self._looking = settings, kit.http, looking
        self._lists = tuple(_lists(settings))
        polled = (*settings.searches, *settings.accounts, *settings.own_accounts)
        self._pace = PACE * (len(self._lists) + len(polled) + bool(settings.look_again))
        self._looked = float("-inf")  # when, by the loop's time
        self._soon: asyncio.TimerHandle | None = None
        self._stream: Stream | None = None
        self._host: str | None = None
        self._told = False
        self._within = settings.timeout / 4  # a stream that does not come about must leave time to look

    async def poll(self, cursor: str | None) -> Batch:
        """Open the stream where it is not, and look. Raises `SourceError`."""
        self._looked = asyncio.get_running_loop().time()
        self._bell.quiet()
        told = await self._listen()
        batch = await self._looking.poll(cursor)
        return replace(batch, rejected=[*told, *batch.rejected])

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` once, when a look is worth it."""
        self._bell.listen(ring)

    async def close(self) -> None:
        """Stop listening."""
        if self._soon is not None:
            self._soon.cancel()
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()

    async def _listen(self) -> list[Rejected]:
        """See that the stream is open before it is looked, so that nothing falls in between; once, why it is not."""
        if self._stream is not None and self._stream.open:
            return []
        await self.close()
        try:
            self._stream = await self._dial()
        except SourceError as error:
            self._host = None  # it may have moved
            told, self._told = self._told, True
            return [] if told else [Rejected("the stream", f"it is looked only every `every` meanwhile: {error.detail}")]
        self._told = False
        return []

    async def _dial(self) -> Stream:
        self._host = self._host or await self._streaming()
        token = self._settings.token
        assert token is not None, "a stream needs a token"
        first, *others = self._lists
        socket = await self._http.connect(
            f"{self._host}/api/v1/streaming?{urlencode(first)}",
            within=self._within,
            most_bytes=MESSAGE,
            signer=InAddress(token, "access_token"),
            led_by=self._settings.url,
        )
        try:
            for each in others:
                await socket.send_json({"type": "subscribe", **each})
        except (aiohttp.ClientError, OSError):
            await socket.close()
            raise SourceError(Trouble.UNAVAILABLE, f"{safe_address(self._host)} ended the stream") from None
        return Stream(urlsplit(self._host).hostname or "", socket, self._heed, self._rouse)

    async def _streaming(self) -> str:
        """Where the server streams: some do it on another host."""
        try:
            answer = await self._http.get(f"{self._settings.url}/api/v2/instance", within=self._within)
            told = at(answer.json(), "configuration.urls.streaming")
        except SourceError as error:
            if error.trouble not in _OLD:
                raise
            told = None
        return _address(told, self._settings.url)

    def _heed(self, message: str) -> bool:
        """Nothing is kept: looking brings it."""
        try:
            said = strict_json.loads(message)
        except strict_json.NotJsonError:
            return False
        if isinstance(said, Mapping) and _is_worth_a_look(said):
            self._rouse()
        return False

    def _rouse(self) -> None:
        """Ring, soon: not more often than the server lets us look, and at a moment of our own when it has ended all streams."""
        if self._soon is not None and not self._soon.cancelled() and self._soon.when() > asyncio.get_running_loop().time():
            return
        loop = asyncio.get_running_loop()
        earliest = self._looked + self._pace * random.uniform(1, 1.5)  # noqa: S311 jitter, not a secret
        self._soon = loop.call_at(max(earliest, loop.time()), self._bell.ring)


def _address(told: object, server: str) -> str:
    """Where to open the stream, by what the server says of it. Our token is for nobody else to read on the way."""
    if not isinstance(told, str) or not told.startswith(("wss://", "ws://")):
        return server
    if server.startswith("https:") and not told.startswith("wss:"):
        return server
    return "http" + told.removeprefix("ws").rstrip("/")


def _lists(settings: MastodonSettings) -> list[dict[str, str]]:
    """What to subscribe to. The account's own stream is the one that every server has, and holds its home timeline, too."""
    tags = [{"stream": "hashtag", "tag": tag} for tag in settings.hashtags]
    return [*tags, {"stream": "user"}] if settings.mentions else tags


def _is_worth_a_look(said: Mapping[str, Any]) -> bool:
    event, streams = said.get("event"), said.get("stream")
    of_ours = isinstance(streams, list) and streams[:1] == ["user"]
    return event == "notification" if of_ours else event in _WORTH
