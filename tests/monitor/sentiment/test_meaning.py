"""What a text is about: topics and their parts, intents, what is sensitive, and how likely somebody is in danger."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Scores
from monitor.sentiment import Scorer, SentimentSettings
from monitor.sentiment.meaning import Meaning, Met

NOTHING = Met(frozenset(), frozenset(), None, None)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    """The scorer with its defaults."""
    return Scorer()


def _of(text: str, language: str = "fr", settings: Mapping[str, object] | None = None) -> Met:
    return Meaning(SentimentSettings.model_validate(settings or {})).of(text, cleaned=text, language=language)


@pytest.mark.parametrize(
    ("text", "language", "intent"),
    [
        ("Je veux être remboursé", "fr", "refund"),
        ("I want my money back", "en", "refund"),
        ("Comment résilier mon option ?", "fr", "question"),
        ("How do I reset the box?", "en", "question"),
        ("Où acheter ce vélo, et à quel prix ?", "fr", "purchase"),
        ("Where can I buy this bike?", "en", "purchase"),
        ("Un grand merci à toute l'équipe, service impeccable", "fr", "praise"),
        ("Kudos to the team, excellent service", "en", "praise"),
        ("Ce serait bien d'avoir un mode sombre", "fr", "suggestion"),
        ("It would be great if you had a dark mode", "en", "suggestion"),
        ("C'est décidé, je change d'opérateur", "fr", "churn"),
        ("I am done with you, switching to another provider", "en", "churn"),
        ("Je recommande à tous", "fr", "recommendation"),
        ("I'd recommend them to anyone", "en", "recommendation"),
        ("Communiqué de presse : Acme ouvre une usine", "fr", "press"),
        ("Press release: Acme opens a factory", "en", "press"),
        ("Je vais porter plainte", "fr", "threat"),
        ("You will hear from my lawyer", "en", "threat"),
        ("Gagnez de l'argent facile, lien dans ma bio", "fr", "spam"),
        ("Make money online, link in bio", "en", "spam"),
        ("Voici son numéro, appelez-le", "fr", "doxxing"),
        ("here is his number, call him", "en", "doxxing"),
    ],
)
def test_intents_are_told_in_both_languages(text: str, language: str, intent: str) -> None:
    """Each intent has its words."""
    assert intent in _of(text, language).intents


@pytest.mark.parametrize(
    ("text", "language", "intent"),
    [
        ("Vous vous moquez de qui ?", "fr", "question"),
        ("Comment osez-vous ?", "fr", "question"),
        ("Are you kidding me?", "en", "question"),
        ("How dare you?", "en", "question"),
        ("Merci pour rien", "fr", "praise"),
        ("Thanks for nothing", "en", "praise"),
        ("Je ne recommande pas", "fr", "recommendation"),
        ("I would not recommend it", "en", "recommendation"),
        ("Le technicien va passer chez moi", "fr", "churn"),
        ("Last time I checked it worked", "en", "churn"),
        ("Vous devriez avoir honte", "fr", "suggestion"),
        ("https://example.org/comment?faire", "fr", "question"),
    ],
)
def test_what_only_sounds_like_it_is_not(text: str, language: str, intent: str) -> None:
    """Rhetorical questions, sarcasm set in stone, and phrases that share a word."""
    assert intent not in Meaning(SentimentSettings()).of(text, cleaned=text.partition("://")[0], language=language).intents


def test_a_part_of_a_topic_is_the_topic_too() -> None:
    """A rule that asks for `delivery` sees late ones."""
    assert {"delivery", "delivery/late"} <= _of("Mon colis n'est toujours pas arrivé, livraison en retard").topics
    assert {"delivery", "delivery/late"} <= _of("Where is my order? It still hasn't arrived", "en").topics


@pytest.mark.parametrize(
    ("text", "language", "low", "high"),
    [
        ("Mon chargeur a pris feu", "fr", 0.7, 0.85),
        ("Mon chargeur a pris feu, appelez les pompiers", "fr", 0.85, 1),
        ("My charger caught fire right now", "en", 0.85, 1),
        ("Personne n'est blessé", "fr", 0, 0.05),
        ("Le bâtiment avait pris feu, dans un film", "fr", 0.1, 0.49),
        ("My mother is 85, lives alone and has no heating", "en", 0.5, 0.7),
        ("Bientôt trois jours sans chauffage avec un nourrisson", "fr", 0.5, 0.7),
        ("Trois jours sans chauffage", "fr", 0, 0.05),
        ("Vous me tuez avec vos prix", "fr", 0, 0.05),
    ],
)
def test_danger_is_weighed(text: str, language: str, low: float, high: float) -> None:
    """Told, happening now, far away, or nobody fragile: not the same probability."""
    risk = _of(text, language).safety_risk
    assert risk is not None
    assert low <= risk <= high


def test_what_the_law_protects_is_sensitive() -> None:
    """Health, religion, union, sexual life … of a person; a sick joke about a service is none."""
    assert _of("Je suis enceinte et sans nouvelles").sensitive is True
    assert _of("my union rep told me", "en").sensitive is True
    assert _of("Free est un cancer").sensitive is False


def test_in_a_language_without_lists_nothing_is_not_a_no() -> None:
    """None: cannot tell. What is found all the same, counts."""
    assert _of("Wo bleibt mein Paket", "de") == NOTHING
    assert _of("aidez-moi ou je me suicide", "und").safety_risk == pytest.approx(0.9)


def test_words_of_ones_own_are_added() -> None:
    """For all languages or for one; a part of a shipped topic; an intent of one's own."""
    topics = {"delivery/lockers": {"fr": ["consigne*"], "en": ["locker*"]}, "fan-club": ["acmefest", 1664]}
    settings = {"topics": topics, "intents": {"churn": ["je m'arrache"], "job": ["vous recrutez"]}}
    assert _of("la consigne est vide", settings=settings).topics == {"delivery", "delivery/lockers"}
    assert "delivery" not in _of("the consigne is empty", "en", settings=settings).topics
    assert _of("AcmeFest 2026", "de", settings=settings).topics == {"fan-club"}
    assert _of("une 1664", settings=settings).topics == {"fan-club"}
    assert "delivery" in _of("mon colis", settings=settings).topics
    assert {"churn", "job"} <= _of("je m'arrache ; vous recrutez ?", settings=settings).intents


def test_a_name_without_words_is_taken_away_with_its_parts() -> None:
    """`ecology: []`; and `shipped_topics: false` leaves only one's own."""
    green = "du greenwashing, et mon colis"
    assert _of(green, settings={"topics": {"ecology": []}}).topics == {"delivery"}
    assert _of(green, settings={"topics": {"fan": ["greenwashing"]}, "shipped_topics": False}).topics == {"fan"}
    assert _of(green, settings={"shipped_topics": False}).topics == set()
    assert "refund" not in _of("remboursez-moi", settings={"intents": {"refund": []}}).intents


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "😡😡",
        "https://example.org/panne?comment",
        "\u202eمتى يصل الطلب؟\u202c",
        "Z̷̡͎͇a̶̧͙̍l̸̡̛g̶̨̈o̵̧͠" * 40,
        "\ud83d half",
        "<b>panne</b> &amp; <script>",
        "где мой заказ delivery 配送",
        "é" * 100_000,
        "panne " * 20_000,
        "ne " * 40_000,
    ],
)
def test_any_text_is_read(scorer: Scorer, text: str) -> None:
    """Whatever the text, the answer keeps to its ranges."""
    _keeps_to_its_ranges(scorer.score(text, None))


@given(text=st.text(st.characters(exclude_categories=())), language=st.sampled_from([None, "fr", "en", "ar"]))
def test_no_text_raises(scorer: Scorer, text: str, language: str | None) -> None:
    """Lone surrogates included."""
    _keeps_to_its_ranges(scorer.score(text, language))


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    """As far as it is scored."""
    settings = SentimentSettings(max_chars=100)
    text = "calme " * 20
    assert Scorer(settings).score(f"{text} remboursez-moi", "fr").intents == frozenset()


def test_the_scorer_fills_in_what_was_met(scorer: Scorer) -> None:
    """Beside language and sentiment."""
    scores = scorer.score("Very disappointed: my package never arrived, I want a refund. I am pregnant!", "en")
    assert scores.sentiment is not None
    assert {"delivery", "delivery/late", "billing/refund"} <= scores.topics
    assert scores.intents == {"refund"}
    assert scores.sensitive is True
    assert scores.safety_risk == pytest.approx(0.01)


def _keeps_to_its_ranges(scores: Scores) -> None:
    assert scores.safety_risk is None or 0 <= scores.safety_risk <= 1
    assert all(name for name in scores.topics | scores.intents)
