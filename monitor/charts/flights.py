"""What our own posts drew: which soar, which fall flat."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from monitor.charts.chart import Chart, Table, chart, shown
from monitor.charts.look import Look
from monitor.figures.engagement import Flight, Flown

_BEGINNING = 60  # letters of a post in the table


def engagement(posts: Sequence[Flown], look: Look) -> Chart:
    """A mark for each post; its shape says how it does."""
    reader, palette, zone = look.reader, look.palette, ZoneInfo(look.reader.zone)
    drawn = [
        {
            "day": each.post.written_at.astimezone(zone).date().isoformat(),
            "value": each.engagement,
            "flight": look.say(_word(each)),
            "words": each.post.text[:_BEGINNING],
        }
        for each in posts
    ]
    header = (
        look.say("day"),
        look.say("network"),
        look.say("post"),
        look.say("engagement"),
        look.say("usual"),
        look.say("flight.column"),
    )
    rows = [
        (
            reader.day(each.post.written_at.astimezone(zone).date(), "medium"),
            each.post.network,
            each.post.text[:_BEGINNING],
            reader.count(each.engagement),
            "–" if each.usual is None else reader.number(each.usual),
            look.say(_word(each)),
        )
        for each in posts
    ]
    kinds = [look.say(each) for each in ("soars", "as usual", "flat", "unknown")]
    there = [each for each in kinds if any(each == one["flight"] for one in drawn)]
    style = dict(zip(kinds, zip((palette.good, palette.quiet, palette.bad, palette.quiet), _SHAPES, strict=True), strict=True))
    days = [each["day"] for each in drawn]
    axis = {
        "title": None,
        "grid": False,
        "format": "%-d %b",
        "tickCount": min(len(set(days)), 4 if look.narrow else 8),
        "labelFlush": True,
    }
    encoding = {
        "x": {"field": "day", "type": "temporal", "scale": {"type": "utc"}, "axis": axis},
        "y": {
            "field": "value",
            "type": "quantitative",
            "scale": {"type": "symlog", "constant": 10},
            "axis": {"title": None, "format": ",d", "values": [0, 10, 100, 1000, 10_000, 100_000], "domain": False},
        },
        "color": {"field": "flight", "type": "nominal", "scale": {"domain": there, "range": [style[each][0] for each in there]}},
        "shape": {"field": "flight", "type": "nominal", "scale": {"domain": there, "range": [style[each][1] for each in there]}},
        "tooltip": shown(("words", ""), ("value", look.say("engagement"))),
    }
    counts = {flight: sum(each.flight is flight for each in posts) for flight in Flight}
    alt = look.say("flight.alt", n=len(posts), soars=counts[Flight.SOARS], flat=counts[Flight.FLAT])
    mark = {"type": "point", "filled": True, "size": 90, "opacity": 0.9}
    return chart(
        look,
        look.say("flight"),
        alt,
        Table(header, rows),
        drawn,
        height=240 if look.narrow else 280,
        sub=look.say("flight.sub"),
        mark=mark,
        encoding=encoding,
    )


_SHAPES = ("triangle-up", "circle", "triangle-down", "square")


def _word(each: Flown) -> str:
    return "unknown" if each.flight is None else str(each.flight)
