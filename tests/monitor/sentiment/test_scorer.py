"""What the scorer gives: VADER's own figure for English, the small model's for the rest, and None where none can tell."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from monitor.sentiment import Scorer, SentimentSettings, clean

REFERENCE = SentimentIntensityAnalyzer()
WORDS = [
    "love",
    "hate",
    "not",
    "never",
    "NO",
    "service",
    "the",
    "but",
    "very",
    "good",
    "bad",
    "kind",
    "of",
    "least",
    ":)",
    "😡",
    "!!!",
]
any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates and NUL included


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    """The scorer with its defaults."""
    return Scorer()


def test_english_gets_a_figure(scorer: Scorer) -> None:
    """An English complaint scores below zero, with a confidence and the scorer's version."""
    scores = scorer.score("This is the worst service I have ever had, I hate it", None)
    assert scores.language == "en"
    assert scores.sentiment is not None
    assert scores.sentiment < -0.5
    assert scores.confidence is not None
    assert 0.5 < scores.confidence < 1
    assert re.fullmatch(r"vader 3\.3\.2, multilingual \d+, complaint \d+", scorer.version)
    assert re.fullmatch(r"vader 3\.3\.2, complaint \d+", scores.scorer)
    assert scores.complaint is not None
    assert scores.complaint > 0.5


@pytest.mark.parametrize(
    ("text", "claimed", "language"),
    [
        ("Toujours pas de réseau depuis ce matin, c'est une honte", None, "fr"),
        ("Très déçu, trois semaines d'attente et personne ne répond", None, "fr"),
        ("Seit heute Morgen habe ich kein Netz, das ist furchtbar", None, "de"),
        ("Llevo tres semanas esperando y nadie contesta, qué vergüenza", None, "es"),
    ],
)
def test_other_languages_are_told_by_the_small_model(scorer: Scorer, text: str, claimed: str | None, language: str) -> None:
    """As a person would: bad news are bad in every language that it learnt."""
    scores = scorer.score(text, claimed)
    assert scores.language == language
    assert scores.sentiment is not None
    assert scores.sentiment < -0.3
    assert scores.scorer.startswith("multilingual ")


def test_english_without_a_word_of_vaders_is_told_by_the_small_model(scorer: Scorer) -> None:
    """VADER's exact zero is no answer, so the next is asked."""
    scores = scorer.score("The parcel arrived at the office on Tuesday", "en")
    assert REFERENCE.polarity_scores("The parcel arrived at the office on Tuesday")["compound"] == 0
    assert scores.scorer.startswith("multilingual ")


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("Сегодня с утра нет связи, это ужасно", None),
        ("aaj subah se network nahi hai", "hi"),
        ("https://acme.example/", "fr"),
        ("", "en"),
    ],
)
def test_what_cannot_be_told_is_none(scorer: Scorer, text: str, claimed: str | None) -> None:
    """A language that nobody learnt, only a link, nothing at all: no figure, never a zero."""
    scores = scorer.score(text, claimed)
    assert scores.sentiment is None
    assert scores.confidence is None
    assert scores.scorer.startswith("vader 3.3.2, multilingual ")


def test_feelings_that_cancel_out_are_a_zero(scorer: Scorer) -> None:
    """A zero with evidence is a zero: VADER saw words, and they weigh the same."""
    good, bad = next(
        (g, b) for g in REFERENCE.lexicon for b in REFERENCE.lexicon
        if g.isalpha() and b.isalpha() and REFERENCE.lexicon[g] == -REFERENCE.lexicon[b] > 0
    )  # fmt: skip
    scores = scorer.score(f"{good} {bad}", "en")
    assert scores.sentiment == 0
    assert scores.confidence is not None


def test_a_brands_handle_is_no_feeling(scorer: Scorer) -> None:
    """What a handle or an address says is not what the writer says."""
    assert Scorer(engine="vader").score("@LoveBank https://great.example/love opened at nine", "en").sentiment is None
    by_model = (scorer.score(f"{handle} opened at nine", "en") for handle in ("@LoveBank", "@HateBank", "@love@hate.example"))
    assert len(set(by_model)) == 1


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join))
def test_the_figure_is_vaders_own(scorer: Scorer, text: str) -> None:
    """Whatever is scored has exactly the compound score of vaderSentiment on the cleaned text."""
    scores = scorer.score(text, "en")
    if scores.scorer.startswith("vader 3.3.2, complaint"):
        assert repr(scores.sentiment) == repr(REFERENCE.polarity_scores(clean.for_scoring(text))["compound"])


@given(text=any_text, claimed=st.one_of(st.none(), st.just("en"), any_text))
def test_no_text_raises(scorer: Scorer, text: str, claimed: str | None) -> None:
    """Any string at all is scored or abstained from, inside the documented ranges."""
    scores = scorer.score(text, claimed)
    assert scores.sentiment is None or -1 <= scores.sentiment <= 1
    assert (scores.confidence is None) == (scores.sentiment is None)
    assert scores.confidence is None or 0 <= scores.confidence <= 1


def test_only_the_beginning_of_a_long_text_is_scored() -> None:
    """Past `max_chars` nothing is read: VADER's time grows with the square of the length."""
    scorer = Scorer(SentimentSettings(max_chars=100))
    calm = "the train was at the station and then it was not " * 3
    assert scorer.score(calm + "I hate this awful horrible service", "en") == scorer.score(calm, "en")


def test_settings_refuse_languages_nobody_knows() -> None:
    """A wrong code is named, with what to write instead."""
    with pytest.raises(ValidationError, match="'english' is no language the detector knows: write ISO 639-1 codes"):
        SentimentSettings(languages=("english",))
    with pytest.raises(ValidationError, match="Extra inputs"):
        SentimentSettings.model_validate({"lexicons": {}})


def test_other_languages_can_be_configured() -> None:
    """A language outside the most written ones is recognised once it is configured."""
    basque = "Gaur goizetik ez dut sarerik eta inork ez du telefonoa hartzen, lotsagarria da"
    assert Scorer(SentimentSettings(languages=("eu", "fr"))).score(basque, None).language == "eu"
