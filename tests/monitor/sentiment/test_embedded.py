"""Engines that know whole sentences give calibrated opinions, the same text always the same one, and abstain honestly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monitor.sentiment import Scorer, SentimentSettings
from monitor.sentiment.arrays import ModelFileError, load, save
from monitor.sentiment.embedded import ASKED, Embedded, kind, log_odds, opinion_of, shipped
from monitor.sentiment.encoders import ENCODERS, LONGEST, prepared
from monitor.sentiment.multilingual import Multilingual, Opinion
from monitor.sentiment.post import Post
from monitor.sentiment.reading import read

TEXTS = [
    "I love this so much",
    "Quel service lamentable, plus jamais",
    "Der Laden öffnet um neun",
    "que día tan horrible 😡",
    "😍",
]
LANGUAGES = ["en", "fr", "de", "es", "und"]
HOSTILE = ["", " ", "\0", "a\0b", "\ud83d half", "@a https://b.example", "x" * 20_000, "﷽" * 40, "\u202e!", "़ा" * 40]


@pytest.fixture(scope="module", params=list(ASKED))
def engine(request: pytest.FixtureRequest) -> Embedded:
    """Each engine as it is shipped."""
    return Embedded(request.param)


def test_it_tells_good_from_bad(engine: Embedded) -> None:
    """In several languages, and in one that nobody named."""
    signs = [None if opinion is None else round(opinion.sentiment) for opinion in engine.opinions(TEXTS, LANGUAGES)]
    assert signs[:4] == [1, -1, 0, -1]
    (unnamed,) = engine.opinions(["😍 love"], ["und"])
    assert unnamed is not None
    assert unnamed.sentiment > 0.2


def test_what_stands_beside_a_text_does_not_change_its_opinion(engine: Embedded) -> None:
    """To the last digit: a replay, a page and a single call store the same."""
    languages = [*LANGUAGES, *["en"] * len(HOSTILE)]
    together = engine.opinions([*TEXTS, *HOSTILE], languages)
    assert together == [engine.opinions([text], [each])[0] for text, each in zip([*TEXTS, *HOSTILE], languages, strict=True)]
    assert engine.opinions([], []) == []


def test_where_there_is_no_word_and_in_a_language_never_learnt_it_abstains(engine: Embedded) -> None:
    """It says nothing rather than something."""
    asked = ["", "@somebody https://acme.example", "ik haat dit"]
    posts = [Post(text, text, language) for text, language in zip(asked, ["en", "en", "nl"], strict=True)]
    assert engine.feelings(posts) == [None, None, None]


def test_an_article_costs_no_more_than_its_beginning() -> None:
    """And what encoders are shown has the marks that they learnt with."""
    assert prepared(read("Hey @acme\tlook: https://acme.example/x")) == "Hey @user look: http"
    assert len(prepared(read("word " * 3_000))) <= LONGEST


@pytest.mark.parametrize("name", list(ENCODERS))
def test_an_encoder_gives_a_vector_of_its_width(name: str) -> None:
    """Of length one, and different for different meanings."""
    encoder = ENCODERS[name]()
    same, alike, other = encoder.encode(["I love it", "j'adore", "the parcel is late"])
    assert same.shape == (encoder.width,)
    assert float(same @ same) == pytest.approx(1, abs=1e-3)
    assert same @ alike > same @ other
    assert encoder.encode([]).shape == (0, encoder.width)


def test_log_odds_and_opinions_are_two_ways_to_say_the_same() -> None:
    """There and back."""
    opinion = Opinion(0.2, 0.5, 0.3)
    assert opinion_of(*log_odds(opinion)) == pytest.approx(opinion)
    assert sum(opinion_of(800.0, -800.0)) == pytest.approx(1)
    assert log_odds(Opinion(0.0, 0.0, 1.0))[1] > 10


def test_a_head_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """It was made for other features, or for another engine."""
    about, arrays = load(shipped("embeddings"), kind=kind("embeddings"))
    file = tmp_path / "head.npz"
    save(file, about, {**arrays, "weights": arrays["weights"][:, 1:]})
    with pytest.raises(ModelFileError, match="train it again"):
        Embedded("embeddings", file)
    save(file, about | {"kind": kind("accurate")}, arrays)
    with pytest.raises(ModelFileError, match="not of"):
        Embedded("embeddings", file)


def test_a_head_was_taught_beside_the_languages_of_the_small_model(engine: Embedded) -> None:
    """What the small model makes of a text has a say, in every language of the head."""
    assert engine.languages == Multilingual().languages
    assert np.isfinite(engine._head.weights).all()
    assert (engine._head.beside > 0).all()


def test_it_is_chosen_by_the_settings(engine: Embedded) -> None:
    """And its version is stored with each score."""
    name = engine.version.split()[0]
    scores = Scorer(SentimentSettings.model_validate({"engine": name})).score("I love this so much", "en")
    assert scores.scorer.startswith(f"{engine.version}, complaint ")
    assert scores.sentiment is not None
