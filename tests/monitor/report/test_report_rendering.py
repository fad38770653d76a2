"""A report reads well in French and English, as a page, Markdown and JSON, and nothing that people wrote gets out of hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from string import Formatter
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.plan import EventKind, RunState
from monitor.report import FORMATS, render
from monitor.report.rendering import escaped
from monitor.report.telling import Telling
from monitor.report.value import Course
from monitor.report.words import PHRASES
from notifiers.message import Language
from notifiers.reader import Reader
from tests.monitor.report.making import MINUTE, STORY, at, report, run, said

PARIS = {language: Reader(language, "Europe/Paris") for language in ("fr", "en")}
LANGUAGES: tuple[Language, ...] = ("fr", "en")
EVIL = "<script>alert(1)</script> **[bold](http://evil.example)** | `x` {{ 7 * 7 }} \u202e\n# head\n<img src=x onerror=y>"


def told(form: str, language: Language = "en", **changes: Any) -> str:
    """The report in a form, typographic spaces plain."""
    return re.sub("[\u00a0\u202f]", " ", render(report(**changes), PARIS[language], form))


def test_both_languages_say_the_same() -> None:
    """Every phrase is there in both, with the same places."""
    places = {language: {key: _places(said_) for key, said_ in PHRASES[language].items()} for language in LANGUAGES}
    assert places["fr"] == places["en"]


def _places(phrase: str) -> set[str]:
    return {name.removeprefix("of_") for _, name, _, _ in Formatter().parse(phrase) if name}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMATS)
def test_every_form_is_made_in_both_languages(form: str, language: Language) -> None:
    """And says what the plan is called."""
    assert ("Bad buzz" if language == "fr" else "Negative storm") in told(form, language)


def test_the_page_stands_alone() -> None:
    """Nothing is fetched, and no script runs: it may be sent by e-mail and opened anywhere."""
    page = told("html")
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=|<script|@import|url\(", page.replace("xmlns=", ""))


def test_the_times_say_whether_they_were_kept() -> None:
    """Against what the plan gives."""
    facts = {fact.name: fact for fact in Telling(report(), PARIS["en"]).facts}
    assert (facts["Acknowledge"].within, facts["Acknowledge"].missed) == ("planned: 20 mins, kept", False)
    assert (facts["Speak"].within, facts["Speak"].missed) == ("planned: 20 mins, exceeded", True)
    assert facts["Negative share, at its peak"].value == "70%"
    assert facts["Volume, at its peak"].how == "posts within 30 minutes, 11:30 – 12:00, by 67 authors"


def test_an_open_run_says_that_the_report_will_change() -> None:
    """« En cours », and what has not happened is not yet said to be missed for ever."""
    going = run(state=RunState.RUNNING, closed_at=None)
    page = told("markdown", "fr", run=going, story=STORY[:3], now=at(10))
    assert "En cours : le plan n’est pas clos" in page
    assert "Prendre en charge : pas encore" in page
    assert "--sign" not in page


def test_a_drill_says_so_first() -> None:
    """In the title, with the plan's prefix, and in words."""
    page = told("html", "fr", run=run(drill=True))
    assert "<title>[EXERCICE] Bad buzz : retour d’expérience</title>" in page
    assert "Exercice : rien de ceci n’est arrivé" in page


def test_a_run_that_a_person_opened_says_why() -> None:
    """And counts its times from the opening."""
    story = [said(0, "plan.opened", "leo", why="the authority called", mode="by hand"), *STORY[7:19], *STORY[-2:]]
    page = told("markdown", alerts=(), first_post=None, posts=0, story=story)
    assert "Opened by a person: “the authority called”" in page
    assert "from the opening to “I take it”" in page
    assert "No post is behind this run." in page


@pytest.mark.parametrize(
    ("language", "deleted", "says"),
    [
        ("en", 1, "41 posts are behind the alerts. 1 has been deleted since by its author or its network: its words are kept."),
        ("en", 7, " 7 have been deleted since by their authors or networks: their words are kept. To export them"),
        ("fr", 7, " 7 ont été supprimées depuis par leur auteur ou leur réseau"),
    ],
)
def test_posts_that_were_deleted_since_are_counted(language: Language, deleted: int, says: str) -> None:
    """They are evidence all the same."""
    assert says in told("markdown", language, deleted=deleted).replace("\u202f", " ").replace("\xa0", " ")


def test_where_no_post_is_kept_there_is_no_chart() -> None:
    """Retention was faster: the page says so instead of drawing an empty one."""
    page = told("html", course=Course(30 * MINUTE, ()), posts=0)
    assert "<svg" not in page
    assert "there is nothing to draw" in page


def test_markdown_draws_the_share_in_letters() -> None:
    """Where nothing can be drawn otherwise; stretches in which nobody spoke are left out."""
    assert "| 11:30 | 84 | 67 | 84 | 59 | ▇▇▇▇▇▇▇ 70% |" in told("markdown")


def test_the_chart_is_xml_with_a_mark_for_each_line_of_its_list() -> None:
    """Numbered in order; marks that are near stand in rows below each other."""
    telling = Telling(report(), PARIS["fr"])
    root = ET.fromstring(telling.chart)
    shown = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    numbers = [str(number) for number in range(1, len(telling.marks) + 1)]
    assert shown[-len(numbers) :] == numbers
    marks = [
        (each.get("cx"), each.get("cy")) for each in root.iter("{http://www.w3.org/2000/svg}circle") if each.get("r") == "8.5"
    ]
    assert len(set(marks)) == len(numbers)


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_what_people_wrote_is_only_text(form: str) -> None:
    """Notes, reasons, titles, actions and names: no tag, no link, no heading, no table cell of their own."""
    snapshot = {**run().snapshot, "title": {"en": EVIL}}
    steps = [{**step, "title": {"en": EVIL}} for step in snapshot["steps"]]
    hostile = run(snapshot={**snapshot, "steps": steps})
    hostile = hostile.with_step(replace(hostile.step("pause"), detail=EVIL))
    story = [
        *STORY,
        said(100, "plan.noted", EVIL, text=EVIL),
        said(100, "plan.opened", "leo", why=EVIL),
        said(101, "plan.escalated", "leo", to=[EVIL]),
        said(101, "alert.opened", rule=EVIL),
        said(102, f"plan.{EVIL[:20]}", step=EVIL),
        said(300, EventKind.ACTION_ADDED, action=1, text=EVIL, owner=EVIL, due="2026-03-20"),
        said(301, EventKind.REPORT_SIGNED, EVIL),
    ]
    page = render(report(run=hostile, story=story), PARIS["en"], form)
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "\n# head" not in page
    if form == "markdown":
        assert not re.search(r"(?<!\\)\]\(", page)
        assert "http://" not in page
        cells = {
            line.replace("\\|", "").count("|") for line in page.split("## What happened")[1].split("##")[0].splitlines() if line
        }
        assert cells == {4}


@given(st.text())
def test_markdown_makes_nothing_of_any_text(text: str) -> None:
    """No character that means something to it is left without its backslash, and it stays on one line."""
    shown = str(escaped(text))
    assert "\n" not in shown
    bare = re.sub(r"\\[^A-Za-z0-9\s]", "", shown)
    assert not re.search(r"[`*_\[\]#|~!$@<>]", bare)
    assert "://" not in bare
    assert not re.match(r"[-+=]|\d+[.)]", shown)


def test_json_is_the_report_as_plain_data() -> None:
    """Moments in ISO 8601, durations in seconds; of people only those who answer for something."""
    read = json.loads(told("json"))
    assert (read["run"], read["opened_at"], read["course"]["each"]) == (4, "2026-03-12T09:00:00+00:00", 1800.0)
    assert read["people"] == {}
    assert "camille" not in json.dumps({**read, "titles": {}})


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_nobody_is_named_but_who_answers_for_something(form: str) -> None:
    """Roles stand where something took long; actions and signatures have names."""
    assert not re.search("Camille|camille|Léo|leo", told(form))
    named = told(form, story=[*STORY, said(300, EventKind.REPORT_SIGNED, "camille")])
    assert "signed by Camille Moreau" in named


def test_an_overdue_report_and_overdue_actions_say_so() -> None:
    """Against the moment at which the report was made."""
    added = said(300, EventKind.ACTION_ADDED, action=1, text="Drill", owner="leo", due="2026-03-15")
    late = told("markdown", story=[*STORY, added], now=at(10 * 1440))
    assert "15 March 2026 (overdue)" in late
    assert "To be read through and signed by community manager: due since 17 Mar 2026, 14:00" in late
    early = told("markdown", story=[*STORY, added])
    assert "| 1 | Drill | Léo Petit | 15 March 2026 |" in early


def test_what_no_phrase_is_for_is_shown_by_its_kind() -> None:
    """A later version may note what this one does not know: better an odd word than a hole in the story."""
    assert "| 11:00 | handed over |" in told("markdown", story=[*STORY, said(60, "plan.handed.over")])
