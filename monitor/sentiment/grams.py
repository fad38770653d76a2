"""Turns words into numbers of rows in a table: a word, its letters by threes and fours, and each pair of neighbours, hashed.

Training and scoring both use this module, so that a model always finds the rows it was given.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from monitor.sentiment.reading import is_word

LONGEST = 40  # letters of a word that are looked at: beyond it, it is no word
READ_ONCE = 1 << 10  # words: each model asks about those of the same text in turn
LEAST_BEGINNING = 4  # letters by which a word that is not known may be taken for one that is

EDGE = zlib.crc32(b"edge")  # stands before the first token and after the last

_SPREAD = 0x9E3779B1  # Knuth's multiplier: neighbours' numbers must not cancel out
_LETTERS = 0xFFFFFFFE
_WHOLE = 1  # marks what is made of whole words: they have the odd rows of every table, runs of letters the even ones


def key(text: str) -> int:
    """A number of 32 bits, the same on every machine and in every version."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=READ_ONCE)
def of_word(word: str) -> tuple[int, ...]:
    """The word itself, and the runs of its letters if it is one."""
    found = [key(word) | _WHOLE]
    if is_word(word):
        letters = _letters(f"<{word.strip('#')[:LONGEST]}>")
        crc32 = zlib.crc32
        for at in range(len(letters) - 2):
            three = crc32(letters[at] + letters[at + 1] + letters[at + 2])
            found.append(three & _LETTERS)
            if at + 3 < len(letters):
                found.append(crc32(letters[at + 3], three) & _LETTERS)  # a checksum goes on from that of the shorter run
    return tuple(found)


def of_neighbours(keys: Sequence[int]) -> list[int]:
    """Each pair of neighbours, by the keys of their words; the edges of the text count as words."""
    return [of_pair(first, second) for first, second in zip([EDGE, *keys], [*keys, EDGE], strict=True)]


def of_pair(first: Any, second: Any) -> Any:
    """The key of two words, or of arrays (64 bits) of them, that stand together."""
    return (first * _SPREAD ^ second) & 0xFFFFFFFF | _WHOLE


def row(piece: Any, bits: int) -> Any:
    """Where a piece (or an array of them) stands in a table of 2**bits rows."""
    return piece & ((1 << bits) - 1)


def bare(word: str) -> str:
    """As it stands in a table of words."""
    return word.strip("#") or word


@lru_cache(maxsize=READ_ONCE)
def beginnings(word: str) -> tuple[int, ...]:
    """Keys of the whole word and then of its ever shorter beginnings: the first that a table knows stands for it."""
    word = bare(word)[:LONGEST]
    keys = [key(word[:LEAST_BEGINNING])]
    for letter in _letters(word[LEAST_BEGINNING:]):
        keys.append(zlib.crc32(letter, keys[-1]))
    return tuple(keys[::-1])


def _letters(word: str) -> list[bytes]:
    if word.isascii():
        return [_ASCII[code] for code in word.encode()]
    return [letter.encode("utf-8", "surrogatepass") for letter in word]


_ASCII = [bytes([code]) for code in range(128)]
