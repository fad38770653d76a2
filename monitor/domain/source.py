"""What is known of a source between two polls, and what was pushed to it and waits to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAIL_REPLIES = "@replies"
"""Where the state of the mailbox with answers to our e-mails stands among those of the sources: none can be called so."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source stands. Times are aware and in UTC.

    `cursor` is opaque to all but the source; everything written before `watermark` has been seen; `failures` counts those in a
    row; `trouble` is a `domain.errors.Trouble`, None after a success; `stopped` holds until a person has changed something.
    """

    source: str
    cursor: str | None = None
    watermark: datetime | None = None
    first_attempt_at: datetime | None = None
    last_attempt_at: datetime | None = None
    last_success_at: datetime | None = None
    failures: int = 0
    trouble: str | None = None
    detail: str | None = None
    backoff_until: datetime | None = None
    stopped: bool = False
    settings_hash: str | None = None
    spent: Mapping[str, Any] | None = None  # of its budgets, as its purse keeps it
    brought_at: datetime | None = None  # when it last brought something that it had not brought before


@dataclass(frozen=True, slots=True)
class Hour:
    """What one source did in an hour, which began at `hour` (aware, in UTC). `brought` counts what it had not brought before."""

    hour: datetime
    polls: int = 0
    failed: int = 0
    brought: int = 0

    @property
    def answered(self) -> bool:
        """Whether it answered in that hour."""
        return self.polls > self.failed


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One body that was pushed to us and acknowledged: it is read from here, as often as it takes."""

    id: int
    source: str
    body: bytes
    received_at: datetime
