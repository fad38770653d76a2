"""What a chart is: a specification, what it says in words, and the table behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from monitor.charts.look import Look

_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a chart as its reader writes them: each row has as many cells as the header."""

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Chart:
    """`spec` is Vega-Lite, data and all; `alt` says it to those who do not see it."""

    title: str
    alt: str
    spec: Mapping[str, Any]
    table: Table


def chart(
    look: Look,
    title: str,
    alt: str,
    table: Table,
    values: Sequence[Mapping[str, Any]],
    *,
    height: int,
    sub: str = "",
    **more: Any,
) -> Chart:
    """Put together what all have. `more` is `mark` and `encoding`, or `layer`. Without values it says that there are none."""
    words = look.say("none") if not values else alt
    heading = {"text": title} | ({"subtitle": sub} if sub and not look.narrow else {})
    spec = {
        "$schema": _SCHEMA,
        "title": heading,
        "description": f"{title}. {words}",
        "width": look.width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": look.config(),
    }
    if not values:
        spec["data"] = {"values": [{}]}
        spec["mark"] = {"type": "text", "fontSize": 13, "color": look.palette.quiet}
        spec["encoding"] = {"text": {"value": words}}
        return Chart(title, words, spec, table)
    return Chart(title, words, spec | {"data": {"values": list(values)}} | more, table)


def days_axis(look: Look, days: int) -> dict[str, Any]:
    """An axis of days, given as ISO dates: read as UTC, so that no clock moves them."""
    form = "%-d %b" if days <= 100 else "%b %Y"  # noqa: PLR2004 three months
    axis = {"format": form, "grid": False, "tickCount": min(days, 4 if look.narrow else 8), "title": None, "labelFlush": True}
    return {"field": "day", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}


def shown(*fields: tuple[str, str]) -> list[dict[str, str]]:
    """What is told of a mark where one points: (field, title)."""
    return [{"field": field, "title": title} for field, title in fields]
