"""How fast the team answers, on a scale on which a minute and a day both have room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from monitor.charts.chart import Chart, Table, chart
from monitor.charts.look import Look
from monitor.figures.answers import Speed

_MARKS = (60, 600, 3600, 21_600, 86_400, 604_800)  # seconds
_ROW = 36


def response_times(speeds: Sequence[Speed], look: Look, called: Mapping[str, str] | None = None) -> Chart:
    """The median, and the line up to nine of ten; whoever has too few answers has none."""
    names = {each.of: (called or {}).get(each.of, each.of) for each in speeds}
    drawn = [
        {"name": names[each.of], "median": each.median.total_seconds(), "slow": each.slow.total_seconds()}
        for each in speeds
        if each.median is not None and each.slow is not None
    ]
    header = (look.say("network"), look.say("answers"), look.say("median"), look.say("slow"))
    rows = [
        (names[each.of], look.reader.count(each.answers), *(_told(time, look) for time in (each.median, each.slow)))
        for each in speeds
    ]
    alt = " ".join(
        look.say("speed.alt", name=names[each.of], median=_told(each.median, look), slow=_told(each.slow, look))
        for each in speeds
        if each.median is not None
    )
    layers = _layers(drawn, look)
    height = 100 + _ROW * max(len(drawn), 1)
    return chart(look, look.say("speed"), alt, Table(header, rows), drawn, height=height, sub=look.say("speed.sub"), layer=layers)


def _told(time: timedelta | None, look: Look) -> str:
    return look.say("too few") if time is None else look.reader.span(_rounded(time), short=True)


def _rounded(time: timedelta) -> timedelta:
    """A figure that is right to a tenth has no seconds."""
    return max(timedelta(minutes=1), timedelta(minutes=round(time / timedelta(minutes=1))))


def _layers(drawn: Sequence[Mapping[str, Any]], look: Look) -> list[dict[str, Any]]:
    times = [each[name] for each in drawn for name in ("median", "slow")]
    low, high = min(times, default=60), max(times, default=3600)
    marks = [each for each in _MARKS if each <= high * 2] if times else list(_MARKS)
    domain = [min(low, marks[0]) * 0.8, max(high, marks[-1]) * 1.3]
    labels = [look.reader.span(timedelta(seconds=each), short=True) for each in marks]
    tested = "".join(f"datum.value === {each} ? '{label}' : " for each, label in zip(marks, labels, strict=True)) + "''"
    axis = {"values": marks, "labelExpr": tested, "title": None, "domain": False}
    x = {"type": "quantitative", "scale": {"type": "log", "domain": domain, "nice": False}, "axis": axis}
    rows = {"domain": False, "ticks": False, "title": None, "labelFontSize": 13, "labelPadding": 8}
    y = {"field": "name", "type": "nominal", "axis": rows, "sort": [each["name"] for each in drawn]}
    first = look.palette.series[0]
    span = {
        "mark": {"type": "rule", "strokeWidth": 4, "color": first, "opacity": 0.45},
        "encoding": {"x": x | {"field": "median"}, "x2": {"field": "slow"}, "y": y},
    }
    end = {
        "mark": {"type": "tick", "thickness": 3, "height": 14, "color": first},
        "encoding": {"x": x | {"field": "slow"}, "y": y},
    }
    dot = {
        "mark": {"type": "point", "filled": True, "size": 130, "opacity": 1, "color": first},
        "encoding": {"x": x | {"field": "median"}, "y": y},
    }
    return [span, end, dot]
