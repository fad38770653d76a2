"""The colours of charts are seen on their ground, and told apart by those who see no green or no red."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from monitor.charts.palette import DARK, DASHES, LIGHT, SHAPES, Palette

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
_SEEN = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "everybody": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
}
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = _XYZ.sum(axis=1)


def linear(colour: str) -> np.ndarray:
    """Linear RGB, 0 … 1."""
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """As WCAG 2 has it."""
    high, low = sorted((float(_XYZ[1] @ linear(each)) for each in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, eyes: str) -> np.ndarray:
    """CIELAB, as these eyes see it."""
    xyz = _XYZ @ np.clip(np.array(_SEEN[eyes]) @ linear(colour), 0, 1) / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
class TestPalette:
    """Of both grounds."""

    def test_everything_stands_out(self, palette: Palette) -> None:
        """Words 4.5 to 1, lines and marks 3 to 1."""
        assert all(contrast(each, palette.ground) >= 4.5 for each in (palette.ink, palette.quiet))
        assert all(contrast(each, palette.ground) >= 3 for each in (*palette.series, palette.good, palette.bad))

    @pytest.mark.parametrize("eyes", _SEEN)
    def test_lines_are_told_apart(self, palette: Palette, eyes: str) -> None:
        """Ten times what is just noticeable (a distance of 2.3) for whoever sees all, five times for whoever does not."""
        least = 23 if eyes == "everybody" else 11.5
        near = {(a, b): float(np.linalg.norm(lab(a, eyes) - lab(b, eyes))) for a, b in combinations(palette.series, 2)}
        assert {pair: far for pair, far in near.items() if far < least} == {}

    def test_heat_grows_for_all_eyes(self, palette: Palette) -> None:
        """From the ground's own lightness away from it, step by step."""
        for eyes in _SEEN:
            steps = np.diff([lab(each, eyes)[0] for each in palette.heat])
            assert all(steps < -5) or all(steps > 5), eyes


def test_each_line_has_a_dash_and_a_shape_of_its_own() -> None:
    """In print without colours they are told apart as well."""
    assert len({*DASHES}) == len({*SHAPES}) == len(LIGHT.series) == len(DARK.series)
