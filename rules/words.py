"""Finds words and phrases in a text, whatever its accents, capitals, apostrophes and hyphens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

# Marks that a reader does without: accents and Arabic vowel signs. Indic vowel signs are letters of their words and stay.
# With them go emoji variation selectors, joiners and skin tones: a thumb down is a thumb down.
_MARKS = re.compile("[\u0300-\u036f\u064b-\u065f\u0670\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]+")
_ADDRESS = re.compile(r"https?://\S+")
_LETTERS = "(?:[^\\W_]|[\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e4e])+"
_SYMBOL = "[\u2190-\u2bff\U0001f000-\U0001faff]"
_TOKEN = re.compile(f"{_LETTERS}|{_SYMBOL}")
_ASCII_TOKEN = re.compile("[a-z0-9]+")
_ENTRY_TOKEN = re.compile(rf"(?P<word>{_LETTERS}|{_SYMBOL})(?P<open>(?:\*(?!\S))?)")
_SHORTEST_PREFIX = 2
_SLICE = 1_000  # characters: putting a run of combining marks in order is quadratic in its length
_REMEMBERED = 50_000
_SHORT = 1_000  # characters: a longer text is not worth its memory


def fold(text: str) -> str:
    """Lower case without accents: what two spellings of one word have in common.

    Takes a time proportional to the text's length whatever is in it, for it is taken apart a thousand characters at a time: of
    more marks on one letter than that, which no language writes, the order is left as it is.
    """
    if text.isascii():
        return text.lower()
    bare = _MARKS.sub("", _taken_apart(text.casefold()))
    return bare.replace("œ", "oe").replace("æ", "ae").replace("’", "'")


def _taken_apart(text: str) -> str:
    slices = (text[at : at + _SLICE] for at in range(0, len(text), _SLICE))
    return "".join(unicodedata.normalize("NFKD", each) for each in slices)


@lru_cache(maxsize=20_000)
def fold_label(name: str) -> str:
    """A name folded for comparison: `#AcmeFest`, `acmefest` and `ACMEFEST` are one, and so are `@acme` and `Acme`."""
    return fold(name).lstrip("#@")


class Said:
    """A text, folded and parted into words and emoji once, however many lists look at it. Web addresses are left out."""

    __slots__ = ("_found", "tokens", "vocabulary")

    def __init__(self, text: str) -> None:
        folded = fold(text)
        if "://" in folded:
            folded = _ADDRESS.sub(" ", folded)
        pattern = _ASCII_TOKEN if folded.isascii() else _TOKEN
        self.tokens: list[str] = pattern.findall(folded)
        self.vocabulary = set(self.tokens)
        self._found: dict[WordList, str | None] = {}

    def find(self, words: WordList) -> str | None:
        """What is said first that stands in the list; None when nothing is."""
        if words in self._found:
            return self._found[words]
        found = self._found[words] = words.find(self)
        return found


def said(text: str) -> Said:
    """The text, parted. Enrichment and every rule look at the same texts within moments: the last ones are remembered."""
    return _remembered(text) if len(text) <= _SHORT else Said(text)


@lru_cache(maxsize=1_024)
def _remembered(text: str) -> Said:
    return Said(text)


class BadEntryError(ValueError):
    """An entry of a word list cannot be looked for. Its text says why and what to write."""


class _Word(NamedTuple):
    text: str
    is_prefix: bool


class _Node:
    """How the entries that begin alike go on: with these words, with any word that begins so, or not at all."""

    __slots__ = ("is_end", "lengths", "prefixes", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.prefixes: dict[str, _Node] = {}
        self.lengths: list[int] = []  # of the prefixes, the shortest first
        self.is_end = False

    def add(self, words: Sequence[_Word]) -> None:
        if not words:
            self.is_end = True
            return
        first, *rest = words
        (self.prefixes if first.is_prefix else self.words).setdefault(first.text, _Node()).add(rest)
        self.lengths = sorted({len(prefix) for prefix in self.prefixes})

    def next(self, token: str) -> list[_Node]:
        """Where the entries go on after this token."""
        nodes = [self.words[token]] if token in self.words else []
        if self.lengths:
            begun = (self.prefixes.get(token[:length]) for length in self.lengths)
            nodes += [node for node in begun if node is not None]
        return nodes

    def end(self, tokens: Sequence[str], at: int) -> int | None:
        """Where (exclusive) an entry ends that goes on here; None if none does."""
        if self.is_end:
            return at
        if at == len(tokens):
            return None
        return _first_end(self.next(tokens[at]), tokens, at + 1)


def _first_end(nodes: Iterable[_Node], tokens: Sequence[str], at: int) -> int | None:
    for node in nodes:
        end = node.end(tokens, at)
        if end is not None:
            return end
    return None


class WordList:
    """Words and phrases compiled for finding: a tree of words.

    Texts repeat their words: what begins no entry is remembered (up to a bound), so that most texts cost one difference of sets.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        """Raises BadEntryError, which names every entry that cannot be looked for."""
        self._root = _Node()
        for words in _parsed(entries):
            self._root.add(words)
        self._idle: set[str] = set()  # tokens that begin no entry
        self._begun: dict[str, list[_Node]] = {}  # tokens that begin some, and where these go on

    def find(self, said: Said) -> str | None:
        """What is said first that stands in the list: the folded words of the text."""
        if len(self._idle) + len(self._begun) >= _REMEMBERED:
            self._idle.clear()
            self._begun.clear()
        begins = False
        for token in said.vocabulary - self._idle:
            begins |= self._begins(token)
        return self._first(said.tokens) if begins else None

    def _first(self, tokens: Sequence[str]) -> str | None:
        for at, token in enumerate(tokens):
            nodes = self._begun.get(token)
            if nodes and (end := _first_end(nodes, tokens, at + 1)):
                return " ".join(tokens[at:end])
        return None

    def _begins(self, token: str) -> bool:
        """Whether an entry begins with this token; remembered."""
        if token in self._begun:
            return True
        if nodes := self._root.next(token):
            self._begun[token] = nodes
        else:
            self._idle.add(token)
        return bool(nodes)


def _parsed(entries: Iterable[str]) -> list[tuple[_Word, ...]]:
    good, wrong = [], []
    for written in entries:
        try:
            good.append(parse_entry(written))
        except BadEntryError as error:
            wrong.append(str(error))
    if wrong:
        raise BadEntryError("; ".join(wrong))
    return good


def parse_entry(written: str) -> tuple[_Word, ...]:
    """The words of one entry of a list; `*` stands only at a word's end. Raises BadEntryError."""
    folded = fold(written)
    words = tuple(_Word(found["word"], bool(found["open"])) for found in _ENTRY_TOKEN.finditer(folded))
    if not words:
        raise BadEntryError(f"{written!r} holds no word and no emoji to look for: remove it, or write a word")
    if folded.count("*") != sum(word.is_prefix for word in words):
        raise BadEntryError(f"{written!r}: `*` can stand only at the end of a word, like rembours*")
    if any(word.is_prefix and len(word.text) < _SHORTEST_PREFIX for word in words):
        raise BadEntryError(f"{written!r}: write at least {_SHORTEST_PREFIX} letters before `*`, or it fits nearly everything")
    return words
