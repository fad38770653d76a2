"""The phrases of the pages."""

from __future__ import annotations

from string import Formatter

from monitor.domain.plan import RunState
from monitor.web.words import PHRASES, Words


def test_both_languages_say_the_same() -> None:
    """The same phrases, with the same places."""
    french, english = PHRASES["fr"], PHRASES["en"]
    assert french.keys() == english.keys()
    for key, said in french.items():
        assert _places(said) == _places(english[key]), key


def test_every_state_of_a_run_has_a_name() -> None:
    """A page never shows a word of the code."""
    assert all(Words(language).knows(f"state.{state}") for language in PHRASES for state in RunState)


def _places(said: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(said) if name}
