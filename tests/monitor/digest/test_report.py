"""Reports: figures against objectives, the period before beside them, and what is for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import pytest

from monitor.digest.as_data import as_csv, as_json
from monitor.digest.gathering import report_span
from monitor.digest.reviewing import earlier
from monitor.digest.value import Measured
from monitor.pipeline.operations import Actor, call_false
from monitor.settings.digests import DigestSettings
from tests.monitor.digest.conftest import Desk


@pytest.mark.parametrize(
    ("now", "objective", "at_least", "met"),
    [
        (0.2, 0.1, True, True),
        (0.05, 0.1, True, False),
        (3600, 7200, False, True),
        (3, 2, False, False),
        (None, 2, True, None),
        (1, None, True, None),
    ],
)
def test_a_figure_meets_its_objective_or_not(
    now: float | None, objective: float | None, at_least: bool, met: bool | None
) -> None:
    """What nobody measured, or nobody set, is neither reached nor missed."""
    assert Measured("x", now, None, objective, at_least).met is met


def test_a_month_is_compared_with_a_month() -> None:
    """March with the 28 days of February, a week with the seven days before it."""
    month = report_span(DigestSettings(kind="monthly", to=("me",)), date(2026, 4, 1), "UTC")
    week = report_span(DigestSettings(kind="weekly", to=("me",)), date(2026, 3, 2), "UTC")
    assert [(each.first, each.until) for each in (month, earlier(month), week, earlier(week))] == [
        (date(2026, 3, 1), date(2026, 4, 1)),
        (date(2026, 2, 1), date(2026, 3, 1)),
        (date(2026, 2, 23), date(2026, 3, 2)),
        (date(2026, 2, 16), date(2026, 2, 23)),
    ]


async def test_the_week_is_held_against_its_objectives(loud: Desk) -> None:
    """Each row says now, before, and what was to be reached; those on call are named, others are not."""
    paper = await loud.paper("week")
    parts = {section.key: section for section in paper.sections}
    figures = parts["figures"]
    assert figures.table is not None
    rows = {row[0]: row[1:] for row in figures.table.rows}
    assert rows["Share of voice"][2] == "≥\u00a030% · reached"
    assert rows["Half of the answers within"][0] == "–"
    assert len(figures.verdicts) == len(figures.table.rows)
    wakes = parts["wakes"].table
    assert wakes is not None
    assert [row[0] for row in wakes.rows] == ["Ben"]
    assert int(wakes.rows[0][1]) >= 1  # the fire reached his telephone at midnight
    assert "tocsin plan report" in parts["crises"].lines[0].under


async def test_an_alert_that_somebody_called_false_is_one(loud: Desk) -> None:
    """Whether a plan was behind it or not, and though it was said after the week's end, before anybody read of the week."""
    home = loud.home
    async with home.store.read() as tx:
        alert = next(each for each in await tx.alerts.open_alerts() if each.plan is None)
    await call_false(home.store, alert.id, Actor("ana", "cli"), home.clock.now(), "a test of ours")
    parts = {section.key: section for section in (await loud.paper("week")).sections}
    assert parts["figures"].table is not None
    assert parts["noise"].table is not None
    assert {row[0]: row[1] for row in parts["figures"].table.rows}["False alarms"] == "1"
    assert sum(int(row[-1]) for row in parts["noise"].table.rows) == 1


async def test_a_spreadsheet_runs_nothing(loud: Desk) -> None:
    """No cell of a stranger's begins a formula, and numbers stay numbers."""
    cells = [cell for name in ("dawn", "week") for row in csv.reader(io.StringIO(as_csv(await loud.paper(name)))) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "@", "+", "|", "%"))]


async def test_programs_get_figures(loud: Desk) -> None:
    """Beside the words there are numbers as they are."""
    data = json.loads(as_json(await loud.paper("week", "fr")))
    measured = {each["name"]: each for each in data["figures"]["measured"]}
    assert measured["mentions"]["now"] >= 6
    assert measured["share_of_voice"]["met"] is True
    assert data["sections"][0]["key"] == "figures"
