"""The door between the web and one configuration at work: open while its workers run, closed while they start, change or stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from aiohttp import web

from monitor.domain.clock import Clock
from monitor.settings import Settings
from monitor.sources.base import Source
from monitor.sources.webhook import Challenged, Hooked
from monitor.storage import Store
from monitor.web.app import Challenge, Reloaded, Verify
from monitor.web.desk import Desk
from monitor.web.reading import TRY_AGAIN

log = structlog.get_logger(__name__)

PATIENCE: Final = 3.0  # seconds for the store to show that it answers


@dataclass(frozen=True)
class _Open:
    hooks: Mapping[str, Verify]
    challenges: Mapping[str, Challenge]
    desk: Desk
    store: Store
    ring: Callable[[str], None]
    in_trouble: Callable[[], Sequence[str]]


class Gate:
    """Satisfies `WebDeps`. Closed, it keeps its hooks: a call is stored all the same, and read when the workers run again."""

    def __init__(self, clock: Clock, reload: Callable[[], Awaitable[Reloaded]]) -> None:
        self._clock = clock
        self._reload = reload
        self._at_work = False
        self._inside: _Open | None = None

    def open(
        self,
        settings: Settings,
        sources: Mapping[str, Source],
        store: Store,
        ring: Callable[[str], None],
        in_trouble: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """The workers run `settings`: calls to those of `sources` that take some are stored, and `ring` wakes whoever reads them.

        `in_trouble` names the workers that fail again and again.
        """
        hooks = {name: source.verify for name, source in sources.items() if isinstance(source, Hooked)}
        challenges = {name: source.challenge for name, source in sources.items() if isinstance(source, Challenged)}
        self._inside = _Open(hooks, challenges, Desk(settings, store, self._clock), store, ring, in_trouble)
        self._at_work = True

    def close(self) -> None:
        """The workers stop."""
        self._at_work = False

    async def reload(self) -> Reloaded:
        """Reads the configuration anew, open or closed."""
        return await self._reload()

    def now(self) -> datetime:
        """Real time."""
        return self._clock.wall()

    def hook(self, source: str) -> Verify | None:
        """How calls to `source` are verified; None: there is no such source. Before the first opening nobody can know."""
        return self._opened().hooks.get(source)

    def challenge(self, source: str) -> Challenge | None:
        """What `source` answers to those who ask whether it is ours; None: nothing."""
        return self._opened().challenges.get(source)

    def desk(self) -> Desk:
        """What readers of our messages, and programs, may do: open or closed, for what they do is in the store."""
        return self._opened().desk

    def _opened(self) -> _Open:
        if self._inside is None:
            raise web.HTTPServiceUnavailable(text="the daemon is starting; send the call again", headers=TRY_AGAIN)
        return self._inside

    async def accept(self, source: str, delivery_id: str, body: bytes) -> bool:
        """Commits a verified call. False: it was there already."""
        assert self._inside is not None, "only a call that found a hook is accepted"
        async with self._inside.store.begin(incoming=True) as tx:
            new = await tx.inbox.put(source, delivery_id, body, self._clock.now())
            await tx.commit()
        if new and self._at_work:
            self._inside.ring(source)
        return new

    async def troubles(self) -> Sequence[str]:
        """Why nothing would come of a mention that arrived now."""
        if self._inside is None or not self._at_work:
            return ["the workers are not running: the daemon is starting, stopping or changing its configuration"]
        try:
            async with asyncio.timeout(PATIENCE):
                await self._inside.store.answers()
            async with asyncio.timeout(PATIENCE):
                refusal = await self._inside.store.refuses()
        except Exception:
            log.exception("web.store_silent")
            return ["the store does not answer; the log says why"]
        if refusal is not None:
            return [f"nothing new is taken in: {refusal}"]
        return [f"the worker `{name}` fails again and again; the log says why" for name in self._inside.in_trouble()]
