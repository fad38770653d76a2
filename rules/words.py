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
_ENTRY_TOKEN = re.compile(rf"(?P<word>{_LETTERS}|{_SYMBOL})(?P<open>\*?)")
_SHORTEST_PREFIX = 2
_REMEMBERED = 50_000


def fold(text: str) -> str:
    """Lower case without accents: what two spellings of one word have in common."""
    if text.isascii():
        return text.lower()
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return bare.replace("œ", "oe").replace("æ", "ae").replace("’", "'")


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
        """The first entry of the list that is said, as its author wrote it; None when none is."""
        if words in self._found:
            return self._found[words]
        found = self._found[words] = words.find(self)
        return found


class BadEntryError(ValueError):
    """An entry of a word list cannot be looked for. Its text says why and what to write."""


class _Word(NamedTuple):
    text: str
    is_prefix: bool

    def fits(self, token: str) -> bool:
        return token.startswith(self.text) if self.is_prefix else token == self.text


class _Entry(NamedTuple):
    written: str
    words: tuple[_Word, ...]


class WordList:
    """Words and phrases compiled for finding.

    Texts repeat their words: what begins no entry is remembered (up to a bound), so that most texts cost one difference of sets.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        """Raises BadEntryError, which names every entry that cannot be looked for."""
        self._whole: dict[str, list[_Entry]] = {}
        self._open: dict[str, list[_Entry]] = {}
        for entry in _parsed(entries):
            first = entry.words[0]
            (self._open if first.is_prefix else self._whole).setdefault(first.text, []).append(entry)
        self._lengths = sorted({len(prefix) for prefix in self._open})
        self._idle: set[str] = set()

    def find(self, said: Said) -> str | None:
        """The entry that stands first in the text, as its author wrote it."""
        busy = {token for token in said.vocabulary - self._idle if self._begins(token)}
        if not busy:
            return None
        for at, token in enumerate(said.tokens):
            if token in busy:
                for entry in self._beginning_with(token):
                    if _stands(entry.words, said.tokens, at):
                        return entry.written
        return None

    def _begins(self, token: str) -> bool:
        if self._beginning_with(token):
            return True
        if len(self._idle) >= _REMEMBERED:
            self._idle.clear()
        self._idle.add(token)
        return False

    def _beginning_with(self, token: str) -> list[_Entry]:
        found = self._whole.get(token, [])
        for length in self._lengths:
            if entries := self._open.get(token[:length]):
                found = found + entries
        return found


def _stands(words: Sequence[_Word], tokens: Sequence[str], at: int) -> bool:
    """Whether the phrase stands in the text from this token on."""
    here = tokens[at : at + len(words)]
    return len(here) == len(words) and all(word.fits(token) for word, token in zip(words, here, strict=True))


def _parsed(entries: Iterable[str]) -> list[_Entry]:
    good, wrong = [], []
    for written in entries:
        try:
            good.append(parse_entry(written))
        except BadEntryError as error:
            wrong.append(str(error))
    if wrong:
        raise BadEntryError("; ".join(wrong))
    return good


def parse_entry(written: str) -> _Entry:
    """One entry of a list: words, with `*` only at a word's end. Raises BadEntryError."""
    folded = fold(written)
    words = tuple(_Word(found["word"], bool(found["open"])) for found in _ENTRY_TOKEN.finditer(folded))
    if not words:
        raise BadEntryError(f"{written!r} holds no word and no emoji to look for: remove it, or write a word")
    if folded.count("*") != sum(word.is_prefix for word in words):
        raise BadEntryError(f"{written!r}: `*` can stand only at the end of a word, like rembours*")
    if any(word.is_prefix and len(word.text) < _SHORTEST_PREFIX for word in words):
        raise BadEntryError(f"{written!r}: write at least {_SHORTEST_PREFIX} letters before `*`, or it fits nearly everything")
    return _Entry(written, words)
