"""The word lists say which words feel good or bad, and they are in order."""

from __future__ import annotations

from importlib.resources import files

import pytest

from monitor.sentiment.valence import CUES, LANGUAGES, NOTHING, emoji, emoticon, word_list


@pytest.mark.parametrize(
    ("language", "word", "valence"),
    [
        ("fr", "déçue", -1),
        ("fr", "magnifiques", 2),
        ("fr", "table", 0),
        ("en", "loooove", 2),
        ("en", "#awesome", 2),
        ("de", "enttäuschend", -1),
        ("es", "encantado", 2),
        ("pt", "insuportáveis", -1),
        ("it", "vergognatevi", -2),
        ("ar", "رائعة", 2),
        ("hi", "bakwas", -1),
        ("xx", "good", 0),
    ],
)
def test_a_word_has_its_valence(language: str, word: str, valence: int) -> None:
    """Whole words, beginnings, hashtags and lengthened words are found; of other languages nothing is known."""
    assert word_list(language).valence(word) == valence


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_is_in_order(language: str) -> None:
    """Every line has a mark that is known and at least one word, all in small letters."""
    for line in files("monitor.sentiment").joinpath("valences", f"{language}.txt").read_text(encoding="utf-8").splitlines():
        mark, *words = line.split()
        assert mark in {"++", "+", "-", "--", "!", *CUES}
        assert words
        assert [word for word in words if word != word.lower()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_knows_good_bad_and_denial(language: str) -> None:
    """No language has only one side."""
    words = word_list(language)
    assert {-2, -1, 1, 2} <= {*words.words.values(), *words.beginnings.values()}
    assert words.denials


def test_cues_are_found_in_every_list_they_stand_in() -> None:
    """A word can be a cue of several kinds."""
    assert word_list("en").spoken_of("refund") == {"asking", "paying"}
    assert word_list("fr").spoken_of("remboursement") == {"asking", "paying"}
    assert NOTHING.spoken_of("refund") == frozenset()


@pytest.mark.parametrize(("sign", "said"), [("😍", 1), ("😡", -1), ("📱", 0), ("a", 0)])
def test_emoji(sign: str, said: int) -> None:
    """Glad, sorry or neither."""
    assert emoji(sign) == said


@pytest.mark.parametrize(("sign", "said"), [(":-)", 1), ("<3", 1), (":(", -1), ("-_-", -1), ("!", 0)])
def test_emoticons(sign: str, said: int) -> None:
    """Glad, sorry or neither."""
    assert emoticon(sign) == said
