"""Engines that know what whole sentences mean: sentence encoders from packages, and a small head taught with labelled posts.

The head is a linear model over the encoders' vectors and the signals of the small models; what the small model of eight languages
makes of the text has a say beside it. Each language has weights of its own, and one set holds for a text of no known language.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.sentiment import multilingual
from monitor.sentiment.arrays import ModelFileError, load
from monitor.sentiment.encoders import ENCODERS, Encoder, Vectors, prepared
from monitor.sentiment.extras import require
from monitor.sentiment.feeling import Feeling
from monitor.sentiment.multilingual import Opinion
from monitor.sentiment.post import Post
from monitor.sentiment.signals import NAMES

# Which encoders each engine asks, in the order of its head's features.
ASKED: Mapping[str, Sequence[str]] = {"embeddings": ("universal",), "accurate": ("universal", "e5")}

_FOLDER = Path(__file__).parent / "models"
_LEAST = 1e-6


class Head(NamedTuple):
    """What a model file holds; the last place of each array is of no language, and outputs are negative and positive.

    `weights` (languages + 1, features, 2), the features being the encoders' vectors and then the signals; `bias`
    (languages + 1, 2); `beside` (languages + 1): how much the log odds of the small model count.
    """

    weights: NDArray[Any]
    bias: NDArray[Any]
    beside: NDArray[Any]

    @classmethod
    def checked(cls, arrays: Mapping[str, NDArray[Any]], languages: int, features: int) -> Head:
        """Raises `ModelFileError` where the arrays do not fit this version's features."""
        expected = {"weights": (languages + 1, features, 2), "bias": (languages + 1, 2), "beside": (languages + 1,)}
        found = {name: array.shape for name, array in arrays.items()}
        if found != expected:
            raise ModelFileError(f"the head's arrays are {found} and not {expected}: train it again")
        return cls(**{name: np.asarray(array, np.float32) for name, array in arrays.items()})

    def log_odds(self, features: Vectors, beside: Vectors, places: NDArray[np.int64]) -> Vectors:
        """Of negative and of positive against neutral, of each text."""
        said = [row @ self.weights[place] for row, place in zip(features, places, strict=True)]  # whatever stands beside it
        return np.asarray(said + self.bias[places] + beside * self.beside[places, None], np.float32)


def shipped(name: str) -> Path:
    """The file of an engine's head."""
    return _FOLDER / f"{name}.npz"


def kind(name: str) -> str:
    """What is written in that file, so that no head is taken for another."""
    return f"sentiment head: {name}"


class Embedded:
    """One of the engines of `ASKED`. It is to be given texts as they were posted, with their links and handles."""

    def __init__(self, name: str, file: Path | None = None) -> None:
        """Raises `ExtraMissingError` without the packages, and `ModelFileError` where a file cannot be used."""
        require(name)
        about, arrays = load(file or shipped(name), kind=kind(name))
        self._small = multilingual.shipped()
        self._encoders: Sequence[Encoder] = [ENCODERS[each]() for each in ASKED[name]]
        self.languages = tuple(about["languages"])
        self.version = f"{name} {about['version']}"
        width = sum(each.width for each in self._encoders) + len(NAMES)
        self._head = Head.checked(arrays, len(self.languages), width)

    def feelings(self, posts: Sequence[Post]) -> list[Feeling | None]:
        """As of the small model; what it is not sure of is left open."""
        return [each and each.feeling(post.language) for each, post in zip(self.of_posts(posts), posts, strict=True)]

    def opinions(self, texts: Sequence[str], languages: Sequence[str]) -> list[Opinion | None]:
        """What readers would call each text; None where there is no word, or in a language that was never learnt."""
        return self.of_posts([Post(text, text, language) for text, language in zip(texts, languages, strict=True)])

    def of_posts(self, posts: Sequence[Post]) -> list[Opinion | None]:
        """The same, of posts that others score as well."""
        small = [(at, opinion) for at, opinion in enumerate(self._small.of_posts(posts)) if opinion is not None]
        told = [(posts[at], at, opinion) for at, opinion in small if posts[at].language in {*self.languages, multilingual.UNTOLD}]
        opinions: list[Opinion | None] = [None] * len(posts)
        if told:
            beside = np.array([log_odds(opinion) for *_, opinion in told], np.float32)
            places = np.array([self._place(post.language) for post, *_ in told])
            features = self._features([post for post, *_ in told])
            for (_, at, _), odds in zip(told, self._head.log_odds(features, beside, places).tolist(), strict=True):
                opinions[at] = opinion_of(*odds)
        return opinions

    def _place(self, language: str) -> int:
        return self.languages.index(language) if language in self.languages else len(self.languages)

    def _features(self, posts: Sequence[Post]) -> Vectors:
        asked, shown = [prepared(post.reading) for post in posts], [post.shown for post in posts]
        return np.hstack([*(each.encode(asked) for each in self._encoders), np.array(shown, np.float32)])


def log_odds(opinion: Opinion) -> tuple[float, float]:
    """Of negative and of positive against neutral."""
    neutral = max(opinion.neutral, _LEAST)
    return math.log(max(opinion.negative, _LEAST) / neutral), math.log(max(opinion.positive, _LEAST) / neutral)


def opinion_of(negative: float, positive: float) -> Opinion:
    """The opinion with these log odds against neutral."""
    largest = max(negative, positive, 0.0)
    raised = math.exp(negative - largest), math.exp(-largest), math.exp(positive - largest)
    whole = sum(raised)
    return Opinion(*(each / whole for each in raised))
