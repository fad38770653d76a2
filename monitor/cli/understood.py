"""What Tocsin makes of one post on its own: whom it is about, in which language and mood, and which rules it would ring."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from monitor.domain.mention import Author, Enriched, Mention, Observed

if TYPE_CHECKING:
    from monitor.settings import Settings


class Reader:
    """Reads posts as the daemon would, without a store: rules that count over time cannot be tried on a single post."""

    def __init__(self, settings: Settings, source: str) -> None:
        from monitor.pipeline.enrich import Enricher
        from monitor.sentiment import Scorer
        from rules import Engine

        self._settings = settings
        self._source = source
        self._enricher = Enricher(settings.subjects, Scorer(settings.sentiment), settings.ours)
        self._engine = Engine([rule for rule in settings.rules if rule.kind == "mention"], settings.lists)

    def understood(self, mention: Mention, at: datetime) -> str:
        """One line for people, `at` the moment of reading: "about Acme, en, sentiment -0.60, complaint 0.93, rings complaint"."""
        from monitor.pipeline.preview import observed
        from rules import States

        enriched = self._enricher.enrich(mention, latest=at, about=self._settings.sources[self._source].subject)
        rung = self._engine.observe(observed(enriched, self._source, at), States())
        scores = enriched.scores
        parts = [
            self._about(enriched),
            scores.language if scores.language != "und" else "language unknown",
            "not scored" if scores.sentiment is None else f"sentiment {scores.sentiment:+z.2f}",
            *([] if scores.complaint is None else [f"complaint {scores.complaint:.2f}"]),
            f"rings {', '.join(dict.fromkeys(each.rule for each in rung))}" if rung else "rings no rule by itself",
        ]
        return ", ".join(parts)

    def _about(self, enriched: Enriched) -> str:
        names = (self._settings.subjects[each].names[0] for each in sorted(enriched.subjects))
        return f"about {' and '.join(names) or 'nobody'}"


def typed(settings: Settings, text: str, at: datetime) -> Observed:
    """A text as a stranger might write it now: nobody of ours, and nothing else is known of them."""
    from monitor.pipeline.enrich import Enricher
    from monitor.pipeline.preview import observed
    from monitor.sentiment import Scorer

    enricher = Enricher(settings.subjects, Scorer(settings.sentiment), settings.ours)
    return observed(enricher.enrich(Mention("typed", text, at, author=Author("stranger")), latest=at), "typed", at)
