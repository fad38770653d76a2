"""What a rule of the kind `absence` remembers: who waits for an answer, and where our answers are seen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from heapq import heappop
from typing import Any, Self

from rules.model import Severity

# Where we have answered nobody for longer it is not known whether that would be seen.
_HEARD_LATELY = timedelta(days=30).total_seconds()


class Unanswered:
    """A mention that waits, or waited, for an answer of ours. Times are epoch seconds of event time."""

    def __init__(self) -> None:
        self.at = 0.0
        self.author: int | None = None
        self.subject: str | None = None
        self.network = ""
        self.labels: dict[str, str] = {}
        self.met: list[str] = []  # the conditions in `raise` that held when it was seen
        self.rang_at: float | None = None
        self.loud: Severity | None = None  # how loud it rang last
        self.answered_at: float | None = None

    @property
    def is_due(self) -> bool:
        """Whether it may ring yet."""
        return self.rang_at is None and self.answered_at is None

    def dump(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""
        return vars(self).copy()

    def load(self, saved: Mapping[str, Any]) -> Self:
        """Take back what `dump` gave."""
        vars(self).update(saved)
        return self


class Heard:
    """By which sources replies of ours are seen on one network: since when, and when last (epoch seconds of event time)."""

    def __init__(self) -> None:
        self.sources: dict[str, list[float]] = {}

    def hear(self, source: str, at: float) -> None:
        """Note a reply. After too long a pause it is a new beginning: nobody knows what was missed before."""
        since, last = self.sources.get(source, (at, at))
        self.sources[source] = [at if at - last > _HEARD_LATELY else min(since, at), max(last, at)]

    def lately(self, at: float, before: float = math.inf) -> list[str]:
        """The sources by which replies are seen at this moment, and were `before` that one."""
        return [source for source, (since, last) in self.sources.items() if last > at - _HEARD_LATELY and since <= before]

    def dump(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""
        return {"sources": self.sources}

    def load(self, saved: Mapping[str, Any]) -> Self:
        """Take back what `dump` gave."""
        self.sources = dict(saved["sources"])
        return self


class Queue:
    """The mentions that wait, as (when its time comes in epoch seconds, number): the next first, and those whose time has passed.

    Of the latter nobody can know whether they were answered, until a reply of ours is seen there.
    """

    def __init__(self, waiting: Iterable[tuple[float, int]], since: Mapping[int, float]) -> None:
        self.waiting = sorted(waiting)
        self.since = dict(since)  # when each was asked that has neither rung nor been answered
        self.held: list[tuple[float, int]] = []
        self.looks_again = False  # at those that are held
        self.looked_at = -math.inf

    def take(self, until: float) -> list[tuple[float, int]]:
        """The mentions whose time has come by now, or may be told of since a reply of ours was seen; they are gone from here."""
        taken = []
        if self.looks_again:
            taken, self.held, self.looks_again = self.held, [], False
        while self.waiting and self.waiting[0][0] <= until:
            taken.append(heappop(self.waiting))
        return sorted(taken)


def is_old(heard: list[float], at: float) -> bool:
    """Whether replies were not seen any more at this moment."""
    return heard[1] <= at - _HEARD_LATELY
