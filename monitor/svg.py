"""The pieces that our charts are made of: lines, boxes, words, a scale with its figures and an axis of the reader's own time.

The colours are those of Okabe and Ito, which everybody can tell apart; each line has a dash of its own besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from notifiers.reader import Reader

FONTS: Final = "DejaVu Sans, Liberation Sans, Noto Sans, Verdana, Arial, Helvetica, sans-serif"
WIDTH, LEFT, RIGHT = 480, 40, 468
BLUE, GREY, RED, GREEN = "#0072B2", "#555555", "#D55E00", "#007A5A"
INK, FAINT, BAND = "#1a1a1a", "#dddddd", "#fbe3d3"
DASHED, DOTTED = "5 3", "1.5 3"
_TICKS = 6
_HOURS = (1, 2, 3, 6, 12)
_DAYS = (1, 2, 3, 7, 14)
_MONTHS = (1, 2, 3, 6, 12, 24)
_ROOM = 40  # units that a label of the axis needs


@dataclass(frozen=True, slots=True)
class Axis:
    """From moments to places."""

    since: datetime
    until: datetime

    def x(self, at: datetime) -> float:
        """Where a moment is; one outside is at the edge."""
        share = (at - self.since) / (self.until - self.since)
        return LEFT + min(max(share, 0.0), 1.0) * (RIGHT - LEFT)


@dataclass(frozen=True, slots=True)
class Ink:
    """In which colours an axis and its scale are drawn."""

    words: str = GREY
    lines: str = FAINT


PLAIN: Final = Ink()


def line(
    root: ET.Element, points: Sequence[tuple[float, float]], colour: str, *, width: float = 1.0, dash: str | None = None
) -> None:
    """A line through these points."""
    style = {"points": said(points), "fill": "none", "stroke": colour, "stroke-width": f"{width:g}", "stroke-linejoin": "round"}
    ET.SubElement(root, "polyline", style | ({"stroke-dasharray": dash, "stroke-linecap": "round"} if dash else {}))


def rect(root: ET.Element, x: float, y: float, width: float, height: float, colour: str) -> None:
    """A filled box."""
    ET.SubElement(root, "rect", x=number(x), y=number(y), width=number(width), height=number(height), fill=colour)


def text(
    root: ET.Element,
    x: float,
    y: float,
    words: str,
    *,
    size: float,
    anchor: str = "start",
    colour: str = INK,
    bold: bool = False,
) -> None:
    """Words on their base line."""
    style = {"x": number(x), "y": number(y), "font-size": f"{size:g}", "fill": colour, "text-anchor": anchor}
    ET.SubElement(root, "text", style | ({"font-weight": "bold"} if bold else {})).text = words


def scale(
    root: ET.Element, most: float, reader: Reader, high: int, *, parts: int, share: bool = False, ink: Ink = PLAIN
) -> float:
    """About so many lines with their figures, over a height; returns what the top stands for."""
    step = _nice(most / parts, whole=not share)
    top = step * (int(most / step) + 1)
    top = min(top, 1.0) if share else top  # there is no more than the whole
    for place in range(round(top / step) + 1):
        y = high - place * step / top * high
        line(root, [(LEFT, y), (RIGHT, y)], ink.lines)
        told = reader.percent(place * step) if share else reader.number(place * step)
        text(root, LEFT - 5, y + 4, told, size=10, anchor="end", colour=ink.words)
    return top


def _nice(rough: float, *, whole: bool) -> float:
    """The next larger one of 1, 2, 5, 10, 20 and so on."""
    size = 1.0 if whole else 0.01
    while True:
        for factor in (1, 2, 5):
            if size * factor >= rough:
                return size * factor
        size *= 10


def time(root: ET.Element, axis: Axis, reader: Reader, y: float, ink: Ink = PLAIN) -> None:
    """The axis of time, with round moments of the reader's own clock and calendar."""
    line(root, [(LEFT, y), (RIGHT, y)], ink.words)
    for at, label in _ticks(axis, reader):
        x = axis.x(at)
        line(root, [(x, y), (x, y + 4)], ink.words)
        anchor = "start" if x < LEFT + _ROOM / 2 else "end" if x > RIGHT - _ROOM / 2 else "middle"
        text(root, x, y + 16, label, size=10, anchor=anchor, colour=ink.words)


def _ticks(axis: Axis, reader: Reader) -> Iterator[tuple[datetime, str]]:
    zone, length = ZoneInfo(reader.zone), axis.until - axis.since
    here = axis.since.astimezone(zone)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = next((each for each in _HOURS if length / timedelta(hours=each) <= _TICKS), None)
    days = next((each for each in _DAYS if length / timedelta(days=each) <= _TICKS + 1), None)
    if hours is not None:
        moments = (midnight + timedelta(hours=hours * place) for place in range(24 // hours * 4))
        named = (("HH:mm" if each.hour else "MMMd", each) for each in moments)
    elif days is not None:
        named = (("MMMd", midnight + timedelta(days=days * place)) for place in range(_TICKS * 3))
    else:
        months = next((each for each in _MONTHS if length / timedelta(days=30.5 * each) <= _TICKS), _MONTHS[-1])
        first = midnight.replace(day=1, month=1)
        named = (
            ("yMMM", first.replace(year=first.year + place * months // 12, month=place * months % 12 + 1))
            for place in range(_TICKS * 6)
        )
    for skeleton, at in named:
        if axis.since <= at <= axis.until:
            yield at, reader.dated(skeleton, at, zone)


def said(points: Sequence[tuple[float, float]]) -> str:
    """Points as SVG writes them."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)


def number(value: float) -> str:
    """A place as short as it can be."""
    return f"{value:.1f}".removesuffix(".0")
