"""What a text says and how it feels: language, sentiment, and the honesty to abstain."""

from __future__ import annotations

from monitor.sentiment.labels import label
from monitor.sentiment.scorer import Explanation, Scorer
from monitor.sentiment.settings import SentimentSettings
from monitor.sentiment.weighing import Weighed

__all__ = ["Explanation", "Scorer", "SentimentSettings", "Weighed", "label"]
