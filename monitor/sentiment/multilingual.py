"""Sentiment of short posts in eight languages, by one small model: how likely a reader would call a post bad, neutral or good."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from monitor.sentiment.arrays import load
from monitor.sentiment.feeling import Feeling
from monitor.sentiment.labels import LABELS, NEUTRAL, Label
from monitor.sentiment.linear import LinearModel, Tables
from monitor.sentiment.post import Post
from monitor.sentiment.reading import Reading, read
from monitor.sentiment.signals import signals

KIND = "sentiment"
SHIPPED = Path(__file__).parent / "models" / "sentiment.npz"
ENOUGH = 0.45  # below this confidence the model is right about every other time: "cannot tell"
UNTOLD = "und"  # a language that could not be told
ENOUGH_UNTOLD = 0.55  # by what all languages share alone: from here on it is right of three in five, and below of fewer


class Opinion(NamedTuple):
    """Probabilities that readers call the text negative, neutral or positive; they add up to 1."""

    negative: float
    neutral: float
    positive: float

    @property
    def sentiment(self) -> float:
        """In [-1, 1], and called by everybody what `label` is called: a text that is likeliest neutral lies close to zero."""
        difference = self.positive - self.negative
        if self.label == "neutral":
            return difference * NEUTRAL
        return math.copysign(max(abs(difference), NEUTRAL), 1 if self.label == "positive" else -1)

    @property
    def confidence(self) -> float:
        """How often a reader would agree with `label`."""
        return max(self)

    @property
    def label(self) -> Label:
        """The likeliest of `LABELS`."""
        return LABELS[self.index(max(self))]

    def feeling(self, language: str) -> Feeling | None:
        """The same for whoever acts on it; None where it is not sure of a text in this language."""
        return Feeling(round(self.sentiment, 4), round(self.confidence, 3)) if self.sure_of(language) else None

    def sure_of(self, language: str) -> bool:
        """Whether the label is worth acting on, of a text in this language; otherwise say "cannot tell"."""
        return self.confidence >= (ENOUGH_UNTOLD if language == UNTOLD else ENOUGH)


class Multilingual:
    """Gives texts their opinions. Pure: the same text always gets the same one.

    It is to be given the text as it was posted, with its links and handles, and its language as an ISO 639-1 code. Of `und`
    it says what holds in all its languages; of a language that it never learnt, and where there is no word, nothing.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Raises `ModelFileError` where the file (without one, that which came with the package) cannot be used."""
        about, arrays = load(file or SHIPPED, kind=KIND)
        self.languages: tuple[str, ...] = tuple(about["languages"])
        self.version = f"multilingual {about['version']}"
        self._model = LinearModel(Tables.checked(arrays, self.languages), self.languages)

    def feelings(self, texts: Sequence[str], languages: Sequence[str]) -> list[Opinion | None]:
        """What each text, in its language, feels like; None where that cannot be said at all."""
        return [self.feeling(text, language) for text, language in zip(texts, languages, strict=True)]

    def feeling(self, text: str, language: str) -> Opinion | None:
        """The same for one text."""
        if not self.speaks(language):
            return None
        reading = read(text)
        return self.of_reading(reading, signals(reading, language), language)

    def leanings(self, reading: Reading, language: str) -> list[float]:
        """How much each token of a reading speaks for good (above 0) or for bad."""
        return [positive - negative for negative, positive in self._model.by_token(reading, language)]

    def speaks(self, language: str) -> bool:
        """Whether it has anything to say of texts in this language."""
        return language in self.languages or language == UNTOLD

    def of_reading(self, reading: Reading, shown: Sequence[float], language: str) -> Opinion | None:
        """The same, of a text that was read before, for another model as well."""
        return _opinion(*self._model.answers(reading, shown, language)) if reading.has_words else None

    def of_posts(self, posts: Sequence[Post]) -> list[Opinion | None]:
        """The same, of many posts that others score as well: faster together."""
        told: list[Opinion | None] = [None] * len(posts)
        asked = [at for at, post in enumerate(posts) if self.speaks(post.language) and post.reading.has_words]
        for at, answer in zip(asked, self._model.answers_of_posts([posts[at] for at in asked]), strict=True):
            told[at] = _opinion(*answer)
        return told


def _opinion(negative: float, positive: float) -> Opinion:
    """Of answers in logits, against neutral."""
    negative, positive = (math.exp(max(min(each, 50.0), -50.0)) for each in (negative, positive))
    whole = negative + 1.0 + positive
    return Opinion(negative / whole, 1.0 / whole, positive / whole)


def shipped() -> Multilingual:
    """The model that came with the package, read once: it remembers words, and nothing else. Raises `ModelFileError`."""
    return _of(SHIPPED)


@lru_cache(maxsize=1)
def _of(file: Path) -> Multilingual:
    return Multilingual(file)
