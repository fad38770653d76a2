"""Entries that a negation cancels: `panne ~`."""

from __future__ import annotations

import pytest

from rules.words import Found, Said, WordList

ENTRIES = [
    "panne ~",
    "un problème ~",
    "problem ~",
    "problems ~",
    "broken ~",
    "let me down ~",
    "never again",
    "plus de réseau",
    "no answer",
]


def _find(text: str) -> Found | None:
    return WordList(ENTRIES).find(Said(text))


@pytest.mark.parametrize(
    "text",
    [
        "jamais en panne",
        "aucune panne en dix ans",
        "Pas de panne ici",
        "je n’ai jamais eu une panne",
        "il n'est jamais tombé en panne",
        "plus de panne depuis la mise à jour",
        "elle n'est plus en panne",
        "sans panne, merci",
        "ce n'est pas du tout un problème",
        "no problem at all, never broken",
        "It isn't broken",
        "it isn’t really broken",
        "I haven't had any problems",
        "not a single problem",
        "doesnt have problems",
        "they have never let me down",
        "nobody is broken",
        "no one is broken",
        "personne n'est en panne",
    ],
)
def test_what_is_denied_is_not_found(text: str) -> None:
    """A negation close before an entry with the mark cancels it."""
    assert _find(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "en panne",
        "Non ! Panne totale",
        "je ne sais pas, panne ou pas",
        "vous n'avez pas réparé la panne",
        "pas la première panne",
        "encore plus de panne qu'hier",
        "de plus en plus de panne",
        "t'as une panne ?",
        "une personne en panne",
        "pas mal de gens ont un problème",
        "you have not fixed the problem",
        "not the first problem",
        "No. Broken again",
        "not only broken, but late",
        "never in my life have I been let me down",
        "jamais eu une panne avant, et là panne totale",
        "t broken",
        "never again",
        "plus de réseau",
        "no answer",
    ],
)
def test_what_is_only_near_a_negation_is_found(text: str) -> None:
    """Another clause, another word that is denied, "more" instead of "no more", or an entry that is itself a negation."""
    assert _find(text) is not None


def test_the_mark_does_not_hide_the_entry_without_it() -> None:
    """An entry that stands in a list both ways is found in any case."""
    assert WordList(["panne ~", "panne"]).find(Said("jamais en panne")) == Found(2, 3)


def test_a_longer_entry_is_found_where_the_shorter_one_is_denied() -> None:
    """They begin with the same word, and only one has the mark."""
    assert WordList(["panne ~", "panne totale"]).find(Said("jamais de panne totale")) == Found(2, 4)
