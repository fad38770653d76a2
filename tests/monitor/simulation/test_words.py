"""A simulation's words, in both languages."""

from __future__ import annotations

import re

from monitor.plans import Why
from monitor.report.words import PHRASES
from monitor.simulation.words import WORDS


def test_both_languages_say_the_same_things() -> None:
    """With the same places to be filled in."""
    places = {
        language: {key: sorted(re.findall(r"{\w+}", said)) for key, said in words.items()} for language, words in WORDS.items()
    }
    assert places["fr"] == places["en"]


def test_whatever_a_plan_run_does_has_words() -> None:
    """The same events as in the after-action report; what is done when it is over comes too late for a simulation."""
    keys = [key.removeprefix("event.") for key in PHRASES["en"] if key.startswith("event.plan.")]
    reported = {key.removesuffix(".many").removesuffix(".why") for key in keys}
    late = {"plan.action.added", "plan.action.done", "plan.report.signed"}
    assert reported - late <= WORDS["en"].keys()


def test_every_reason_to_tell_somebody_has_words() -> None:
    """In French and English."""
    assert {f"told.{why}" for why in Why} <= WORDS["en"].keys()
