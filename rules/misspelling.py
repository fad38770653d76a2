"""Tells a misspelt name from a right one, and from another one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from rules.logic import Test
from rules.words import fold_label

REMEMBERED = 4_096  # names: the same few hashtags come again and again


def misspelt(right: Collection[str], *, distance: int, min_length: int) -> Test[str]:
    """Whether a name is within `distance` of one of the `right` ones (folded), and is none of them."""
    long_enough = _by_length(name for name in right if len(name) >= min_length)
    spelt_right = frozenset(right)

    @lru_cache(maxsize=REMEMBERED)
    def close(name: str) -> bool:
        if len(name) < min_length or name in spelt_right:
            return False
        lengths = range(len(name) - distance, len(name) + distance + 1)
        return any(_distance(name, each, distance) <= distance for length in lengths for each in long_enough.get(length, ()))

    return lambda name: close(fold_label(name))


def _distance(one: str, other: str, most: int) -> int:
    """Letters missing, wrong, too many, or exchanged with their neighbour; more than `most` is as good as any number."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415 few configurations ask for it

    return OSA.distance(one, other, score_cutoff=most)


def _by_length(names: Iterable[str]) -> Mapping[int, Collection[str]]:
    """Names whose lengths differ by more than the distance need not be compared."""
    found: dict[int, list[str]] = {}
    for name in names:
        found.setdefault(len(name), []).append(name)
    return found
