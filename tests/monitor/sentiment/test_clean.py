"""What is taken out of a text before it is scored, and what stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sentiment import clean


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("see https://example.com/great-love?q=1 now", "see   now"),
        ("see WWW.Example.com now", "see   now"),
        ("@GreatBrand is slow", "  is slow"),
        ("thanks @ada@social.example!", "thanks  !"),
        (".@brand really?", ".  really?"),
        ("write to ada@example.com", "write to ada@example.com"),
        ("SO bad 😡 :-( !!!", "SO bad 😡 :-( !!!"),
        ("5 @ 3 euros", "5 @ 3 euros"),
    ],
)
def test_addresses_and_handles_go(text: str, kept: str) -> None:
    """Web addresses and handles go; case, emoji, emoticons, punctuation and mail addresses stay."""
    assert clean.for_scoring(text) == kept


def test_hashtags_go_for_language_only() -> None:
    """A hashtag says nothing about the language around it, but may carry feeling."""
    assert clean.for_scoring("quelle honte #fail") == "quelle honte #fail"
    assert clean.for_language("quelle honte #fail") == "quelle honte  "


@given(st.text())
def test_cleaning_is_idempotent(text: str) -> None:
    """What has been cleaned has nothing left to clean."""
    once = clean.for_scoring(text)
    assert clean.for_scoring(once) == once
