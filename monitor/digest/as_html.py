"""A digest as an HTML mail: tables and inline styles, charts by `cid:` or drawn in, readable in the dark and on a telephone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.charts.chart import Chart
from monitor.digest.paper import Paper
from monitor.digest.tongue import Tongue
from notifiers.render.as_html import THEMES


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart with where its pictures are: for day, and for night."""

    chart: Chart
    day: str
    night: str


def html(paper: Paper, drawn: Mapping[str, Drawn], page: str = "") -> str:
    """The whole document. `drawn` are the charts by the key of their section; one that could not be drawn leaves its table."""
    tongue = Tongue(paper.reader)
    template = _environment().get_template("letter.html.j2")
    return template.render(p=paper, drawn=drawn, page=page, themes=THEMES, c=THEMES[_theme(paper)], say=tongue.gettext)


def _theme(paper: Paper) -> str:
    if paper.calm:
        return "calm"
    tones: Sequence[str] = [line.tone for section in paper.sections for line in section.lines if section.key in _PRESSING]
    return "critical" if "critical" in tones else "warning" if "warning" in tones else "info"


_PRESSING = frozenset({"answer", "night", "risks"})


@lru_cache(maxsize=1)
def _environment() -> Environment:
    loader = PackageLoader("monitor.digest")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
