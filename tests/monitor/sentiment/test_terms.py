"""The words that a crisis brings with it: many people say them, hardly anybody did before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Utterance
from monitor.sentiment.terms import emerging

EVERYDAY = ("Acme, mon colis est en retard", "la facture de mon abonnement Acme", "Acme support is slow", "colis Acme arrivé")
USUAL = [Utterance(n, text) for n, text in enumerate(EVERYDAY * 10)]
ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.just("fuite d'eau")


def _all_say(*texts: str) -> list[Utterance]:
    return [Utterance(1_000 + n, text) for n, text in enumerate(texts)]


def test_new_words_are_named_in_their_spelling() -> None:
    """Accents and pairs as people write them; what was always said, stop words and numbers are no news."""
    now = _all_say(
        "Écran noir sur mon décodeur Acme depuis 20h",
        "encore un écran noir, le décodeur Acme redémarre",
        "DÉCODEUR Acme : écran noir !",
        "mon colis et mon décodeur, Acme : écran noir pour 20h",
    )
    assert set(emerging(now, USUAL)) == {"écran noir", "décodeur"}


def test_a_small_word_may_join_a_pair() -> None:
    """« Mise à jour » is one thing, and so is « fuite de données »."""
    now = _all_say(*["la mise à jour bloque"] * 3, *["fuite de données chez Acme"] * 3)
    assert {"mise à jour", "fuite de données"} <= set(emerging(now, USUAL))


def test_english_has_its_stop_words_too() -> None:
    """`the` and `with` are in every text of a new subject."""
    assert emerging(_all_say(*["the charger is on fire with smoke"] * 4), USUAL) == ["charger", "fire", "smoke"]


def test_one_person_makes_no_news() -> None:
    """However often he says it; three do."""
    assert emerging([Utterance(1, "fuite fuite fuite")] * 50, USUAL) == []
    assert emerging([Utterance(n, "fuite") for n in range(3)], USUAL) == ["fuite"]


def test_authors_nobody_knows_count_by_what_they_say() -> None:
    """A source without authors still has news, but the same text again may be the same person, or a copy."""
    said = ("une fuite", "fuite !", "encore la fuite")
    assert emerging([Utterance(None, text) for text in said], USUAL) == ["fuite"]
    assert emerging([Utterance(None, "fuite")] * 50, USUAL) == []


def test_without_a_usual_nothing_is_new() -> None:
    """On the first day every word would be."""
    assert emerging(_all_say(*["fuite"] * 9), USUAL[:19]) == []
    assert emerging([], USUAL) == []


def test_the_list_is_short() -> None:
    """The surest first."""
    now = _all_say(*["alpha"] * 9, *["beta"] * 6, *["gamma"] * 4)
    assert emerging(now, USUAL, most=2) == ["alpha", "beta"]


def test_a_pair_gives_way_to_a_word_that_is_said_without_it() -> None:
    """« Fuite » is the news, « grosse fuite » one way to say it."""
    now = _all_say("grosse fuite", "grosse fuite", "grosse fuite", *["fuite"] * 9)
    assert emerging(now, USUAL)[0] == "fuite"
    assert "grosse fuite" not in emerging(now, USUAL)


@pytest.mark.parametrize("text", ["", "😡", "https://example.org", "é" * 100_000, "\ud83d", "متى يصل الطلب", "<b>fuite</b>"])
def test_any_text_can_be_counted(text: str) -> None:
    """Bad input yields few words, never an error."""
    assert isinstance(emerging(_all_say(*[text] * 5), USUAL), list)


@given(st.lists(st.builds(Utterance, st.none() | st.integers(0, 5), ANY_TEXT)))
def test_no_texts_raise(now: list[Utterance]) -> None:
    """Whatever is said, the list keeps its length and repeats nothing."""
    found = emerging(now, USUAL)
    assert len(found) <= 5
    assert emerging(USUAL, USUAL) == []
