"""The colours of charts, on light and on dark ground: those of Okabe and Ito, deepened or lightened until they stand out there.

A test measures the contrast of each, and how far apart two of them are to people who see no red or no green.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Palette:
    """`series` are told apart by dash and shape as well; `heat` goes from cold to hot."""

    ground: str
    ink: str
    quiet: str
    faint: str
    series: tuple[str, ...]
    good: str
    bad: str
    heat: tuple[str, ...]


LIGHT: Final = Palette(
    ground="#ffffff",
    ink="#1a1a1a",
    quiet="#555555",
    faint="#e2e2e2",
    series=("#0072b2", "#d55e00", "#1a1a1a", "#007a5a", "#b35a8f", "#6633cc"),
    good="#0072b2",
    bad="#d55e00",
    heat=("#f1f5f9", "#b9d8ec", "#6aaed6", "#1f78b4", "#08306b"),
)
DARK: Final = Palette(
    ground="#16181d",
    ink="#f0f0f0",
    quiet="#b5b8bf",
    faint="#363a43",
    series=("#56b4e9", "#e69f00", "#f0f0f0", "#00a67d", "#e28fc0", "#d9d042"),
    good="#56b4e9",
    bad="#f08a4b",
    heat=("#20242c", "#1f4e73", "#2f86b5", "#7cc3e8", "#e8f6ff"),
)
DASHES: Final = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (4, 2), (10, 4))
SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
