"""Every record the daemon keeps, as tables. Nothing outside `monitor.storage` sees them.

Two habits hold throughout. A thing that is unique *while it is open* has a nullable unique column (`open_…`) that is set to
NULL when it closes: both SQLite and PostgreSQL let NULLs repeat. And every time is stored in UTC by `UtcDateTime`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out; a naive one is a bug and raises `ValueError`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone reached the store: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 the type's own signature
        return None if value is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """SQLite keeps text, which is read with its zone at once: every mention has three of them."""
        return _utc_from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _utc_from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


Json = JSON().with_variant(JSONB(), "postgresql")


class Labels(TypeDecorator[Collection[str]]):
    """Names as a JSON list; read as a frozen set. The same few sets come again and again, and are understood once."""

    impl = Json
    cache_ok = True

    def process_result_value(self, value: list[str] | None, dialect: Dialect) -> frozenset[str]:  # noqa: ARG002 the type's own signature
        return frozenset(value or ())

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Collection[str] | None] | None:
        """SQLite keeps text; PostgreSQL's driver has already understood it."""
        return _labels if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


_SHORT = 200  # characters of a list that is remembered: thousands of long ones would fill the memory


def _labels(document: str | None) -> frozenset[str]:
    return _remembered(document) if document is None or len(document) <= _SHORT else _understood(document)


def _understood(document: str | None) -> frozenset[str]:
    return frozenset(json.loads(document or "[]"))


_remembered = lru_cache(maxsize=10_000)(_understood)


# SQLite only counts on its own in columns that are exactly INTEGER PRIMARY KEY.
Id = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[Any]:
    return Column("id", Id, primary_key=True, autoincrement=True)


# `sqlite_autoincrement`: an id is never given twice, even after retention has deleted the newest rows. The evaluator's offset
# and everything people quote ("alert 12") rely on it.
_COUNTED: dict[str, Any] = {"sqlite_autoincrement": True}

installation = Table(
    "installation",
    metadata,
    Column("id", String(36), primary_key=True),  # a UUID: part of every message's stable id
    Column("created_at", UtcDateTime, nullable=False),
    Column("tombstone_key", LargeBinary, nullable=False),  # keys the hashes of erased authors
)

_OWN = text("own")

author = Table(
    "author",
    metadata,
    _id(),  # the pseudonym: all that other tables know of a person
    Column("network", String(64), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("handle", Text, nullable=False, default=""),
    Column("name", Text, nullable=False, default=""),
    Column("reach", BigInteger),
    Column("verified", Boolean),
    Column("own", Boolean, nullable=False, default=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),  # to the day: most days a person says more than once
    Column("erased_at", UtcDateTime),
    UniqueConstraint("network", "external_id"),
    Index(None, "last_seen_at"),
    Index("ix_author_own", "id", sqlite_where=_OWN, postgresql_where=_OWN),
    **_COUNTED,
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("hash", String(64), primary_key=True),  # HMAC-SHA256(tombstone_key, network + id): keeps an erased person out
    Column("erased_at", UtcDateTime, nullable=False),
)

erasure = Table(  # that somebody was erased, and when, to answer for it; never who
    "erasure",
    metadata,
    _id(),
    Column("author_id", Id, ForeignKey("author.id", ondelete="SET NULL")),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("done_at", UtcDateTime),  # NULL while a legal hold keeps some of it
    Column("mentions", Integer, nullable=False, default=0),
    Column("alerts", Integer, nullable=False, default=0),
    Column("told", Integer, nullable=False, default=0),
    Index(None, "author_id"),
    **_COUNTED,
)

_SENSITIVE = text("sensitive")
_COPIED = text("cluster IS NOT NULL")
_EDITED = text("edit_waits")
_ANSWERS = text("parent IS NOT NULL")
_LOUD = text("coalesce(replies, 0) + coalesce(shares, 0) + coalesce(likes, 0) >= 10")

mention = Table(
    "mention",
    metadata,
    _id(),  # the order in which the evaluator reads
    Column("network", String(64), nullable=False),
    Column("key", Text, nullable=False),  # Mention.key: the canonical URI, or a hash
    Column("uri", Text),
    Column("source", String(64), nullable=False),  # which of our sources saw it first
    Column("form", String(16), nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("text", Text, nullable=False),
    Column("language", String(8)),
    Column("written_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("author_id", Id, ForeignKey("author.id")),
    Column("parent", Text),  # the key of what it answers
    Column("thread", Text),  # the key of what began its thread
    Column("replies", BigInteger),
    Column("shares", BigInteger),
    Column("likes", BigInteger),
    Column("subjects", Labels, nullable=False),
    Column("hashtags", Labels, nullable=False),
    Column("topics", Labels, nullable=False),
    Column("intents", Labels, nullable=False),
    Column("sentiment", Float),
    Column("confidence", Float),
    Column("complaint", Float),
    Column("safety_risk", Float),
    Column("sensitive", Boolean),
    Column("scorer", String(64), nullable=False, default=""),
    Column("answered_at", UtcDateTime),
    Column("cluster", BigInteger),  # of texts that say nearly the same; NULL: nobody else said it
    Column("copies", Integer, nullable=False, server_default="0"),  # how many of its cluster came before it
    Column("edited_at", UtcDateTime),  # when we saw that its text was another
    Column("deleted_at", UtcDateTime),  # when its network said that it is no longer there
    Column("edit_waits", Boolean),  # its text is another than the one that was judged
    Column("reach", BigInteger),  # of its author, when it was first seen
    UniqueConstraint("network", "key"),
    Index(None, "written_at"),
    Index(None, "seen_at"),
    Index(None, "author_id"),
    Index("ix_mention_sensitive", "seen_at", sqlite_where=_SENSITIVE, postgresql_where=_SENSITIVE),
    Index("ix_mention_cluster", "cluster", "id", sqlite_where=_COPIED, postgresql_where=_COPIED),
    Index("ix_mention_edits", "id", sqlite_where=_EDITED, postgresql_where=_EDITED),
    Index("ix_mention_answers", "parent", "network", sqlite_where=_ANSWERS, postgresql_where=_ANSWERS),
    Index("ix_mention_loud", "written_at", sqlite_where=_LOUD, postgresql_where=_LOUD),
    **_COUNTED,
)

sighting = Table(
    "sighting",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("mention_id", Id, ForeignKey("mention.id", ondelete="CASCADE"), primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("delay_seconds", Float, nullable=False),  # seen_at − written_at
    Index(None, "mention_id"),
)

source_state = Table(
    "source_state",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("cursor", Text),
    Column("watermark", UtcDateTime),  # everything written before it has been seen
    Column("first_attempt_at", UtcDateTime),
    Column("last_attempt_at", UtcDateTime),
    Column("last_success_at", UtcDateTime),
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("trouble", String(16)),  # domain.errors.Trouble of the last failure; NULL after a success
    Column("detail", Text),
    Column("backoff_until", UtcDateTime),
    Column("stopped", Boolean, nullable=False, default=False),  # until a person has changed something
    Column("settings_hash", String(64)),  # a change of settings lets a stopped source try again
    Column("spent", Json),  # of its budgets: by kind of period, which one and how much
    Column("brought_at", UtcDateTime),  # when it last brought something that it had not brought before
)

source_hour = Table(
    "source_hour",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("hour", UtcDateTime, primary_key=True),  # when it began
    Column("polls", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("brought", Integer, nullable=False),  # mentions that it had not brought before
    Index(None, "hour"),
)

_UNREAD = text("processed_at IS NULL")

inbox = Table(
    "inbox",
    metadata,
    _id(),
    Column("source", String(64), nullable=False),
    Column("delivery_id", Text, nullable=False),  # the sender's, or a hash of the body
    Column("received_at", UtcDateTime, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("processed_at", UtcDateTime),
    Column("error", Text),
    UniqueConstraint("source", "delivery_id"),
    Index("ix_inbox_waiting", "source", "id", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
    Index(None, "received_at"),
    **_COUNTED,
)

rule_state = Table(
    "rule_state",
    metadata,
    Column("rule", String(64), primary_key=True),
    Column("shape", String(32), primary_key=True),  # hash of the fields that shape the state
    Column("key", Text, primary_key=True),
    Column("state", Json, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

evaluator = Table(
    "evaluator",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("offset", Id, nullable=False, default=0),  # the last mention id evaluated
    Column("lease_owner", String(64)),
    Column("lease_until", UtcDateTime),  # real time
    Column("epoch", BigInteger, nullable=False, default=0),  # fences a zombie: every commit names its epoch
)

incident = Table(
    "incident",
    metadata,
    _id(),
    Column("subject", String(64)),
    Column("open_key", Text, unique=True),
    Column("severity", String(16), nullable=False),
    Column("level", Integer),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", Text),
    Column("resolved_at", UtcDateTime),
    Index(None, "resolved_at"),
    **_COUNTED,
)

alert = Table(
    "alert",
    metadata,
    _id(),
    Column("incident_id", Id, ForeignKey("incident.id"), nullable=False),
    Column("fingerprint", String(32), nullable=False),
    Column("open_fingerprint", String(32), unique=True),
    Column("rule", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("category", String(32), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("key", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("fired_at", UtcDateTime, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime),  # when it last made a notification: realert counts from here; NULL under a silence
    Column("observed", Float, nullable=False),
    Column("expected", Float),
    Column("measure", String(64), nullable=False),
    Column("window_seconds", Float),
    Column("learning", Boolean, nullable=False, default=False),
    Column("coverage", Float),
    Column("reasons", Json, nullable=False),
    Column("occurrences", Integer, nullable=False, default=1),
    Column("plan", String(64)),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", Text),
    Column("resolved_at", UtcDateTime),
    Column("resolved_reason", Text),
    Column("unscored", Integer, nullable=False, default=0, server_default="0"),  # mentions of which nobody can tell
    Column("copies", Integer, nullable=False, default=0, server_default="0"),  # mentions that copy one text
    Column("silenced_by", String(64)),  # the silence under which it rings: at its end, it is told
    Column("told_severity", String(16)),  # what people know of it, where it became graver under a silence
    Column("goes_to", Json),  # pairs of a name and how it was chosen; NULL: opened before this was kept
    Index(None, "fingerprint"),
    Index(None, "incident_id"),
    Index(None, "state"),
    **_COUNTED,
)

evidence = Table(
    "evidence",
    metadata,
    Column("alert_id", Id, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("mention_id", Id, ForeignKey("mention.id", ondelete="CASCADE"), primary_key=True),
    Column("added_at", UtcDateTime, nullable=False),
    Index(None, "mention_id"),
)

notification = Table(
    "notification",
    metadata,
    _id(),
    Column("incident_id", Id, ForeignKey("incident.id")),
    Column("receiver", String(64), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("events", Json, nullable=False),
    Column("more", Integer, nullable=False, default=0, server_default="0"),  # alerts it counts and does not name
    Column("plan_run_id", Id, ForeignKey("plan_run.id")),
    Column("plan_step", String(64)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("plan_about", String(64)),
    Column("plan_why", String(16)),
    UniqueConstraint("incident_id", "receiver", "sequence"),
    UniqueConstraint("plan_run_id", "plan_step", "receiver"),  # a step's effect exists once
    Index(None, "receiver", "created_at"),
    **_COUNTED,
)

_OWED = text("ended_at IS NULL")
_OWED_BY = ("receiver", "state", "priority", "next_attempt_at")
_UNHEARD = text("ended_at IS NULL AND priority = 0 AND handed_over_at IS NULL")

delivery = Table(
    "delivery",
    metadata,
    _id(),
    Column("notification_id", Id, ForeignKey("notification.id", ondelete="CASCADE"), nullable=False),
    Column("receiver", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", UtcDateTime),  # story time
    Column("lease_owner", String(64)),
    Column("lease_until", UtcDateTime),  # real time
    Column("first_attempt_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("reason", String(32)),  # notifiers.Reason of the last failure
    Column("detail", Text),
    Column("priority", Integer, nullable=False, server_default="1"),  # 0: urgent, goes first and has a next channel; 1: all else
    Column("handed_over_at", UtcDateTime),  # when the next channel was looked for
    UniqueConstraint("notification_id", "receiver"),
    # What is still owed, however much was delivered before: a claim reads a few of its entries, in their order.
    Index("ix_delivery_owed", *_OWED_BY, sqlite_where=_OWED, postgresql_where=_OWED),
    Index("ix_delivery_unheard", "id", sqlite_where=_UNHEARD, postgresql_where=_UNHEARD),
    **_COUNTED,
)

receiver_state = Table(
    "receiver_state",
    metadata,
    Column("receiver", String(64), primary_key=True),
    Column("disabled_at", UtcDateTime),  # 410 Gone, until a person has changed the settings
    Column("disabled_reason", Text),
    Column("last_success_at", UtcDateTime),
    Column("last_failure_at", UtcDateTime),
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("settings_hash", String(64)),
)

plan_run = Table(
    "plan_run",
    metadata,
    _id(),
    Column("plan", String(64), nullable=False),
    Column("incident_id", Id, ForeignKey("incident.id"), nullable=False),
    Column("state", String(32), nullable=False),
    Column("level", Integer),
    Column("snapshot", Json, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("confirmed_by", Text),
    Column("closed_at", UtcDateTime),
    Column("confirm_by", UtcDateTime),
    Column("level_since", UtcDateTime),
    Column("asked_level", Integer),
    Column("asked_since", UtcDateTime),
    Column("proposed_level", Integer),
    Column("rung_at", UtcDateTime),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", Text),
    Column("lead", String(64)),
    Column("touched_at", UtcDateTime),
    Column("stood_down_at", UtcDateTime),
    Column("stood_down_by", Text),
    Column("closed_by", Text),
    Column("wake_at", UtcDateTime),
    Column("owed", Json),
    Column("rung", Integer, nullable=False, default=0, server_default="0"),
    Column("version", Integer, nullable=False, default=0, server_default="0"),
    Column("drill", Boolean, nullable=False, default=False, server_default=false()),
    Column("reopened_at", UtcDateTime),
    Column("calm_since", UtcDateTime),
    Column("lowered_from", Integer),
    Column("outside_since", UtcDateTime),
    Column("peak", Json),
    Column("updates", Json),
    UniqueConstraint("plan", "incident_id"),
    Index(None, "incident_id"),
    Index(None, "wake_at"),
    **_COUNTED,
)

plan_step = Table(
    "plan_step",
    metadata,
    Column("run_id", Id, ForeignKey("plan_run.id", ondelete="CASCADE"), primary_key=True),
    Column("step", String(64), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("owner", String(64)),
    Column("deadline_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("detail", Text),
    Column("ready_at", UtcDateTime),
    Column("next_at", UtcDateTime),
    Column("checked", Json),
    Column("approval_by", UtcDateTime),
    Column("approved_by", Text),
    Column("approved_at", UtcDateTime),
    Column("words", Json),
    Column("edited_by", Text),
    Column("times", Integer, nullable=False, default=0, server_default="0"),
    Column("late", Boolean, nullable=False, default=False, server_default=false()),
)

timeline = Table(
    "timeline",
    metadata,
    _id(),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(48), nullable=False),
    Column("actor", Text, nullable=False),
    Column("through", String(32), nullable=False),
    Column("detail", Json),
    Column("incident_id", Id, ForeignKey("incident.id")),
    Column("alert_id", Id, ForeignKey("alert.id", ondelete="SET NULL")),
    Column("plan_run_id", Id, ForeignKey("plan_run.id")),
    Index(None, "incident_id"),
    Index(None, "alert_id"),
    Index(None, "plan_run_id"),
    Index(None, "at"),
    **_COUNTED,
)

silence = Table(
    "silence",
    metadata,
    _id(),
    Column("matcher", Json, nullable=False),  # {"rule": …, "subject": …, "key": {…}, "where": {…}}: all that is given must match
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("every", Json),  # times of the week, within which alone it is in force
    Column("timezone", String(64)),  # of `every`
    **_COUNTED,
)

legal_hold = Table(  # on one of an author, a mention and an incident: what it covers is neither forgotten nor erased
    "legal_hold",
    metadata,
    _id(),
    Column("author_id", Id, ForeignKey("author.id", ondelete="SET NULL")),
    Column("mention_id", Id, ForeignKey("mention.id", ondelete="SET NULL")),
    Column("incident_id", Id, ForeignKey("incident.id", ondelete="SET NULL")),
    Column("reason", Text, nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("until", UtcDateTime),
    Column("released_at", UtcDateTime),
    Column("released_by", Text),
    Column("covers", Json, nullable=False),  # the mentions it was placed on
    Column("evidence_hash", String(64), nullable=False),  # SHA-256 of what they said: it was not changed since
    Index(None, "author_id"),
    Index(None, "mention_id"),
    Index(None, "incident_id"),
    **_COUNTED,
)

feedback = Table(  # what the team says of a mention that was judged wrongly; gone with the mention
    "feedback",
    metadata,
    _id(),
    Column("mention_id", Id, ForeignKey("mention.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", String(64), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("text_hash", String(32), nullable=False),  # by which training finds the text, as it finds other labelled ones
    Index(None, "mention_id"),
    **_COUNTED,
)

forgotten = Table(  # how many there were of what retention has removed
    "forgotten",
    metadata,
    Column("day", Date, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),  # the source of mentions, the rule of alerts, the receiver of messages …
    Column("number", BigInteger, nullable=False),
)

account = Table(
    "account",
    metadata,
    _id(),
    Column("name", String(64), nullable=False),
    Column("called", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("language", String(8)),
    Column("timezone", String(64)),
    Column("password", Text),  # argon2id, with its parameters; none for whoever was only invited, or comes from elsewhere
    Column("code_secret", String(64)),  # what one-time codes are made from: both sides need it as it is
    Column("code_pending", String(64)),  # the same, until a first code shows that a telephone has it
    Column("code_step", BigInteger),  # the newest step of 30 s of which a code was used: none is used twice
    Column("subject", String(512)),  # who it is for the identity provider
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime),
    Column("disabled_at", UtcDateTime),
    UniqueConstraint("name"),
    UniqueConstraint("subject"),
    **_COUNTED,
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", String(64), primary_key=True),
)

sign_in_link = Table(  # by which somebody sets a password, once
    "sign_in_link",
    metadata,
    _id(),
    Column("hash", String(64), nullable=False),
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE")),  # none: it makes the first one
    Column("ends_at", UtcDateTime, nullable=False),
    UniqueConstraint("hash"),
    Index(None, "account_id"),
    **_COUNTED,
)

sign_in_session = Table(
    "sign_in_session",
    metadata,
    _id(),
    Column("hash", String(64), nullable=False),
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("step", String(16), nullable=False),  # what is still missing: `code`, `enrol`, or nothing
    Column("began_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", String(256), nullable=False),
    UniqueConstraint("hash"),
    Index(None, "account_id"),
    **_COUNTED,
)

sign_in_try = Table(  # how often somebody failed to sign in lately, by whom they meant and where they came from
    "sign_in_try",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("tried_at", UtcDateTime, nullable=False),
    Column("succeeded_at", UtcDateTime),  # this account has signed in from there: strangers elsewhere do not count against it
    Index(None, "tried_at"),
)

api_token = Table(
    "api_token",
    metadata,
    _id(),
    Column("hash", String(64), nullable=False),
    Column("account_id", Id, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    UniqueConstraint("hash"),
    Index(None, "account_id"),
    **_COUNTED,
)

audit = Table(  # only ever added to; its rows tell of accounts by name, for they outlive them
    "audit",
    metadata,
    _id(),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("through", String(32), nullable=False),
    Column("action", String(48), nullable=False),
    Column("whom", Text, nullable=False),
    Column("address", String(64), nullable=False),
    Column("detail", Json),
    Index(None, "at"),
    **_COUNTED,
)

mention_handling = Table(  # how the team deals with a mention: no row, nobody has touched it
    "mention_handling",
    metadata,
    Column("mention_id", Id, ForeignKey("mention.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("assignee", String(64)),
    Column("version", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", Text, nullable=False),
    Index(None, "state", "mention_id"),
    Index(None, "assignee", "mention_id"),
)

mention_deed = Table(  # who did what with a mention, and the notes on it; gone with the mention
    "mention_deed",
    metadata,
    _id(),
    Column("mention_id", Id, ForeignKey("mention.id", ondelete="CASCADE"), nullable=False),
    Column("verb", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("through", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("assignee", String(64)),
    Column("note", Text, nullable=False),
    Index(None, "mention_id"),
    **_COUNTED,
)

tally = Table(  # how much was said: monitor.domain.tally says what is counted
    "tally",
    metadata,
    Column("subject", Text, primary_key=True),  # "": whatever it is about
    Column("topic", Text, primary_key=True),  # "": whatever it is of
    Column("hour", Integer, primary_key=True, autoincrement=False),  # its number since 1970, in UTC
    Column("network", String(64), primary_key=True),  # "" with a topic: whatever it is
    Column("mentions", BigInteger, nullable=False),
    Column("negative", BigInteger, nullable=False),
    Column("neutral", BigInteger, nullable=False),
    Column("positive", BigInteger, nullable=False),
    Column("sentiment", BigInteger, nullable=False),  # the sum, in thousandths
    Column("complaints", BigInteger, nullable=False),
    Column("reach", BigInteger, nullable=False),
    Column("engagement", BigInteger, nullable=False),
    Column("answered", BigInteger, nullable=False),
    Column("answer_seconds", BigInteger, nullable=False),
    Column("own_posts", BigInteger, nullable=False),
    Column("own_engagement", BigInteger, nullable=False),
    Index(None, "hour"),
)

answer_hour = Table(  # how long answers took, to a fifth
    "answer_hour",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("network", String(64), primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Index(None, "hour"),
)

tally_day = Table(  # the same per day, so that a year is read from few rows
    "tally_day",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # its number since 1970, in UTC
    Column("network", String(64), primary_key=True),
    Column("mentions", BigInteger, nullable=False),
    Column("negative", BigInteger, nullable=False),
    Column("neutral", BigInteger, nullable=False),
    Column("positive", BigInteger, nullable=False),
    Column("sentiment", BigInteger, nullable=False),
    Column("complaints", BigInteger, nullable=False),
    Column("reach", BigInteger, nullable=False),
    Column("engagement", BigInteger, nullable=False),
    Column("answered", BigInteger, nullable=False),
    Column("answer_seconds", BigInteger, nullable=False),
    Column("own_posts", BigInteger, nullable=False),
    Column("own_engagement", BigInteger, nullable=False),
    Index(None, "day"),
)

digest_owed = Table(  # that a digest was owed for a day: never twice; without a notification, that it begins with the next
    "digest_owed",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("receiver", String(64), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("owed_at", UtcDateTime, nullable=False),
    Column("notification_id", Id, ForeignKey("notification.id", ondelete="SET NULL")),
    Index(None, "notification_id"),
)
