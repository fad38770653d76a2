"""A chart shows what was seen, what is usual and what rang, in the team's language and clock, and fetches nothing."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from monitor.backtest import Backtest, Judged, Measured, Past, PastAlert, Span, Suggestion
from monitor.backtest.chart import chart, check_ending
from monitor.backtest.drawing import svg
from monitor.backtest.panels import COLUMNS, Bars, Curve, Panel, Sheet, sheet
from monitor.domain.errors import UsageError
from monitor.settings import Settings, load
from notifiers.reader import Reader
from rules import Reading
from rules.thresholds import thresholds

MONDAY = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPAN = Span(MONDAY, MONDAY + 7 * DAY, timedelta(0))
RULES = """
version: 1
rules:
  - {id: crisis, title: {fr: La crise, en: The crisis}, kind: window, measure: {distinct: author}, key: [subject], window: 60m,
     fire: {at_least: 5, surprise: 2.1}}
  - {id: complaint, kind: mention, key: [author]}
"""


@pytest.fixture
def wished(tmp_path: Path) -> Settings:
    """A French team in Paris."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "acme.yaml").write_text(RULES)
    (tmp_path / "monitor.yaml").write_text(
        "version: 1\nlanguage: fr\ntimezone: Europe/Paris\nsubjects: {acme: [Acmé & <Co>]}\n"
        "sources: {posts: {kind: file, path: posts.jsonl}}\nreceivers: {}\n"
        "routing: {default: hub}\n".replace("receivers: {}", "receivers: {hub: {kind: webhook, url: 'https://hub.invalid/'}}")
    )
    return load(tmp_path, environ={})


def rang(rule: str, at: datetime, **key: str) -> PastAlert:
    """An alert that lasted two hours."""
    return PastAlert(
        rule=rule, kind="window", key=key, labels=key, severity="critical", at=at, over=at + 2 * HOUR, observed=7.0, expected=1.5,
        measure="authors", learning=False, reasons=("text “secret words”",), notifications=2,
    )  # fmt: skip


def found(wished: Settings, *, keys: int = 1) -> Backtest:
    """A week in which a subject was loud once, beside some that were quiet, and two people complained."""
    seen = Measured()
    for number in range(keys):
        subject = "acme" if not number else f"s{number}"
        hours = [Reading(MONDAY + HOUR * at, float(at == 30) * 7 + 1, 1.5, "authors", 5.0, 0.4) for at in range(160)]
        seen.readings["crisis"][("subject", subject),] = hours
    alerts = [
        rang("crisis", MONDAY + 30 * HOUR, subject="acme"),
        *(rang("complaint", MONDAY + n * DAY, author="7") for n in (1, 5)),
    ]
    crisis = wished.rules[0]
    suggestions = [
        Suggestion("crisis", thresholds(crisis)[0], 8.0, 1, 1, 6.0, 9.0, alerts[:1]),
        Suggestion("crisis", thresholds(crisis)[1], None, 3, 3),
    ]
    past = Past(Path("past.db"), 160, 0)
    return Backtest(wished.rules, SPAN, past, Judged(alerts), seen, 1.0, suggestions)


def test_a_rule_that_counts_is_a_curve_and_one_that_does_not_is_bars(wished: Settings) -> None:
    """The peak is kept however many columns there are, and each day on the team's clock has its bar."""
    crisis, complaint = sheet(found(wished), wished).panels
    assert isinstance(crisis.drawn, Curve)
    assert (max(crisis.drawn.observed), len(crisis.drawn.observed), crisis.drawn.bar[0]) == (8, COLUMNS, 5)
    assert (crisis.title, crisis.about) == ("La crise", "Acmé & <Co> – auteurs différents en 60\u00a0minutes")
    assert isinstance(complaint.drawn, Bars)
    assert (complaint.title, complaint.about) == ("complaint", "alertes\u00a0; une barre par jour")
    assert complaint.drawn.since == MONDAY - HOUR  # midnight in Paris
    assert complaint.drawn.counts == [0, 1, 0, 0, 0, 1, 0, 0]


def test_only_the_loudest_keys_are_drawn_and_the_others_counted(wished: Settings) -> None:
    """What rang comes first."""
    drawn = sheet(found(wished, keys=9), wished)
    assert [panel.title for panel in drawn.panels] == ["La crise"] * 3 + ["complaint"]
    assert drawn.panels[0].about.startswith("Acmé")
    assert drawn.notes == ["La crise\u00a0: 6 autres, plus calmes, ne sont pas dessinés"]


def test_an_alert_is_a_flag_and_a_band_for_as_long_as_it_rang(wished: Settings) -> None:
    """Where it began on the axis."""
    drawn = ET.fromstring(svg(sheet(found(wished), wished), Reader("fr", "Europe/Paris")))
    bands = [each for each in drawn.iter("{http://www.w3.org/2000/svg}rect") if each.get("fill") == "#fbe3d3"]
    (band,) = bands[1:]  # the first stands in the legend
    assert float(band.get("x", 0)) == pytest.approx(40 + 428 * 30 / 168, abs=0.1)
    assert float(band.get("width", 0)) == pytest.approx(428 * 2 / 168, abs=0.1)


@pytest.mark.parametrize(
    ("days", "first"),
    [(0.3, "02:00"), (1, "06:00"), (5, "3 mars"), (20, "5 mars"), (200, "mai 2026"), (3000, "janv. 2028")],
)
def test_the_axis_has_round_moments_of_the_reader(days: float, first: str) -> None:
    """A few of them, however long the stretch is."""
    panel = Panel("complaint", "", Bars([0], DAY * days, MONDAY), [])
    words = _words(svg(Sheet("", "", MONDAY, MONDAY + DAY * days, [panel], []), Reader("fr", "Europe/Paris")))
    labels = words[words.index("complaint") + 6 :]  # what comes first stands at the other axis
    assert labels[0] == first
    assert 2 <= len(labels) <= 8


def _words(drawn: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]


def test_the_page_is_whole_by_itself_and_says_nothing_of_people(wished: Settings) -> None:
    """No address is called, no script runs, strangers' letters are escaped; people are numbers, and their words stay away."""
    page = chart(found(wished), wished, ".html").decode()
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "<script" not in page
    assert "src=" not in page
    assert "Acmé &amp; &lt;Co&gt;\u00a0: ce qui aurait sonné" in page
    assert "auteur 7" in page
    assert "secret words" not in page
    said = "au plus 1 par semaine : fire.at_least : 8 aurait sonné 1 fois, et en manque 1 (la plus grave : critique, "
    assert said in page.replace("\u00a0", " ")
    assert "aucune valeur de fire.surprise seule\u00a0: 3 sonnent quelle qu’elle soit" in page


def test_a_long_list_is_folded_away(wished: Settings) -> None:
    """Without a script: whoever wants to read of each complaint unfolds them, and all others reach the next rule."""
    calm = found(wished)
    assert "<details>" not in chart(calm, wished, ".html").decode()
    complaints = [rang("complaint", MONDAY + n * HOUR, author=str(n)) for n in range(30)]
    loud = replace(calm, judged=Judged([*calm.judged.alerts, *complaints]))
    page = chart(loud, wished, ".html").decode()
    assert page.count("<details><summary>une par une</summary>") == page.count("</details>") == 1
    assert "auteur 29" in page


def test_a_chart_is_the_same_each_time(wished: Settings) -> None:
    """To the last byte, in each form."""
    for ending in (".svg", ".html", ".png"):
        assert chart(found(wished), wished, ending) == chart(found(wished), wished, ending)


def test_without_the_extra_a_png_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything that takes long; the others need nothing."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(UsageError, match=r"pip install 'tocsin\[charts\]'"):
        check_ending(Path("chart.png"))
    check_ending(Path("chart.svg"))
    check_ending(Path("CHART.HTML"))


def test_without_fonts_a_png_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would have no words in it, and nobody would know why: a letter that leaves no trace tells of such a machine."""
    blank = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/><!--{}{}-->"
    monkeypatch.setattr("monitor.backtest.chart._LETTER", blank)
    with pytest.raises(UsageError, match="a PNG needs one of the fonts"):
        check_ending(Path("chart.png"))
