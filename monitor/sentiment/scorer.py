"""Scores one text: cleaned, its language named, its feeling measured where that can be done honestly."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.domain.mention import Scores
from monitor.sentiment import clean, vader
from monitor.sentiment.language import Detector
from monitor.sentiment.settings import SentimentSettings


class Scorer:
    """Gives a text its scores. Pure and without state of its own: the same text always gets the same scores.

    `version` names what gave the sentiment and is stored with every score, abstentions included, so that a better scorer
    knows what to look at again.
    """

    version = vader.VERSION

    def __init__(self, settings: SentimentSettings | None = None) -> None:
        self._settings = settings or SentimentSettings()
        self._detector = Detector(self._settings.languages)

    def score(self, text: str, claimed_language: str | None) -> Scores:
        """Never raises, whatever the text. Sentiment is None outside English and where VADER knew no word."""
        return self.score_all([(text, claimed_language)])[0]

    def score_all(self, said: Sequence[tuple[str, str | None]]) -> list[Scores]:
        """The same for many texts, each with the language that the network claims: languages are named faster together."""
        cleaned = [clean.for_scoring(text[: self._settings.max_chars]) for text, _ in said]
        asked = [(clean.for_language(text), claim) for text, (_, claim) in zip(cleaned, said, strict=True)]
        return [self._felt(text, language) for text, language in zip(cleaned, self._detector.languages(asked), strict=True)]

    def _felt(self, cleaned: str, language: str) -> Scores:
        felt = vader.feeling(cleaned) if language == "en" else None
        if felt is None:
            return Scores(language=language, scorer=self.version)
        return Scores(language=language, sentiment=felt.sentiment, confidence=felt.confidence, scorer=self.version)
