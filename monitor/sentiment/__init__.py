"""What a text says and how it feels: language, sentiment, and the honesty to abstain."""

from __future__ import annotations

from monitor.sentiment.scorer import Scorer
from monitor.sentiment.settings import SentimentSettings

__all__ = ["Scorer", "SentimentSettings"]
