"""A brand's own words weigh what the configuration says, with every scorer, and nothing changes where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from math import tanh

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from monitor.sentiment import Scorer, SentimentSettings, engines
from monitor.sentiment.engines import ENGINES, shifted
from monitor.sentiment.feeling import Feeling
from monitor.sentiment.lexicon import Lexicon, Written
from monitor.sentiment.post import Post
from monitor.sentiment.vader import Vader

OWN = {"zorbled": -2.5, "gleam": 3.0, "sick": 2.0, "kaput": -1.0}
FRENCH: Written = {"panne": -2.5, "au top": 3, "rembours*": -1.5, "👎": -3, "en": {"brick*": -3, "sick": 0}}
WORDS = [
    "zorbled",
    "GLEAM",
    "sick!",
    "kaput,",
    "not",
    "never",
    "very",
    "isn't",
    "but",
    "the",
    "love",
    "HATE",
    "least",
    "😀",
    "so",
    "no",
]
any_text = st.text(st.characters(exclude_categories=()), max_size=60)


def taught(written: Written) -> Vader:
    """VADER with these words."""
    vader = Vader()
    vader.learn(Lexicon(written))
    return vader


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_own_words_count_as_if_they_stood_in_vaders_list(text: str) -> None:
    """To the last bit: denied, strengthened, shouted and turned as the library turns its own."""
    oracle = SentimentIntensityAnalyzer()
    oracle.lexicon.update(OWN)
    assert {k: repr(v) for k, v in LEARNT.polarity(text).items()} == {k: repr(v) for k, v in oracle.polarity_scores(text).items()}


LEARNT = taught(OWN)


@given(any_text)
def test_words_that_are_not_there_change_nothing(text: str) -> None:
    """A lexicon is felt only where one of its words stands."""
    if not {"zorbled", "gleam", "sick", "kaput"} & set(text.lower().split()) and "\ue000" not in text:
        assert LEARNT.polarity(text) == Vader().polarity(text)


@pytest.mark.parametrize(
    ("text", "language", "total"),
    [
        ("Encore une PANNE !", "fr", -2.5),
        ("Jamais eu de panne", "fr", 1.85),
        ("Jamais vu. Une panne", "fr", -2.5),
        ("Au top, vraiment au  top", "fr", 6.0),
        ("au Topaze", "fr", 0),
        ("Remboursez, remboursement", "fr", -3.0),
        ("👎🏽👎", "und", -6.0),
        ("it bricked my phone", "fr", 0),
        ("it bricked my phone: panne", "en", -5.5),
        ("https://panne.example/panne", "fr", 0),
        ("p\u0061\u0300nne", "fr", -2.5),
        ("", "fr", 0),
        ("\ud83d panne \u202e", "fr", -2.5),
    ],
)
def test_what_the_words_of_a_text_come_to(text: str, language: str, total: float) -> None:
    """Whole words in any spelling, phrases, emoji of any skin, endings; a language has its own words beside those of all."""
    assert Lexicon(FRENCH).adjustment(text, language) == pytest.approx(total)


def test_the_longest_phrase_is_meant() -> None:
    """A word in a phrase does not count a second time, and a whole word goes before its beginning."""
    lexicon = Lexicon({"top": 1, "au top": 3, "au top du top": 4, "to*": -4})
    assert [hit.words for hit in lexicon.hits("Au top du top, au top, top, topaze", "fr")] == [
        "Au top du top", "au top", "top", "topaze"
    ]  # fmt: skip
    assert lexicon.adjustment("top", "fr") == 1


def test_a_language_s_own_entry_goes_before_that_of_all() -> None:
    """What is bad in one language may be a name in another."""
    lexicon = Lexicon({"gift": 2, "de": {"Gift": -3}})
    assert (lexicon.adjustment("Gift", "de"), lexicon.adjustment("a gift", "en")) == (-3, 2)


def test_a_scorer_says_whose_words_counted() -> None:
    """The version names the lexicon by its content; the explanation names each word, what denied it, and its list."""
    scorer = Scorer(SentimentSettings(lexicon=FRENCH))
    found = scorer.explain("Jamais eu de panne, vous êtes au top", None)
    assert found.scores.scorer.startswith("multilingual 1 + lexicon ")
    assert found.scores.sentiment is not None
    assert found.scores.sentiment > 0.5
    own = [each for each in found.weighed if each.known_to == "your lexicon"]
    assert [(each.words, each.valence, each.why, each.known_to) for each in own] == [
        ("panne", 1.85, ("denied by “Jamais”",), "your lexicon"),
        ("au top", 3.0, (), "your lexicon"),
    ]
    english = scorer.explain("My phone is bricked again, and I hate it: works not", None)
    assert english.scores.scorer.startswith("vader 3.3.2 + lexicon ")
    assert [(each.words, each.known_to) for each in english.weighed] == [("bricked", "your lexicon"), ("hate", "VADER")]
    assert Scorer(SentimentSettings(lexicon={"a": 1})).version != scorer.version
    assert len(scorer.version) <= 64


def test_a_word_can_be_silenced() -> None:
    """A product called Love is no feeling: 0 in the lexicon, and it is as if the word were not there, whoever scores."""
    text = "The Love opened at nine"
    assert Scorer(engine="vader").score(text, "en").sentiment is not None
    silenced = SentimentSettings(lexicon={"love": 0})
    assert Scorer(silenced, "vader").score(text, "en").sentiment is None
    assert Scorer(silenced).score(text, "en").sentiment == Scorer().score("The opened at nine", "en").sentiment


def test_without_entries_nothing_is_different() -> None:
    """No lexicon, no other version, no other figure."""
    assert not Lexicon()
    assert "lexicon" not in Scorer().version
    assert Scorer(SentimentSettings(lexicon={})).score("panne", "fr") == Scorer().score("panne", "fr")


class Calm:
    """Another engine, that finds everything slightly good."""

    version = "calm/1"

    def feelings(self, posts: Sequence[Post]) -> Sequence[Feeling | None]:
        assert not any("panne" in post.posted + post.cleaned for post in posts), "the brand's own words count once"
        return [Feeling(0.4, 0.9) for _ in posts]


def test_any_other_scorer_is_shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the words come to moves its score, and nothing moves without them."""
    monkeypatch.setattr(engines, "ENGINES", {**ENGINES, "calm": Calm})
    scorer = Scorer(SentimentSettings(lexicon=FRENCH), "calm")
    bad, same = scorer.score("Encore une panne", "fr"), scorer.score("Encore un jour", "fr")
    assert bad.sentiment is not None
    assert bad.sentiment < 0
    assert (same.sentiment, same.confidence) == (0.4, 0.9)
    assert bad.scorer.startswith("calm/1 + lexicon ")
    assert [each.words for each in scorer.explain("Encore une panne", "fr").weighed] == ["panne"]


@given(st.floats(-1, 1), st.floats(-8, 8), st.floats(-8, 8))
def test_more_of_a_good_word_is_never_worse(before: float, one: float, other: float) -> None:
    """A score moves the way of the words, and stays on the scale."""
    low, high = sorted((one, other))
    felt = Feeling(before, 0.5)
    assert -1 <= shifted(felt, low).sentiment <= shifted(felt, high).sentiment <= 1
    assert abs(shifted(felt, 0.0).sentiment - max(min(before, 0.999), -0.999)) < 1e-3
    assert shifted(None, high).sentiment == pytest.approx(shifted(Feeling(0.0, 0.5), high).sentiment)
    assert tanh(high) * shifted(None, high).sentiment >= 0


@given(any_text, st.sampled_from(["fr", "en", "und"]))
def test_no_text_is_too_odd_for_it(text: str, language: str) -> None:
    """Whatever is written is looked through, also letters for private use."""
    for each in (text, f"{text}panne{text}", f"\ue000w1 {text}\ue000W0"):
        assert -1 <= LEARNT.polarity(each)["compound"] <= 1
        Lexicon(FRENCH).weigh(each, language)
        LEARNT.weigh(Post(each, each, "en"))
