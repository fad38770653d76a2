"""Signals are numbers of a bounded size, one for each name, whatever the text."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from monitor.sentiment.reading import read
from monitor.sentiment.signals import NAMES, signals
from monitor.sentiment.valence import LANGUAGES


def shown(text: str, language: str) -> dict[str, float]:
    """Signals by their names."""
    return dict(zip(NAMES, signals(read(text), language), strict=True))


@given(st.text(), st.sampled_from([*LANGUAGES, "und", "xx"]))
def test_any_text_has_every_signal(text: str, language: str) -> None:
    """None is missing, none is infinite."""
    found = signals(read(text), language)
    assert len(found) == len(NAMES)
    assert all(math.isfinite(each) for each in found)


def test_a_denial_turns_what_follows() -> None:
    """Who is not content is not glad, and a pause ends the denial."""
    assert shown("je suis pas content", "fr")["mood"] < 0
    assert shown("vraiment pas. Content de vous", "fr")["mood"] > 0


def test_what_stands_on_the_surface() -> None:
    """Capitals, marks, faces, links and handles are counted."""
    found = shown("@brand WHY IS IT BROKEN?! 😡 https://example.org", "en")
    assert found["shouted"] == found["addressed"] == found["begins_addressed"] == found["any_sorry_emoji"] == 1
    assert found["ends_with_link"] == found["any_failing"] == found["any_questioning"] == 1
    assert found["any_glad_emoji"] == found["hashtags"] == 0
