"""A simulation's words, in both languages."""

from __future__ import annotations

import re

from monitor.plans import Why
from monitor.simulation.words import WORDS


def test_both_languages_say_the_same_things() -> None:
    """With the same places to be filled in."""
    places = {
        language: {key: sorted(re.findall(r"{\w+}", said)) for key, said in words.items()} for language, words in WORDS.items()
    }
    assert places["fr"] == places["en"]


def test_every_reason_to_tell_somebody_has_words() -> None:
    """In French and English."""
    assert {f"told.{why}" for why in Why} <= WORDS["en"].keys()
