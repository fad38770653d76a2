"""A sheet as SVG: narrow enough for a telephone, black on white for the printer, in colours that everybody can tell apart.

The colours are those of Okabe and Ito; each line has a dash of its own besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from monitor.backtest.panels import COLUMNS, Bars, Curve, Panel, Sheet
from monitor.backtest.words import say
from notifiers.reader import Reader

FONTS = "DejaVu Sans, Liberation Sans, Noto Sans, Verdana, Arial, Helvetica, sans-serif"
WIDTH = 480
_LEFT, _RIGHT = 40, 468
# How high a curve, bars and a strip are, and what stands above and below them.
_PLOT, _LOW, _STRIP, _HEAD, _FOOT = 128, 64, 40, 46, 30
_BLUE, _GREY, _RED, _GREEN = "#0072B2", "#555555", "#D55E00", "#007A5A"
_INK, _FAINT, _BAND = "#1a1a1a", "#dddddd", "#fbe3d3"
_DASHED, _DOTTED = "5 3", "1.5 3"
_TICKS = 6
_HOURS = (1, 2, 3, 6, 12)
_DAYS = (1, 2, 3, 7, 14)
_MONTHS = (1, 2, 3, 6, 12, 24)
_LETTER = 6.0  # units that a letter of the legend is wide, about
_ROOM = 40  # units that a label of the axis needs


@dataclass(frozen=True, slots=True)
class _Axis:
    """From moments to places."""

    since: datetime
    until: datetime

    def x(self, at: datetime) -> float:
        share = (at - self.since) / (self.until - self.since)
        return _LEFT + min(max(share, 0.0), 1.0) * (_RIGHT - _LEFT)


def svg(drawn: Sheet, reader: Reader) -> str:
    """The whole sheet, one panel below the other. Nothing in it is fetched from elsewhere."""
    heights = [_height(panel) for panel in drawn.panels]
    top = 84
    height = top + sum(heights) + 18 * len(drawn.notes) + 8
    root = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", role="img")
    root.set("font-family", FONTS)
    ET.SubElement(root, "title").text = drawn.title
    _rect(root, 0, 0, WIDTH, height, "#ffffff")
    _text(root, 12, 26, drawn.title, size=17, bold=True)
    _text(root, 12, 45, drawn.subtitle, size=10.5, colour=_GREY)
    _legend(root, reader, surprise=any(isinstance(each.drawn, Curve) and each.drawn.limit for each in drawn.panels))
    for panel, high in zip(drawn.panels, heights, strict=True):
        _panel(ET.SubElement(root, "g", transform=f"translate(0 {top})"), panel, _Axis(drawn.since, drawn.until), reader)
        top += high
    for note in drawn.notes:
        _text(root, 12, top + 12, note, size=10.5, colour=_GREY)
        top += 18
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _height(panel: Panel) -> int:
    if isinstance(panel.drawn, Bars):
        return _HEAD + _LOW + _FOOT
    return _HEAD + _PLOT + (_STRIP + 12 if panel.drawn.limit is not None else 0) + _FOOT


def _legend(root: ET.Element, reader: Reader, *, surprise: bool) -> None:
    x = 12.0
    entries = [("observed", _BLUE, None), ("expected", _GREY, _DASHED), ("bar", _RED, _DOTTED)]
    for name, colour, dash in [*entries, *([("surprise", _GREEN, None)] if surprise else [])]:
        said = say(reader.language, name)
        _line(root, [(x, 64), (x + 17, 64)], colour, dash=dash, width=2.2)
        _text(root, x + 21, 68, said, size=11)
        x += 21 + len(said) * _LETTER + 12
    _rect(root, x, 57, 14, 13, _BAND)
    _mark(root, x + 1, 57)
    _text(root, x + 20, 68, say(reader.language, "alert"), size=11)


def _panel(root: ET.Element, panel: Panel, axis: _Axis, reader: Reader) -> None:
    count = sum(panel.drawn.counts) if isinstance(panel.drawn, Bars) else len(panel.alerts)
    form = f"alerts.{reader.plural(count)}"
    told = say(reader.language, form, n=reader.number(count)) if count else say(reader.language, "nothing")
    _line(root, [(12, 0.5), (_RIGHT, 0.5)], _FAINT)
    _text(root, 12, 19, panel.title, size=13, bold=True)
    _text(root, _RIGHT, 19, told, size=12, anchor="end", bold=count > 0)
    _text(root, 12, 35, panel.about, size=10.5, colour=_GREY)
    plot = ET.SubElement(root, "g", transform=f"translate(0 {_HEAD})")
    if isinstance(panel.drawn, Curve):
        _curve(plot, panel.drawn, panel.alerts, axis, reader)
    else:
        _bars(plot, panel.drawn, axis, reader)
    _time(plot, axis, reader, _height(panel) - _HEAD - _FOOT)


def _curve(root: ET.Element, curve: Curve, alerts: Sequence[tuple[datetime, datetime]], axis: _Axis, reader: Reader) -> None:
    for began, ended in alerts:
        left, right = axis.x(began), axis.x(ended)
        _rect(root, left, 0, max(right - left, 2.0), _PLOT, _BAND)
    known = [value for value in (*curve.observed, *curve.bar, *curve.expected) if value is not None]
    top = _scale(root, max(known, default=1.0), reader, _PLOT, share=curve.is_share)
    seen = [(x, _PLOT - value / top * _PLOT) for x, value in zip(_places(), curve.observed, strict=True)]
    _area(root, seen)
    for line in _lines(curve.expected, top):
        _line(root, line, _GREY, dash=_DASHED, width=1.4)
    for line in _lines(curve.bar, top):
        _line(root, line, _RED, dash=_DOTTED, width=1.8)
    _line(root, seen, _BLUE, width=1.6)
    for began, _ in alerts:
        _mark(root, axis.x(began), -1)
    if curve.limit is not None:
        _strip(ET.SubElement(root, "g", transform=f"translate(0 {_PLOT + 12})"), curve.surprise, curve.limit, reader)


def _strip(root: ET.Element, surprise: Sequence[float | None], limit: float, reader: Reader) -> None:
    """How surprising it was, below, with what is asked for."""
    top = max(limit * 1.6, *(value or 0.0 for value in surprise))
    _line(root, [(_LEFT, _STRIP), (_RIGHT, _STRIP)], _FAINT)
    at = _STRIP - limit / top * _STRIP
    _line(root, [(_LEFT, at), (_RIGHT, at)], _RED, dash=_DOTTED, width=1.6)
    _text(root, _LEFT - 5, at + 4, reader.decimal(limit), size=10, anchor="end", colour=_RED)
    for line in _lines(surprise, top, _STRIP):
        _line(root, line, _GREEN, width=1.3)


def _bars(root: ET.Element, bars: Bars, axis: _Axis, reader: Reader) -> None:
    top = _scale(root, max((*bars.counts, 1)), reader, _LOW)
    for number, count in enumerate(bars.counts):
        if count:
            left = axis.x(bars.since + bars.each * number)
            wide = axis.x(bars.since + bars.each * (number + 1)) - left
            high = max(count / top * _LOW, 2.0)  # one of many is seen, too
            _rect(root, left + wide * 0.1, _LOW - high, max(wide * 0.8, 1.0), high, _BLUE)


def _scale(root: ET.Element, most: float, reader: Reader, high: int, *, share: bool = False) -> float:
    """Lines with their figures; returns what the top stands for."""
    step = _nice(most / (3 if high == _PLOT else 2), whole=not share)
    top = step * (int(most / step) + 1)
    for number in range(round(top / step) + 1):
        y = high - number * step / top * high
        _line(root, [(_LEFT, y), (_RIGHT, y)], _FAINT)
        told = reader.percent(number * step) if share else reader.number(number * step)
        _text(root, _LEFT - 5, y + 4, told, size=10, anchor="end", colour=_GREY)
    return top


def _nice(rough: float, *, whole: bool) -> float:
    """The next larger one of 1, 2, 5, 10, 20 and so on."""
    size = 1.0 if whole else 0.01
    while True:
        for factor in (1, 2, 5):
            if size * factor >= rough:
                return size * factor
        size *= 10


def _places() -> Iterator[float]:
    return (_LEFT + (number + 0.5) / COLUMNS * (_RIGHT - _LEFT) for number in range(COLUMNS))


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


def _time(root: ET.Element, axis: _Axis, reader: Reader, y: float) -> None:
    _line(root, [(_LEFT, y), (_RIGHT, y)], _GREY)
    for at, label in _ticks(axis, reader):
        x = axis.x(at)
        _line(root, [(x, y), (x, y + 4)], _GREY)
        anchor = "start" if x < _LEFT + _ROOM / 2 else "end" if x > _RIGHT - _ROOM / 2 else "middle"
        _text(root, x, y + 16, label, size=10, anchor=anchor, colour=_GREY)


def _ticks(axis: _Axis, reader: Reader) -> Iterator[tuple[datetime, str]]:
    """Round moments of the reader's own clock and calendar."""
    zone, length = ZoneInfo(reader.zone), axis.until - axis.since
    here = axis.since.astimezone(zone)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = next((each for each in _HOURS if length / timedelta(hours=each) <= _TICKS), None)
    days = next((each for each in _DAYS if length / timedelta(days=each) <= _TICKS + 1), None)
    if hours is not None:
        moments = (midnight + timedelta(hours=hours * number) for number in range(24 // hours * 4))
        named = (("HH:mm" if each.hour else "MMMd", each) for each in moments)
    elif days is not None:
        named = (("MMMd", midnight + timedelta(days=days * number)) for number in range(_TICKS * 3))
    else:
        months = next((each for each in _MONTHS if length / timedelta(days=30.5 * each) <= _TICKS), _MONTHS[-1])
        first = midnight.replace(day=1, month=1)
        named = (
            ("yMMM", first.replace(year=first.year + number * months // 12, month=number * months % 12 + 1))
            for number in range(_TICKS * 6)
        )
    for skeleton, at in named:
        if axis.since <= at <= axis.until:
            yield at, format_skeleton(skeleton, at, tzinfo=zone, locale=reader.locale)


def _area(root: ET.Element, points: Sequence[tuple[float, float]]) -> None:
    down = [(points[0][0], float(_PLOT)), *points, (points[-1][0], float(_PLOT))]
    ET.SubElement(root, "polygon", {"points": _said(down), "fill": _BLUE, "fill-opacity": "0.14"})


def _line(
    root: ET.Element, points: Sequence[tuple[float, float]], colour: str, *, width: float = 1.0, dash: str | None = None
) -> None:
    style = {"points": _said(points), "fill": "none", "stroke": colour, "stroke-width": f"{width:g}", "stroke-linejoin": "round"}
    ET.SubElement(root, "polyline", style | ({"stroke-dasharray": dash, "stroke-linecap": "round"} if dash else {}))


def _rect(root: ET.Element, x: float, y: float, width: float, height: float, colour: str) -> None:
    ET.SubElement(root, "rect", x=_n(x), y=_n(y), width=_n(width), height=_n(height), fill=colour)


def _mark(root: ET.Element, x: float, y: float) -> None:
    """A flag on a pole: where an alert began."""
    flag = [(x, y), (x + 9, y + 4), (x, y + 8)]
    _line(root, [(x, y), (x, y + 13)], _INK, width=1.4)
    ET.SubElement(root, "polygon", points=_said(flag), fill=_INK)


def _text(
    root: ET.Element,
    x: float,
    y: float,
    said: str,
    *,
    size: float,
    anchor: str = "start",
    colour: str = _INK,
    bold: bool = False,
) -> None:
    style = {"x": _n(x), "y": _n(y), "font-size": f"{size:g}", "fill": colour, "text-anchor": anchor}
    ET.SubElement(root, "text", style | ({"font-weight": "bold"} if bold else {})).text = said


def _said(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
