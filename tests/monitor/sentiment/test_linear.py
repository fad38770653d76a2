"""A linear model adds up what its tables say; learnt and packed models agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sentiment import grams, linear, multilingual
from monitor.sentiment.linear import LinearModel, Tables
from monitor.sentiment.post import Post
from monitor.sentiment.reading import read
from monitor.sentiment.signals import NAMES, signals


def model(known: dict[str, list[str]]) -> LinearModel:
    """Two languages; each word that one knows says 1 in it, and all else says nothing."""
    keys = [np.array(sorted(map(grams.key, words)), np.uint32) for words in known.values()]
    return LinearModel(
        Tables(
            shared=np.zeros((16, 1), np.int8),
            own=np.zeros((len(known), 16, 1), np.int8),
            word_keys=np.concatenate(keys),
            word_starts=np.cumsum([0, *map(len, keys)]),
            words=np.ones((sum(map(len, keys)), 1), np.int8),
            signals=np.zeros((len(known) + 1, len(NAMES), 1), np.float32),
            bias=np.zeros((len(known) + 1, 1), np.float32),
            slope=np.full(len(known) + 1, 2, np.float32),
            scales=np.ones((3, 1), np.float32),
        ),
        list(known),
    )


SHIPPED = multilingual.shipped()._model
KNOWING = model({"en": ["refund", "late"], "fr": ["retard"], "de": []})


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("late", "en", 2),
        ("late", "fr", 0),
        ("retard", "fr", 2),
        ("late late late late", "en", 4),
        ("#Refunds", "en", 2),
        ("late", "und", 0),
        ("late", "de", 0),
        ("zzzz late zzzz zzzz", "en", 1),
        ("", "en", 0),
    ],
)
def test_words_are_known_by_language(text: str, language: str, answer: float) -> None:
    """The sum is divided by the root of the number of tokens and multiplied by the language's slope."""
    reading = read(text)
    assert KNOWING.answers(reading, signals(reading, "en"), language) == pytest.approx([answer])


def test_a_beginning_stands_for_a_word_that_is_not_known() -> None:
    """What begins with "retard" is taken for it; three letters are too few."""
    assert [KNOWING.known_word(word, 1) for word in ("retardataire", "retard", "ret", "retaré")] == [2, 2, -1, -1]


def test_remembering_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was remembered is forgotten at once when it becomes too much, and the answers stay the same."""
    monkeypatch.setattr(linear, "REMEMBERED", 4)
    forgetful = model({"en": ["late"]})
    for text in ("late one two", "late three four", "five six late", "a b c d e late"):
        reading = read(text)
        assert forgetful.answers(reading, signals(reading, "en"), "en") == pytest.approx([2 / len(reading.tokens) ** 0.5])
        assert len(forgetful._remembered.said) <= 1 + max(4, 4 + len(reading.tokens))


def posted(text: str, language: str) -> Post:
    """A text with nothing to clean."""
    return Post(text, text, language)


def test_remembering_has_the_same_limit_for_many_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that brings more than may be remembered is answered all the same, and forgotten by the next."""
    monkeypatch.setattr(linear, "REMEMBERED", 4)
    forgetful = model({"en": ["late"]})
    for _ in range(3):
        posts = [posted(text, "en") for text in ("late one two", "late three four", "five six late", "a b c d e late")]
        wanted = [2 / len(post.reading.tokens) ** 0.5 for post in posts]
        assert [answer for (answer,) in forgetful.answers_of_posts(posts)] == pytest.approx(wanted)
    assert len(forgetful._remembered.said) <= 1 + 12


LANGUAGES = st.sampled_from(["en", "fr", "de", "sv", "und"])
SOME_WORDS = st.lists(st.sampled_from(["late", "retard", "refund", "zzzz", "😡", "!!", "#Refunds", "@brand"]), max_size=8).map(
    " ".join
)
POSTS = st.lists(st.builds(posted, SOME_WORDS | st.text(), LANGUAGES), max_size=8)


@given(POSTS)
def test_many_texts_have_the_answers_of_each(posts: list[Post]) -> None:
    """Side by side or alone, the sums are the same but for the last digits of a float; and never depend on who stands beside."""
    for knowing in (KNOWING, SHIPPED):
        together = knowing.answers_of_posts(posts)
        backwards = knowing.answers_of_posts(posts[::-1])[::-1]
        assert together == backwards
        for post, answer in zip(posts, together, strict=True):
            assert answer == pytest.approx(knowing.answers(post.reading, post.shown, post.language), rel=1e-9, abs=1e-9)
