"""Counts different voices in little room: exactly up to 64, and from a sketch above."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

EXACT = 64
"""So many are counted exactly; beyond it the figure is right to within about an eighth."""

_BITS = 52  # of a hash: any JSON reader keeps it whole
_ALL = 1 << _BITS


class Voices:
    """The smallest hashes of those seen (Bar-Yossef and others, 2002): the denser they lie, the more there were.

    Whoever comes again changes nothing, and neither does the order.
    """

    def __init__(self, smallest: Sequence[int] = ()) -> None:
        """`smallest` is what `dump` gave."""
        self._smallest = list(smallest)

    def add(self, who: int) -> None:
        """Take in a voice by its number."""
        hashed, known = _hashed(who), self._smallest
        if len(known) == EXACT and hashed >= known[-1]:
            return
        at = bisect_left(known, hashed)
        if at < len(known) and known[at] == hashed:
            return
        insort(known, hashed)
        del known[EXACT:]

    @property
    def value(self) -> float:
        """How many there were."""
        known = self._smallest
        return len(known) if len(known) < EXACT else (EXACT - 1) * _ALL / known[-1]

    def dump(self) -> list[int]:
        """The content, ready for JSON."""
        return self._smallest


def _hashed(who: int) -> int:
    """Splitmix64's last steps: numbers that follow each other are spread over the whole range."""
    mixed = (who + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return (mixed ^ mixed >> 31) >> (64 - _BITS)
