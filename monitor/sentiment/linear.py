"""A linear model over words, their letters, neighbours and signals: tables of small integers, looked up and added.

A text's answer is the sum of what its tokens and pairs of neighbours say, divided by the root of their number, plus what its
signals say. Each language has weights of its own beside those that all share (Daumé, 2007), so that a language can disagree
with the others about a word and yet learn from them. What a token says is remembered: it is the same wherever it stands.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from operator import add, mul
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment import grams
from monitor.sentiment.arrays import ModelFileError
from monitor.sentiment.linear_side_by_side import Sums
from monitor.sentiment.post import Post
from monitor.sentiment.reading import Reading
from monitor.sentiment.signals import NAMES, REMEMBERED, token

Floats = NDArray[np.float32]

_MANY = 3  # posts, from which on it pays to look at them side by side

_Said = tuple[Any, ...]  # a token's key, and then what it adds to each output


class Tables(NamedTuple):
    """What a model file holds. `outputs` is the number of answers; the last place of `signals` and `bias` is of no language.

    `shared` (rows, outputs) and `own` (languages, rows, outputs) are for hashed pieces of text; `words` (all words, outputs)
    with `word_keys`, sorted within each language from `word_starts`, are for whole words, known from an encoder.
    """

    shared: NDArray[np.int8]
    own: NDArray[np.int8]
    word_keys: NDArray[np.uint32]
    word_starts: NDArray[np.int64]
    words: NDArray[np.int8]
    signals: Floats
    bias: Floats
    slope: Floats  # what makes the answers of each language, and of none, as sure as they ought to be
    scales: Floats  # of shared, own and words, for each output

    @classmethod
    def checked(cls, arrays: Mapping[str, NDArray[Any]], languages: Sequence[str]) -> Tables:
        """Raises `ModelFileError` where the arrays do not fit each other or this version's features."""
        try:
            tables = cls(**{name: np.ascontiguousarray(array) for name, array in arrays.items()})
        except TypeError:
            raise ModelFileError(f"the model holds {', '.join(sorted(arrays))} and not {', '.join(cls._fields)}") from None
        outputs = tables.bias.shape[-1]
        expected = {
            "own": (len(languages), tables.own.shape[1], outputs),
            "shared": (tables.shared.shape[0], outputs),
            "word_starts": (len(languages) + 1,),
            "words": (len(tables.word_keys), outputs),
            "signals": (len(languages) + 1, len(NAMES), outputs),
            "bias": (len(languages) + 1, outputs),
            "slope": (len(languages) + 1,),
            "scales": (3, outputs),
        }
        for name, shape in expected.items():
            if getattr(tables, name).shape != shape:
                raise ModelFileError(f"the model's {name} are {getattr(tables, name).shape} and not {shape}: train it again")
        return tables


class LinearModel:
    """Gives a text's raw answers in one language; of a language that is not among its own, what all of them share.

    The few numbers of a text are looked up and added faster one by one than by numpy, so each column is kept as an array; those
    of many texts are added side by side, to the same sums.
    """

    def __init__(self, tables: Tables, languages: Sequence[str]) -> None:
        self._tables = tables
        self._word_keys = tables.word_keys.data
        self._place = {language: at for at, language in enumerate(languages)}
        self._shared = _Hashed(tables.shared, tables.scales[0])
        self._own = [_Hashed(own, tables.scales[1]) for own in tables.own]
        self._signals = [signals.T.astype(float).tolist() for signals in tables.signals]
        self._bias: list[list[float]] = tables.bias.astype(float).tolist()
        self._slope: list[float] = tables.slope.astype(float).tolist()
        self._word_scales: list[float] = tables.scales[2].astype(float).tolist()
        self._remembered = _Remembered(len(languages) + 1, outputs=tables.bias.shape[-1])

    @cached_property
    def _sums(self) -> Sums:
        return Sums(self._tables)

    def answers(self, reading: Reading, signals: Sequence[float], language: str) -> list[float]:
        """One raw answer for each output."""
        place = self._place_of(language)
        shown = [
            bias + sum(map(mul, signals, column)) for bias, column in zip(self._bias[place], self._signals[place], strict=True)
        ]
        if not reading.tokens:
            return shown
        keys, *said = zip(*self._known(reading.tokens, language, place), strict=True)
        pairs = self._looked_up(grams.of_neighbours(keys), place)
        weight = self._slope[place] / math.sqrt(len(keys))
        return [one + (sum(column) + pair) * weight for one, column, pair in zip(shown, said, pairs, strict=True)]

    def answers_of_posts(self, posts: Sequence[Post]) -> list[list[float]]:
        """The same for many posts: faster, and the same but for the last digits of a float."""
        if len(posts) < _MANY:
            return [self.answers(post.reading, post.shown, post.language) for post in posts]
        self._remembered.make_room()
        places = [self._place_of(post.language) for post in posts]
        rows = [self._rows(post.reading.tokens, post.language, place) for post, place in zip(posts, places, strict=True)]
        shown = [post.shown for post in posts]
        return self._sums.answers(rows, self._remembered.table(), shown, places)

    def by_token(self, reading: Reading, language: str) -> list[tuple[float, ...]]:
        """What each token adds to the answers by itself: without its neighbours and the signals."""
        place = self._place_of(language)
        weight = self._slope[place] / math.sqrt(len(reading.tokens) or 1)
        return [tuple(each * weight for each in said) for _, *said in self._known(reading.tokens, language, place)]

    def _place_of(self, language: str) -> int:
        return self._place.get(language, len(self._place))

    def _known(self, tokens: Sequence[str], language: str, place: int) -> list[_Said]:
        """What each token says by itself."""
        self._remembered.make_room()
        return list(map(self._remembered.said.__getitem__, self._rows(tokens, language, place)))

    def _rows(self, tokens: Sequence[str], language: str, place: int) -> list[int]:
        """Where it is remembered what each token says; those not met before are worked out."""
        rows = self._remembered.rows[place]
        try:
            return [rows[written] for written in tokens]
        except KeyError:
            for written in {written for written in tokens if written not in rows}:
                self._remembered.add(written, place, self._worked_out(token(written, language).spelt, place))
            return [rows[written] for written in tokens]

    def _worked_out(self, word: str, place: int) -> _Said:
        """What a word says by its letters and, if it is known as a whole, by its meaning."""
        pieces = grams.of_word(word)
        said, at = self._looked_up(pieces, place), self.known_word(word, place)
        if at >= 0:
            meant = zip(said, self._tables.words[at].tolist(), self._word_scales, strict=True)
            said = [letters + meaning * scale for letters, meaning, scale in meant]
        return (pieces[0], *said)

    def _looked_up(self, pieces: Sequence[int], place: int) -> list[float]:
        """What pieces of a text say together, for all languages and for this one."""
        shared = self._shared.total(pieces)
        if place == len(self._own):
            return shared
        return list(map(add, shared, self._own[place].total(pieces)))

    def known_word(self, word: str, place: int) -> int:
        """The row of a word in the table of its language, or of its longest beginning that is there; -1 without one."""
        if place == len(self._own):
            return -1
        first, end = map(int, self._tables.word_starts[place : place + 2])
        for key in grams.beginnings(word):
            at = bisect_left(self._word_keys, key, first, end)
            if at < end and self._word_keys[at] == key:
                return at
        return -1


class _Remembered:
    """What tokens say, by the number of a row. The first row is the edge of a text, which says nothing."""

    def __init__(self, places: int, *, outputs: int) -> None:
        self.rows: list[dict[str, int]] = [{} for _ in range(places)]  # of each token as it is written, by place of a language
        self._edge: _Said = (grams.EDGE, *[0.0] * outputs)
        self.said: list[_Said] = [self._edge]
        self._table: NDArray[np.float64] = np.array(self.said)

    def add(self, written: str, place: int, said: _Said) -> None:
        """A token that was not met before."""
        self.rows[place][written] = len(self.said)
        self.said.append(said)

    def make_room(self) -> None:
        """Forget everything when it has become too much: the rows named before are void."""
        if len(self.said) > REMEMBERED:
            for rows in self.rows:
                rows.clear()
            self.said = [self._edge]
            self._table = np.array(self.said)

    def table(self) -> NDArray[np.float64]:
        """All rows (rows, 1 + outputs): keys, and what is said."""
        if len(self._table) < len(self.said):
            self._table = np.concatenate([self._table, np.array(self.said[len(self._table) :])])
        return self._table


class _Hashed:
    """A table whose rows are known by the last bits of a piece's number."""

    def __init__(self, table: NDArray[np.int8], scales: Floats) -> None:
        self._mask = len(table) - 1
        self._columns = [(array("b", column.tobytes()), float(scale)) for column, scale in zip(table.T, scales, strict=True)]

    def total(self, pieces: Sequence[int]) -> list[float]:
        """The sum of the pieces' rows."""
        mask = self._mask
        rows = [piece & mask for piece in pieces]
        return [sum(map(column.__getitem__, rows)) * scale for column, scale in self._columns]
