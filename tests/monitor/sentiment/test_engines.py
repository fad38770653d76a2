"""Who speaks for a text when there are several scorers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import pytest

from monitor.sentiment import Scorer, engines, label, settings
from monitor.sentiment.engines import AUTO, ENGINES, ONNX, Panel, Told
from monitor.sentiment.feeling import Feeling
from monitor.sentiment.linear import LinearModel
from monitor.sentiment.post import Post

SURE = Feeling(-0.8, 0.9)


class French:
    """Finds every French text awful, and cannot say why."""

    version = "french/1"

    def feelings(self, posts: Sequence[Post]) -> Sequence[Feeling | None]:
        return [SURE if post.language == "fr" else None for post in posts]


def posted(text: str, language: str) -> Post:
    """A post without anything to clean away."""
    return Post(text, text, language)


@pytest.fixture
def with_french(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second engine: one line."""
    monkeypatch.setattr(engines, "ENGINES", {**ENGINES, "french": French})
    monkeypatch.setattr(engines, "_ASKED", ("vader", "french"))


def test_each_text_goes_to_the_first_engine_that_can_tell(with_french: None) -> None:
    """The order of the texts is kept, and each says who told."""
    asked = [("très déçu", "fr"), ("I love it", "en"), ("der Bus kam", "de"), ("the bus", "en")]
    told = Panel().ask([posted(*each) for each in asked])
    both = "vader 3.3.2, french/1"
    assert [each.by for each in told] == ["french/1", "vader 3.3.2", both, both]
    assert [each.feeling is None for each in told] == [False, False, True, True]
    assert told[0] == Told(SURE, "french/1")


def test_one_engine_can_be_asked_alone(with_french: None) -> None:
    """What it cannot tell is not told by another."""
    scorer = Scorer(engine="french")
    assert scorer.version.startswith("french/1, complaint ")
    assert scorer.score("I love this so much, it is great", None).sentiment is None
    assert scorer.score("Je suis très déçu de ce service, quelle honte", None).sentiment == -0.8


def test_an_engine_need_not_explain(with_french: None) -> None:
    """Its scores are explained by nothing, rather than by somebody else's words."""
    assert list(Panel().weigh(posted("nul", "fr"), "french/1")) == []
    assert [each.words for each in Panel().weigh(posted("love", "en"), "vader 3.3.2")] == ["love"]


@pytest.mark.parametrize(
    ("text", "language", "negative"),
    [("Très déçu, trois semaines d'attente et personne ne répond", "fr", True), ("Merci, quel bonheur", "fr", False)],
)
def test_the_small_model_says_which_words_it_went_by(text: str, language: str, *, negative: bool) -> None:
    """What is named adds up to the model's answer, and the words stand in their order."""
    post, panel = posted(text, language), Panel("multilingual")
    (told,) = panel.ask([post])
    assert told.feeling is not None
    assert (told.feeling.sentiment < 0) == negative
    *words, rest = panel.weigh(post, told.by)
    assert rest.words.startswith("(")
    assert [each.words for each in words] == [word for word in post.reading.tokens if word in {each.words for each in words}]
    assert (sum(each.own for each in [*words, rest]) < 0) == negative


@pytest.mark.parametrize("answers", [(-1e4, 1e4), (1e4, -1e4), (-1e4, -1e4)])
def test_the_surest_answer_can_be_explained(answers: tuple[float, float], monkeypatch: pytest.MonkeyPatch) -> None:
    """No probability is so small that nothing can be divided by it."""
    monkeypatch.setattr(LinearModel, "answers_of_posts", lambda *_: [list(answers)])
    post, panel = posted("quel bonheur", "fr"), Panel("multilingual")
    (told,) = panel.ask([post])
    assert list(panel.weigh(post, told.by))


def test_of_what_the_small_model_cannot_tell_no_word_is_named() -> None:
    """Neither in a language that it never learnt, nor where there is no word."""
    panel = Panel("multilingual")
    for post in (posted("это ужасно", "ru"), posted("https://acme.example/", "fr")):
        (told,) = panel.ask([post])
        assert told.feeling is None
        assert list(panel.weigh(post, told.by)) == []


def test_an_unknown_engine_is_refused() -> None:
    """The command line has checked before."""
    with pytest.raises(KeyError):
        Panel("oracle")


def test_an_explanation_holds_the_very_scores() -> None:
    """To ask why changes nothing."""
    scorer, text = Scorer(), "I never loved this awful place"
    found = scorer.explain(text, "en")
    assert found.scores == scorer.score(text, "en")
    assert found.looks_like == "en"
    assert 0 < found.probability <= 1
    assert [each.words for each in found.weighed] == ["loved", "awful"]


@pytest.mark.parametrize(
    ("sentiment", "called"),
    [(None, None), (0.0, "neutral"), (0.049, "neutral"), (0.05, "positive"), (-0.05, "negative"), (-1.0, "negative")],
)
def test_a_sentiment_has_a_name(sentiment: float | None, called: str | None) -> None:
    """What cannot be told is not neutral."""
    assert label(sentiment) == called


def test_the_settings_name_every_engine() -> None:
    """What can be written in a configuration is what there is."""
    assert set(get_args(get_args(settings.Engine)[0])) == {AUTO, *ENGINES, ONNX}
    assert set(get_args(get_args(settings.SecondEngine)[0])) == {*ENGINES, ONNX}
