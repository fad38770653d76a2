"""Lines over days, each with a colour, a dash and a shape of its own: what volume and net sentiment are drawn with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from monitor.charts.chart import days_axis, shown
from monitor.charts.look import Look
from monitor.charts.palette import DASHES, SHAPES
from monitor.domain.tally import ALL, Tally
from monitor.figures.course import Point

MOST: Final = 6  # lines that can be told apart
_FEW_DAYS: Final = 45  # up to which days have their points

Lines = dict[str, dict[date, Tally]]


def lines(points: Sequence[Point], look: Look, called: Mapping[str, str]) -> Lines:
    """By name, the greatest first; what is beyond six becomes one of others."""
    of: Lines = {}
    for day, name, tally in points:
        of.setdefault(name, {})[day] = tally
    greatest = sorted(of, key=lambda name: (-sum(each.mentions for each in of[name].values()), name))
    kept, rest = (greatest, []) if len(greatest) <= MOST else (greatest[: MOST - 1], greatest[MOST - 1 :])
    drawn = {look.say("all") if name == ALL else called.get(name, name): of[name] for name in kept}
    if rest:
        drawn[look.say("others")] = {day: _together(of[name][day] for name in rest) for day in of[rest[0]]}
    return drawn


def _together(tallies: Any) -> Tally:
    whole = Tally()
    for each in tallies:
        whole = whole.plus(each)
    return whole


def values(of: Lines, figure: Callable[[Tally], float | None], told: Callable[[float], str], look: Look) -> list[dict[str, Any]]:
    """A value for each line and day that has one."""
    return [
        {
            "day": day.isoformat(),
            "of": name,
            "place": place,
            "value": value,
            "told": told(value),
            "on": look.reader.day(day, "medium"),
        }
        for place, (name, days) in enumerate(of.items())
        for day, tally in days.items()
        if (value := figure(tally)) is not None
    ]


def layers(of: Lines, look: Look, axis: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines, and what is under them."""
    names, palette = list(of), look.palette
    days = max((len(each) for each in of.values()), default=0)
    alone = len(names) == 1
    dotted = days <= _FEW_DAYS
    told: dict[str, Any] = {"legend": None if alone else {}}
    colour = {"field": "of", "type": "nominal", "scale": {"domain": names, "range": list(palette.series[: len(names)])}}
    dashes = [list(each) for each in DASHES[: len(names)]]
    dash: dict[str, Any] = {"field": "of", "type": "nominal", "scale": {"domain": names, "range": dashes}} | told
    if dotted:  # the legend has the shapes, which a dash would fray
        dash = {"condition": [{"test": f"datum.place === {n}", "value": each} for n, each in enumerate(dashes)], "value": [1, 0]}
    shape = {"field": "of", "type": "nominal", "scale": {"domain": names, "range": list(SHAPES[: len(names)])}}
    x = days_axis(look, days)
    y = {"field": "value", "type": "quantitative", **axis}
    line = {
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {"x": x, "y": y, "color": colour | told, "strokeDash": dash},
    }
    point = {
        "mark": {"type": "point", "filled": True, "size": 34 if not look.narrow else 22, "opacity": 1},
        "encoding": {
            "x": x,
            "y": y,
            "color": colour | told,
            "shape": shape | told,
            "tooltip": shown(("on", look.say("day")), ("of", ""), ("told", "")),
        },
    }
    area = {
        "mark": {"type": "area", "opacity": 0.15, "color": palette.series[0]},
        "encoding": {"x": x, "y": y},
    }
    return [*([area] if alone else []), line, *([point] if dotted else [])]
