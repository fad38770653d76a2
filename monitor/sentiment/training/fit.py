"""Learns a linear model from posts, asks it about posts that it has not seen, and packs it into small integers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from monitor.sentiment import grams
from monitor.sentiment.linear import Tables
from monitor.sentiment.signals import CUE_NAMES, NAMES
from monitor.sentiment.training.features import Matrix, Meanings, Pieces, Posts

Floats = NDArray[np.float32]

LARGEST = 127  # of a signed integer of eight bits
FEWEST_TRADES = 3  # of a language, to ask about one at a time
RAREST = 0.05  # the share that the rarer class has in a trade at least
FOLDS = 5  # where there are no trades


class Recipe(NamedTuple):
    """How much each kind of feature may say. Chosen by cross-validation; see the model card."""

    shared_bits: int = 18
    own_bits: int = 16
    pieces: float = 0.7
    signals: float = 0.1
    cues: float = 0.0  # of `signals`, those about what complaints speak of
    meanings: float = 0.03
    strength: float = 1.0


class Words(NamedTuple):
    """Vectors of words, and which words each language's table is to know beside those it was taught with."""

    rows: dict[str, int]
    vectors: Floats
    listed: Mapping[str, Sequence[str]]


class Part(NamedTuple):
    """One kind of feature and what was learnt of it: by all languages, and by each beside that."""

    shared: Floats  # (features, outputs)
    own: Floats  # (languages, features, outputs)


class Fitted:
    """A model as it was learnt. Of `classes` one (the middle one) is what the others are measured against."""

    def __init__(self, taught: Posts, words: Words, languages: Sequence[str], recipe: Recipe) -> None:
        self._recipe, self._languages = recipe, languages
        self._alone = len(languages) == 1
        count = len(languages)
        self._shared = Pieces.learnt(taught, bits=recipe.shared_bits, own=False, languages=count)
        self._own = Pieces.learnt(taught, bits=recipe.own_bits, own=True, languages=count)
        self._mean = taught.signals.mean(axis=0)
        weights = np.array([recipe.cues if name in CUE_NAMES else recipe.signals for name in NAMES], np.float32)
        self._even = weights / (taught.signals.std(axis=0) + 1e-6)
        self._meanings = Meanings.learnt(taught, words.rows, words.vectors)
        self._listed = [_listed(taught, place, words.listed.get(language, ())) for place, language in enumerate(languages)]
        matrix = self._matrix(taught)
        classes = np.unique(taught.labels)
        chosen = classes if len(classes) > 2 else classes[1:]  # noqa: PLR2004 of two classes one says it all
        models = [_learner(recipe).fit(matrix, taught.labels == each) for each in chosen]
        learnt = np.column_stack([model.coef_[0] for model in models]).astype(np.float32)
        bias = np.array([model.intercept_[0] for model in models], np.float32)
        self._learnt, self._bias = _against_the_middle(learnt), _against_the_middle(bias[None])[0]

    def answers(self, asked: Posts) -> Floats:
        """Raw answers, not calibrated."""
        return np.asarray(self._matrix(asked) @ self._learnt + self._bias, np.float32)

    def shared_answers(self, asked: Posts) -> Floats:
        """What it says of texts whose language is not known."""
        if self._alone:
            return self.answers(asked)
        kept = self._learnt.copy()
        for start, end, _ in self._extents():
            kept[start:end] = 0
        return np.asarray(self._matrix(asked) @ kept + self._bias, np.float32)

    def _matrix(self, asked: Posts) -> Matrix:
        recipe = self._recipe
        signals = ((asked.signals - self._mean) * self._even).astype(np.float32)
        meanings = self._meanings.matrix(asked) * recipe.meanings
        blocks = [self._shared.matrix(asked) * recipe.pieces, signals, meanings]
        if not self._alone:
            count = len(self._languages)
            blocks += [self._own.matrix(asked) * recipe.pieces]
            blocks += [_for_each_language(block, asked.places, count) for block in (signals, meanings)]
        return sparse.hstack([sparse.csr_matrix(block) for block in blocks], format="csr").astype(np.float64)

    def _extents(self) -> Iterator[tuple[int, int, int]]:
        """Where what each language learnt for itself stands: pieces, signals, meanings; and how many features there are."""
        features = (len(NAMES), self._meanings.vectors.shape[1])
        at = len(self._shared.weights) + sum(features)
        for size in (1 << self._recipe.own_bits, *features):
            yield at, at + size * len(self._languages), size
            at += size * len(self._languages)

    def _parts(self) -> tuple[Floats, Part, Part, Floats]:
        """Of the shared pieces, the signals, the meanings, and each language's own pieces."""
        rows, signals, width = len(self._shared.weights), len(NAMES), self._meanings.vectors.shape[1]
        outputs, count = self._learnt.shape[1], len(self._languages)
        pieces, shared_signals, shared_meanings = np.split(self._learnt[: rows + signals + width], [rows, rows + signals])
        if self._alone:
            own = [np.zeros((count, size, outputs), np.float32) for size in (1 << self._recipe.own_bits, signals, width)]
        else:
            own = [self._learnt[start:end].reshape(count, size, outputs) for start, end, size in self._extents()]
        return pieces, Part(shared_signals, own[1]), Part(shared_meanings, own[2]), own[0]

    def tables(self, calibration: Calibration) -> Tables:
        """Packed for use."""
        recipe, outputs = self._recipe, self._learnt.shape[1]
        pieces, signals, meanings, own = self._parts()
        shared, shared_scale = _packed(self._shared.table(pieces) * recipe.pieces)
        own_table = self._own.table(own.reshape(-1, outputs)) * recipe.pieces
        own_packed, own_scale = _packed(own_table)
        keys, starts, said = self._word_tables(meanings)
        words, words_scale = _packed(said * recipe.meanings)
        each = np.concatenate([signals.shared + signals.own, signals.shared[None]]) * self._even[:, None]
        bias = self._bias - self._mean @ each
        return Tables(
            shared=shared,
            own=own_packed.reshape(len(self._languages), -1, outputs),
            word_keys=keys,
            word_starts=starts,
            words=words,
            signals=(each * calibration.slope[:, None, None]).astype(np.float32),
            bias=(bias * calibration.slope[:, None] + calibration.shift).astype(np.float32),
            slope=calibration.slope.astype(np.float32),
            scales=np.array([shared_scale, own_scale, words_scale], np.float32),
        )

    def _word_tables(self, meanings: Part) -> tuple[NDArray[np.uint32], NDArray[np.int64], Floats]:
        keys: list[NDArray[np.uint32]] = []
        said: list[Floats] = []
        for listed, own in zip(self._listed, meanings.own, strict=True):
            known = sorted(
                {grams.key(word): row for word in listed if (row := self._meanings.rows.get(word)) is not None}.items()
            )
            keys.append(np.array([key for key, _ in known], np.uint32))
            said.append(self._meanings.table(meanings.shared + own)[[row for _, row in known]])
        return np.concatenate(keys), np.cumsum([0, *map(len, keys)]), np.concatenate(said)


class Calibration(NamedTuple):
    """What turns raw answers into logits that mean what they say, for each language and at last for none."""

    slope: Floats  # (languages + 1,)
    shift: Floats  # (languages + 1, outputs)


def calibrated(answers: Floats, unknown: Floats, asked: Posts, languages: int) -> Calibration:
    """Fit to answers about posts that their model had not seen; `unknown` are those without regard to the language."""
    fitted = [_calibration(answers[asked.places == place], asked.labels[asked.places == place]) for place in range(languages)]
    fitted.append(_calibration(unknown, asked.labels))
    return Calibration(np.array([each[0] for each in fitted], np.float32), np.array([each[1:] for each in fitted], np.float32))


def probabilities(logits: Floats) -> Floats:
    """Of each class: of two from one logit, of three from two against the middle one."""
    if logits.shape[1] == 1:
        positive = expit(logits)
        return np.column_stack([1 - positive, positive])
    full = np.column_stack([logits[:, 0], np.zeros(len(logits)), logits[:, 1]])
    raised = np.exp(full - full.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def _calibration(answers: Floats, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The slope and shifts of least log loss; shifts are kept small where there is little to go by."""

    def loss(guess: NDArray[np.float64]) -> float:
        said = probabilities(answers * guess[0] + guess[1:])[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(said, 1e-9)).mean() + 0.01 * (guess[1:] ** 2).sum())

    found: NDArray[np.float64] = minimize(loss, np.array([1.0, *np.zeros(answers.shape[1])]), method="Nelder-Mead").x
    return found


def _learner(recipe: Recipe) -> LogisticRegression:
    return LogisticRegression(C=recipe.strength, solver="liblinear", dual=True, max_iter=50, tol=0.01, random_state=0)


def _against_the_middle(learnt: Floats) -> Floats:
    """Three columns become two: only what sets the outer classes apart from the middle one is ever used."""
    return learnt if learnt.shape[1] == 1 else learnt[:, [0, 2]] - learnt[:, [1]]


def _for_each_language(block: Floats, places: NDArray[np.int64], languages: int) -> Matrix:
    """The same features again, in columns that belong to the post's language."""
    rows, width = block.shape
    columns = (places[:, None] * width + np.arange(width)).ravel()
    ends = np.arange(rows + 1) * width
    return sparse.csr_matrix((block.ravel(), columns, ends), shape=(rows, languages * width))


def _listed(taught: Posts, place: int, listed: Sequence[str]) -> list[str]:
    used = (grams.bare(word) for words, at in zip(taught.words, taught.places, strict=True) if at == place for word in words)
    return list(dict.fromkeys([*used, *listed]))


def _packed(table: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Each output's column in steps of 1/127 of its largest weight."""
    scale = np.maximum(np.abs(table).max(axis=0, initial=0), 1e-9) / LARGEST
    return np.rint(table / scale).astype(np.int8), scale.astype(np.float32)


def folds(asked: Posts, count: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Which posts to learn from and which to ask about, each language and class spread evenly."""
    order = np.random.default_rng(0).permutation(len(asked.labels))
    fold = np.zeros(len(order), np.int64)
    for place in np.unique(asked.places):
        for label in np.unique(asked.labels):
            rows = order[(asked.places[order] == place) & (asked.labels[order] == label)]
            fold[rows] = np.arange(len(rows)) % count
    for each in range(count):
        yield fold != each, fold == each


def brands(asked: Posts) -> list[str]:
    """Groups of posts of which some are in one class and some in another: what is about no company, or invented, is none."""
    return [str(group) for group in np.unique(asked.groups[asked.real]) if _mixed(asked.labels[asked.groups == group])]


def trades(asked: Posts) -> list[str]:
    """Those brands that may be left out in turn: without one of a few, too little of a language would be left to learn from."""
    place = {group: int(asked.places[asked.groups == group][0]) for group in brands(asked)}
    return [group for group in place if list(place.values()).count(place[group]) >= FEWEST_TRADES]


def _mixed(labels: NDArray[np.int64]) -> bool:
    found, counts = np.unique(labels, return_counts=True)
    return len(found) > 1 and bool(counts.min() >= len(labels) * RAREST)


def folds_by_group(asked: Posts) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """One trade at a time is asked about, all others are learnt from: what a model is worth in a trade it never saw.

    Posts of no trade are spread evenly over the others; where there are no trades, over `folds`.
    """
    known = trades(asked)
    if not known:
        yield from folds(asked, FOLDS)
        return
    spread = np.array(known)[np.random.default_rng(0).integers(0, len(known), len(asked.groups))]
    groups = np.where(np.isin(asked.groups, known), asked.groups, spread)
    for group in known:
        yield groups != group, groups == group


def asked_unseen(
    asked: Posts,
    words: Words,
    languages: Sequence[str],
    recipe: Recipe,
    parts: Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
) -> tuple[Floats, Floats]:
    """Raw answers about each post by a model that had not seen it: in its language, and without regard to it."""
    answers: Any = None
    unknown: Any = None
    for learn, ask in parts:
        fitted = Fitted(asked.at(learn), words, languages, recipe)
        said, plain = fitted.answers(asked.at(ask)), fitted.shared_answers(asked.at(ask))
        if answers is None:
            answers, unknown = (np.zeros((len(ask), said.shape[1]), np.float32) for _ in range(2))
        answers[ask], unknown[ask] = said, plain
    return answers, unknown
