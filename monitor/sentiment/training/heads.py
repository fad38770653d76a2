"""Teaches the heads of the engines that know whole sentences, and measures them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax

from monitor.sentiment import embedded
from monitor.sentiment.arrays import load, save
from monitor.sentiment.embedded import ASKED, Head, log_odds, opinion_of
from monitor.sentiment.encoders import ENCODERS, Vectors, prepared
from monitor.sentiment.multilingual import Multilingual
from monitor.sentiment.reading import read
from monitor.sentiment.signals import signals
from monitor.sentiment.training.card import error, felt, table
from monitor.sentiment.training.corpora import Labelled
from monitor.sentiment.valence import LANGUAGES

FOLDS = 5
CLASSES = 3
_AT_ONCE = 200  # texts encoded between two notes in the cache

Places = NDArray[np.int64]


class Recipe(NamedTuple):
    """How freely a head learns."""

    shared: float = 0.01  # ridge on what all languages share, for each post learnt from
    own: float = 0.02  # likewise on what sets a language apart
    signals: float = 0.3  # how much they may say, against the vectors


RECIPES = {"embeddings": Recipe(), "accurate": Recipe(shared=0.02, own=0.05)}


class Posts(NamedTuple):
    """`vectors` and `shown` (the signals) are the features of each post; `beside`, the log odds of the small model."""

    vectors: Vectors
    shown: Vectors
    beside: Vectors
    places: Places
    labels: NDArray[np.int64]


class Fitted(NamedTuple):
    """What was learnt about features as they are: (languages + 1, features, classes) and (languages + 1, classes)."""

    weights: Vectors
    bias: Vectors

    def answers(self, features: Vectors, places: Places) -> Vectors:
        said = np.zeros((len(features), CLASSES), np.float32)
        for place in np.unique(places):
            rows = places == place
            said[rows] = features[rows] @ self.weights[place] + self.bias[place]
        return said


def train(
    name: str, taught: Sequence[Labelled], chosen: Sequence[Labelled], to: Path, *, version: str, cache: Path | None = None
) -> str:
    """Write the head of an engine to a file; its figures on the posts to choose by, as lines of Markdown."""
    learnt, held = (_posts(name, each, cache) for each in (taught, chosen))
    features = np.hstack([learnt.vectors, learnt.shown])
    fitted = fit(features, learnt, RECIPES[name], widths_of(name))
    head = beside_the_small_model(fitted, held)
    about = {"kind": embedded.kind(name), "version": version, "languages": LANGUAGES}
    save(to, about, {**head._asdict(), "weights": head.weights.astype(np.float16)})
    return told(name, to, held)


def told(name: str, file: Path, held: Posts) -> str:
    """What the head in a file is worth on posts, as lines of Markdown."""
    _, arrays = load(file, kind=embedded.kind(name))
    features = np.hstack([held.vectors, held.shown])
    odds = Head.checked(arrays, len(LANGUAGES), features.shape[1]).log_odds(features, held.beside, held.places)
    said = np.array([opinion_of(*each) for each in odds.tolist()], np.float32)
    rows, figures = [], []
    for place, language in enumerate(LANGUAGES):
        mine = held.places == place
        found = felt(said[mine], held.labels[mine].tolist())
        figures.append(found.macro_f1)
        rows.append((language, f"{found.macro_f1:.1%}", error(found)))
    return table(("language", "val", "calibration error"), [*rows, ("mean", f"{np.mean(figures):.1%}", "")])


def _posts(name: str, labelled: Sequence[Labelled], cache: Path | None) -> Posts:
    readings = [read(each.text) for each in labelled]
    shown = [signals(reading, each.language) for reading, each in zip(readings, labelled, strict=True)]
    small = Multilingual()
    opinions = [small.of_reading(*each) for each in zip(readings, shown, (each.language for each in labelled), strict=True)]
    texts = [prepared(reading) for reading in readings]
    return Posts(
        np.hstack([_encoded(encoder, texts, cache) for encoder in ASKED[name]]),
        np.array(shown, np.float32),
        np.array([log_odds(opinion) if opinion else (0.0, 0.0) for opinion in opinions], np.float32),
        np.array([LANGUAGES.index(each.language) for each in labelled]),
        np.array([each.label for each in labelled]),
    )


def _encoded(encoder: str, texts: Sequence[str], cache: Path | None) -> Vectors:
    """The vectors of all texts; with a cache, what an interrupted run has done is not done again."""
    encode, found = None, []
    for first in range(0, len(texts), _AT_ONCE):
        some = texts[first : first + _AT_ONCE]
        named = sha256(chr(0).join(some).encode("utf-8", "replace")).hexdigest()[:16]
        file = cache / f"{encoder}-{named}.npy" if cache else None
        if file and file.exists():
            found.append(np.load(file, allow_pickle=False))
            continue
        encode = encode or ENCODERS[encoder]().encode
        found.append(encode(some))
        if file:
            np.save(file, found[-1])
    return np.vstack(found).astype(np.float32)


def widths_of(name: str) -> list[int]:
    """How many numbers each encoder of an engine gives."""
    return [ENCODERS[encoder].width for encoder in ASKED[name]]


def fit(features: Vectors, posts: Posts, recipe: Recipe, widths: Sequence[int]) -> Fitted:
    """Multinomial regression; each language learns what sets it apart from the others beside what all share (Daumé, 2007)."""
    count, ridge = len(LANGUAGES), len(features)
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    first = 0
    for width in widths:  # an encoder's numbers are of one kind
        block = slice(first, first := first + width)
        spread[block] = np.sqrt((spread[block] ** 2).mean())
    spread[first:] /= recipe.signals
    even = np.column_stack([(features - mean) / spread, np.ones(len(features), np.float32)]).astype(np.float64)
    rows = [np.flatnonzero(posts.places == place) for place in range(count)]
    truth = np.eye(CLASSES)[posts.labels]
    shape = (count + 1, even.shape[1], CLASSES)  # each language, and at last what they share

    def loss(guess: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = guess.reshape(shape)
        slope, total = np.zeros(shape), 0.0
        for place, mine in enumerate(rows):
            logits = even[mine] @ (weights[place] + weights[-1])
            total -= float((log_softmax(logits, axis=1) * truth[mine]).sum())
            slope[place] = even[mine].T @ (softmax(logits, axis=1) - truth[mine])
        slope[-1] = slope[:-1].sum(axis=0)
        strength = np.full(shape, recipe.own * ridge)
        strength[-1] = recipe.shared * ridge
        strength[:, -1] *= 0.01  # of the constants
        return total + float((strength * weights**2).sum()) / 2, (slope + strength * weights).ravel()

    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x.reshape(shape)
    summed = np.concatenate([found[:-1] + found[-1], found[-1:]])
    weights = summed[:, :-1] / spread[:, None]
    return Fitted(weights.astype(np.float32), (summed[:, -1] - mean @ weights).astype(np.float32))


def beside_the_small_model(fitted: Fitted, held: Posts) -> Head:
    """The head, with how much it and the small model count: two numbers, those of least log loss on posts neither has seen.

    A third, for each language, makes its answers as sure as they ought to be, and changes none.
    """
    answers = fitted.answers(np.hstack([held.vectors, held.shown]), held.places)
    own = answers[:, [0, 2]] - answers[:, [1]]

    slope, beside = minimize(
        lambda guess: _log_loss(own * guess[0] + held.beside * guess[1], held.labels), np.array([0.5, 0.5]), method="Nelder-Mead"
    ).x
    odds = own * slope + held.beside * beside
    sure = np.ones(len(fitted.bias))
    for place in range(len(LANGUAGES)):
        mine = held.places == place
        sure[place] = _how_sure(odds[mine], held.labels[mine])
    outer = (fitted.weights[..., [0, 2]] - fitted.weights[..., [1]]) * (slope * sure)[:, None, None]
    bias = (fitted.bias[..., [0, 2]] - fitted.bias[..., [1]]) * (slope * sure)[:, None]
    return Head(outer.astype(np.float32), bias.astype(np.float32), (beside * sure).astype(np.float32))


def _how_sure(odds: Vectors, labels: NDArray[np.int64]) -> float:
    """The factor of least log loss, kept near one where there is little to go by."""
    found = minimize_scalar(
        lambda power: _log_loss(odds * np.exp(power), labels) + 0.01 * power**2, bounds=(-2, 1), method="bounded"
    )
    return float(np.exp(found.x))


def _log_loss(odds: Vectors, labels: NDArray[np.int64]) -> float:
    full = np.column_stack([odds[:, 0], np.zeros(len(odds)), odds[:, 1]])
    return float(-log_softmax(full, axis=1)[np.arange(len(odds)), labels].mean())
