"""The chart of a report: the negative share above, how much was said below, and numbered marks where something happened.

Its colours are variables that the page sets for light, dark and paper; without a page they are the plain ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from monitor.report.measuring import ENOUGH
from monitor.report.value import Column, Course, Moment
from monitor.report.words import say
from monitor.svg import (
    BLUE,
    DOTTED,
    FAINT,
    FONTS,
    GREY,
    LEFT,
    RED,
    RIGHT,
    WIDTH,
    Axis,
    Ink,
    line,
    number,
    rect,
    scale,
    text,
    time,
)
from notifiers.reader import Reader

_WORDS, _LINES = f"var(--soft, {GREY})", f"var(--line, {FAINT})"
_TALK, _ANGER, _MARK, _PAPER = f"var(--talk, {BLUE})", f"var(--anger, {RED})", "var(--ink, #1a1a1a)", "var(--paper, #ffffff)"
_INK = Ink(_WORDS, _LINES)
_SHARE, _VOLUME, _HEAD, _BETWEEN, _FOOT = 120, 84, 22, 34, 26
_RADIUS = 8.5
_LANE = 20  # from one row of marks to the next


def chart(course: Course, marks: Sequence[Moment], reader: Reader, title: str) -> str:
    """The whole chart as SVG. Nothing in it is fetched from elsewhere; words are escaped."""
    axis = Axis(course.since, course.until)
    places = _lanes([axis.x(mark.until) for mark in marks])
    top = _LANE * (1 + max((lane for _, lane in places), default=-1)) + 6
    height = top + _HEAD + _SHARE + _BETWEEN + _VOLUME + _FOOT
    root = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", role="img")
    root.set("font-family", FONTS)
    ET.SubElement(root, "title").text = title
    _poles(root, places, height - _FOOT)
    _share(ET.SubElement(root, "g", transform=f"translate(0 {top + _HEAD})"), course, axis, reader)
    below = ET.SubElement(root, "g", transform=f"translate(0 {top + _HEAD + _SHARE + _BETWEEN})")
    _volume(below, course, axis, reader)
    time(below, axis, reader, _VOLUME, _INK)
    _marks(root, places)
    return ET.tostring(root, encoding="unicode")


def _lanes(places: Sequence[float]) -> list[tuple[float, int]]:
    """Each place with the first row in which nothing stands too near."""
    ends: list[float] = []
    found = []
    for x in places:
        lane = next((row for row, end in enumerate(ends) if x - end >= 2 * _RADIUS + 1), len(ends))
        ends[lane : lane + 1] = [x]
        found.append((x, lane))
    return found


def _heading(root: ET.Element, words: str, colour: str) -> None:
    """What a panel shows, readable over the marks' poles."""
    group = ET.SubElement(root, "g", {"class": "head"})
    text(group, LEFT, -9, words, size=11, colour=colour, bold=True)


def _share(root: ET.Element, course: Course, axis: Axis, reader: Reader) -> None:
    _heading(root, say(reader.language, "chart.share"), _ANGER)
    known = [each.share for each in course.columns if each.share is not None]
    top = scale(root, max(known, default=0.0) or 0.5, reader, _SHARE, parts=3, share=True, ink=_INK)
    for _, together in groupby(course.columns, key=lambda each: each.share is not None):
        _stretch(root, [(axis.x(each.since + course.each / 2), each) for each in together if each.share is not None], top)


def _stretch(root: ET.Element, columns: Sequence[tuple[float, Column]], top: float) -> None:
    """The line, which is broken where nobody spoke; a point that tells little is hollow."""
    points = [(x, _SHARE - (each.share or 0.0) / top * _SHARE, each.scored >= ENOUGH) for x, each in columns]
    line(root, [(x, y) for x, y, _ in points], _ANGER, width=2.2)
    for x, y, tells in points:
        fill = _ANGER if tells else _PAPER
        ET.SubElement(root, "circle", {"cx": number(x), "cy": number(y), "r": "2.2", "fill": fill, "stroke": _ANGER})


def _volume(root: ET.Element, course: Course, axis: Axis, reader: Reader) -> None:
    """How much was said, and how much of it was negative, from the bottom up."""
    _heading(root, say(reader.language, "chart.volume", each=reader.span(course.each)), _TALK)
    top = scale(root, max((each.mentions for each in course.columns), default=1) or 1, reader, _VOLUME, parts=2, ink=_INK)
    for column in course.columns:
        left = axis.x(column.since)
        wide = axis.x(column.since + course.each) - left
        for count, colour in ((column.mentions, _TALK), (column.negative, _ANGER)):
            if count:
                high = max(count / top * _VOLUME, 1.5)  # one of many is seen, too
                rect(root, left + wide * 0.12, _VOLUME - high, max(wide * 0.76, 1.0), high, colour)


def _poles(root: ET.Element, places: Sequence[tuple[float, int]], bottom: float) -> None:
    """One for all marks of a moment, from the uppermost down."""
    highest = {round(x): (x, lane) for x, lane in reversed(places)}
    for x, lane in highest.values():
        line(root, [(x, lane * _LANE + 10.0), (x, bottom)], _MARK, dash=DOTTED, width=1.1)


def _marks(root: ET.Element, places: Sequence[tuple[float, int]]) -> None:
    """The numbers, as the list below the chart has them."""
    for place, (x, lane) in enumerate(places, start=1):
        y = lane * _LANE + 10.0
        inside = min(max(x, _RADIUS + 1), RIGHT + 10 - _RADIUS)
        ET.SubElement(root, "circle", cx=number(inside), cy=number(y), r=number(_RADIUS), fill=_MARK)
        text(root, inside, y + 3.8, str(place), size=11, anchor="middle", colour=_PAPER, bold=True)
