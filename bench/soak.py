"""Hours of load, and whether memory and descriptors stay flat: `python -m bench.soak --minutes 60 --chart soak.svg`."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression

from bench import __main__ as bench
from bench import load, machine
from bench.figure import Figure

# Memory grows while caches fill and windows come to hold their first hour; what comes after must not grow.
SETTLED = 1 / 3
HOUR = 3600.0
MEMORY_SLOPE = 10.0  # MB an hour
DESCRIPTORS_SLOPE = 3.0  # an hour
_WIDTH, _HEIGHT, _LEFT, _TOP = 900, 260, 70, 40

Points = Sequence[tuple[float, float]]


def main() -> int:
    """Stream for as long as was asked for, print the figures, draw the chart. The exit code is 1 when a figure misses its bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long to stream, after a warm-up; default 60")
    parser.add_argument("--chart", type=Path, default=Path("soak.svg"), help="where to draw memory and descriptors")
    asked = parser.parse_args()
    here, done = machine.describe(), asyncio.run(load.load(asked.minutes * 60))
    memory = [(at, megabytes) for at, megabytes, _ in done.samples]
    descriptors = [(at, float(count)) for at, _, count in done.samples]
    figures = [
        *load.figures(done),
        Figure("soak", "memory, slope", slope(memory), "MB/h", MEMORY_SLOPE, how="over the last two thirds of the time"),
        Figure("soak", "descriptors, slope", slope(descriptors), "/h", DESCRIPTORS_SLOPE),
    ]
    asked.chart.write_text(chart(memory, descriptors), encoding="utf-8")
    bench.show(here, figures)
    print(f"chart: {asked.chart}")
    return int(any(figure.holds is False for figure in figures))


def slope(points: Points) -> float:
    """How much it grows in an hour, once settled: the straight line through what was sampled."""
    settled = [point for point in points if point[0] >= points[-1][0] * SETTLED]
    return linear_regression([at for at, _ in settled], [value for _, value in settled]).slope * HOUR


def chart(memory: Points, descriptors: Points) -> str:
    """Both curves over time, as SVG."""
    panels = _panel("memory of the main process", "MB", memory, 0) + _panel("open descriptors", "", descriptors, 1)
    size = f'viewBox="0 0 {_WIDTH + _LEFT + 30} {2 * (_HEIGHT + 2 * _TOP)}"'
    style = "text{font:13px sans-serif;fill:#333}path{fill:none;stroke-width:1.5}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{panels}</svg>\n'


def _panel(title: str, unit: str, points: Points, place: int) -> str:
    """One curve with its highest value, its axis and its slope."""
    top, end = max(value for _, value in points) * 1.1 or 1.0, points[-1][0] or 1.0
    down = place * (_HEIGHT + 2 * _TOP) + _TOP
    drawn = " L".join(f"{_LEFT + at / end * _WIDTH:.1f},{down + _HEIGHT * (1 - value / top):.1f}" for at, value in points)
    grown = f"{slope(points):+.1f} {unit}/h".replace(" /", "/")
    return (
        f'<text x="{_LEFT}" y="{down - 12}">{title}: {points[-1][1]:.0f} {unit} at the end, {grown}</text>'
        f'<text x="8" y="{down + 12}">{top:.0f} {unit}</text><text x="8" y="{down + _HEIGHT}">0</text>'
        f'<path stroke="#999" d="M{_LEFT},{down} V{down + _HEIGHT} H{_LEFT + _WIDTH}"/>'
        f'<text x="{_LEFT + _WIDTH - 60}" y="{down + _HEIGHT + 18}">{end / 60:.0f} min</text>'
        f'<path stroke="#c0392b" d="M{drawn}"/>'
    )


if __name__ == "__main__":
    raise SystemExit(main())
