"""One look at a text's words finds the lists that it may hold something of, and no rule is lost by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Observed
from rules import Engine, States, word_index
from rules.word_index import WordIndex
from rules.words import Said, WordList

Mention = Callable[..., Observed]
Make = Callable[..., Engine]

ENTRIES = st.sampled_from(["panne", "en panne", "panne ~", "rembours*", "service client", "😡", "remboursement", "en"])
LISTS = st.lists(st.lists(ENTRIES, min_size=1, max_size=3, unique=True), min_size=1, max_size=5)
SPOKEN = ["en", "panne", "jamais", "remboursez", "service", "client", "😡", "autre", "bonjour"]
TEXTS = st.lists(st.sampled_from(SPOKEN), max_size=8).map(" ".join)


def indexed(written: list[list[str]]) -> tuple[WordIndex, list[WordList]]:
    """The lists, and an index of them."""
    index, lists = WordIndex(), [WordList(entries) for entries in written]
    for each in lists:
        index.add(each)
    return index, lists


@given(LISTS, st.lists(TEXTS, max_size=5))
def test_what_is_found_was_possible(written: list[list[str]], texts: list[str]) -> None:
    """Whatever a list finds, in text after text; and where nothing of it begins, it is left out."""
    index, lists = indexed(written)
    for text in map(Said, texts):
        possible = index.possible(text)
        assert all(words in possible for words in lists if words.find(text) is not None)
        begun = [words for words in lists if any(text_token.startswith(tuple(_begins(words))) for text_token in text.tokens)]
        assert possible <= set(begun)


def _begins(words: WordList) -> list[str]:
    whole, prefixes = words.beginnings
    return [*whole, *prefixes]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and numbers would pile up for hours; the answers stay the same."""
    monkeypatch.setattr(word_index, "REMEMBERED", 8)
    index, (words,) = indexed([["panne"]])
    for number in range(100):
        assert index.possible(Said(f"panne {number}")) == {words}
        assert len(index._idle) + len(index._begun) <= 8 + 2


@given(written=LISTS, texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_no_rule_is_lost(written: list[list[str]], texts: list[str], mention: Mention, engine: Make) -> None:
    """Rules that cannot do without a word ring as if each had been asked, in their order."""
    wheres: list[dict[str, Any]] = []
    for entries in written:
        wheres += [
            {"text": {"any_of": entries}},
            {"any": [{"text": {"any_of": entries}}, {"complaint": {"gte": 0.5}}]},
            {"all": [{"subjects": "acme"}, {"title": {"any_of": entries}}]},
            {"text": {"all_of": entries}},
            {"text": {"none_of": entries}},
        ]
    rules = [{"id": f"r{at}", "kind": "mention", "where": where} for at, where in enumerate(wheres)]
    together, alone = engine(*rules), [engine(rule) for rule in rules]
    for number, text in enumerate(texts, 1):
        said = mention(number, text=text, title=text[:9], complaint=0.6 if number % 2 else 0.4)
        held = [each for at, each in enumerate(alone) if each.explain(f"r{at}", said)[0].held]
        assert together.observe(said, States()) == [finding for each in held for finding in each.observe(said, States())]
