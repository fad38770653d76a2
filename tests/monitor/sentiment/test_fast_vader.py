"""The fast path says what vaderSentiment says, to the last bit, on whatever text it is given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SPECIAL_CASES, SentimentIntensityAnalyzer

from monitor.sentiment.fast_vader import FastVader

ORACLE = SentimentIntensityAnalyzer()
FAST = FastVader(ORACLE)

EMOJI = [sign for sign in ORACLE.emojis if len(sign) == 1]
# What one word does to another: every list of VADER, its set phrases taken apart, and words it knows nothing of.
TURNING = [*BOOSTER_DICT, *NEGATE, "no", "or", "nor", "least", "at", "very", "kind", "of", "so", "this", "doubt", "but", "sort"]
PHRASES = [word for phrase in SPECIAL_CASES for word in phrase.split()]
words = st.one_of(
    st.sampled_from(list(ORACLE.lexicon)),
    st.sampled_from(TURNING),
    st.sampled_from(TURNING),
    st.sampled_from(PHRASES),
    st.sampled_from(EMOJI),
    st.sampled_from(["train", "n't", "n't!", "İstanbul", "ΟΔΟΣ", "ß", "!!", "???", "??", "I"]),
)
spelt = st.builds(lambda word, how: how(word), words, st.sampled_from([str, str.upper, str.title, lambda word: f"({word}),"]))
sentences = st.lists(st.tuples(spelt, st.sampled_from([" ", " ", " ", "\n", "", "! ", "? "])), max_size=14).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)


def same(text: str) -> None:
    """Both give the same floats, digit by digit."""
    assert repr(FAST.polarity_scores(text)) == repr(ORACLE.polarity_scores(text)), text


@settings(max_examples=500)
@given(sentences)
def test_sentences_of_words_that_vader_knows(text: str) -> None:
    """Boosters, denials, idioms, capitals, "but", emoji and emphasis in any order give the same four floats."""
    same(text)


@settings(max_examples=500)
@given(st.text())
def test_any_text(text: str) -> None:
    """Any string of any characters, half surrogates included, gives the same four floats."""
    same(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "😀",
        "good😀 😀bad",
        "NO no good or bad",
        "never so good, never this bad, without a doubt great",
        "at least good; very least good; least good",
        "kind of good, sort of bad, just enough fun",
        "The plot was good, but the characters are uncompelling and the dialog is not great.",
        "I LOVE it but it is not SO bad!!!! ???? isn't it",
        "the shit was the bomb yeah right to die for kiss of death",
        "ΟΔΟΣ good İ BAD",
        "ok © ™ ⌚ ⟶ good",
    ],
)
def test_the_turns_that_vader_takes(text: str) -> None:
    """Each of VADER's special turns, one by one."""
    same(text)


def test_real_tweets(shared: Path) -> None:
    """Posts of eight languages, as people wrote them, give the same four floats."""
    texts = [line for file in sorted(shared.glob("data/umsab/*/val_text.txt")) for line in _lines(file)]
    texts += [json.loads(line)["text"] or "" for file in shared.glob("data/streams/*.jsonl") for line in _lines(file)[::4]]
    assert len(texts) > 4_000
    for text in texts:
        same(text)


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").rstrip("\n").split("\n")
