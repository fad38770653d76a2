"""How likely it is that a text tells of somebody in danger, from the signs that its words give.

The figures are what share of real posts with such signs a reader found dangerous (docs/reference/scoring.md), drawn to round
numbers and towards caution, for only a handful had them: a missed cry for help costs more than a look at a figure of speech.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

_TOLD = 0.7  # something of the list of dangers
_NOW = 0.9  # and it is happening now
_DISTANT = 0.3  # or elsewhere, long ago, in a story
_DEPRIVED = 0.6  # somebody fragile is without heating, water, power or a way to call for help
_NO_SIGN = 0.01


def risk(signs: AbstractSet[str]) -> float:
    """A probability in [0, 1] from the signs `danger`, `now`, `distant`, `fragile` and `deprived`."""
    if "danger" in signs:
        return _DISTANT if "distant" in signs else _NOW if "now" in signs else _TOLD
    return _DEPRIVED if {"fragile", "deprived"} <= signs else _NO_SIGN
