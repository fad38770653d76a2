"""How surprising the last while is for one key: what came in it against what usually comes, as -log10 of the chance of as much.

Two windows are looked at together: the last eighteen buckets, and a fading one of about the same length. The surprise is that of
the less surprised, so that one loud moment on the edge of either does not ring. What comes spreads more widely than chance alone
would have it (posts answer posts); how widely is learnt for each of the two. Why this one: docs/decisions/0024-surprise.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Self

from rules.chance import improbability
from rules.voices import Voices

BUCKETS = 12
"""A rule's window is parted into so many buckets for this."""

_RING = 18
_FADE = 1 - 2 / 37
_FADED = 1 + _FADE  # a fading sum of independent counts, times this, varies like a count
_FIRST_HOUR = 12  # buckets, whose mean is the first level
_LEAST_LEVEL = 1e-4
_SPREAD = 0.5  # until more is known
_NARROWEST, _WIDEST = 0.02, 200.0
_QUIET = 0.05  # keeps a quiet key from learning much from little
# A bucket teaches when the one after it is over: what comes late by less than a bucket teaches as if it had been in time.
_PATIENCE = 1
_KEPT = _RING + _PATIENCE
_SILENCE = 2 * 7 * 24 * 12  # buckets without a word that teach one by one; of more only the level falls


class Surprise:
    """The counts of one key, bucket by bucket, and what is usual. Buckets are numbered from the epoch.

    `level` and `dispersion` are half-lives in buckets. `voices`: different ones are counted, and not mentions.
    """

    def __init__(self, *, level: float, dispersion: float, voices: bool) -> None:
        self._fresh = Voices if voices else _Mentions
        self._level_rate = 1 - 2 ** (-1 / level)
        self._spread_rate = 1 - 2 ** (-1 / dispersion)
        self._seen: list[Voices | _Mentions] = []  # the newest last: the open bucket
        self._expected: list[float] = []  # of those that have taught; the last `_PATIENCE` and the open one have not yet
        self._newest: int | None = None
        self._learnt = 0
        self._level = 0.0
        self._spreads = [_SPREAD, _SPREAD]
        self._faded = [0.0, 0.0]  # what came, and what was expected

    def add(self, at: int, who: int) -> None:
        """Take one in. What is too old to be looked at is left out."""
        self.advance(at)
        assert self._newest is not None
        place = len(self._seen) - 1 - (self._newest - at)
        if place < 0 and not self._expected and -place <= _PATIENCE:  # late, and the first of all
            self._seen = [*(self._fresh() for _ in range(-place)), *self._seen]
            place = 0
        if place < 0:
            return
        before = self._seen[place].value
        self._seen[place].add(who)
        if place < len(self._expected):  # it has taught already: what it came to is put right, and not what was learnt
            self._faded[0] += _FADE ** (len(self._expected) - 1 - place) * (self._seen[place].value - before)

    def advance(self, to: int) -> None:
        """Open the bucket `to`; never backwards."""
        if self._newest is None:
            self._newest, self._seen = to, [self._fresh()]
        if (skipped := to - self._newest - _SILENCE) > 0:
            self._newest += skipped
            self._level *= (1 - self._level_rate) ** skipped
        while self._newest < to:
            self._newest += 1
            self._seen.append(self._fresh())
            if len(self._seen) - len(self._expected) > _PATIENCE + 1:
                self._learn(self._seen[len(self._expected)].value)
            del self._seen[:-_KEPT], self._expected[: -_KEPT + _PATIENCE + 1]

    def score(self, *, slow_storms: bool = False) -> float:
        """-log10 of the chance of what has come. `slow_storms`: by the last buckets alone, which ring sooner, and more often."""
        waiting = [bucket.value for bucket in self._seen[len(self._expected) :]]
        counts = [bucket.value for bucket in self._seen[-_RING:]]
        expected = [*self._expected, *[self._usual] * len(waiting)][-_RING:]
        ring = improbability(sum(counts), sum(expected), 1 / _bounded(self._spreads[0]))
        if slow_storms or not ring:
            return ring
        came, usual = self._faded
        for value in waiting:
            came, usual = _FADE * came + value, _FADE * usual + self._usual
        return min(ring, improbability(_FADED * came, _FADED * usual, 1 / _bounded(self._spreads[1])))

    @property
    def level(self) -> float:
        """What a bucket usually holds."""
        return self._level

    @property
    def _usual(self) -> float:
        return max(self._level, _LEAST_LEVEL)

    def _learn(self, value: float) -> None:
        """Learn from the oldest bucket that has not taught yet: first how widely counts spread, then their level."""
        if self._learnt < _FIRST_HOUR:
            self._level = (self._level * self._learnt + value) / (self._learnt + 1)
        self._expected.append(self._usual)
        taught = islice(self._seen, max(len(self._expected) - _RING, 0), len(self._expected))
        self._faded = [_FADE * self._faded[0] + value, _FADE * self._faded[1] + self._usual]
        ring = sum(bucket.value for bucket in taught), sum(self._expected[-_RING:])
        rate, early = self._spread_rate, 1 / (self._learnt + 2)
        for which, ((came, usual), own) in enumerate(((ring, 1.0), (self._faded, 1 / _FADED))):
            seen = ((came - usual) ** 2 - own * usual) / (usual**2 + _QUIET)
            self._spreads[which] = max(0.0, self._spreads[which] + max(rate, early) * (seen - self._spreads[which]))
        self._level += max(self._level_rate, early) * (value - self._level)
        self._learnt += 1

    def dump(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""
        return {
            "seen": [bucket.dump() for bucket in self._seen],
            "expected": self._expected,
            "newest": self._newest,
            "learnt": self._learnt,
            "level": self._level,
            "spreads": self._spreads,
            "faded": self._faded,
        }

    def load(self, saved: Mapping[str, Any]) -> Self:
        """Take back what `dump` gave."""
        self._seen = [self._fresh(each) for each in saved["seen"]]
        self._expected, self._newest, self._learnt = list(saved["expected"]), saved["newest"], saved["learnt"]
        self._level, self._spreads, self._faded = saved["level"], list(saved["spreads"]), list(saved["faded"])
        return self


class _Mentions:
    """How many there were, whoever said it."""

    def __init__(self, count: int = 0) -> None:
        self.value = count

    def add(self, _: int) -> None:
        self.value += 1

    def dump(self) -> int:
        return self.value


def _bounded(spread: float) -> float:
    return min(max(spread, _NARROWEST), _WIDEST)
