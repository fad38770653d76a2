"""Scores one text: cleaned, its language named, its feeling measured where that can be done honestly, its subjects found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.domain.mention import Scores
from monitor.sentiment import clean
from monitor.sentiment.engines import AUTO, Panel, Told
from monitor.sentiment.language import Detector
from monitor.sentiment.lexicon import Lexicon
from monitor.sentiment.meaning import Meaning
from monitor.sentiment.post import Post
from monitor.sentiment.settings import SentimentSettings
from monitor.sentiment.weighing import Weighed


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a text's scores came about: `looks_like` is the language of its words alone, with its probability.

    `weighed` made the sentiment, `complained` the complaint.
    """

    scores: Scores
    looks_like: str
    probability: float
    weighed: Sequence[Weighed]
    complained: Sequence[Weighed]


class Scorer:
    """Gives a text its scores. Pure and without state of its own: the same text always gets the same scores.

    `version` names what gives the sentiment. What gave it is stored with every score, abstentions included, so that a better
    scorer knows what to look at again.
    """

    def __init__(self, settings: SentimentSettings | None = None, engine: str = AUTO) -> None:
        """`engine` is `auto`, the one of the settings, or another of `SentimentSettings.engine`.

        Raises `ModelFileError` where a model's file cannot be used.
        """
        from monitor.sentiment import complaint  # noqa: PLC0415 numpy is for those who score

        self._settings = settings or SentimentSettings()
        chosen = self._settings.engine if engine == AUTO else engine
        self._detector = Detector(self._settings.languages)
        self._panel = Panel(chosen, Lexicon(self._settings.lexicon), self._settings.model)
        self._complaints = complaint.shipped()
        self._meaning = Meaning(self._settings)
        self.version = f"{self._panel.version}, {self._complaints.version}"

    def score(self, text: str, claimed_language: str | None) -> Scores:
        """Never raises, whatever the text. Sentiment is None where no engine speaks the language, or knew a word."""
        return self.score_all([(text, claimed_language)])[0]

    def score_all(self, said: Sequence[tuple[str, str | None]]) -> list[Scores]:
        """The same for many texts, each with the language that the network claims: languages are named faster together."""
        posts = self._posts(said)
        texts, told, complaints = (text for text, _ in said), self._panel.ask(posts), self._complaints.of_posts(posts)
        return list(map(self._scores, texts, posts, told, complaints))

    def explain(self, text: str, claimed_language: str | None) -> Explanation:
        """The same scores, and where they come from."""
        (post,) = self._posts([(text, claimed_language)])
        (told,), (complaint,) = self._panel.ask([post]), self._complaints.of_posts([post])
        scores, looks_like = self._scores(text, post, told, complaint), self._detector.seen(clean.for_language(post.cleaned))
        return Explanation(scores, *looks_like, tuple(self._panel.weigh(post, told.by)), self._complaints.weigh(post))

    def _posts(self, said: Sequence[tuple[str, str | None]]) -> list[Post]:
        posted = [text[: self._settings.max_chars] for text, _ in said]
        cleaned = [clean.for_scoring(text) for text in posted]
        asked = [(clean.for_language(text), claim) for text, (_, claim) in zip(cleaned, said, strict=True)]
        return list(map(Post, posted, cleaned, self._detector.languages(asked)))

    def _scores(self, text: str, post: Post, told: Told, complaint: float | None) -> Scores:
        felt, met = told.feeling, self._meaning.of(text, cleaned=post.cleaned, language=post.language)
        return Scores(
            language=post.language,
            sentiment=felt.sentiment if felt else None,
            confidence=felt.confidence if felt else None,
            complaint=complaint,
            safety_risk=met.safety_risk,
            sensitive=met.sensitive,
            topics=met.topics,
            intents=met.intents,
            scorer=told.by if complaint is None else f"{told.by}, {self._complaints.version}",
        )
