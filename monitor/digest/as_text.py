"""A digest as plain text, 72 columns wide: for mail programs without HTML, and for terminals."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from monitor.charts.chart import Table
from monitor.charts.look import Look
from monitor.digest.paper import Line, Paper, Section

_WIDTH = 72


def text(paper: Paper) -> str:
    """The whole, ending with a line break. What strangers wrote is quoted, so that none of it passes for a line of ours."""
    head = [[*_wrap(paper.title), *_wrap(paper.period)], _wrap(paper.headline), _wrap(paper.urgent), _wrap(paper.checked)]
    blocks = [*head, *(list(_section(each, paper)) for each in paper.sections), ["-- ", *_wrap(paper.footer)]]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _section(section: Section, paper: Paper) -> Iterator[str]:
    yield section.title.upper()
    yield "-" * min(len(section.title), _WIDTH)
    for line in section.lines:
        yield from _line(line, paper.leads(line))
    if section.table is not None:
        yield from _table(section.table)
    if section.draw is not None:
        chart = section.draw(Look(paper.reader))
        yield from _wrap(chart.alt)
        yield from _table(chart.table)


def _line(line: Line, link: str) -> Iterator[str]:
    mark = f"[{line.mark}] " if line.mark else ""
    if line.quoted:
        if mark:
            yield f"- {mark}".rstrip()
        yield from _wrap(line.text, "  > " if mark else "- > ", "  > ")
    else:
        yield from _wrap(f"{mark}{line.text}", "- ", "  ")
    yield from _wrap(line.under, "  ", "  ")
    if link:
        yield f"  {link}"


def _table(table: Table) -> Iterator[str]:
    """Columns as wide as they must be; what is too wide for a line is said cell by cell."""
    rows = [table.header, *table.rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) <= _WIDTH:
        yield from ("  ".join(_aligned(row, widths)).rstrip() for row in rows)
        return
    for row in table.rows:
        said = " · ".join(f"{name}: {cell}" for name, cell in zip(table.header, row, strict=True) if cell)
        yield from _wrap(said, "- ", "  ")


def _aligned(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if number == 0 else cell.rjust(width)


def _wrap(said: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        said, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
