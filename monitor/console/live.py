"""What is new, as it happens: one look at the store for all who watch, handed to each as server-sent events."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import structlog
from aiohttp import web

from monitor.console.news import Lookout
from monitor.domain.errors import StorageError
from monitor.storage import Store

log = structlog.get_logger(__name__)

EVERY: Final = 0.3  # seconds between two looks
_AWAY: Final = 3.0  # seconds to the next one, while the store is away
_LINGER: Final = 60.0  # seconds for which the looking goes on when nobody watches: people turn pages
_KEPT: Final = 500  # events that a viewer may have missed and still gets
_MARK: Final = re.compile(r"(?P<epoch>[0-9a-f]{8})-(?P<number>[0-9]{1,18})")
BACKLOG: Final = 256  # events that wait for one slow viewer; with more of them the page is told to load anew


@dataclass(eq=False, slots=True)
class Viewer:
    """Who watches: `waiting` are events as they are written. `lost`: more happened than would wait, or than is known."""

    waiting: deque[bytes] = field(default_factory=deque)
    lost: bool = False
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    patience: asyncio.Timeout | None = None  # while something is being sent to them

    def give(self, event: bytes) -> None:
        """Tell them, when they come to it."""
        if len(self.waiting) >= BACKLOG:
            self.lose()
        if not self.lost:
            self.waiting.append(event)
        self.turn.set()

    def take(self, reset: Callable[[], bytes]) -> bytes:
        """All that waits; where they lost it, that they must begin anew."""
        self.turn.clear()
        told = reset() if self.lost else b"".join(self.waiting)
        self.waiting.clear()
        self.lost = False
        return told

    def lose(self) -> None:
        """What they know is no beginning any more."""
        self.lost = True
        self.waiting.clear()
        self.turn.set()

    def dismiss(self, now: float) -> None:
        """Wait no longer for somebody who does not take what is sent."""
        self.turn.set()
        if self.patience is not None:
            self.patience.reschedule(now)


class Live:
    """Looks while somebody watches, and a little longer. `store` gives the store, and may raise while there is none."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._epoch = ""
        self._number = 0
        self._told: deque[bytes] = deque(maxlen=_KEPT)  # the last ones, with the numbers up to `_number`
        self._viewers: set[Viewer] = set()
        self._lookout = Lookout()
        self._looking: asyncio.Task[None] | None = None
        self._until = 0.0
        self.closed = False  # the end has come, and nobody is told anything any more

    def mark(self) -> str:
        """Up to where all has been told by now: a page that is made from this moment on watches from here."""
        self._until = asyncio.get_running_loop().time() + _LINGER
        if self._looking is None and not self.closed:
            self._epoch = uuid4().hex[:8]  # nobody knows what happened while nobody looked
            self._told.clear()
            self._lookout = Lookout()
            self._looking = asyncio.create_task(self._look(), name="console.live")
        return f"{self._epoch}-{self._number}"

    @contextmanager
    def watching(self, since: str) -> Iterator[Viewer]:
        """A viewer who is told all that comes after the mark `since`, or, where that is not known, that they lost it."""
        here = self.mark()
        viewer = Viewer()
        missed = self._after(since or here)
        if missed is None:
            viewer.lose()
        for event in missed or ():
            viewer.give(event)
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)

    def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tell everybody who is there something that is in no store, and that nobody needs to catch up with."""
        for viewer in self._viewers:
            viewer.give(written(kind, data))

    def reset(self) -> bytes:
        """Says that a page must load anew, and watches from here."""
        return written("reset", {}, self.mark())

    async def close(self) -> None:
        """Everybody is sent away; nobody looks any more."""
        self.closed = True
        now = asyncio.get_running_loop().time()
        for viewer in self._viewers:
            viewer.dismiss(now)
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    def _after(self, since: str) -> list[bytes] | None:
        known = _MARK.fullmatch(since)
        if known is None or known["epoch"] != self._epoch:
            return None
        missed = self._number - int(known["number"])
        if not 0 <= missed <= len(self._told):
            return None
        return list(self._told)[len(self._told) - missed :]

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._viewers or loop.time() < self._until:  # noqa: ASYNC110 - the store tells nobody that it has something new
                await asyncio.sleep(EVERY if await self._tell_news() else _AWAY)
        finally:
            self._looking = None

    async def _tell_news(self) -> bool:
        try:
            async with self._store().read() as tx:
                found = await self._lookout.look(tx)
        except (StorageError, web.HTTPException) as error:
            log.info("console.store_away", problem=str(error))
            return False
        for news in found:
            self._number += 1
            event = written(news.kind, news.data, f"{self._epoch}-{self._number}")
            self._told.append(event)
            for viewer in self._viewers:
                viewer.give(event)
        return True


def written(kind: str, data: Mapping[str, Any], mark: str = "") -> bytes:
    """An event as server-sent events are written; with a `mark`, a viewer who lost the connection goes on after it."""
    begins = f"id: {mark}\n" if mark else ""
    return f"{begins}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


LIVE: Final = web.AppKey("live", Live)
MARK: Final = web.RequestKey("mark", str)
