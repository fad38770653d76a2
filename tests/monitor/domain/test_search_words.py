"""What somebody types to find texts is words, phrases and exclusions, and never an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.search import MOST_TERMS, Search, Term, fold, search


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("Été PANNE", Search((Term(("ete",), begins=True), Term(("panne",), begins=True)))),
        ("le la", Search((Term(("le",)), Term(("la",))))),
        ('"Service Client" -colis', Search((Term(("service", "client")),), (Term(("colis",), begins=True),))),
        ("« mise à jour »", Search((Term(("mise", "a", "jour")),))),
        ("Saône-et-Loire", Search((Term(("saone", "et", "loire"), begins=True),))),
        ("NEAR(panne*, 5) AND", Search((Term(("near", "panne"), begins=True), Term(("5",)), Term(("and",), begins=True)))),
        ('"open', Search((Term(("open",), begins=True),))),
        ('* " - \x00 ::', Search()),
    ],
)
def test_words_phrases_and_exclusions(typed: str, understood: Search) -> None:
    """Operators of the databases are words like others; what holds no word is nothing."""
    assert search(typed) == understood


@given(st.text())
def test_nothing_is_an_error(typed: str) -> None:
    """Terms are few, and hold folded letters and digits alone."""
    found = search(typed)
    words = [word for term in (*found.wanted, *found.unwanted) for word in term.words]
    assert len(found.wanted) + len(found.unwanted) <= MOST_TERMS
    assert all(word and word == fold(word) and "_" not in word and word.isalnum() for word in words)


def test_a_book_is_cut_short() -> None:
    """Of ten thousand words the first few are looked for."""
    assert len(search("panne " * 9 + " ".join(f"w{number}" for number in range(10_000))).wanted) <= MOST_TERMS
