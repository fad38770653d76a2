"""The shipped model tells complaints from what else people write to a company."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.sentiment import evaluation
from monitor.sentiment.complaint import SHIPPED, Complaints
from monitor.sentiment.post import Post
from monitor.sentiment.training import corpora

MODEL = Complaints()


@pytest.mark.parametrize(
    ("text", "complains"),
    [
        ("@brand I've been waiting three weeks for my refund and nobody answers my emails", True),
        ("@brand why is your app crashing every time I open it? Fix this", True),
        ("@brand my order arrived broken, I want a replacement", True),
        ("@brand thank you so much, the new shoes are beautiful!", False),
        ("@brand love the new album", False),
        ("What a lovely evening with my friends", False),
    ],
)
def test_plain_cases(text: str, complains: bool) -> None:
    """Nobody would judge these otherwise."""
    probability = MODEL.probability(text, "en")
    assert probability is not None
    assert (probability >= MODEL.threshold) is complains


@pytest.mark.parametrize(
    ("text", "complains"),
    [
        ("@marque toujours aucune connexion depuis trois jours, que faites-vous ?", True),
        ("@marque ma facture est fausse et personne ne répond au téléphone", True),
        ("@marque bonjour, j'ai un problème avec ma ligne", True),
        ("@marque merci beaucoup, tout fonctionne parfaitement", False),
        ("Belle soirée avec des amis au bord de la mer", False),
    ],
)
def test_plain_cases_in_french(text: str, complains: bool) -> None:
    """Likewise."""
    probability = MODEL.probability(text, "fr")
    assert probability is not None
    assert (probability >= MODEL.threshold) is complains


def test_real_posts(shared: Path) -> None:
    """On what it learnt from, it is better than on what it never saw (see the model card); this guards the packing."""
    asked = corpora.english_complaints(shared / "data/complaints/english-train.csv")
    said = MODEL.probabilities([each.text for each in asked], ["en"] * len(asked))
    found = evaluation.complaint([each.label == 1 for each in asked], said, threshold=MODEL.threshold)
    assert found.quality.f1 >= 0.80


def test_the_model_says_what_it_is() -> None:
    """A file of its own is read like the shipped one."""
    assert Complaints(SHIPPED).version == MODEL.version
    assert MODEL.version.startswith("complaint ")


@pytest.mark.parametrize(("text", "language"), [("", "en"), ("@brand https://example.org", "en"), ("ei toimi", "fi")])
def test_nothing_is_said_of_nothing(text: str, language: str) -> None:
    """Without a word, or in a language without labels to learn from, there is no probability."""
    assert MODEL.probability(text, language) is None


def test_the_words_named_add_up_to_the_probability() -> None:
    """In log odds; the rest stands at the end, and where nothing is said no word is named."""
    post = Post("@marque trois semaines d'attente et personne ne répond", "trois semaines d'attente et personne ne répond", "fr")
    weighed, (probability,) = MODEL.weigh(post), MODEL.of_posts([post])
    assert probability is not None
    assert sum(each.valence for each in weighed) == pytest.approx(math.log(probability / (1 - probability)), abs=0.1)
    assert {"d'attente", "personne"} <= {each.words for each in weighed if each.valence > 0}
    assert MODEL.weigh(Post("@marque", "", "fr")) == MODEL.weigh(Post("ei toimi", "ei toimi", "fi")) == ()


@settings(max_examples=300)
@given(st.text())
def test_any_text_has_a_probability_or_none(text: str) -> None:
    """Whatever the text."""
    probability = MODEL.probability(text, "en")
    assert probability is None or 0 <= probability <= 1
