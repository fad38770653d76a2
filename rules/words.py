"""Finds words and phrases in a text, whatever its accents, capitals, apostrophes and hyphens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rules.negation import negation

# Marks that a reader does without: accents and Arabic vowel signs. Indic vowel signs are letters of their words and stay.
# With them go emoji variation selectors, joiners and skin tones: a thumb down is a thumb down.
_MARKS = re.compile("[\u0300-\u036f\u064b-\u065f\u0670\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]+")
_ADDRESS = re.compile(r"https?://\S+")
_LETTERS = "(?:[^\\W_]|[\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e4e])+"
_SYMBOL = "[\u2190-\u2bff\U0001f000-\U0001faff]"
_TOKEN = re.compile(f"{_LETTERS}|{_SYMBOL}")
_ASCII_TOKEN = re.compile("[a-z0-9]+")
_ENTRY_TOKEN = re.compile(rf"(?P<word>{_LETTERS}|{_SYMBOL})(?P<open>(?:\*(?!\S))?)")
_UNLESS_DENIED = re.compile(r"\s~\s*$")
_BREAK = re.compile(r"[.,;:!?…()\[\]|–—\u060c\u3001\u3002]")  # a negation does not reach over it
_SHORTEST_PREFIX = 2
_SLICE = 1_000  # characters: putting a run of combining marks in order is quadratic in its length
REMEMBERED = 1 << 13  # tokens: most texts repeat the same few thousand, and names and numbers would pile up for hours
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


class Found(NamedTuple):
    """Which words of a text are an entry of a list: from the first to before the second, counted from 0."""

    start: int
    end: int


class Said:
    """A text, folded and parted into words and emoji once, however many lists look at it. Web addresses are left out."""

    __slots__ = ("_found", "_places", "_text", "tokens", "vocabulary")

    def __init__(self, text: str) -> None:
        self._text = text
        folded = _without_addresses(fold(text))
        self.tokens: list[str] = _token(folded).findall(folded)
        self.vocabulary = set(self.tokens)
        self._found: dict[WordList, Found | None] = {}
        self._places: list[tuple[int, int]] | None = None

    @property
    def written(self) -> str:
        """The text as it is."""
        return self._text

    def find(self, words: WordList) -> Found | None:
        """What is said first that stands in the list; None when nothing is."""
        if words in self._found:
            return self._found[words]
        found = self._found[words] = words.find(self)
        return found

    def quote(self, found: Found) -> str:
        """What was found, in the author's own spelling."""
        places = self._where()
        if not places:
            return " ".join(self.tokens[found.start : found.end])
        return " ".join(self._text[places[found.start][0] : places[found.end - 1][1]].split())

    def place(self, found: Found) -> tuple[int, int] | None:
        """Where in the text what was found begins and ends; None for the rare text that folding parts in another way."""
        places = self._where()
        return (places[found.start][0], places[found.end - 1][1]) if places else None

    def denies(self, at: int) -> bool:
        """Whether a negation in the same clause denies the word at this place."""
        return self.denial(at) is not None

    def denial(self, at: int) -> int | None:
        """Which word is the negation that denies the word at this place, in the same clause; None if there is none."""
        place = negation(self.tokens, at)
        if place is None:
            return None
        places = self._where()
        return None if places and _BREAK.search(self._text, places[place][1], places[at][0]) else place

    def _where(self) -> list[tuple[int, int]]:
        """Where in the text each word begins and ends. Few texts are asked: only those in which something was found."""
        if self._places is None:
            places = _places(self._text)
            self._places = places if len(places) == len(self.tokens) else []
        return self._places


def _token(folded: str) -> re.Pattern[str]:
    return _ASCII_TOKEN if folded.isascii() else _TOKEN


def _without_addresses(folded: str) -> str:
    """Blanks in their stead, so that all else keeps its place."""
    return _ADDRESS.sub(lambda match: " " * len(match[0]), folded) if "://" in folded else folded


def _places(text: str) -> list[tuple[int, int]]:
    """Where each word of a text begins and ends: folded letter by letter, since folding makes some longer and others vanish."""
    alphabet = {} if text.isascii() else {letter: fold(letter) for letter in set(text)}  # a text repeats its letters
    letters = [alphabet[letter] for letter in text] if alphabet else [text.lower()]
    folded = _without_addresses("".join(letters))
    spans = (match.span() for match in _token(folded).finditer(folded))
    if text.isascii():
        return list(spans)
    origin = [at for at, letter in enumerate(letters) for _ in letter]
    return [(origin[start], origin[end - 1] + 1) for start, end in spans]


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


class Entry(NamedTuple):
    """An entry of a list: its folded words, and whether a negation before them cancels it (`panne ~`)."""

    words: tuple[_Word, ...]
    unless_denied: bool


class _Node:
    """How the entries that begin alike go on: with these words, with any word that begins so, or not at all."""

    __slots__ = ("is_end", "is_end_unless_denied", "lengths", "prefixes", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.prefixes: dict[str, _Node] = {}
        self.lengths: list[int] = []  # of the prefixes, the shortest first
        self.is_end = False
        self.is_end_unless_denied = False

    def add(self, words: Sequence[_Word], *, unless_denied: bool) -> None:
        if not words:
            self.is_end_unless_denied |= unless_denied
            self.is_end |= not unless_denied
            return
        first, *rest = words
        following = self.prefixes if first.is_prefix else self.words
        if first.text not in following:
            following[first.text] = _Node()
            if first.is_prefix and len(first.text) not in self.lengths:
                self.lengths = sorted([*self.lengths, len(first.text)])
        following[first.text].add(rest, unless_denied=unless_denied)

    def next(self, token: str) -> list[_Node]:
        """Where the entries go on after this token."""
        nodes = [self.words[token]] if token in self.words else []
        if self.lengths:
            begun = (self.prefixes.get(token[:length]) for length in self.lengths)
            nodes += [node for node in begun if node is not None]
        return nodes

    def end(self, tokens: Sequence[str], at: int, *, denied: bool) -> int | None:
        """Where (exclusive) an entry ends that goes on here and that its being denied does not cancel; None if none does."""
        if self.is_end or (self.is_end_unless_denied and not denied):
            return at
        if at == len(tokens):
            return None
        return _first_end(self.next(tokens[at]), tokens, at + 1, denied=denied)


def _first_end(nodes: Iterable[_Node], tokens: Sequence[str], at: int, *, denied: bool) -> int | None:
    for node in nodes:
        end = node.end(tokens, at, denied=denied)
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
        for words, unless_denied in _parsed(entries):
            self._root.add(words, unless_denied=unless_denied)
        self._idle: set[str] = set()  # tokens that begin no entry
        self._begun: dict[str, list[_Node]] = {}  # tokens that begin some, and where these go on

    @property
    def beginnings(self) -> tuple[Collection[str], Collection[str]]:
        """The words with which entries begin, and the beginnings of such words where they end with `*`."""
        return self._root.words.keys(), self._root.prefixes.keys()

    def find(self, said: Said) -> Found | None:
        """What is said first that stands in the list."""
        if len(self._idle) + len(self._begun) >= REMEMBERED:
            self._idle.clear()
            self._begun.clear()
        begins = False
        for token in said.vocabulary - self._idle:
            begins |= self._begins(token)
        return self._first(said) if begins else None

    def _first(self, said: Said) -> Found | None:
        for at, token in enumerate(said.tokens):
            nodes = self._begun.get(token)
            if nodes and (end := _first_end(nodes, said.tokens, at + 1, denied=False)):
                # Only now is it worth asking whether it is denied: then a longer entry, or none, may still stand.
                if said.denies(at):
                    end = _first_end(nodes, said.tokens, at + 1, denied=True)
                if end:
                    return Found(at, end)
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


def _parsed(entries: Iterable[str]) -> list[Entry]:
    good, wrong = [], []
    for written in entries:
        try:
            good.append(parse_entry(written))
        except BadEntryError as error:
            wrong.append(str(error))
    if wrong:
        raise BadEntryError("; ".join(wrong))
    return good


def parse_entry(written: str) -> Entry:
    """One entry of a list; `*` stands only at a word's end, ` ~` only at the end of all. Raises BadEntryError."""
    folded, marks = _UNLESS_DENIED.subn("", fold(written))
    words = tuple(_Word(found["word"], bool(found["open"])) for found in _ENTRY_TOKEN.finditer(folded))
    if not words:
        raise BadEntryError(f"{written!r} holds no word and no emoji to look for: remove it, or write a word")
    if folded.count("*") != sum(word.is_prefix for word in words):
        raise BadEntryError(f"{written!r}: `*` can stand only at the end of a word, like rembours*")
    if any(word.is_prefix and len(word.text) < _SHORTEST_PREFIX for word in words):
        raise BadEntryError(f"{written!r}: write at least {_SHORTEST_PREFIX} letters before `*`, or it fits nearly everything")
    if "~" in folded:
        raise BadEntryError(f"{written!r}: `~` stands after a space at the end of an entry, like `panne ~`")
    return Entry(words, bool(marks))
