"""Notices when the store itself is in trouble, and keeps out what is new meanwhile: what is acknowledged must not be lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from monitor.storage.ballast import Ballast
from monitor.storage.session import StoreAwayError, StoreContendedError, StoreDamagedError, StoreFullError

log = structlog.get_logger(__name__)

NO_ROOM = "the disk is full: free some space on it; work goes on by itself"


async def is_full(ballast: Ballast, error: StoreAwayError) -> bool:
    """Whether an error is that of a full disk."""
    return isinstance(error, StoreFullError) or await asyncio.to_thread(lambda: ballast.disk_is_full)


@dataclass(frozen=True, slots=True)
class StoreTrouble:
    """Why nothing new is taken in. `place` is for people; `needed` bytes must be free before a full disk is one no more."""

    error: StoreFullError | StoreDamagedError
    place: str
    needed: int = 0

    @property
    def full(self) -> bool:
        """Whether it is over as soon as there is room; damage stays until somebody has mended it."""
        return isinstance(self.error, StoreFullError)


class Condition:
    """How one store is. Without ballast a full disk is each one's own affair."""

    def __init__(self, place: str, ballast: Ballast | None) -> None:
        self._place = place
        self._ballast = ballast
        self._trouble: StoreTrouble | None = None
        self.failing: StoreAwayError | None = None  # why the last change was not taken; what comes in is tried all the same

    async def begin(self) -> None:
        """Take the ballast; where there is no room for it the disk is full."""
        if self._ballast is not None and not await asyncio.to_thread(self._ballast.take):
            await self._full(self._ballast, StoreFullError(NO_ROOM))

    async def trouble(self) -> StoreTrouble | None:
        """None while all is well. Looks whether a full disk has room again."""
        full = self._trouble is not None and self._trouble.full
        if full and self._ballast is not None and await asyncio.to_thread(self._ballast.take):
            self._trouble = None
            log.info("store.has_room", place=self._place)
        return self._trouble

    async def let_in(self) -> None:
        """Raise what is wrong, for whoever brings something new."""
        if (trouble := await self.trouble()) is not None:
            raise trouble.error

    @asynccontextmanager
    async def watching(self, *, changing: bool = False) -> AsyncIterator[None]:
        """Whatever a unit of work stumbles over that concerns all others: a disk that is full or read-only, a damaged page."""
        try:
            yield
        except StoreDamagedError as error:
            self.damaged(error)
            raise
        except StoreContendedError:  # one change gave way to another: the store is well
            raise
        except StoreAwayError as error:
            if self._ballast is None or not await is_full(self._ballast, error):
                if changing:
                    self._fails(error)
                raise
            full = error if isinstance(error, StoreFullError) else StoreFullError(NO_ROOM)
            await self._full(self._ballast, full)
            raise full from error

    def works(self) -> None:
        """A change was taken."""
        if self.failing is not None:
            self.failing = None
            log.info("store.works_again", place=self._place)

    def _fails(self, error: StoreAwayError) -> None:
        if self.failing is None:
            log.error("store.failing", place=self._place, problem=str(error))
        self.failing = error

    def damaged(self, error: StoreDamagedError) -> None:
        """Some of what is stored cannot be read."""
        log.error("store.damaged", place=self._place, problem=str(error))
        self._trouble = StoreTrouble(error, self._place)

    async def _full(self, ballast: Ballast, error: StoreFullError) -> None:
        freed = await asyncio.to_thread(ballast.give_up)
        log.error("store.full", place=self._place, problem=str(error), ballast_given_up=freed, bytes_needed=ballast.needed)
        if self._trouble is None or self._trouble.full:
            self._trouble = StoreTrouble(error, self._place, ballast.needed)
