"""Measures every figure that the documentation quotes, and prints one table: `python -m bench`, or `make bench`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from bench import (
    console_store,
    dashboard,
    hostile,
    idle,
    intake,
    jetstream,
    latency,
    load,
    machine,
    many_sources,
    plans,
    replay,
    restart,
    rule_speed,
    sentiment,
    source_parsing,
    vader,
)
from bench.figure import Figure

PARTS: Mapping[str, Callable[[], list[Figure]]] = {
    "replay": replay.measure,
    "rules": rule_speed.measure,
    "vader": vader.measure,
    "latency": latency.measure,
    "load": load.measure,
    "console_store": console_store.measure,
    "idle": idle.measure,
    "hostile": hostile.measure,
    "intake": intake.measure,
    "jetstream": jetstream.measure,
    "restart": restart.measure,
    "plans": plans.measure,
    "sentiment": sentiment.measure,
    "sources": source_parsing.measure,
    "many-sources": many_sources.measure,
    "dashboard": dashboard.measure,
}
BUSY = 1.5


def main() -> int:
    """Measure what was asked for. The exit code is 1 when a figure misses its bar."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part alone; may be given several times")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    asked = parser.parse_args()
    here, figures = machine.describe(), []
    for name in asked.only or PARTS:
        print(f"measuring {name} …", file=sys.stderr)
        figures += PARTS[name]()
    if asked.json:
        print(json.dumps({"machine": here, "figures": [figure.as_json() for figure in figures]}, ensure_ascii=False, indent=1))
    else:
        show(here, figures)
    return int(any(figure.holds is False for figure in figures))


def show(here: Mapping[str, object], figures: Sequence[Figure]) -> None:
    """Print one table of figures."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("bar", justify="right")
    table.add_column("")
    for figure in figures:
        bar = "" if figure.bar is None else f"{'≥' if figure.at_least else '<'} {figure.bar:,g}"
        verdict = {None: "", True: "holds", False: "MISSED"}[figure.holds]
        table.add_row(figure.what, f"{_rounded(figure.value)} {figure.unit}", bar, verdict)
    console.print(table)
    for figure in figures:
        if figure.how:
            console.print(f"{figure.group}: {figure.how}.", highlight=False)
    said = "{cpu}, {cores} cores, {system}; Python {python}, SQLite {sqlite}; load {load} when it began".format(**here)
    console.print(f"{said}, {os.getloadavg()[0]:.2f} when it ended.", highlight=False)
    if os.getloadavg()[0] > len(os.sched_getaffinity(0)) * BUSY:
        console.print("The machine was busy with other work: its figures are worse than the program's.", highlight=False)


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
