"""Share of voice and emerging terms: bars with their figures written at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.charts.chart import Chart, Table, chart
from monitor.charts.look import Look
from monitor.figures.terms import Term
from monitor.figures.voice import Share

_BAR = 30  # pixels of a bar with its gap
_AROUND = 90  # of title and axis


def share_of_voice(shares: Sequence[Share], look: Look, called: Mapping[str, str] | None = None) -> Chart:
    """Us first, then our rivals, each beside what it was before."""
    names, reader = called or {}, look.reader
    drawn = [
        {
            "name": names.get(each.subject, each.subject),
            "value": each.share,
            "before": each.before,
            "told": reader.percent(each.share),
        }
        for each in shares
    ]
    before = {
        "mark": {"type": "tick", "thickness": 3, "height": _BAR - 6, "color": look.palette.ink},
        "encoding": {"x": {"field": "before", "type": "quantitative"}, "y": _names(drawn)},
        "transform": [{"filter": "datum.before !== null"}],
    }
    header = (look.say("subject"), look.say("mentions"), look.say("share"), look.say("before"))
    rows = [
        (
            names.get(each.subject, each.subject),
            reader.count(each.mentions),
            reader.percent(each.share),
            "–" if each.before is None else reader.percent(each.before),
        )
        for each in shares
    ]
    alt = ", ".join(f"{each['name']} {each['told']}" for each in drawn)
    layers = [*_bars(drawn, look, ours=str(drawn[0]["name"]) if drawn else ""), before]
    height = _AROUND + _BAR * max(len(drawn), 2)
    return chart(look, look.say("voice"), alt, Table(header, rows), drawn, height=height, sub=look.say("voice.sub"), layer=layers)


def emerging_terms(terms: Sequence[Term], look: Look) -> Chart:
    """The surest first."""
    reader = look.reader
    drawn = [{"name": each.term, "value": each.now, "told": reader.count(each.now)} for each in terms]
    header = (look.say("term"), look.say("now"), look.say("before"))
    rows = [(each.term, reader.count(each.now), reader.count(each.before)) for each in terms]
    alt = ", ".join(f"{each['name']} ({each['told']})" for each in drawn)
    height = _AROUND + _BAR * max(len(drawn), 2)
    layers = _bars(drawn, look, ours=None)
    return chart(look, look.say("terms"), alt, Table(header, rows), drawn, height=height, sub=look.say("terms.sub"), layer=layers)


def _names(drawn: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    axis = {"title": None, "domain": False, "ticks": False, "labelFontSize": 13, "labelPadding": 8}
    return {"field": "name", "type": "nominal", "sort": [each["name"] for each in drawn], "axis": axis}


def _bars(drawn: Sequence[Mapping[str, Any]], look: Look, *, ours: str | None) -> list[dict[str, Any]]:
    """The bars and their figures; where one is `ours`, the others are quiet."""
    first, quiet = look.palette.series[0], look.palette.quiet
    colours = [first if ours is None or each["name"] == ours else quiet for each in drawn]
    colour = {
        "field": "name",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": [each["name"] for each in drawn], "range": colours},
    }
    most = max((max(each["value"], each.get("before") or 0) for each in drawn), default=1)
    x = {"field": "value", "type": "quantitative", "axis": None, "scale": {"domain": [0, most * 1.18 or 1]}}
    bar = {
        "mark": {"type": "bar", "height": _BAR - 12, "cornerRadiusEnd": 3},
        "encoding": {"x": x, "y": _names(drawn), "color": colour},
    }
    end = most * 1.18
    label = {
        "mark": {"type": "text", "align": "right", "fontSize": 13, "color": look.palette.ink},
        "encoding": {"x": {"datum": end}, "y": _names(drawn), "text": {"field": "told"}},
    }
    return [bar, label]
