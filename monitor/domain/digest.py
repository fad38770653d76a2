"""A digest that is owed to somebody for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Owed:
    """The digest `digest` of a `day` (by its receiver's calendar), about what was from `since` until before `until` (aware).

    Without a `notification_id` nobody was told: digests begin with the next one, or the message is forgotten.
    """

    digest: str
    receiver: str
    day: date
    since: datetime
    until: datetime
    owed_at: datetime
    notification_id: int | None = None
