"""English sentiment by VADER, and how far to believe it.

The scale is VADER's own compound score (Hutto and Gilbert, 2014). Measured on 1,839 English tweets: a text without a word of
its lexicon scores an exact zero, which 43 % of readers' labels contradict, so a zero without evidence is "cannot tell".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from string import punctuation
from types import SimpleNamespace

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from monitor.sentiment.fast_vader import FastVader, Polarity
from monitor.sentiment.feeling import Feeling
from monitor.sentiment.lexicon import KNOWN_TO, Lexicon
from monitor.sentiment.post import Post
from monitor.sentiment.weighing import Weighed

VERSION = f"vader {version('vaderSentiment')}"

# Least squares over the same tweets: how often a reader's label had the sign of a compound score of this size.
_AGREE_AT_ZERO = 0.28
_AGREE_PER_POINT = 0.60
_PRIVATE = "\ue000"


def agreement(sentiment: float) -> float:
    """How often readers agreed with the sign of a score of this size."""
    return round(_AGREE_AT_ZERO + _AGREE_PER_POINT * abs(sentiment), 3)


class Vader:
    """The engine for English. It learns a brand's own words as if they stood in its list."""

    version = VERSION

    def __init__(self) -> None:
        self._analyser: FastVader | OwnWords = _analyser()

    def learn(self, lexicon: Lexicon) -> None:
        self._analyser = OwnWords(lexicon)

    def feelings(self, posts: Sequence[Post]) -> Sequence[Feeling | None]:
        """The compound scores of English texts; None for the others, and when it knew no word."""
        return [self._feeling(post.cleaned) if post.language == "en" else None for post in posts]

    def weigh(self, post: Post) -> Sequence[Weighed]:
        return self._analyser.weigh(post.cleaned) if post.language == "en" else ()

    def polarity(self, text: str) -> Polarity:
        """VADER's four numbers, of whatever text in whatever language."""
        return self._analyser.polarity_scores(text)

    def _feeling(self, text: str) -> Feeling | None:
        scores = self.polarity(text)
        compound = scores["compound"]
        if compound == 0 and not scores["pos"] and not scores["neg"]:
            return None
        return Feeling(compound, agreement(compound))


class OwnWords:
    """VADER with a brand's words: in its text each is one word, of a letter for private use, that its list knows."""

    def __init__(self, lexicon: Lexicon) -> None:
        lists = SentimentIntensityAnalyzer()
        self._lexicon = lexicon
        self._names = {valence: f"{_PRIVATE}w{number}" for number, valence in enumerate(sorted(lexicon.valences("en")))}
        own = {name: valence for valence, name in self._names.items()}
        self._vader = FastVader(SimpleNamespace(lexicon={**lists.lexicon, **own}, emojis=lists.emojis))

    def polarity_scores(self, text: str) -> Polarity:
        return self._vader.polarity_scores(self._named(text)[0])

    def weigh(self, text: str) -> list[Weighed]:
        named, words = self._named(text)
        said = iter(words)
        return [
            each._replace(words=next(said), known_to=KNOWN_TO) if each.words.startswith(_PRIVATE) else each
            for each in self._vader.weigh(named)
        ]

    def _named(self, text: str) -> tuple[str, list[str]]:
        """The text with names for the brand's words, and what these are in the author's spelling."""
        text = text.replace(_PRIVATE, " ")
        parts, words, at = [], [], 0
        for hit in self._lexicon.hits(text, "en"):
            if hit.place is not None:
                start, end = hit.place
                name = self._names[hit.valence]
                parts += [text[at:start], _apart(reversed(text[at:start])), name.upper() if hit.words.isupper() else name]
                parts.append(_apart(iter(text[end:])))
                words.append(hit.words)
                at = end
        return "".join([*parts, text[at:]]), words


def _apart(beside: Iterator[str]) -> str:
    """A space where letters stand beside a word; punctuation is taken off by VADER itself."""
    nearest = next((letter for letter in beside if letter not in punctuation), " ")
    return "" if nearest.isspace() else " "


@lru_cache(maxsize=1)
def _analyser() -> FastVader:
    return FastVader()
