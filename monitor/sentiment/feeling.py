"""What an engine of sentiment says of a text."""

from __future__ import annotations

from typing import NamedTuple


class Feeling(NamedTuple):
    """`sentiment` in [-1, 1]; `confidence` in [0, 1]: how often readers agree with the label that it amounts to."""

    sentiment: float
    confidence: float
