"""Charts are drawn in another process, which fetches nothing; the page gets the same library, named by its hash."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from xml.etree import ElementTree as ET

import pytest

from monitor.charts import bundle
from monitor.charts.bars import emerging_terms
from monitor.charts.chart import Chart
from monitor.charts.drawing import Drawer
from monitor.charts.look import Look
from monitor.figures.terms import Term
from notifiers.reader import Reader

Charts = Callable[[Look], dict[str, Chart]]
LOOK = Look(Reader("fr", "Europe/Paris"), dark=True, width=340)


@pytest.fixture
async def drawer() -> AsyncIterator[Drawer]:
    """One worker."""
    async with Drawer() as drawer:
        yield drawer


async def test_every_chart_is_drawn_and_nothing_is_fetched(charts: Charts, drawer: Drawer) -> None:
    """As wide as was asked for, its title in it; what strangers wrote is text; an address in a specification is refused."""
    for name, each in charts(LOOK).items():
        svg = ET.fromstring(await drawer.svg(each.spec))
        assert abs(float(svg.attrib["width"]) - LOOK.width) <= 12, name
        assert each.title in "".join(svg.itertext()), name
    hostile = await drawer.svg(emerging_terms([Term("<script>alert(1)</script>", 3, 0)], LOOK).spec)
    tags = {each.tag.rpartition("}")[2] for each in ET.fromstring(hostile).iter()}
    assert tags <= {"svg", "g", "path", "text", "rect", "line", "defs", "clipPath"}
    png = await drawer.png(charts(LOOK)["terms"].spec)
    assert png.startswith(b"\x89PNG")
    fetching = {"data": {"url": "https://example.org/x.json"}, "mark": "bar", "encoding": {"x": {"field": "a"}}}
    with pytest.raises(ValueError, match="not allowed"):
        await drawer.svg(fetching)


async def test_the_page_gets_the_same_library(drawer: Drawer) -> None:
    """Gathered once; it can interpret expressions, so that none is compiled."""
    gathered = bundle.Bundle(drawer)
    script = await gathered.script()
    assert script is await gathered.script()
    assert re.fullmatch(r"vega\.[0-9a-f]{12}\.js", bundle.name())
    assert b"vegaEmbed" in script.body
    assert b"expressionInterpreter" in script.body
    assert len(script.zipped) < len(script.body) / 2


def test_the_daemon_never_loads_the_engine() -> None:
    """All that charts are made of, imported: a hundred megabytes stay with the worker."""
    names = ["bars", "courses", "expectation", "flights", "hours", "speed", "drawing", "bundle"]
    code = "".join(f"import monitor.charts.{each};" for each in names) + "import sys; sys.exit('vl_convert' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
