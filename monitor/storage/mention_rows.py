"""How a mention and its author become rows, and rows an `Observed` again."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from math import isfinite
from typing import Any

from sqlalchemy import RowMapping, func, select

from monitor.domain.errors import StorageError
from monitor.domain.mention import Author, Engagement, Enriched, Form, Mention, Observed, ObservedAuthor
from monitor.storage.tables import author, mention

PersonKey = tuple[str, str]  # (network, external id)

# PostgreSQL indexes no value of more than about 2,700 bytes; a longer address (nobody's honest one) is known by its hash.
_LONGEST_KEY = 1024
_LONGEST_NAME = 64  # of networks and sources
_SURROGATE = re.compile("[\ud800-\udfff]")
_NONE: list[str] = []  # one object for all: `Bulk` converts it once
_MOST_PRIOR = 1000  # counting further would cost much and tell little


def short_key(text: str) -> str:
    """The text itself where it can be indexed, else its hash."""
    if len(text) <= _LONGEST_KEY // 4:
        return text
    encoded = text.encode("utf-8", "surrogatepass")
    return text if len(encoded) <= _LONGEST_KEY else "sha256:" + hashlib.sha256(encoded).hexdigest()


def identity(said: Mention) -> tuple[str, str]:
    """What makes a mention the same one: (network, key)."""
    return said.network, short_key(said.key)


def person(said: Mention) -> PersonKey | None:
    """Who said it: (network, external id), or None where the network does not say."""
    who = said.author
    if who is None or not (who.id or who.handle):
        return None
    return said.network, short_key(who.id or who.handle)


AUTHOR_COLUMNS = (
    "network",
    "external_id",
    "handle",
    "name",
    "reach",
    "verified",
    "own",
    "first_seen_at",
    "last_seen_at",
    "legal_hold",
)


def author_row(key: PersonKey, who: Author, seen_at: datetime) -> tuple[Any, ...]:
    """The row of `author`, in the order of `AUTHOR_COLUMNS`."""
    return (*key, who.handle, who.name, who.reach, who.verified, who.own, seen_at, seen_at, False)


MENTION_COLUMNS = (
    "network",
    "key",
    "uri",
    "source",
    "form",
    "title",
    "text",
    "language",
    "written_at",
    "seen_at",
    "author_id",
    "parent",
    "thread",
    "replies",
    "shares",
    "likes",
    "subjects",
    "hashtags",
    "topics",
    "intents",
    "sentiment",
    "confidence",
    "complaint",
    "safety_risk",
    "sensitive",
    "scorer",
)


def mention_row(
    name: tuple[str, str], item: Enriched, *, source: str, seen_at: datetime, author_id: int | None
) -> tuple[Any, ...]:
    """The row of `mention`, in the order of `MENTION_COLUMNS`."""
    said, scores, loud = item.mention, item.scores, item.mention.engagement
    return (
        *name,
        said.uri,
        source,
        said.form,
        said.title,
        said.text,
        None if scores.language in {"und", ""} else scores.language[:8],
        said.written_at,
        seen_at,
        author_id,
        said.parent,
        said.thread,
        loud.replies,
        loud.shares,
        loud.likes,
        sorted(item.subjects) if item.subjects else _NONE,
        sorted(item.hashtags) if item.hashtags else _NONE,
        sorted(scores.topics) if scores.topics else _NONE,
        sorted(scores.intents) if scores.intents else _NONE,
        scores.sentiment,
        scores.confidence,
        scores.complaint,
        scores.safety_risk,
        scores.sensitive,
        scores.scorer,
    )


def check(item: Enriched) -> None:
    """Refuse what one of the databases would refuse, so that both agree, in words. Raises `StorageError`."""
    said, scores = item.mention, item.scores
    _check_text("mention", said.key, said.network, said.title, said.text, said.uri, said.parent, said.thread)
    if said.author:
        _check_text("author", said.author.id, said.author.handle, said.author.name)
    if len(said.network) > _LONGEST_NAME:
        raise StorageError(f"a network's name is longer than {_LONGEST_NAME} characters: {said.network[:40]!r} …")
    for score in (scores.sentiment, scores.confidence, scores.complaint, scores.safety_risk):
        if score is not None and not isfinite(score):
            raise StorageError("a score that is no number reached the store: scorers say None for what they cannot tell")


def _check_text(what: str, *texts: str | None) -> None:
    said = "".join(text for text in texts if text)
    if "\x00" in said or _SURROGATE.search(said):
        raise StorageError(f"a {what} with a NUL or a lone surrogate in its text reached the store: sanitise it at intake")


_earlier = mention.alias("earlier")
_prior = (
    select(func.count())
    .select_from(
        select(_earlier.c.id)
        .where(_earlier.c.author_id == mention.c.author_id, _earlier.c.id < mention.c.id)
        .limit(_MOST_PRIOR)
        .correlate(mention)
        .subquery()
    )
    .correlate(mention)
    .scalar_subquery()
)

# What `observed` needs: the mention, its author, and how often that author had spoken before (counted up to 1,000).
OBSERVED = select(
    mention,
    author.c.handle,
    author.c.name,
    author.c.reach,
    author.c.verified,
    author.c.own,
    _prior.label("prior_mentions"),
).select_from(mention.outerjoin(author, author.c.id == mention.c.author_id))


def observed(row: RowMapping) -> Observed:
    """A row of `OBSERVED`, as rules, messages and pages see it."""
    return Observed(
        id=row["id"],
        network=row["network"],
        source=row["source"],
        form=row["form"],
        text=row["text"],
        written_at=row["written_at"],
        seen_at=row["seen_at"],
        title=row["title"],
        url=row["uri"],
        language=row["language"],
        subjects=frozenset(row["subjects"]),
        hashtags=frozenset(row["hashtags"]),
        topics=frozenset(row["topics"]),
        intents=frozenset(row["intents"]),
        in_thread=row["parent"] is not None or row["form"] in {Form.COMMENT, Form.REPLY},
        answered=True if row["answered_at"] else None,
        sentiment=row["sentiment"],
        confidence=row["confidence"],
        complaint=row["complaint"],
        safety_risk=row["safety_risk"],
        sensitive=row["sensitive"],
        author=_observed_author(row),
        engagement=Engagement(row["replies"], row["shares"], row["likes"]),
    )


def _observed_author(row: RowMapping) -> ObservedAuthor:
    if row["author_id"] is None:
        return ObservedAuthor()
    return ObservedAuthor(
        id=row["author_id"],
        handle=row["handle"],
        name=row["name"],
        reach=row["reach"],
        verified=row["verified"],
        own=row["own"],
        prior_mentions=row["prior_mentions"],
    )
