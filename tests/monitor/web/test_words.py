"""The phrases of the pages."""

from __future__ import annotations

from string import Formatter
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from monitor.domain.plan import RunState
from monitor.web.story import moments
from monitor.web.words import PHRASES
from notifiers import samples
from tests.monitor.report.making import run, said

if TYPE_CHECKING:
    from monitor.web.desk import Desk


def test_both_languages_say_the_same() -> None:
    """The same phrases, with the same places."""
    french, english = PHRASES["fr"], PHRASES["en"]
    assert french.keys() == english.keys()
    for key, phrase in french.items():
        assert _places(phrase) == _places(english[key]), key


def test_every_state_of_a_run_has_a_name() -> None:
    """A page never shows a word of the code."""
    assert {f"state.{state}" for state in RunState} <= PHRASES["en"].keys()


def test_the_story_names_whom_a_run_would_have_told_and_who_waits_for_news() -> None:
    """Of a run that is only observed, too; a word of the code is no reason that somebody gave."""
    desk = cast("Desk", SimpleNamespace(settings=SimpleNamespace(rules=()), called=str))
    story = [
        said(0, "plan.would_tell", to=["leo"], why="untaken"),
        said(1, "plan.would_capture", step="evidence"),
        said(2, "plan.news.late", groups=["customers", "press"]),
        said(3, "plan.updated", "ana", group="customers"),
    ]
    shown = moments(desk, samples.over("en"), run(), story)
    assert [(each.told.what + each.told.note, each.told.who) for each in shown] == [
        ("Would have told leo", ""),
        ("Would have kept the evidence", ""),
        ("Without news for too long: customers and press; a reminder leaves", ""),
        ("Informed: customers", "ana"),
    ]


def _places(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}
