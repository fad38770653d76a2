"""Volume and net sentiment, day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from monitor.charts.chart import Chart, Table, chart
from monitor.charts.look import Look
from monitor.charts.series import Lines, layers, lines, values
from monitor.domain.tally import Tally
from monitor.figures.course import Point, net


def volume(points: Sequence[Point], look: Look, called: Mapping[str, str] | None = None) -> Chart:
    """Mentions a day: a line for each thing; `called` has the names of things for people."""
    of, reader = lines(points, look, called or {}), look.reader
    axis = {"axis": {"title": None, "tickCount": 4, "format": ",d", "tickMinStep": 1, "domain": False}, "scale": {"nice": True}}
    drawn = values(of, lambda tally: tally.mentions, reader.count, look)
    sums = {name: sum(tally.mentions for tally in days.values()) for name, days in of.items()}
    alt = ""
    if drawn:
        peak = max(drawn, key=lambda each: each["value"])
        parts = ", ".join(f"{name} {reader.count(number)}" for name, number in sums.items()) if len(sums) > 1 else ""
        alt = look.say(
            "volume.alt",
            days=len(next(iter(of.values()))),
            total=reader.count(sum(sums.values())),
            peak_day=peak["on"],
            peak=peak["told"],
            parts=parts and f"{parts}.",
        ).strip()
    table = _table(of, look, "mentions")
    return chart(look, look.say("volume"), alt, table, drawn, height=_height(look), layer=layers(of, look, axis))


def net_sentiment(points: Sequence[Point], look: Look, called: Mapping[str, str] | None = None) -> Chart:
    """From −100 % to 100 %; a day without a scored mention has none."""
    of = lines(points, look, called or {})
    drawn = values(of, net, look.reader.percent, look)
    axis = {
        "axis": {"title": None, "format": ".0%", "tickCount": 5, "domain": False},
        "scale": {"domain": [-1, 1]},
    }
    zero = {"mark": {"type": "rule", "color": look.palette.quiet, "strokeWidth": 1}, "encoding": {"y": {"datum": 0}}}
    alt = ""
    if drawn:
        low, high = (choose(drawn, key=lambda each: each["value"]) for choose in (min, max))
        last = max(drawn, key=lambda each: each["day"])
        alt = look.say("net.alt", low=low["told"], high=high["told"], last=last["told"])
    table = _table(of, look, "net")
    above = [zero, *layers(of, look, axis)]
    return chart(look, look.say("net"), alt, table, drawn, height=_height(look), sub=look.say("net.sub"), layer=above)


def _height(look: Look) -> int:
    return 240 if look.narrow else 300


def _table(of: Lines, look: Look, figure: Literal["mentions", "net"]) -> Table:
    days = list(next(iter(of.values()), {}))
    rows = [(look.reader.day(day, "medium"), *(_cell(of[name][day], look, figure) for name in of)) for day in days]
    return Table((look.say("day"), *of), rows)


def _cell(tally: Tally, look: Look, figure: Literal["mentions", "net"]) -> str:
    if figure == "mentions":
        return look.reader.count(tally.mentions)
    feeling = net(tally)
    return "–" if feeling is None else look.reader.percent(feeling)
