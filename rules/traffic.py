"""How much comes of one key, bucket by bucket, and how much usually does: so that its absence can be noticed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from rules.chance import scarcity
from rules.season import Usual

BUCKETS = 12
"""A window is kept in so many buckets. It ends where one ends, up to which everything that was said has come."""

AHEAD = 1_000
"""So many buckets are kept of which not everything has come: what a source brings weeks later is no longer waited for."""

MOST = 500
"""Different authors or texts are counted up to this many within a bucket."""

_KEPT = 2 * BUCKETS  # a window teaches when the next one is over: what comes late is still counted where it belongs
_SPREAD = 0.5  # until more is known
_NARROWEST, _WIDEST = 0.02, 200.0
_NOTHING = 0.01  # a usual level that counts as none
_QUIET = 0.05  # keeps a quiet key from learning much from little


class Traffic:
    """The counts of one key. Buckets are `width` seconds wide and numbered from the epoch.

    Those before `edge` are over. `different` counts each author or text once a window; `dispersion` is a half-life in seconds.
    """

    def __init__(self, width: float, usual: Usual, *, dispersion: float, different: bool) -> None:
        self.edge: int | None = None
        self.last_fired: float | None = None
        self._width = width
        self._usual = usual
        self._rate = 1 - 2 ** (-width / dispersion)
        self._different = different
        self._came: dict[int, int] = {}  # how many
        self._who: dict[int, set[int]] = {}  # and who, where each counts once
        self._begun = 0  # the first bucket that was counted
        self._whole = 0  # the first from which on nothing was left out
        self._taught = 0
        self._spread = _SPREAD
        self._seen = False

    def begin(self, at: int) -> None:
        """Count from this bucket on."""
        self.edge = self._begun = self._whole = at

    def learnt(self, level: float, dispersion: float | None, *, since: int, until: int) -> None:
        """Remember that every window of these buckets held `level`. Nothing else is known of them: that is not counted."""
        self.edge, self._begun, self._whole, self._seen = until, since, until, True
        self._taught = until - since
        self._usual.learn(level, since * self._width, until * self._width)
        if dispersion is not None:
            self._spread = dispersion

    def add(self, at: int, who: int) -> None:
        """Somebody came in this bucket. What is older than what is looked at is left out."""
        self._seen = True
        if self.edge is None:
            self.begin(at + 1)  # of its own bucket nobody knows what came before
            return
        if at > self.edge + AHEAD:
            self._leave_out(at - AHEAD)
        if at < max(self.edge - _KEPT, self._whole):
            return
        if self._different:
            here = self._who.setdefault(at, set())
            if len(here) < MOST:
                here.add(who)
        self._came[at] = self._came.get(at, 0) + 1

    def _leave_out(self, until: int) -> None:
        """Too much is waited for: what came before `until` will never be whole, and says nothing."""
        self.edge = self._whole = until
        for gone in [at for at in self._came if at < until]:
            self._forget(gone)

    def _forget(self, at: int) -> None:
        self._came.pop(at, None)
        self._who.pop(at, None)

    def move(self) -> None:
        """The next bucket is over: learn from the window that has left, and look at the one that ends here."""
        assert self.edge is not None
        self.edge += 1
        self._learn(self.edge - BUCKETS)
        self._forget(self.edge - _KEPT - 1)

    def _learn(self, end: int) -> None:
        """Learn how much there was in the window that ended there, if all of it was counted."""
        value = self._within(end)
        if value is None:
            return
        expected = self._usual.at(end * self._width)
        if expected is not None:
            seen = ((value - expected) ** 2 - expected) / (expected**2 + _QUIET)
            rate = max(self._rate, 1 / (self._taught + 1))
            self._spread = min(max(0.0, self._spread + rate * (seen - self._spread)), _WIDEST)
        self._usual.learn(value, (end - 1) * self._width, end * self._width)
        self._taught += 1

    def _within(self, end: int) -> int | None:
        """What came in the window that ends before this bucket; None where not all of it was counted."""
        begin = end - BUCKETS
        if begin < self._whole:
            return None
        inside = range(begin, end)
        if self._different:
            return len(set().union(*(self._who.get(at, ()) for at in inside)))
        return sum(self._came.get(at, 0) for at in inside)

    @property
    def value(self) -> int | None:
        """What came in the window that ends at the edge; None where not all of it was counted."""
        return None if self.edge is None else self._within(self.edge)

    @property
    def expected(self) -> float | None:
        """What such a window usually holds; None where that is not known."""
        return None if self.edge is None else self._usual.at(self.edge * self._width)

    @property
    def scarcity(self) -> float:
        """-log10 of the chance of so few, or fewer."""
        value, expected = self.value, self.expected
        if value is None or expected is None:
            return 0.0
        return scarcity(value, expected, 1 / min(max(self._spread, _NARROWEST), _WIDEST))

    @property
    def history(self) -> float:
        """For how many seconds it has been counted."""
        return 0.0 if self.edge is None else (self.edge - self._begun) * self._width

    @property
    def never_came(self) -> bool:
        """Whether nothing was ever seen."""
        return not self._seen

    @property
    def forgotten(self) -> bool:
        """Whether nothing has come for long, and nothing is usual any more. Of what has just begun nobody knows."""
        return not self._came and (self.edge is None or (self._taught > 0 and self._usual.highest < _NOTHING))

    def dump(self) -> dict[str, Any]:
        """The whole state, ready for JSON."""
        return {
            "edge": self.edge,
            "last_fired": self.last_fired,
            "came": [[at, count, sorted(self._who.get(at, ()))] for at, count in sorted(self._came.items())],
            "begun": self._begun,
            "whole": self._whole,
            "taught": self._taught,
            "usual": self._usual.dump(),
            "spread": self._spread,
            "seen": self._seen,
        }

    def load(self, saved: Mapping[str, Any]) -> Self:
        """Take back what `dump` gave."""
        self.edge, self.last_fired = saved["edge"], saved["last_fired"]
        self._came = {at: count for at, count, _ in saved["came"]}
        self._who = {at: set(who) for at, _, who in saved["came"] if who}
        self._begun, self._whole, self._taught = saved["begun"], saved["whole"], saved["taught"]
        self._usual.load(saved["usual"])
        self._spread, self._seen = saved["spread"], saved["seen"]
        return self
