"""Posts as the rows of matrices that a model learns from: the same pieces of text that it will look up when it scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from monitor.sentiment import grams
from monitor.sentiment.reading import Reading, read, spelt
from monitor.sentiment.signals import signals
from monitor.sentiment.training.corpora import INVENTED, Labelled

WHOLE = 2.0  # a word or a pair of words against a run of letters
COMMON = 1e-3  # the share of all words from which on a word counts for half (Arora et al., 2017)
RARE = 2  # posts in which a piece must stand to be learnt

Matrix = Any  # scipy.sparse has no types


class Posts(NamedTuple):
    """What was read: how each post is spelt, its language's place, its signals, its label and its group."""

    words: list[list[str]]
    places: NDArray[np.int64]
    signals: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]

    @property
    def real(self) -> NDArray[np.bool_]:
        """Those that somebody posted: what is invented is learnt from, and nothing is measured on it."""
        return ~np.strings.endswith(self.groups, INVENTED)

    def at(self, wanted: NDArray[Any]) -> Posts:
        """Only those posts."""
        rows = np.flatnonzero(wanted) if wanted.dtype == bool else wanted
        return Posts(
            [self.words[row] for row in rows], self.places[rows], self.signals[rows], self.labels[rows], self.groups[rows]
        )


def posts(labelled: Sequence[Labelled], languages: Sequence[str]) -> Posts:
    """Read all of them."""
    readings: list[tuple[Reading, str]] = [(read(each.text), each.language) for each in labelled]
    return Posts(
        [[spelt(token) for token in reading.tokens] for reading, _ in readings],
        np.array([languages.index(language) for _, language in readings]),
        np.array([signals(reading, language) for reading, language in readings], np.float32),
        np.array([each.label for each in labelled]),
        np.array([each.group for each in labelled]),
    )


class Pieces(NamedTuple):
    """Hashed pieces of text, each weighed by how rare it is; of one table, or of one for each language."""

    bits: int
    own: bool
    weights: NDArray[np.float32]  # of each row of the table; 0 for what is too rare to learn
    scale: float

    @classmethod
    def learnt(cls, read: Posts, *, bits: int, own: bool, languages: int) -> Pieces:
        counts = _counts(read, bits, own=own, languages=languages)
        seen = np.asarray((counts > 0).sum(axis=0)).ravel()
        total = len(read.words) / (languages if own else 1)
        weights = np.where(seen >= RARE, np.log((1 + total) / (1 + seen)) + 1, 0).astype(np.float32)
        weights[1::2] *= WHOLE
        norm = _evened(counts @ sparse.diags(weights), read)
        return cls(bits, own, weights, float(1 / np.sqrt(norm.multiply(norm).sum(axis=1).mean())))

    def matrix(self, read: Posts) -> Matrix:
        languages = len(self.weights) >> self.bits
        return _evened(
            _counts(read, self.bits, own=self.own, languages=languages) @ sparse.diags(self.weights * self.scale), read
        )

    def table(self, learnt: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each row of the table adds, from what was learnt about the matrix."""
        return learnt * (self.weights * self.scale)[:, None]


def _counts(read: Posts, bits: int, *, own: bool, languages: int) -> Matrix:
    rows: list[NDArray[np.int64]] = []
    for words, place in zip(read.words, read.places, strict=True):
        pieces = [grams.of_word(word) for word in words]
        found = np.array([*chain.from_iterable(pieces), *grams.of_neighbours([each[0] for each in pieces])], np.int64)
        rows.append(grams.row(found, bits) + (int(place) << bits) * own)
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    shape = (len(rows), (languages if own else 1) << bits)
    counted = sparse.csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape=shape)
    counted.sum_duplicates()
    return counted


def _evened(counts: Matrix, read: Posts) -> Matrix:
    roots = np.array([1 / np.sqrt(max(len(words), 1)) for words in read.words], np.float32)
    return (sparse.diags(roots) @ counts).tocsr().astype(np.float32)


class Meanings(NamedTuple):
    """Vectors of whole words from an encoder: `rows` maps a word to its vector, `weights` makes common words count for less."""

    rows: dict[str, int]
    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    scale: float

    @classmethod
    def learnt(cls, read: Posts, rows: dict[str, int], vectors: NDArray[np.float32]) -> Meanings:
        seen = Counter(grams.bare(word) for words in read.words for word in set(words))
        total = sum(seen.values())
        known = [rows[word] for word in seen if word in rows]
        weights = np.array([COMMON / (COMMON + seen.get(word, 0) / total) for word in rows], np.float32)
        made = cls(rows, vectors - vectors[known].mean(axis=0), weights, 1.0)
        return made._replace(scale=float(1 / (made.matrix(read).std() or 1)))

    def matrix(self, read: Posts) -> NDArray[np.float32]:
        return np.array([self._sum(words) for words in read.words], np.float32)

    def table(self, learnt: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each word adds."""
        return (self.vectors @ learnt) * (self.weights * self.scale)[:, None]

    def _sum(self, words: list[str]) -> NDArray[np.float32]:
        found = [row for word in words if (row := self.row(word)) is not None]
        if not found:
            return np.zeros(self.vectors.shape[1], np.float32)
        return np.asarray(self.weights[found] @ self.vectors[found] * (self.scale / np.sqrt(len(words))), np.float32)

    def row(self, word: str) -> int | None:
        """Of the word, or of its longest beginning that is known."""
        word = grams.bare(word)[: grams.LONGEST]
        ends = (len(word), *range(len(word) - 1, grams.LEAST_BEGINNING - 1, -1))
        return next((self.rows[word[:end]] for end in ends if word[:end] in self.rows), None)
