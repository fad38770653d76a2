"""Counts what is inside a sliding window, slice by slice: mentions, different authors or texts, a share, a mean or a sum."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import fsum, sqrt
from typing import Any, Protocol, TypeVar

from rules.model import DISTINCT_COUNTED

_Moments = tuple[float, float, float]  # how many, their sum, and the sum of their squares
_NONE: _Moments = (0.0, 0.0, 0.0)

LATENESS = 60
"""For so many slices what has left the window is remembered: a mention that comes late may belong beside it."""

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
        """Let a slice go: it has left the window. Slices leave in their order."""

    def past(self, after: int, until: int, shown: float | None) -> Tally:
        """What it was at the end of slice `until`, of the slices from `after` (not including it) on; it showed `shown` then."""

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

    def past(self, after: int, until: int, shown: float | None) -> Tally:  # noqa: ARG002  what it showed says all
        return _counted(shown)

    def hold(self, count: int) -> None:
        """Hold so many, of no slice: of the past that is all there is to know."""
        self._sum = count

    def count(self, at: int) -> int:
        """How many there are of one slice."""
        return self._slices.get(at, 0)

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
        self._first: dict[int, int] = {}  # of those who have spoken in several slices: since when they were never missing
        self._left: dict[int, set[int]] = {}  # who left lately, by the slice of their newest mention

    def add(self, at: int, who: int, *, matches: bool | None, figure: float | None = None) -> float:  # noqa: ARG002  all count
        before, known = self._newest.get(who), len(self._newest)
        if before is not None and before >= at:
            if before > at:
                self._first[who] = min(self._first.get(who, before), at)
            return 0
        if before is not None:
            self._leave(before, who)
            self._first.setdefault(who, before)
        self._newest[who] = at
        self._slices[at].add(who)
        if len(self._newest) > DISTINCT_COUNTED:
            self._forget_one()
        return len(self._newest) - known

    def expiring(self, before: int) -> list[int]:
        return sorted(at for at in self._slices if at <= before)

    def drop(self, at: int) -> None:
        gone = self._slices.pop(at, None)
        if gone is None:
            return
        for who in gone:
            del self._newest[who]
            self._first.pop(who, None)
        _keep(self._left, at, gone)

    def missing(self, at: int, who: int, span: int) -> tuple[int, int | None]:
        """When somebody was not in the window of `span` slices from slice `at` on: from which one up to which (None: until now).

        Nobody is missing from a window that holds as many as are counted.
        """
        if len(self._newest) >= DISTINCT_COUNTED:
            return at, at
        newest = self._newest.get(who)
        left = next((gone for gone in reversed(self._left) if who in self._left[gone]), None)
        return (at if left is None else max(at, left + span)), None if newest is None else self._first.get(who, newest)

    def past(self, after: int, until: int, shown: float | None) -> Tally:  # noqa: ARG002  what it showed says all
        return _counted(shown)

    @property
    def floor(self) -> int:
        return len(self._newest)

    @property
    def value(self) -> float | None:
        return len(self._newest)

    def dump(self) -> Any:
        inside, left = ([[at, sorted(who)] for at, who in sorted(each.items())] for each in (self._slices, self._left))
        return {"inside": inside, "first": sorted(self._first.items()), "left": left}

    def load(self, saved: Any) -> None:
        if isinstance(saved, list):  # states were written without the others once
            saved = {"inside": saved, "first": (), "left": ()}
        for at, authors in saved["inside"]:
            self._slices[at] = set(authors)
            self._newest.update(dict.fromkeys(authors, at))
        self._first = dict(saved["first"])
        self._left = {at: set(authors) for at, authors in saved["left"]}

    def _leave(self, at: int, who: int) -> None:
        self._slices[at].discard(who)
        if not self._slices[at]:
            del self._slices[at]

    def _forget_one(self) -> None:
        oldest = min(self._slices)
        who = min(self._slices[oldest])
        self._leave(oldest, who)
        self._first.pop(who, None)
        del self._newest[who]


class ShareOf:
    """Which part of the mentions matches, among those of which that can be told; the others are counted apart."""

    def __init__(self) -> None:
        self._matching = Mentions()
        self._all = Mentions()
        self._untold = Mentions()
        self._left: dict[int, Sequence[int]] = {}

    def add(self, at: int, who: int, *, matches: bool | None, figure: float | None = None) -> float:  # noqa: ARG002  it has none
        (self._untold if matches is None else self._all).add(at, who, matches=matches)
        if matches:
            self._matching.add(at, who, matches=matches)
        return 0

    def expiring(self, before: int) -> list[int]:
        return sorted({*self._all.expiring(before), *self._untold.expiring(before)})

    def drop(self, at: int) -> None:
        _keep(self._left, at, self._of(at))
        for part in self._parts:
            part.drop(at)

    def past(self, after: int, until: int, shown: float | None) -> Tally:  # noqa: ARG002  of how many is not said by it
        past, slices = ShareOf(), range(after + 1, until + 1)
        for part, counts in zip(past._parts, zip(*map(self._of, slices), strict=True), strict=True):
            part.hold(sum(counts))
        return past

    def _of(self, at: int) -> Sequence[int]:
        return self._left.get(at) or [part.count(at) for part in self._parts]

    @property
    def _parts(self) -> Sequence[Mentions]:
        return self._matching, self._all, self._untold

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
        return [*(part.dump() for part in self._parts), sorted(self._left.items())]

    def load(self, saved: Any) -> None:
        for part, content in zip(self._parts, saved, strict=False):  # the third came later, and what has left after it
            part.load(content)
        self._left = dict(saved[3]) if len(saved) > len(self._parts) else {}


class MeanOf:
    """The mean of a number, and what it was of the mentions that have left the window: those teach what is usual.

    `half_life` is in slices.
    """

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life
        self._slices: dict[int, _Moments] = {}
        self._untold = Mentions()
        self._left: dict[int, _Moments] = {}
        self._past: _Moments = (0.0, 0.0, 0.0)
        self._learnt = 0  # the newest slice that has taught
        self._count = 0
        self._total: float | None = None  # of what is in the window, once somebody has asked

    def add(self, at: int, who: int, *, matches: bool | None, figure: float | None = None) -> float:
        if figure is None:
            self._untold.add(at, who, matches=matches)
        else:
            self._slices[at] = _plus(self._slices.get(at, _NONE), (1, figure, figure * figure))
            self._count, self._total = self._count + 1, None
        return 0

    def expiring(self, before: int) -> list[int]:
        return sorted({*(at for at in self._slices if at <= before), *self._untold.expiring(before)})

    def drop(self, at: int) -> None:
        self._untold.drop(at)
        if gone := self._slices.pop(at, None):
            self._count, self._total = self._count - round(gone[0]), None
            fade = self._faded(at)
            count, total, squares = self._past
            self._past = _plus((count * fade, total * fade, squares * fade), gone)
            self._learnt = max(at, self._learnt)
            _keep(self._left, at, gone)

    def past(self, after: int, until: int, shown: float | None) -> MeanOf:  # noqa: ARG002  of how many is not said by it
        past = MeanOf(self._half_life)
        past._slices = {at: each for at, each in {**self._left, **self._slices}.items() if after < at <= until}
        past._past, past._learnt = self._past, self._learnt
        past._count = past._number()
        return past

    @property
    def untold(self) -> int:
        """How many more there were that have no number."""
        return self._untold.floor

    @property
    def floor(self) -> int:
        return self._count

    @property
    def value(self) -> float | None:
        if not self._slices:
            return None
        if self._total is None:  # summed anew each time: the same mean, whatever the order in which it came about
            self._total = fsum(total for _, total, _ in self._slices.values())
        return self._total / self._count

    def _number(self) -> int:
        return round(sum(count for count, _, _ in self._slices.values()))

    def weight(self, at: int) -> float:
        """As how many mentions those that have left weigh in slice `at`."""
        return self._past[0] * self._faded(at)

    def _faded(self, at: int) -> float:
        return 2 ** (-max(at - self._learnt, 0) / self._half_life)

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
        return [sorted(self._slices.items()), self._untold.dump(), self._past, self._learnt, sorted(self._left.items())]

    def load(self, saved: Any) -> None:
        slices, untold, past, self._learnt, *left = saved  # the last came later
        self._left = {at: _moments(moments) for each in left for at, moments in each}
        self._slices = {at: _moments(moments) for at, moments in slices}
        self._untold.load(untold)
        self._past = _moments(past)
        self._count, self._total = self._number(), None


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

    def past(self, after: int, until: int, shown: float | None) -> Tally:  # noqa: ARG002  what it showed says all
        past = SumOf()
        past._slices = {until: shown or 0}
        return past

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


_Content = TypeVar("_Content")


def _keep(left: dict[int, _Content], at: int, content: _Content) -> None:
    """Remember a slice that has left, and forget those that left long ago."""
    left[at] = content
    while (oldest := next(iter(left))) <= at - LATENESS:
        del left[oldest]


def _counted(shown: float | None) -> Mentions:
    counted = Mentions()
    counted.hold(round(shown or 0))
    return counted


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

    def of(self, at: int) -> Counter[int]:
        """The copies of one slice, by text."""
        return self._slices.get(at, Counter())

    def hold(self, copies: Counter[int]) -> None:
        """Hold these, of no slice."""
        self._sums = copies

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
    """What a window says beside its measure: how many mentions matched, how many copy one text, how many had no score.

    `remembers`: as tallies do, it knows of both what they were in slices that have left lately.
    """

    def __init__(self, *, remembers: bool = False) -> None:
        self.mentions = Mentions()
        self.unscored = Mentions()
        self.copied = Copied()
        self._remembers = remembers
        self._left: dict[int, tuple[int, Counter[int]]] = {}

    def drop(self, before: int) -> None:
        """Forget the slices up to and including `before`."""
        for at in self.mentions.expiring(before):
            if self._remembers:
                _keep(self._left, at, self._of(at))
            self.mentions.drop(at)
        for at in self.unscored.expiring(before):
            self.unscored.drop(at)
        self.copied.drop(before)

    def past(self, after: int, until: int) -> Beside:
        """What it was at the end of slice `until`, of the slices from `after` (not including it) on; nothing if it forgets."""
        past = Beside()
        if self._remembers:
            inside = [self._of(at) for at in range(after + 1, until + 1)]
            past.mentions.hold(sum(mentions for mentions, _ in inside))
            past.copied.hold(sum((copied for _, copied in inside), Counter()))
        return past

    def _of(self, at: int) -> tuple[int, Counter[int]]:
        return self._left.get(at) or (self.mentions.count(at), self.copied.of(at))

    def dump(self) -> Any:
        left = [[at, mentions, sorted(copied.items())] for at, (mentions, copied) in self._left.items()]
        return [self.mentions.dump(), self.unscored.dump(), self.copied.dump(), *([left] if left else [])]

    def load(self, saved: Any) -> None:
        mentions, unscored, copied, *left = saved
        self.mentions.load(mentions)
        self.unscored.load(unscored)
        self.copied.load(copied)
        self._left = {at: (count, Counter(dict(copies))) for each in left for at, count, copies in each}
