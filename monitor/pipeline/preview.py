"""A mention on its way into the store, in the shape that rules read, as if it were stored already."""

from __future__ import annotations

from datetime import datetime

from monitor.domain.mention import Enriched, Form, Observed, ObservedAuthor


def observed(enriched: Enriched, source: str, at: datetime) -> Observed:
    """What is known of it before it is stored; how often its author has spoken before is not, and stays None; copies stay 0."""
    mention, scores, author = enriched.mention, enriched.scores, enriched.mention.author
    return Observed(
        id=1,
        network=mention.network,
        source=source,
        form=mention.form,
        text=mention.text,
        written_at=mention.written_at,
        seen_at=at,
        title=mention.title,
        url=mention.uri,
        language=scores.language,
        subjects=enriched.subjects,
        hashtags=enriched.hashtags,
        topics=scores.topics,
        intents=scores.intents,
        in_thread=mention.parent is not None or mention.form in {Form.COMMENT, Form.REPLY},
        sentiment=scores.sentiment,
        confidence=scores.confidence,
        complaint=scores.complaint,
        safety_risk=scores.safety_risk,
        sensitive=scores.sensitive,
        author=ObservedAuthor(1, author.handle, author.name, author.reach, author.verified, author.own)
        if author
        else ObservedAuthor(),
        engagement=mention.engagement,
        scorer=scores.scorer,
    )
