"""What was seen against what is usual, with the moment at which it rang: of an alert, or of a rule in a backtest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from monitor.charts.chart import Chart, Table, chart
from monitor.charts.look import Look

_LONG: Final = timedelta(days=2)  # beyond which the axis has days


class Seen(NamedTuple):
    """What a rule saw at a moment (aware), and what was usual then; None: nobody knew."""

    at: datetime
    observed: float
    expected: float | None


def observed_expected(seen: Sequence[Seen], moments: Sequence[datetime], look: Look, *, title: str = "") -> Chart:
    """`moments` are those at which it rang. The axis is the reader's own clock."""
    drawn: list[dict[str, Any]] = [
        {"at": _local(each.at, look), "value": value, "of": look.say(of)}
        for of, values in (
            ("seen", [(each, each.observed) for each in seen]),
            ("usual", [(each, each.expected) for each in seen]),
        )
        for each, value in values
        if value is not None
    ]
    reader = look.reader
    header = (look.say("hour"), look.say("seen"), look.say("usual"), look.say("rang"))
    rang = set(moments)
    rows = [
        (
            reader.moment(each.at, seen[-1].at),
            reader.number(each.observed),
            "–" if each.expected is None else reader.number(each.expected),
            "●" if each.at in rang else "",
        )
        for each in seen
    ]
    layers = _layers(seen, moments, look)
    called = title or look.say("alert")
    return chart(
        look, called, _alt(seen, moments, look), Table(header, rows), drawn, height=240 if look.narrow else 280, layer=layers
    )


def _local(at: datetime, look: Look) -> str:
    """The reader's wall clock, written as if it were UTC: whoever draws it need not know the zone."""
    return at.astimezone(ZoneInfo(look.reader.zone)).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _alt(seen: Sequence[Seen], moments: Sequence[datetime], look: Look) -> str:
    if not seen:
        return ""
    moment = moments[0] if moments else seen[-1].at
    at = max((each for each in seen if each.at <= moment), key=lambda each: each.at, default=seen[0])
    reader = look.reader
    told = {"seen": reader.number(at.observed), "moment": reader.moment(moment, seen[-1].at)}
    if at.expected is None:
        return look.say("alert.alone", **told)
    return look.say("alert.alt", usual=reader.number(at.expected), **told)


def _layers(seen: Sequence[Seen], moments: Sequence[datetime], look: Look) -> list[dict[str, Any]]:
    long = bool(seen) and seen[-1].at - seen[0].at > _LONG
    form = "%-d %b" if long else "%H:%M"
    palette, names = look.palette, [look.say("seen"), look.say("usual")]
    axis = {"title": None, "grid": False, "tickCount": 4 if look.narrow else 8, "labelFlush": True, "format": form}
    x = {"field": "at", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}
    y = {"field": "value", "type": "quantitative", "axis": {"title": None, "tickCount": 4, "domain": False}}
    colour = {
        "field": "of",
        "type": "nominal",
        "scale": {"domain": names, "range": [palette.series[0], palette.quiet]},
        "legend": {"offset": 18},
    }
    dash = {"field": "of", "type": "nominal", "scale": {"domain": names, "range": [[1, 0], [6, 4]]}}
    line = {"mark": {"type": "line", "strokeWidth": 2.5}, "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash}}
    marks = {"values": [{"at": _local(each, look), "word": look.say("rang")} for each in moments]}
    there = {"field": "at", "type": "temporal", "scale": {"type": "utc"}}
    rule = {"data": marks, "mark": {"type": "rule", "color": palette.bad, "strokeWidth": 2}, "encoding": {"x": there}}
    word = {
        "data": marks,
        "mark": {
            "type": "text",
            "align": "center",
            "dy": -4,
            "baseline": "bottom",
            "color": palette.bad,
            "fontWeight": "bold",
            "fontSize": 12,
        },
        "encoding": {"x": there, "y": {"value": 0}, "text": {"field": "word"}},
    }
    return [line, *([rule, word] if moments else [])]
