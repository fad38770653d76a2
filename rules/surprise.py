"""How surprising the last while is for one key: what came in it against what usually comes, as -log10 of the chance of as much.

Two windows are looked at together: the last eighteen buckets, and a fading one of about the same length. The surprise is that of
the less surprised, so that one loud moment on the edge of either does not ring. What comes spreads more widely than chance alone
would have it (posts answer posts); how widely is learnt for each of the two. Why this one: docs/decisions/0024-surprise.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from itertools import pairwise
from math import floor
from typing import Any, Self

from rules.chance import improbability

BUCKETS = 12
"""A rule's window is parted into so many buckets for this."""

RING = 18
"""So many buckets are looked at."""

_FADE = 1 - 2 / 37
_FADED = 1 + _FADE  # a fading sum of independent counts, times this, varies like a count
_FIRST = 12  # buckets, whose mean is the first level
_LEAST_LEVEL = 1e-4
_SPREAD = 0.5  # until more is known
_NARROWEST, _WIDEST = 0.02, 200.0
_QUIET = 0.05  # keeps a quiet key from learning much from little
# A bucket teaches when the one after it is over: what comes late by less than a bucket teaches as if it had been in time.
_PATIENCE = 1
_KEPT = RING + _PATIENCE + BUCKETS  # as many as a window has are kept besides: what comes late is judged as of then
_SILENCE = 864  # buckets without a word in a row that teach one by one; from then on only the level falls


class Surprise:
    """The counts of one key, bucket by bucket, and what is usual. Buckets are numbered from the epoch.

    `level` and `dispersion` are half-lives in buckets; `teaches` says of which buckets one learns what is usual (None: of all).
    """

    __slots__ = (
        "_came", "_expected", "_faded", "_learnt", "_level", "_level_rate", "_newest", "_scored", "_silent", "_spread_rate",
        "_spreads", "_teaches",
    )  # fmt: skip

    def __init__(self, *, level: float, dispersion: float, teaches: Callable[[int], bool] | None = None) -> None:
        self._teaches = teaches
        self._level_rate = 1 - 2 ** (-1 / level)
        self._spread_rate = 1 - 2 ** (-1 / dispersion)
        self._came: list[int] = []  # the newest last: the open bucket
        self._expected: list[float] = []  # of those that have taught; the last `_PATIENCE` and the open one have not yet
        self._newest: int | None = None
        self._learnt = 0
        self._silent = 0  # buckets in a row in which nothing came
        self._level = 0.0
        self._spreads = [_SPREAD, _SPREAD]
        self._faded = [0.0, 0.0]  # what came, and what was expected
        self._scored: dict[tuple[float, bool, float], float] = {}  # since anything changed

    @property
    def history(self) -> int:
        """How many buckets were looked at, the open one included."""
        return self._learnt + len(self._came) - len(self._expected)

    def learnt(self, level: float, dispersion: float | None, *, buckets: int, until: int) -> None:
        """Look back on so many buckets before the bucket `until`, in which no more and no less came than is usual."""
        self._newest, self._learnt, self._silent = until, max(buckets - _PATIENCE, 0), 0
        self._level, self._spreads = level, [_SPREAD if dispersion is None else dispersion] * 2
        sums = [floor(level * number) for number in range(RING - _KEPT + 1, RING + 1)]
        self._came = [*(later - earlier for earlier, later in pairwise(sums)), 0]
        self._expected = [self._usual] * (_KEPT - _PATIENCE - 1)
        self._faded = [self._usual / (1 - _FADE)] * 2
        self._scored.clear()

    def add(self, at: int, count: int) -> None:
        """So many more came in this bucket. What is too old to be looked at is left out."""
        self.advance(at)
        assert self._newest is not None
        place = len(self._came) - 1 - (self._newest - at)
        if place < 0 and not self._expected and self._newest - at <= _PATIENCE:  # late, and the first of all
            self._came = [0] * -place + self._came
            place = 0
        if place < 0 or not count:
            return
        self._came[place] += count
        if place < len(self._expected):  # it has taught already: what it came to is put right, and not what was learnt
            self._faded[0] += _FADE ** (len(self._expected) - 1 - place) * count
        self._scored.clear()

    def advance(self, to: int) -> None:
        """Open the bucket `to`; never backwards."""
        if self._newest is None:
            self._newest, self._came = to, [0]
        while self._newest < to:
            if self._silent > _SILENCE and not any(self._came):
                self._skip(to)
                break
            self._newest += 1
            self._came.append(0)
            while len(self._came) - len(self._expected) > _PATIENCE + 1:
                self._learn(self._came[len(self._expected)])
            del self._came[:-_KEPT], self._expected[: -_KEPT + _PATIENCE + 1]
            self._scored.clear()

    def _skip(self, to: int) -> None:
        """Silence goes on: of what was expected, only what is usual now is left."""
        assert self._newest is not None
        self._level *= (1 - self._level_rate) ** (to - self._newest)
        self._newest = to
        self._expected = [self._usual] * len(self._expected)
        self._faded = [0.0, self._usual / (1 - _FADE)]
        self._scored.clear()

    def as_of(self, bucket: int) -> Surprise | None:
        """How it stood in an earlier bucket, which was over, but for what is usual: that is as it is now. None: nobody knows."""
        if self._newest is None or bucket > self._newest:
            return None
        later = self._newest - bucket
        kept, taught = len(self._came) - later, max(len(self._expected) - later, 0)
        if kept < (1 if self._learnt <= len(self._expected) else RING):
            return None
        came, expected = self._faded
        for at in reversed(range(taught, len(self._expected))):
            came, expected = (came - self._came[at]) / _FADE, (expected - self._expected[at]) / _FADE
        more = {
            "came": self._came[:kept],
            "expected": self._expected[:taught],
            "newest": bucket,
            "learnt": max(self._learnt - later, 0),
            "faded": [max(came, 0.0), max(expected, 0.0)],
        }
        return copy(self).load(self.dump() | more)

    def score(self, passed: float = 1.0, *, slow_storms: bool = False, times: float = 1.0) -> float:
        """-log10 of the chance of what has come, when so much of the open bucket (0 to 1) has passed.

        `slow_storms`: by the last buckets alone, which ring sooner, and more often. `times`: so many times the usual is expected.
        """
        asked = passed, slow_storms, times
        if asked not in self._scored:
            self._scored.clear()
            self._scored[asked] = self._score(passed, slow_storms=slow_storms, times=times)
        return self._scored[asked]

    def _score(self, passed: float, *, slow_storms: bool, times: float) -> float:
        waiting = self._came[len(self._expected) :]
        usual = [*[self._usual] * (len(waiting) - 1), self._usual * passed]
        mean = times * sum([*self._expected, *usual][-RING:])
        ring = improbability(sum(self._came[-RING:]), mean, 1 / _bounded(self._spreads[0]))
        if slow_storms or not ring:
            return ring
        came, expected = self._faded
        for count, each in zip(waiting, usual, strict=True):
            came, expected = _FADE * came + count, _FADE * expected + each
        return min(ring, improbability(_FADED * came, times * _FADED * expected, 1 / _bounded(self._spreads[1])))

    @property
    def _usual(self) -> float:
        return max(self._level, _LEAST_LEVEL)

    def _learn(self, count: int) -> None:
        """Learn from the oldest bucket that has not taught yet: first how widely counts spread, then their level."""
        assert self._newest is not None
        teaches = self._teaches is None or self._teaches(self._newest + 1 + len(self._expected) - len(self._came))
        early = 1 / (self._learnt + 1)
        if teaches and self._learnt < _FIRST:
            self._level += early * (count - self._level)
        usual = self._usual
        self._expected.append(usual)
        taught = len(self._expected)
        ring = sum(self._came[max(taught - RING, 0) : taught]), sum(self._expected[-RING:])
        self._faded = [_FADE * self._faded[0] + count, _FADE * self._faded[1] + usual]
        self._silent = 0 if count else self._silent + 1
        if not teaches:
            return
        rate = max(self._spread_rate, early)
        for which, ((came, expected), own) in enumerate(((ring, 1.0), (self._faded, 1 / _FADED))):
            seen = ((came - expected) ** 2 - own * expected) / (expected**2 + _QUIET)
            self._spreads[which] = min(max(0.0, self._spreads[which] + rate * (seen - self._spreads[which])), _WIDEST)
        if self._learnt >= _FIRST:
            self._level += max(self._level_rate, early) * (count - self._level)
        self._learnt += 1

    def dump(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""
        return {
            "came": self._came,
            "expected": self._expected,
            "newest": self._newest,
            "learnt": self._learnt,
            "silent": self._silent,
            "level": self._level,
            "spreads": self._spreads,
            "faded": self._faded,
        }

    def load(self, saved: Mapping[str, Any]) -> Self:
        """Take back what `dump` gave."""
        self._came, self._expected, self._newest = list(saved["came"]), list(saved["expected"]), saved["newest"]
        self._learnt, self._silent, self._level = saved["learnt"], saved["silent"], saved["level"]
        self._spreads, self._faded = list(saved["spreads"]), list(saved["faded"])
        self._scored = {}
        return self


def _bounded(spread: float) -> float:
    return min(max(spread, _NARROWEST), _WIDEST)
