"""Counts what is inside a sliding window, slice by slice: mentions, different authors or texts, or a share."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Protocol

from rules.model import DISTINCT_COUNTED

TEXTS_COUNTED = 200
"""Different texts of which copies are counted within a window; beyond it those copied least are forgotten."""


class Tally(Protocol):
    """What a window measures. Slices are numbered from the epoch; the order in which they are filled does not matter."""

    def add(self, at: int, who: int, *, matches: bool | None) -> int:
        """Take one mention into slice `at`; returns by how much that raised the value (nought where it is no count).

        `matches` is asked by a share alone; None: nobody can tell.
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

    def add(self, at: int, who: int, *, matches: bool | None) -> int:  # noqa: ARG002  a count asks neither
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

    def add(self, at: int, who: int, *, matches: bool | None) -> int:  # noqa: ARG002  everybody who comes here counts
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

    def add(self, at: int, who: int, *, matches: bool | None) -> int:
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
