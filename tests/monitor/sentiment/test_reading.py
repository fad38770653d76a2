"""A text comes apart into words, emoji, emoticons and marks, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sentiment.reading import HANDLE, LINK, LONGEST, is_word, read, spelt


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Très déçu !!! 😡😡", ["Très", "déçu", "!!!", "😡", "😡"]),
        ("l'appli plante… :-( ", ["l'appli", "plante", "…", ":-("]),
        ("@Brand see https://example.org/a?b now", [HANDLE, "see", LINK, "now"]),
        ("thanks <3 #GreatDay", ["thanks", "<3", "#GreatDay"]),
        ("8/10 at 10:30", ["8", "/", "10", "at", "10", ":", "30"]),
        ("don\\u2019t &amp; won&#39;t", ["don’t", "&", "won't"]),
        ("شكرا جزيلا", ["شكرا", "جزيلا"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    """Words keep their apostrophes, faces stay whole, links and handles become marks, escapes become letters."""
    assert read(text).tokens == tokens


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    """Half surrogates, zalgo and control characters are read like anything else, and each token can be spelt."""
    assert all(spelt(token) for token in read(text).tokens)


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    """A hundred thousand characters cost no more than five thousand."""
    assert len(read("word " * 20_000).plain) == LONGEST


@pytest.mark.parametrize(
    ("written", "known"), [("SOOOOOO", "sooo"), ("2026", "0000"), ("Aujourd’hui", "aujourd'hui"), ("!!!!!", "!!!")]
)
def test_spellings_that_mean_the_same_are_one(written: str, known: str) -> None:
    """Capitals, lengthened letters, digits and typographic apostrophes do not make another word."""
    assert spelt(written) == known


@pytest.mark.parametrize(("token", "word"), [("été", True), ("#fail", True), ("#", False), ("😀", False), (":-)", False)])
def test_words_and_other_tokens(token: str, word: bool) -> None:
    """A hashtag is a word; a face is none."""
    assert is_word(token) is word
