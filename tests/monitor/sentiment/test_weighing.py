"""What is said about a figure adds up to the figure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import normalize

from monitor.sentiment.post import Post
from monitor.sentiment.vader import Vader

VADER = Vader()

WORDS = [
    "love",
    "hate",
    "not",
    "never",
    "without",
    "doubt",
    "NO",
    "GREAT",
    "the",
    "but",
    "very",
    "kinda",
    "the",
    "bomb",
    "😡",
    "😀",
]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_the_words_add_up_to_vaders_figure(text: str) -> None:
    """Nothing that counted is left out, and nothing that is named did not count."""
    weighed = VADER.weigh(Post(text, text, "en"))
    total = sum(each.valence for each in weighed)
    assert normalize(total) == pytest.approx(VADER.polarity(text)["compound"], abs=2e-3)


@pytest.mark.parametrize(
    ("text", "word", "why"),
    [
        ("I do not love it", "love", ("denied by “not”",)),
        ("I don't love it", "love", ("denied by “don't”",)),
        ("a very good one", "good", ("“very” strengthens",)),
        ("a marginally good one", "good", ("“marginally” weakens",)),
        ("it is GOOD", "good", ("in capitals",)),
        ("good but late", "good", ("before “but” × 0.5",)),
        ("late but good", "good", ("after “but” × 1.5",)),
        ("this is the shit", "shit", ("by a phrase around it",)),
        ("simply good", "good", ()),
    ],
)
def test_what_turned_a_word_is_named(text: str, word: str, why: tuple[str, ...]) -> None:
    """A person can follow why a word came to what it came to; where nothing turned it, nothing is said."""
    found = next(each for each in VADER.weigh(Post(text, text, "en")) if each.words == word)
    assert found.why == why
    assert found.known_to == "VADER"
    assert (found.valence == found.own) == (why == ())


def test_a_text_without_feeling_has_nothing_to_say() -> None:
    """No words, no reasons."""
    for text in ("", "the parcel arrived on Tuesday"):
        assert not VADER.weigh(Post(text, text, "en"))
