"""A mention, how it is handled and what was done with it, as the API writes them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from monitor.console.api.words import Names, Record
from monitor.domain.handling import Handling, HandlingState, Verb
from monitor.domain.mention import Observed
from notifiers.safe import link


class HandlingRecord(Record):
    """How a mention is handled."""

    mention: int
    state: HandlingState
    assignee: str | None
    version: int = Field(description="name it when you act")
    at: datetime | None
    by: str | None


class DeedRecord(Record):
    """One act on one mention; `state` and `assignee` are what it led to."""

    id: int
    mention: int
    verb: Verb
    by: str
    through: str
    at: datetime
    state: HandlingState
    assignee: str | None
    note: str


class AuthorRecord(Record):
    """Who wrote it: `id` is a number of ours."""

    id: int | None
    handle: str | None = Field(description="null without the permission `export`")
    name: str | None = Field(description="null without the permission `export`")
    reach: int | None
    verified: bool | None
    own: bool | None


class EngagementRecord(Record):
    """How the public reacted so far; null where the network does not say."""

    replies: int | None
    shares: int | None
    likes: int | None


class MentionRecord(Record):
    """One thing said. Sentiments lie between -1 and 1, `complaint`, `confidence` and `safety_risk` between 0 and 1."""

    id: int
    network: str
    source: str
    form: str
    title: str
    text: str
    url: str | None
    language: str | None
    written_at: datetime
    seen_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    subjects: Names
    topics: Names
    intents: Names
    hashtags: Names
    sentiment: float | None
    confidence: float | None
    complaint: float | None
    safety_risk: float | None
    sensitive: bool | None
    scorer: str
    answered: bool | None
    replies_to: int | None = Field(description="the mention that it answers")
    began_by: int | None = Field(description="the mention that began its thread")
    cluster: int | None = Field(description="of texts that say nearly the same")
    copies: int
    engagement: EngagementRecord
    author: AuthorRecord
    handling: HandlingRecord


_COMPUTED = frozenset({"url", "author", "handling"})


def mention_record(mention: Observed, handling: Handling, *, named: bool) -> MentionRecord:
    """`named`: with the name and the handle of its author."""
    author = AuthorRecord.model_validate(mention.author)
    return MentionRecord.model_validate(
        {name: getattr(mention, name) for name in MentionRecord.model_fields.keys() - _COMPUTED}
        | {
            "url": link(mention.page),
            "author": author if named else author.model_copy(update={"handle": None, "name": None}),
            "handling": HandlingRecord.model_validate(handling),
        }
    )
