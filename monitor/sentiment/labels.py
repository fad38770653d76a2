"""The three words for a sentiment, for people and for evaluation; where nothing could be told there is none."""

from __future__ import annotations

from typing import Literal, get_args

Label = Literal["negative", "neutral", "positive"]
LABELS: tuple[Label, ...] = get_args(Label)

NEUTRAL = 0.05  # VADER's own: a score closer to zero than this is neutral


def label(sentiment: float | None) -> Label | None:
    """What a sentiment in [-1, 1] is called; None stays None."""
    if sentiment is None:
        return None
    if abs(sentiment) < NEUTRAL:
        return "neutral"
    return "positive" if sentiment > 0 else "negative"
