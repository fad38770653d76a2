"""Every record the daemon keeps, as tables. Nothing outside `monitor.storage` sees them.

Two habits hold throughout. A thing that is unique *while it is open* has a nullable unique column (`open_…`) that is set to
NULL when it closes: both SQLite and PostgreSQL let NULLs repeat. And every time is stored in UTC by `UtcDateTime`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
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
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
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
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("erased_at", UtcDateTime),
    Column("legal_hold", Boolean, nullable=False, default=False),
    UniqueConstraint("network", "external_id"),
    **_COUNTED,
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("hash", String(64), primary_key=True),  # HMAC-SHA256(tombstone_key, network + id): keeps an erased person out
    Column("erased_at", UtcDateTime, nullable=False),
)

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
    Column("parent", Text),
    Column("thread", Text),
    Column("replies", BigInteger),
    Column("shares", BigInteger),
    Column("likes", BigInteger),
    Column("subjects", Json, nullable=False),
    Column("hashtags", Json, nullable=False),
    Column("topics", Json, nullable=False),
    Column("intents", Json, nullable=False),
    Column("sentiment", Float),
    Column("confidence", Float),
    Column("complaint", Float),
    Column("safety_risk", Float),
    Column("sensitive", Boolean),
    Column("scorer", String(64), nullable=False, default=""),
    Column("answered_at", UtcDateTime),
    UniqueConstraint("network", "key"),
    Index(None, "written_at"),
    Index(None, "seen_at"),
    Index(None, "author_id"),
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
    UniqueConstraint("incident_id", "receiver", "sequence"),
    UniqueConstraint("plan_run_id", "plan_step", "receiver"),  # a step's effect exists once
    **_COUNTED,
)

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
    UniqueConstraint("notification_id", "receiver"),
    Index(None, "state", "next_attempt_at"),
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
    UniqueConstraint("plan", "incident_id"),
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
    Index(None, "at"),
    **_COUNTED,
)

silence = Table(
    "silence",
    metadata,
    _id(),
    Column("matcher", Json, nullable=False),  # {"rule": …, "subject": …, "key": {…}}: all that is given must match
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    **_COUNTED,
)
