"""Counts what is inside a sliding window, slice by slice: mentions, different authors or texts, a share, a mean or a sum."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import fsum, sqrt
from typing import Any, Protocol

from rules.model import DISTINCT_COUNTED

_Moments = tuple[float, float, float]  # how many, their sum, and the sum of their squares
_NONE: _Moments = (0.0, 0.0, 0.0)

TEXTS_COUNTED = 200
"""Different texts of which copies are counted within a window; beyond it those copied least are forgotten."""


class Tally(Protocol):
    """What a window measures. Slices are numbered from the epoch; the order in which they are filled does not matter."""

    def add(self, at: int, who: int, *, matches: bool | None, figure: float | None = None) -> float:
        """Take one mention into slice `at`; returns by how much that raised the value (nought where it is neither count nor sum).

        `matches` is asked by a share alone, `figure` by a mean or a sum; None: nobody can tell.
        """

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

    def add(self, at: int, who: int, *, matches: bool | None, figure: float | None = None) -> float:  # noqa: ARG002  a count asks nothing
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


class Different:
    """How many different authors, or texts: each stands in the slice of their newest mention.

    Exact up to DISTINCT_COUNTED; beyond it those longest silent are forgotten first, so the figure is a lower bound.
    """

    def __init__(self) -> None:
        self._newest: dict[int, int] = {}
        self._slices: defaultdict[int, set[int]] = defaultdict(set)

    def add(self, at: int, who: int, *, matches: bool | None, figure: float | None = None) -> float:  # noqa: ARG002  all count
        before, known = self._newest.get(who), len(self._newest)
        if before is not None and before >= at:
            return 0
        if before is not None:
            self._leave(before, who)
        self._newest[who] = at
        self._slices[at].add(who)
        if len(self._newest) > DISTINCT_COUNTED:
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
    """Which part of the mentions matches, among those of which that can be told; the others are counted apart."""

    def __init__(self) -> None:
        self._matching = Mentions()
        self._all = Mentions()
        self._untold = Mentions()

    def add(self, at: int, who: int, *, matches: bool | None, figure: float | None = None) -> float:  # noqa: ARG002  it has none
        (self._untold if matches is None else self._all).add(at, who, matches=matches)
        if matches:
            self._matching.add(at, who, matches=matches)
        return 0

    def expiring(self, before: int) -> list[int]:
        return sorted({*self._all.expiring(before), *self._untold.expiring(before)})

    def drop(self, at: int) -> None:
        for part in (self._all, self._matching, self._untold):
            part.drop(at)

    @property
    def judged(self) -> int:
        """How many the share is of."""
        return self._all.floor

    @property
    def untold(self) -> int:
        """How many more there were of which nobody could tell."""
        return self._untold.floor

    @property
    def floor(self) -> int:
        return self._matching.floor

    @property
    def value(self) -> float | None:
        return self._matching.floor / self._all.floor if self._all.floor else None

    def dump(self) -> Any:
        return [self._matching.dump(), self._all.dump(), self._untold.dump()]

    def load(self, saved: Any) -> None:
        for part, content in zip((self._matching, self._all, self._untold), saved, strict=False):  # the third came later
            part.load(content)


class MeanOf:
    """The mean of a number, and what it was of the mentions that have left the window: those teach what is usual.

    `half_life` is in slices.
    """

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life
        self._slices: dict[int, _Moments] = {}
        self._untold = Mentions()
        self._past: _Moments = (0.0, 0.0, 0.0)
        self._learnt = 0  # the newest slice that has taught

    def add(self, at: int, who: int, *, matches: bool | None, figure: float | None = None) -> float:
        if figure is None:
            self._untold.add(at, who, matches=matches)
        else:
            self._slices[at] = _plus(self._slices.get(at, _NONE), (1, figure, figure * figure))
        return 0

    def expiring(self, before: int) -> list[int]:
        return sorted({*(at for at in self._slices if at <= before), *self._untold.expiring(before)})

    def drop(self, at: int) -> None:
        self._untold.drop(at)
        if gone := self._slices.pop(at, None):
            fade = 2 ** (-max(at - self._learnt, 0) / self._half_life)
            count, total, squares = self._past
            self._past = _plus((count * fade, total * fade, squares * fade), gone)
            self._learnt = max(at, self._learnt)

    @property
    def untold(self) -> int:
        """How many more there were that have no number."""
        return self._untold.floor

    @property
    def floor(self) -> int:
        return round(sum(count for count, _, _ in self._slices.values()))

    @property
    def value(self) -> float | None:
        return fsum(total for _, total, _ in self._slices.values()) / self.floor if self._slices else None

    @property
    def usual(self) -> float | None:
        """The mean of the past; None without one."""
        count, total, _ = self._past
        return total / count if count else None

    @property
    def stray(self) -> float:
        """How far a mean of so many strays from the usual by chance: its standard error."""
        count, total, squares = self._past
        if not count or not self.floor:
            return 0.0
        return sqrt(max(squares / count - (total / count) ** 2, 0.0) / self.floor)

    def dump(self) -> Any:
        return [sorted(self._slices.items()), self._untold.dump(), self._past, self._learnt]

    def load(self, saved: Any) -> None:
        slices, untold, past, self._learnt = saved
        self._slices = {at: _moments(moments) for at, moments in slices}
        self._untold.load(untold)
        self._past = _moments(past)


class SumOf:
    """The sum of a number; a mention that has none adds nothing."""

    def __init__(self) -> None:
        self._slices: dict[int, float] = {}
        self._untold = Mentions()

    def add(self, at: int, who: int, *, matches: bool | None, figure: float | None = None) -> float:
        if figure is None:
            self._untold.add(at, who, matches=matches)
            return 0
        self._slices[at] = self._slices.get(at, 0) + figure
        return figure

    def expiring(self, before: int) -> list[int]:
        return sorted({*(at for at in self._slices if at <= before), *self._untold.expiring(before)})

    def drop(self, at: int) -> None:
        self._slices.pop(at, None)
        self._untold.drop(at)

    @property
    def untold(self) -> int:
        """How many more there were that have no number."""
        return self._untold.floor

    @property
    def floor(self) -> int:
        return int(self.value)

    @property
    def value(self) -> float:
        return fsum(self._slices.values())

    def dump(self) -> Any:
        return [sorted(self._slices.items()), self._untold.dump()]

    def load(self, saved: Any) -> None:
        slices, untold = saved
        self._slices = dict(slices)
        self._untold.load(untold)


def _plus(one: _Moments, other: _Moments) -> _Moments:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _moments(saved: Sequence[float]) -> _Moments:
    count, total, squares = saved
    return count, total, squares


class Copied:
    """Which texts were copied, and how often: of most windows none, of a campaign one."""

    def __init__(self) -> None:
        self._slices: dict[int, Counter[int]] = {}
        self._sums: Counter[int] = Counter()

    def add(self, at: int, cluster: int) -> None:
        """Take one copy into slice `at`."""
        self._slices.setdefault(at, Counter())[cluster] += 1
        self._sums[cluster] += 1
        if len(self._sums) > TEXTS_COUNTED:
            self._forget(min(self._sums.keys() - {cluster}, key=lambda each: (self._sums[each], each)))

    def drop(self, before: int) -> None:
        """Forget the slices up to and including `before`."""
        for at in [at for at in self._slices if at <= before]:
            self._sums -= self._slices.pop(at)

    @property
    def most(self) -> int:
        """How many copies there are of the text that has most of them."""
        return max(self._sums.values(), default=0)

    def dump(self) -> Any:
        return [[at, sorted(copied.items())] for at, copied in sorted(self._slices.items())]

    def load(self, saved: Any) -> None:
        self._slices = {at: Counter(dict(copied)) for at, copied in saved}
        self._sums = sum(self._slices.values(), Counter())

    def _forget(self, cluster: int) -> None:
        del self._sums[cluster]
        for copied in self._slices.values():
            copied.pop(cluster, None)


class Beside:
    """What a window says beside its measure: how many mentions matched, how many copy one text, how many had no score."""

    def __init__(self) -> None:
        self.mentions = Mentions()
        self.unscored = Mentions()
        self.copied = Copied()

    def drop(self, before: int) -> None:
        """Forget the slices up to and including `before`."""
        for part in (self.mentions, self.unscored):
            for at in part.expiring(before):
                part.drop(at)
        self.copied.drop(before)

    def dump(self) -> Any:
        return [self.mentions.dump(), self.unscored.dump(), self.copied.dump()]

    def load(self, saved: Any) -> None:
        mentions, unscored, copied = saved
        self.mentions.load(mentions)
        self.unscored.load(unscored)
        self.copied.load(copied)
