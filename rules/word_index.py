"""Finds, in one look at a text's words, of which among many lists it can hold something: the others cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import chain

from rules.words import REMEMBERED, Said, WordList


class WordIndex:
    """The lists of all rules, by the words that begin their entries.

    What a word can begin is remembered (up to a bound): texts repeat their words, and most begin nothing.
    """

    def __init__(self) -> None:
        self._lists: set[WordList] = set()
        self._words: dict[str, list[WordList]] = {}
        self._prefixes: dict[str, list[WordList]] = {}
        self._lengths: list[int] = []  # of the prefixes, the shortest first
        self._idle: set[str] = set()
        self._begun: dict[str, frozenset[WordList]] = {}

    def add(self, words: WordList) -> None:
        """Take in a list; once more changes nothing."""
        if words in self._lists:
            return
        self._lists.add(words)
        whole, prefixes = words.beginnings
        for begins, by in ((whole, self._words), (prefixes, self._prefixes)):
            for each in begins:
                by.setdefault(each, []).append(words)
        self._lengths = sorted({*self._lengths, *map(len, prefixes)})
        self._idle.clear()
        self._begun.clear()

    def possible(self, said: Said) -> AbstractSet[WordList]:
        """The lists of which an entry begins in this text."""
        if len(self._idle) + len(self._begun) >= REMEMBERED:
            self._idle.clear()
            self._begun.clear()
        found: set[WordList] = set()
        for token in said.vocabulary - self._idle:
            if token not in self._begun:
                self._learn(token)
            found.update(self._begun.get(token, ()))
        return found

    def _learn(self, token: str) -> None:
        if begun := frozenset(chain(self._words.get(token, ()), self._with_prefix(token))):
            self._begun[token] = begun
        else:
            self._idle.add(token)

    def _with_prefix(self, token: str) -> Iterator[WordList]:
        for length in self._lengths:
            if length > len(token):
                return
            yield from self._prefixes.get(token[:length], ())
