"""The shipped model says of short posts in eight languages what readers say, fast enough, and nothing where it cannot know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.sentiment import evaluation
from monitor.sentiment.arrays import ModelFileError, save
from monitor.sentiment.labels import LABELS, label
from monitor.sentiment.multilingual import KIND, SHIPPED, Multilingual, Opinion
from monitor.sentiment.training import corpora
from monitor.sentiment.valence import LANGUAGES

MODEL = Multilingual()

FLOORS = {"ar": 0.58, "en": 0.63, "fr": 0.63, "de": 0.67, "hi": 0.28, "it": 0.60, "pt": 0.60, "es": 0.56}


@pytest.mark.parametrize(
    ("language", "text", "called"),
    [
        ("en", "I love this, best purchase of the year, thank you!", "positive"),
        ("en", "Worst customer service ever, three hours on hold", "negative"),
        ("fr", "Très déçu, trois semaines d'attente et personne ne répond", "negative"),
        ("fr", "Merci beaucoup, service génial et rapide !", "positive"),
        ("de", "Ich freue mich so, danke euch allen! 😍", "positive"),
        ("de", "Schon wieder kaputt, so eine Scheiße", "negative"),
        ("es", "Me encanta, muchas gracias, son geniales", "positive"),
        ("es", "Qué asco, nunca más vuelvo, una vergüenza", "negative"),
        ("it", "Bellissimo, grazie di cuore!", "positive"),
        ("pt", "Amei demais, vocês são maravilhosos 😍", "positive"),
        ("pt", "Que programa chato, horrível", "negative"),
        ("ar", "شكرا جزيلا، خدمة رائعة جدا", "positive"),
    ],
)
def test_plain_words_are_understood(language: str, text: str, called: str) -> None:
    """Nobody would call these anything else."""
    opinion = MODEL.feeling(text, language)
    assert opinion
    assert opinion.label == called


def evaluated(asked: list[corpora.Labelled]) -> evaluation.SentimentReport:
    """What the model says, against what readers said."""
    said = MODEL.feelings([each.text for each in asked], [each.language for each in asked])
    truth, told = [LABELS[each.label] for each in asked], [each and label(each.sentiment) for each in said]
    return evaluation.sentiment(truth, told, [each and each.confidence for each in said])


@pytest.mark.no_cover
@pytest.mark.parametrize("language", LANGUAGES)
def test_real_tweets(shared: Path, language: str) -> None:
    """Macro-F1 on the tweets that the model was chosen by does not fall."""
    asked = [each for each in corpora.sentiment(shared / "data/umsab", "val") if each.language == language]
    assert evaluated(asked).macro_f1_neutral >= FLOORS[language]


@pytest.mark.no_cover
def test_the_mean_over_all_languages(shared: Path) -> None:
    """At least 61.5 %, and the probabilities mean what they say."""
    asked = corpora.sentiment(shared / "data/umsab", "val")
    found = [evaluated([each for each in asked if each.language == language]).macro_f1_neutral for language in LANGUAGES]
    assert np.mean(found) >= 0.615
    calibration = evaluated(asked).calibration
    assert calibration
    assert calibration.ece < 0.03


def test_one_scale() -> None:
    """Sentiment is what speaks for minus what speaks against; confidence is that of the label."""
    opinion = Opinion(0.1, 0.3, 0.6)
    assert opinion.sentiment == pytest.approx(0.5)
    assert (opinion.label, opinion.confidence) == ("positive", 0.6)


@given(st.lists(st.floats(1e-6, 1), min_size=3, max_size=3))
@example([0.5, 0.0, 0.5])
@example([0.49, 0.5, 0.01])
@example([0.34, 0.33, 0.33])
def test_a_sentiment_is_called_what_the_opinion_is(parts: list[float]) -> None:
    """People read, and rules ask, the sentiment alone: what readers likeliest call neutral must not pass for a mood."""
    opinion = Opinion(*(part / sum(parts) for part in parts))
    assert label(opinion.sentiment) == opinion.label
    assert -1 <= opinion.sentiment <= 1
    felt = opinion.feeling("fr")
    assert felt is None or label(felt.sentiment) == opinion.label


def test_an_opinion_must_be_surer_where_the_language_is_not_known() -> None:
    """Of a text in no language only what all of them share can be said."""
    one, other = Opinion(0.5, 0.25, 0.25), Opinion(0.4, 0.35, 0.25)
    assert (one.sure_of("fr"), one.sure_of("und")) == (True, False)
    assert not other.sure_of("fr")
    assert Opinion(0.6, 0.2, 0.2).sure_of("und")


@pytest.mark.parametrize(
    ("text", "language"), [("", "fr"), (" \n ", "en"), ("https://example.org", "fr"), ("@brand", "en"), ("Tack så mycket!", "sv")]
)
def test_nothing_is_said_of_nothing(text: str, language: str) -> None:
    """Without a word of one's own, or in a language that it never learnt, there is no opinion."""
    assert MODEL.feeling(text, language) is None


def test_an_undetermined_language_has_what_all_share() -> None:
    """Emoji are understood without knowing the language."""
    opinion = MODEL.feeling("😍😍😍 ❤", "und")
    assert opinion
    assert opinion.label == "positive"


@settings(max_examples=300)
@given(st.text(), st.sampled_from([*LANGUAGES, "und"]))
def test_any_text_has_probabilities_or_nothing(text: str, language: str) -> None:
    """They add up to 1, and the same text always has the same ones, alone or among others."""
    opinion = MODEL.feeling(text, language)
    assert MODEL.feelings(["ok", text], [language, language])[1] == opinion
    if opinion is not None:
        assert sum(opinion) == pytest.approx(1)
        assert all(0 <= each <= 1 for each in opinion)
        assert opinion.label in LABELS


@pytest.mark.parametrize(
    "text", ["no " * 40_000, "z" * 100_000, "((((" * 30_000, "😡" * 100_000, "e" + "\u0301" * 50_000, "@" * 100_000]
)
def test_very_long_texts(text: str) -> None:
    """Only the beginning counts."""
    assert MODEL.feeling(text, "en") == MODEL.feeling(text[:5000], "en")


def test_a_model_of_other_features_is_refused(tmp_path: Path) -> None:
    """Arrays that do not fit say so when they are loaded, not at the first text."""
    with np.load(SHIPPED, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "about"}
    about = {"kind": KIND, "version": "9", "languages": LANGUAGES}
    save(tmp_path / "model.npz", about, {**arrays, "signals": arrays["signals"][:, 1:]})
    with pytest.raises(ModelFileError, match=r"the model's signals are .* and not .*: train it again"):
        Multilingual(tmp_path / "model.npz")
    save(tmp_path / "model.npz", about, {"table": np.zeros(3)})
    with pytest.raises(ModelFileError, match="the model holds table and not shared"):
        Multilingual(tmp_path / "model.npz")
