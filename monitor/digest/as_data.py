"""A digest for spreadsheets and programs: CSV, a table for each section, and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from monitor.charts.chart import Table
from monitor.charts.look import Look
from monitor.digest.paper import Paper, Section
from monitor.digest.tongue import Tongue
from notifiers.safe import cell


def as_csv(paper: Paper) -> str:
    """Comma-separated, with a byte order mark, so that spreadsheets know it is UTF-8. An empty line ends each table."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n").writerow
    for row in _rows(paper):
        write([cell(each) for each in row])
    return "\ufeff" + out.getvalue()


def _rows(paper: Paper) -> Iterator[Sequence[str]]:
    yield [paper.brand, paper.title, paper.period]
    yield [paper.headline]
    for section in paper.sections:
        for table in _tables(section, paper):
            yield []
            yield [section.title]
            yield table.header
            yield from table.rows


def _tables(section: Section, paper: Paper) -> Iterator[Table]:
    say = Tongue(paper.reader).gettext
    if section.lines:
        header = (say("Mark"), say("Text"), say("Detail"), say("Link"))
        yield Table(header, [(each.mark, each.text, each.under, paper.leads(each)) for each in section.lines])
    if section.table is not None:
        yield section.table
    if section.draw is not None:
        yield section.draw(Look(paper.reader)).table


def as_data(paper: Paper) -> dict[str, Any]:
    """What JSON can hold: the figures as they are under `figures`, and the sections as their reader sees them."""
    sections = [_data(each, paper) for each in paper.sections]
    said = {"title": paper.title, "period": paper.period, "headline": paper.headline, "checked": paper.checked}
    return {"brand": paper.brand, **said, "figures": dict(paper.facts), "sections": sections}


def as_json(paper: Paper) -> str:
    """The same, written out."""
    return json.dumps(as_data(paper), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _data(section: Section, paper: Paper) -> dict[str, Any]:
    chart = section.draw(Look(paper.reader)) if section.draw is not None else None
    return {
        "key": section.key,
        "title": section.title,
        "lines": [asdict(each) for each in section.lines],
        "table": _table(section.table),
        "chart": {"title": chart.title, "alt": chart.alt, "table": _table(chart.table)} if chart is not None else None,
    }


def _table(table: Table | None) -> dict[str, Any] | None:
    return {"header": list(table.header), "rows": [list(row) for row in table.rows]} if table is not None else None
