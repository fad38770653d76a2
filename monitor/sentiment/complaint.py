"""Whether a post complains: tells somebody that something did not go as it was expected to go, whatever its tone.

A complaint is not a bad feeling (of English complaints VADER calls a third positive), so it has a model of its own, over the same
reading of the text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from monitor.sentiment.arrays import load
from monitor.sentiment.linear import LinearModel, Tables
from monitor.sentiment.post import Post
from monitor.sentiment.reading import Reading, read
from monitor.sentiment.signals import signals
from monitor.sentiment.weighing import Weighed, by_a_model

KIND = "complaint"
SHIPPED = Path(__file__).parent / "models" / "complaint.npz"


class Complaints:
    """Gives texts the probability that they complain: of those with 0.8, four in five do.

    As with `Multilingual`, a text is to be given as it was posted.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Raises `ModelFileError` where the file (without one, that which came with the package) cannot be used."""
        about, arrays = load(file or SHIPPED, kind=KIND)
        self.languages: tuple[str, ...] = tuple(about["languages"])
        self.version = f"complaint {about['version']}"
        self.threshold = float(about["threshold"])
        self._model = LinearModel(Tables.checked(arrays, self.languages), self.languages)

    def probabilities(self, texts: Sequence[str], languages: Sequence[str]) -> list[float | None]:
        """Of each text in its language; None where that cannot be said at all."""
        return [self.probability(text, language) for text, language in zip(texts, languages, strict=True)]

    def probability(self, text: str, language: str) -> float | None:
        """The same for one text."""
        if language not in self.languages:
            return None
        reading = read(text)
        return self.of_reading(reading, signals(reading, language), language)

    def of_posts(self, posts: Sequence[Post]) -> list[float | None]:
        """The same, of posts that others score as well, to three places: faster together."""
        told: list[float | None] = [None] * len(posts)
        asked = [at for at, post in enumerate(posts) if self._can_tell(post.reading, post.language)]
        for at, (answer,) in zip(asked, self._model.answers_of_posts([posts[at] for at in asked]), strict=True):
            told[at] = round(_probability(answer), 3)
        return told

    def of_reading(self, reading: Reading, shown: Sequence[float], language: str) -> float | None:
        """The same, of a text that was read before, for another model as well."""
        answer = self._answer(reading, shown, language)
        return None if answer is None else _probability(answer)

    def weigh(self, post: Post) -> Sequence[Weighed]:
        """The few words that spoke most for a complaint (above 0) or against one, and what all else in the text came to."""
        answer = self._answer(post.reading, post.shown, post.language)
        if answer is None:
            return ()
        leanings = [said for (said,) in self._model.by_token(post.reading, post.language)]
        return by_a_model("the complaint model", post.reading.tokens, leanings, answer)

    def _answer(self, reading: Reading, shown: Sequence[float], language: str) -> float | None:
        """The log odds."""
        return self._model.answers(reading, shown, language)[0] if self._can_tell(reading, language) else None

    def _can_tell(self, reading: Reading, language: str) -> bool:
        return language in self.languages and reading.has_words


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(min(log_odds, 50.0), -50.0)))


def shipped() -> Complaints:
    """The model that came with the package, read once, as that of `multilingual`. Raises `ModelFileError`."""
    return _of(SHIPPED)


@lru_cache(maxsize=1)
def _of(file: Path) -> Complaints:
    return Complaints(file)
