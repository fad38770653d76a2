"""How a mention and its author become rows, and rows an `Observed` again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Any

from sqlalchemy import Column, Row, ScalarSelect, func, literal, select

from monitor.domain.errors import StorageError
from monitor.domain.mention import LONGEST_SCORER, Author, Engagement, Enriched, Form, Mention, Observed, ObservedAuthor
from monitor.storage.tables import author, mention

PersonKey = tuple[str, str]  # (network, external id)

# PostgreSQL indexes no value of more than about 2,700 bytes; a longer address (nobody's honest one) is known by its hash.
_LONGEST_KEY = 1024
_LONGEST_NAME = 64  # of networks and sources
_SURROGATE = re.compile("[\ud800-\udfff]")
_NONE: list[str] = []  # one object for all: `Bulk` converts it once
_IN_THREADS = frozenset({Form.COMMENT, Form.REPLY})
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
)


def author_row(key: PersonKey, who: Author, seen_at: datetime) -> tuple[Any, ...]:
    """The row of `author`, in the order of `AUTHOR_COLUMNS`."""
    return (*key, who.handle, who.name, who.reach, who.verified, who.own, seen_at, seen_at)


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
    "reach",
)

# What follows from the text alone.
_OF_THE_TEXT = MENTION_COLUMNS[MENTION_COLUMNS.index("title") : MENTION_COLUMNS.index("written_at")]
_OF_THE_TEXT += MENTION_COLUMNS[MENTION_COLUMNS.index("hashtags") : MENTION_COLUMNS.index("reach")]


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
        _address(said.parent),
        _address(said.thread),
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
        scores.scorer[:LONGEST_SCORER],
        said.author.reach if said.author is not None else None,
    )


def edited_row(item: Enriched, seen_at: datetime) -> dict[str, Any]:
    """What becomes of a stored mention whose text is another now. Of what it is about, a person may have said better than we."""
    row = dict(zip(MENTION_COLUMNS, mention_row(("", ""), item, source="", seen_at=seen_at, author_id=None), strict=True))
    return {name: row[name] for name in _OF_THE_TEXT} | {"edited_at": seen_at, "edit_waits": True}


def _address(uri: str | None) -> str | None:
    """Where another mention stands, as that one is known by its key."""
    return None if uri is None else short_key(uri)


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

_other = mention.alias("other")


def _stored(address: Column[Any]) -> ScalarSelect[int]:
    """The id of the mention of the same network that stands at an address, if we have it."""
    there = (_other.c.network == mention.c.network, _other.c.key == address)
    return select(_other.c.id).where(*there).correlate(mention).scalar_subquery()


_reply, _replier = mention.alias("reply"), author.alias("replier")
_answer = (
    select(literal(value=True))
    .select_from(_reply.join(_replier, _replier.c.id == _reply.c.author_id))
    .where(_reply.c.network == mention.c.network, _reply.c.parent == mention.c.key, _replier.c.own)
    .limit(1)
    .correlate(mention)
    .scalar_subquery()
)

# What `observed` needs, in its order: the mention, what it answers, whether one of our accounts answered it, its author, and how
# often that author had spoken before (counted up to 1,000).
OBSERVED = select(
    mention.c.id,
    mention.c.network,
    mention.c.source,
    mention.c.form,
    mention.c.text,
    mention.c.written_at,
    mention.c.seen_at,
    mention.c.title,
    mention.c.uri,
    mention.c.language,
    mention.c.subjects,
    mention.c.hashtags,
    mention.c.topics,
    mention.c.intents,
    mention.c.parent,
    _stored(mention.c.parent).label("replies_to"),
    _stored(mention.c.thread).label("began_by"),
    mention.c.answered_at,
    _answer.label("answer"),
    mention.c.sentiment,
    mention.c.confidence,
    mention.c.complaint,
    mention.c.safety_risk,
    mention.c.sensitive,
    mention.c.scorer,
    mention.c.replies,
    mention.c.shares,
    mention.c.likes,
    mention.c.cluster,
    mention.c.copies,
    mention.c.edited_at,
    mention.c.deleted_at,
    mention.c.author_id,
    author.c.handle,
    author.c.name,
    author.c.reach,
    author.c.verified,
    author.c.own,
    _prior.label("prior_mentions"),
).select_from(mention.outerjoin(author, author.c.id == mention.c.author_id))


Place = Callable[[int, datetime, str, str], tuple[int | None, int]]
"""Tells of a mention (id, seen at, title, text) its cluster, and how many of it came before."""


def observed(row: Row[*tuple[Any, ...]], place: Place | None = None) -> Observed:
    """A row of `OBSERVED`, as rules, messages and pages see it. Every mention passes here: by place, not by name.

    `place` tells the cluster of one that was not judged yet.
    """
    id_, network, source, form, text, written_at, seen_at, title, uri, language = row[:10]
    subjects, hashtags, topics, intents, parent, replies_to, began_by, answered_at, answer = row[10:19]
    sentiment, confidence, complaint, safety_risk, sensitive, scorer, replies, shares, likes, cluster, copies = row[19:30]
    edited_at, deleted_at = row[30:32]
    if place is not None:
        cluster, copies = place(id_, seen_at, title, text)
    return Observed(
        id=id_,
        network=network,
        source=source,
        form=form,
        text=text,
        written_at=written_at,
        seen_at=seen_at,
        title=title,
        url=uri,
        language=language,
        subjects=subjects,
        hashtags=hashtags,
        topics=topics,
        intents=intents,
        in_thread=parent is not None or form in _IN_THREADS,
        replies_to=replies_to,
        began_by=began_by,
        answered=True if answered_at or answer else None,  # that we have not seen an answer does not say that there is none
        sentiment=sentiment,
        confidence=confidence,
        complaint=complaint,
        safety_risk=safety_risk,
        sensitive=sensitive,
        scorer=scorer,
        cluster=cluster,
        copies=copies,
        author=_observed_author(*row[32:]),
        engagement=Engagement(replies, shares, likes),
        edited_at=edited_at,
        deleted_at=deleted_at,
    )


def _observed_author(
    id_: int | None, handle: str, name: str, reach: int | None, verified: bool | None, own: bool | None, prior: int
) -> ObservedAuthor:
    if id_ is None:
        return ObservedAuthor()
    return ObservedAuthor(id=id_, handle=handle, name=name, reach=reach, verified=verified, own=own, prior_mentions=prior)
