"""How long to wait: between the tries of one message, and for a receiver that fails, whatever the message."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from notifiers import DeliveryError, Reason

# When a message is tried, in seconds from its first try: an emergency five times in the first minute, then ever more patience.
SCHEDULE = tuple(timedelta(seconds=s) for s in (0, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200))
_GAPS = tuple(later - earlier for earlier, later in pairwise(SCHEDULE))
LONGEST_OBEDIENCE = timedelta(hours=1)
_JITTER_FROM = timedelta(minutes=1)
# A receiver that fails is left alone for ever longer, but not for longer than this: it may be well again.
LONGEST_REST = timedelta(minutes=5)
# What these say of one message, they say of the next one, too.
_ABOUT_THE_RECEIVER = frozenset({Reason.CREDENTIALS, Reason.THROTTLED, Reason.UNAVAILABLE, Reason.TIMEOUT, Reason.TLS})


def patience(attempts: int, retry_after: float | None, *, already: timedelta = timedelta(0)) -> timedelta:
    """How long to wait after `attempts` attempts: as the other side asks (5 s to an hour), else by the schedule.

    The schedule counts from the beginning of one try to that of the next: `already` is what the last one took.
    """
    if retry_after is not None:
        asked = min(max(_GAPS[0].total_seconds(), retry_after), LONGEST_OBEDIENCE.total_seconds())
        return timedelta(seconds=asked)
    gap = _GAPS[min(attempts, len(_GAPS)) - 1]
    if gap > _JITTER_FROM:
        gap *= random.uniform(0.9, 1.1)  # noqa: S311 jitter, not a secret
    return max(gap - already, timedelta(seconds=1))


@dataclass(frozen=True, slots=True)
class _Rest:
    """A receiver that fails: since when, how often in a row, and until when it is left alone. In story time."""

    since: datetime
    times: int
    until: datetime


class Rests:
    """The receivers that fail: each is left alone for a while, and one try now and then shows when it is well again."""

    def __init__(self) -> None:
        self._rests: dict[str, _Rest] = {}

    def failing(self, receiver: str) -> bool:
        """Whether the last that was heard of a receiver is that it fails."""
        return receiver in self._rests

    def resting(self, receiver: str, now: datetime) -> bool:
        """Whether a receiver is left alone now. A clock that was set back makes no rest longer."""
        return receiver in self._rests and timedelta(0) < self._rests[receiver].until - now <= LONGEST_REST

    def since(self, receiver: str) -> datetime | None:
        """Since when a receiver has failed."""
        return self._rests[receiver].since if receiver in self._rests else None

    def well(self, receiver: str) -> None:
        """It took a message."""
        self._rests.pop(receiver, None)

    def failed(self, receiver: str, error: DeliveryError, now: datetime) -> None:
        """It did not take a message: leave it alone, if that says something of the next one."""
        if error.reason not in _ABOUT_THE_RECEIVER or self.resting(receiver, now):
            return
        before = self._rests.get(receiver, _Rest(now, 0, now))
        # Less than the message's own patience, whatever the jitter of both, so that it is not late when it is due.
        rest = patience(before.times + 1, error.retry_after) * 0.8
        self._rests[receiver] = _Rest(before.since, before.times + 1, now + min(rest, LONGEST_REST))
