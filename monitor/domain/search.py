"""What somebody types to find texts: words, "phrases" and -exclusions. Nothing else means anything, and nothing is an error."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MOST_TERMS = 16
_LONGEST_PHRASE = 16  # words
_LONGEST_WORD = 64  # characters
_LOOKED_AT = 2_000  # characters of what was typed
_SHORTEST_BEGINNING = 3  # letters: what is shorter would begin half of all words

_TERM = re.compile(r'(-?)(?:"([^"]*)"|«([^»]*)»|“([^”]*)”|([^\s"«“]+))')
_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile("[\u0300-\u036f]+")


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other, folded: no accents, lower case. `begins`: the last may go on (`pann` finds `panne`)."""

    words: tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """A text that is found holds each `wanted` term and no `unwanted` one."""

    wanted: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        """False: nothing that was typed is a word, and nothing can be found."""
        return bool(self.wanted or self.unwanted)


def fold(text: str) -> str:
    """Words as they are compared: lower case, no accents (`Été` is `ete`)."""
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text.lower())))


def search(typed: str) -> Search:
    """Understand what was typed: the first 16 terms of it. Words are looked for as beginnings, phrases as they are."""
    wanted: list[Term] = []
    unwanted: list[Term] = []
    for minus, *phrases, word in _TERM.findall(typed[:_LOOKED_AT]):
        term = _term("".join(phrases) or word, exact=not word)
        if term is not None and len(wanted) + len(unwanted) < MOST_TERMS:
            (unwanted if minus else wanted).append(term)
    return Search(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)))


def _term(said: str, *, exact: bool) -> Term | None:
    words = tuple(word[:_LONGEST_WORD] for word in _WORD.findall(fold(said))[:_LONGEST_PHRASE])
    if not words:
        return None
    return Term(words, begins=not exact and len(words[-1]) >= _SHORTEST_BEGINNING)
