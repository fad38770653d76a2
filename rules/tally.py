"""Counts what is inside a sliding window, slice by slice: mentions, different authors, or a share."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Protocol

from rules.model import AUTHORS_COUNTED


class Tally(Protocol):
    """What a window measures. Slices are numbered from the epoch; the order in which they are filled does not matter."""

    def add(self, at: int, who: int, *, matches: bool) -> int:
        """Take one mention into slice `at`; returns by how much that raised the value (nought where it is no count)."""

    def expiring(self, before: int) -> list[int]:
        """The slices up to and including `before`, oldest first."""

    def drop(self, at: int) -> None:
        """Forget a slice: it has left the window."""

    @property
    def floor(self) -> int:
        """What `at_least` is compared with."""

    @property
    def value(self) -> float | None:
        """What is measured; None where there is nothing to measure."""

    def dump(self) -> Any:
        """The content, ready for JSON."""

    def load(self, saved: Any) -> None:
        """Take back what `dump` gave."""


class Mentions:
    """How many mentions."""

    def __init__(self) -> None:
        self._slices: dict[int, int] = {}
        self._sum = 0

    def add(self, at: int, who: int, *, matches: bool) -> int:  # noqa: ARG002  a count asks neither
        self._slices[at] = self._slices.get(at, 0) + 1
        self._sum += 1
        return 1

    def expiring(self, before: int) -> list[int]:
        return sorted(at for at in self._slices if at <= before)

    def drop(self, at: int) -> None:
        self._sum -= self._slices.pop(at, 0)

    @property
    def floor(self) -> int:
        return self._sum

    @property
    def value(self) -> float | None:
        return self._sum

    def dump(self) -> Any:
        return sorted(self._slices.items())

    def load(self, saved: Any) -> None:
        self._slices = dict(saved)
        self._sum = sum(self._slices.values())


class Authors:
    """How many different authors: each stands in the slice of their newest mention.

    Exact up to AUTHORS_COUNTED; beyond it those longest silent are forgotten first, so the figure is a lower bound.
    """

    def __init__(self) -> None:
        self._newest: dict[int, int] = {}
        self._slices: defaultdict[int, set[int]] = defaultdict(set)

    def add(self, at: int, who: int, *, matches: bool) -> int:  # noqa: ARG002  everybody who comes here counts
        before, known = self._newest.get(who), len(self._newest)
        if before is not None and before >= at:
            return 0
        if before is not None:
            self._leave(before, who)
        self._newest[who] = at
        self._slices[at].add(who)
        if len(self._newest) > AUTHORS_COUNTED:
            self._forget_one()
        return len(self._newest) - known

    def expiring(self, before: int) -> list[int]:
        return sorted(at for at in self._slices if at <= before)

    def drop(self, at: int) -> None:
        for who in self._slices.pop(at, ()):
            del self._newest[who]

    @property
    def floor(self) -> int:
        return len(self._newest)

    @property
    def value(self) -> float | None:
        return len(self._newest)

    def dump(self) -> Any:
        return [[at, sorted(who)] for at, who in sorted(self._slices.items())]

    def load(self, saved: Any) -> None:
        for at, authors in saved:
            self._slices[at] = set(authors)
            self._newest.update(dict.fromkeys(authors, at))

    def _leave(self, at: int, who: int) -> None:
        self._slices[at].discard(who)
        if not self._slices[at]:
            del self._slices[at]

    def _forget_one(self) -> None:
        oldest = min(self._slices)
        who = min(self._slices[oldest])
        self._leave(oldest, who)
        del self._newest[who]


class ShareOf:
    """Which part of the mentions matches."""

    def __init__(self) -> None:
        self._matching = Mentions()
        self._all = Mentions()

    def add(self, at: int, who: int, *, matches: bool) -> int:
        self._all.add(at, who, matches=matches)
        if matches:
            self._matching.add(at, who, matches=matches)
        return 0

    def expiring(self, before: int) -> list[int]:
        return self._all.expiring(before)

    def drop(self, at: int) -> None:
        self._all.drop(at)
        self._matching.drop(at)

    @property
    def floor(self) -> int:
        return self._matching.floor

    @property
    def value(self) -> float | None:
        return self._matching.floor / self._all.floor if self._all.floor else None

    def dump(self) -> Any:
        return [self._matching.dump(), self._all.dump()]

    def load(self, saved: Any) -> None:
        self._matching.load(saved[0])
        self._all.load(saved[1])
