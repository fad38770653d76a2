"""Keeps the story of the demo from running away from a machine that is busy with other things."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.domain.clock import AcceleratedClock
from monitor.storage import Store

# Story time within which a post is read, whatever the moment at which its source was asked last: two of its turns.
READ_WITHIN = timedelta(minutes=20)


@dataclass
class PacedClock(AcceleratedClock):
    """Stands still at `until`, and goes on from there as soon as that is later: the real time in between is lost."""

    until: datetime = field(kw_only=True)

    def now(self) -> datetime:
        now = super().now()
        if now <= self.until:
            return now
        self.start, self._began = self.until, datetime.now(UTC)
        return self.until

    def go_on(self, speed: float, until: datetime) -> None:
        """From this moment on at another speed."""
        self.start, self._began = self.now(), datetime.now(UTC)
        self.speed, self.until = speed, until


class Pace:
    """Lets the clock run on for a `stride` of story time whenever the daemon has read and judged what it should have by now.

    `arrived` counts the posts that were read so far, repeats included. Beyond `end` it does not let the clock go.
    """

    def __init__(
        self,
        clock: PacedClock,
        store: Store,
        written: Iterable[datetime],
        *,
        stride: timedelta,
        end: datetime,
        arrived: Callable[[], int],
    ) -> None:
        self._clock = clock
        self._store = store
        self._written = sorted(written)
        self._stride = stride
        self._end = end
        self._arrived = arrived

    async def look(self, *, patient: bool) -> None:
        """To be called at least twice in a stride. Without patience the clock is not held any more."""
        if not patient or await self._kept():
            self._clock.until = min(self._clock.now() + self._stride, self._end)

    async def _kept(self) -> bool:
        if self._arrived() < bisect_right(self._written, self._clock.now() - READ_WITHIN):
            return False
        async with self._store.read() as tx:
            return not await tx.mentions.behind(await tx.evaluator.offset())


def written(story: Path) -> list[datetime]:
    """When each post of a file was written, in its order."""
    return [datetime.fromisoformat(json.loads(line)["created_at"]) for line in story.read_text("utf-8").splitlines()]
