"""A sheet as SVG: narrow enough for a telephone, black on white for the printer, in colours that everybody can tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from xml.etree import ElementTree as ET

from monitor.backtest.panels import COLUMNS, Bars, Curve, Panel, Sheet
from monitor.backtest.words import say
from monitor.svg import (
    BAND,
    BLUE,
    DASHED,
    DOTTED,
    FAINT,
    FONTS,
    GREEN,
    GREY,
    INK,
    LEFT,
    RED,
    RIGHT,
    WIDTH,
    Axis,
    line,
    rect,
    said,
    scale,
    text,
    time,
)
from notifiers.reader import Reader

# How high a curve, bars and a strip are, and what stands above and below them.
_PLOT, _LOW, _STRIP, _HEAD, _FOOT = 128, 64, 40, 46, 30
_LETTER = 6.0  # units that a letter of the legend is wide, about


def svg(drawn: Sheet, reader: Reader) -> str:
    """The whole sheet, one panel below the other. Nothing in it is fetched from elsewhere."""
    heights = [_height(panel) for panel in drawn.panels]
    top = 84
    height = top + sum(heights) + 18 * len(drawn.notes) + 8
    root = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", role="img")
    root.set("font-family", FONTS)
    ET.SubElement(root, "title").text = drawn.title
    rect(root, 0, 0, WIDTH, height, "#ffffff")
    text(root, 12, 26, drawn.title, size=17, bold=True)
    text(root, 12, 45, drawn.subtitle, size=10.5, colour=GREY)
    _legend(root, reader, surprise=any(isinstance(each.drawn, Curve) and each.drawn.limit for each in drawn.panels))
    for panel, high in zip(drawn.panels, heights, strict=True):
        _panel(ET.SubElement(root, "g", transform=f"translate(0 {top})"), panel, Axis(drawn.since, drawn.until), reader)
        top += high
    for note in drawn.notes:
        text(root, 12, top + 12, note, size=10.5, colour=GREY)
        top += 18
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _height(panel: Panel) -> int:
    if isinstance(panel.drawn, Bars):
        return _HEAD + _LOW + _FOOT
    return _HEAD + _PLOT + (_STRIP + 12 if panel.drawn.limit is not None else 0) + _FOOT


def _legend(root: ET.Element, reader: Reader, *, surprise: bool) -> None:
    x = 12.0
    entries = [("observed", BLUE, None), ("expected", GREY, DASHED), ("bar", RED, DOTTED)]
    for name, colour, dash in [*entries, *([("surprise", GREEN, None)] if surprise else [])]:
        words = say(reader.language, name)
        line(root, [(x, 64), (x + 17, 64)], colour, dash=dash, width=2.2)
        text(root, x + 21, 68, words, size=11)
        x += 21 + len(words) * _LETTER + 12
    rect(root, x, 57, 14, 13, BAND)
    _mark(root, x + 1, 57)
    text(root, x + 20, 68, say(reader.language, "alert"), size=11)


def _panel(root: ET.Element, panel: Panel, axis: Axis, reader: Reader) -> None:
    count = sum(panel.drawn.counts) if isinstance(panel.drawn, Bars) else len(panel.alerts)
    form = f"alerts.{reader.plural(count)}"
    told = say(reader.language, form, n=reader.number(count)) if count else say(reader.language, "nothing")
    line(root, [(12, 0.5), (RIGHT, 0.5)], FAINT)
    text(root, 12, 19, panel.title, size=13, bold=True)
    text(root, RIGHT, 19, told, size=12, anchor="end", bold=count > 0)
    text(root, 12, 35, panel.about, size=10.5, colour=GREY)
    plot = ET.SubElement(root, "g", transform=f"translate(0 {_HEAD})")
    if isinstance(panel.drawn, Curve):
        _curve(plot, panel.drawn, panel.alerts, axis, reader)
    else:
        _bars(plot, panel.drawn, axis, reader)
    time(plot, axis, reader, _height(panel) - _HEAD - _FOOT)


def _curve(root: ET.Element, curve: Curve, alerts: Sequence[tuple[datetime, datetime]], axis: Axis, reader: Reader) -> None:
    for began, ended in alerts:
        left, right = axis.x(began), axis.x(ended)
        rect(root, left, 0, max(right - left, 2.0), _PLOT, BAND)
    known = [value for value in (*curve.observed, *curve.bar, *curve.expected) if value is not None]
    top = scale(root, max(known, default=1.0), reader, _PLOT, parts=3, share=curve.is_share)
    seen = [(x, _PLOT - value / top * _PLOT) for x, value in zip(_places(), curve.observed, strict=True)]
    _area(root, seen)
    for points in _lines(curve.expected, top):
        line(root, points, GREY, dash=DASHED, width=1.4)
    for points in _lines(curve.bar, top):
        line(root, points, RED, dash=DOTTED, width=1.8)
    line(root, seen, BLUE, width=1.6)
    for began, _ in alerts:
        _mark(root, axis.x(began), -1)
    if curve.limit is not None:
        _strip(ET.SubElement(root, "g", transform=f"translate(0 {_PLOT + 12})"), curve.surprise, curve.limit, reader)


def _strip(root: ET.Element, surprise: Sequence[float | None], limit: float, reader: Reader) -> None:
    """How surprising it was, below, with what is asked for."""
    top = max(limit * 1.6, *(value or 0.0 for value in surprise))
    line(root, [(LEFT, _STRIP), (RIGHT, _STRIP)], FAINT)
    at = _STRIP - limit / top * _STRIP
    line(root, [(LEFT, at), (RIGHT, at)], RED, dash=DOTTED, width=1.6)
    text(root, LEFT - 5, at + 4, reader.decimal(limit), size=10, anchor="end", colour=RED)
    for points in _lines(surprise, top, _STRIP):
        line(root, points, GREEN, width=1.3)


def _bars(root: ET.Element, bars: Bars, axis: Axis, reader: Reader) -> None:
    top = scale(root, max((*bars.counts, 1)), reader, _LOW, parts=2)
    for place, count in enumerate(bars.counts):
        if count:
            left = axis.x(bars.since + bars.each * place)
            wide = axis.x(bars.since + bars.each * (place + 1)) - left
            high = max(count / top * _LOW, 2.0)  # one of many is seen, too
            rect(root, left + wide * 0.1, _LOW - high, max(wide * 0.8, 1.0), high, BLUE)


def _places() -> Iterator[float]:
    return (LEFT + (place + 0.5) / COLUMNS * (RIGHT - LEFT) for place in range(COLUMNS))


def _lines(values: Sequence[float | None], top: float, high: float = _PLOT) -> Iterator[list[tuple[float, float]]]:
    """The stretches in which something is known."""
    stretch: list[tuple[float, float]] = []
    for x, value in zip(_places(), values, strict=True):
        if value is not None:
            stretch.append((x, high - value / top * high))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _area(root: ET.Element, points: Sequence[tuple[float, float]]) -> None:
    down = [(points[0][0], float(_PLOT)), *points, (points[-1][0], float(_PLOT))]
    ET.SubElement(root, "polygon", {"points": said(down), "fill": BLUE, "fill-opacity": "0.14"})


def _mark(root: ET.Element, x: float, y: float) -> None:
    """A flag on a pole: where an alert began."""
    flag = [(x, y), (x + 9, y + 4), (x, y + 8)]
    line(root, [(x, y), (x, y + 13)], INK, width=1.4)
    ET.SubElement(root, "polygon", points=said(flag), fill=INK)
