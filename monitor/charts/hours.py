"""The heat map of the week: a row for each day, a column for each hour of the reader's clock."""

from __future__ import annotations

from monitor.charts.chart import Chart, Table, chart, shown
from monitor.charts.look import Look
from monitor.figures.week import Week


def week_map(network: str, week: Week, look: Look) -> Chart:
    """Of one network: what is hot on one is cold on another."""
    reader, names = look.reader, look.reader.locale.days["stand-alone"]
    short = [names["abbreviated"][number] for number in range(7)]
    drawn = [
        {
            "day": short[day],
            "hour": hour,
            "value": value,
            "told": reader.number(value),
            "at": f"{names['wide'][day]}, {hour:02}:00",
        }
        for day, hours in enumerate(week)
        for hour, value in enumerate(hours)
    ]
    hottest = max(drawn, key=lambda each: each["value"])
    found = drawn if hottest["value"] > 0 else []
    day, hour = divmod(drawn.index(hottest), 24)
    alt = look.say("week.alt", day=names["wide"][day], hour=hour, most=hottest["told"])
    header = (look.say("hour"), *short)
    rows = [(f"{hour:02}:00", *(reader.number(week[day][hour]) for day in range(7))) for hour in range(24)]
    axis = {"title": None, "domain": False, "ticks": False, "grid": False, "labelPadding": 6}
    encoding = {
        "x": {
            "field": "hour",
            "type": "ordinal",
            "axis": axis | {"labelAngle": 0, "values": list(range(0, 24, 6 if look.narrow else 3))},
            "scale": {"paddingInner": 0.08},
        },
        "y": {"field": "day", "type": "ordinal", "sort": short, "axis": axis, "scale": {"paddingInner": 0.08}},
        "color": {
            "field": "value",
            "type": "quantitative",
            "scale": {"range": list(look.palette.heat), "domainMin": 0, "interpolate": "lab"},
            "legend": {
                "gradientLength": 120,
                "gradientThickness": 10,
                "tickCount": 2,
                "orient": "bottom",
                "labelColor": look.palette.quiet,
            },
        },
        "tooltip": shown(("at", ""), ("told", look.say("mentions"))),
    }
    mark = {"type": "rect", "cornerRadius": 2, "stroke": look.palette.faint, "strokeWidth": 0.5}
    height = 270 if look.narrow else 320
    title = look.say("week", network=network)
    return chart(
        look, title, alt, Table(header, rows), found, height=height, sub=look.say("week.sub"), mark=mark, encoding=encoding
    )
