"""WebSockets that stay open between polls: read into a buffer that never grows, begun anew where the last commit stopped.

A source that is reached so keeps a `Line`, is `Attentive` by its bell, and is polled like any other.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

from monitor.domain.errors import SourceError, Trouble

MOST = 500  # messages that wait for a poll: one batch
MOST_BYTES = 4 * 2**20  # of them, and one message more: reading stops behind the one that fills it
PAUSE = 0.25  # real seconds without news after which a stream that was just opened has caught up, for now
PATIENCE = 1.0  # real seconds that a poll waits for that at most
GOODBYE = 2.0  # real seconds to close one
_ENDS: Mapping[int | None, tuple[Trouble, str]] = {
    aiohttp.WSCloseCode.MESSAGE_TOO_BIG: (Trouble.TOO_LARGE, "sent a message larger than we take"),
    aiohttp.WSCloseCode.PROTOCOL_ERROR: (Trouble.MALFORMED, "does not speak WebSocket as it should"),
    aiohttp.WSCloseCode.INVALID_TEXT: (Trouble.MALFORMED, "sent a text that is not UTF-8"),
}


class Bell:
    """Rings once for each time that somebody listens. What came while nobody did rings as soon as somebody does."""

    def __init__(self) -> None:
        self._ring: Callable[[], None] | None = None
        self._due = False

    def listen(self, ring: Callable[[], None]) -> None:
        """Ring by `ring`, once."""
        self._ring = ring
        if self._due:
            self.ring()

    def ring(self) -> None:
        """There is something to be taken."""
        ring, self._ring, self._due = self._ring, None, self._ring is None
        if ring is not None:
            ring()

    def quiet(self) -> None:
        """All of it is taken."""
        self._due = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What a stream has brought since it was last asked: the messages that were kept, and its last one, kept or not."""

    kept: list[str]
    first: str | None  # of all since it was opened; told once
    last: str | None
    more: bool  # it was full, goes on coming, or has ended


class Stream:
    """One open WebSocket, and the task that reads it.

    `heed` is shown each message, and says whether it is kept. It must be quick. What is kept waits to be taken as it came, since
    what is made of it may be many times as large. When there is no room nobody reads: aiohttp's own buffer fills, then the
    kernel's, and then the server waits.
    """

    def __init__(
        self, name: str, socket: aiohttp.ClientWebSocketResponse, heed: Callable[[str], bool], ring: Callable[[], None]
    ) -> None:
        self._name, self._socket, self._heed, self._ring = name, socket, heed, ring
        self._kept: list[str] = []
        self._bytes = 0
        self._begun = False
        self._first: str | None = None
        self._last: str | None = None
        self._room, self._news = asyncio.Event(), asyncio.Event()
        self._caught_up = False
        self._end: Exception | None = None
        self._reading = asyncio.create_task(self._read(), name=f"stream {name}")

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self._end is None

    @property
    def full(self) -> bool:
        """Whether reading waits until something is taken."""
        return len(self._kept) >= MOST or self._bytes >= MOST_BYTES

    async def take(self) -> Heard:
        """What has come. Waits a moment while it catches up. Raises what it ended with when all has been taken."""
        self._caught_up = self._caught_up or await self._settle()
        if self._end is not None and not self._kept and self._last is None:
            raise self._end
        heard = Heard(self._kept, self._first, self._last, more=self.full or not (self._caught_up and self.open))
        self._kept, self._bytes, self._first, self._last = [], 0, None, None
        self._caught_up = not heard.more  # where there was no room for more, more has waited
        self._room.set()
        return heard

    async def close(self) -> None:
        """Stop reading, and say goodbye."""
        self._reading.cancel()
        await asyncio.wait([self._reading])
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):  # a server that goes on sending would be heard out for ever
                await self._socket.close()

    async def _settle(self) -> bool:
        """Whether, within our patience, it came to a pause."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not self.full and self.open:
                    if not await self._stirs():
                        return True
        except TimeoutError:
            pass
        return False

    async def _stirs(self) -> bool:
        """Whether anything comes before a pause is over. Its second half finds what came while this process was held up."""
        self._news.clear()
        for _ in range(2):
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE / 2):
                    return await self._news.wait()
        return False

    async def _read(self) -> None:
        try:
            await self._hear()
            self._end = self._told()
        except TimeoutError:
            self._end = SourceError(Trouble.TIMEOUT, f"{self._name} has gone silent")
        except Exception as error:  # noqa: BLE001 whoever polls tells of it
            self._end = error
        self._news.set()
        self._ring()

    async def _hear(self) -> None:
        async for message in self._socket:
            said = message.data
            if not isinstance(said, str):
                if message.type is aiohttp.WSMsgType.ERROR:
                    return
                continue
            if self._heed(said):
                await self._keep(said)
            self._last = said  # only now: a position is handed out with everything before it
            if not self._begun:
                self._begun, self._first = True, said

    async def _keep(self, said: str) -> None:
        while self.full:
            self._room.clear()
            await self._room.wait()
        self._kept.append(said)
        self._bytes += sys.getsizeof(said)
        self._news.set()
        if len(self._kept) == 1 or self.full:
            self._ring()

    def _told(self) -> SourceError:
        code = self._socket.close_code
        trouble, words = _ENDS.get(code, (Trouble.UNAVAILABLE, "ended the stream"))
        return SourceError(trouble, f"{self._name} {words}{f' ({code})' if code else ''}")


class Line:
    """A stream across its interruptions. It stays open while each poll goes on from what the one before handed out.

    A poll with another cursor follows one that was not committed, or a restart, and one whose former gave nothing back follows a
    poll that failed half-way: then it begins anew. So what was taken and not committed comes again.
    """

    def __init__(self, dial: Callable[[str | None], Awaitable[Stream]]) -> None:
        self.bell = Bell()
        self._dial = dial
        self._stream: Stream | None = None
        self._handed: str | None = None
        self._owed = False  # something was taken, and not handed out yet

    async def take(self, cursor: str | None) -> Heard:
        """What has come since `cursor`; see `handed`. Raises `SourceError`, also what a stream ended with; then opens another."""
        if self._stream is None or self._owed or self._handed != cursor:
            await self.close()
            self._stream = await self._dial(cursor)
            self._handed, self._owed = cursor, False
        try:
            heard = await self._stream.take()
        except Exception:
            await self.close()
            raise
        self._owed = True
        self.bell.quiet()
        return heard

    def handed(self, cursor: str) -> None:
        """What was taken is on its way to be committed, with this cursor."""
        self._handed, self._owed = cursor, False

    async def close(self) -> None:
        """Close the stream, if there is one; the next poll opens another."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()
