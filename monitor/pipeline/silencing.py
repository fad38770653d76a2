"""Which silence covers an alert, and until when. What is not certain is never silenced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from monitor.domain.alert import Alert, NewAlert, Silence
from rules.recurrence import recurrence

_ASKED = frozenset({"rule", "subject", "key", "where"})


def in_force(silence: Silence, now: datetime) -> bool:
    """Whether it is quiet now: it has begun, is not over, and does not pause."""
    if not silence.starts_at <= now < silence.ends_at:
        return False
    times = recurrence(silence.every or (), silence.timezone or "UTC")
    return times is None or times.covers(now)


def quiet_until(silence: Silence, now: datetime) -> datetime:
    """When those that it covers now are told: the end of this time of the week, or of the silence."""
    times = recurrence(silence.every or (), silence.timezone or "UTC")
    end = times.end(now) if times is not None else None
    return min(end, silence.ends_at) if end is not None else silence.ends_at


def next_period(silence: Silence, now: datetime) -> datetime | None:
    """When it is quiet again after now; None: never."""
    times = recurrence(silence.every or (), silence.timezone or "UTC")
    if now < silence.starts_at:
        begins = silence.starts_at
        found = begins if times is None or times.covers(begins) else times.next(begins)
    else:
        found = times.next(now) if times is not None else None
    return found if found is not None and found < silence.ends_at else None


class Silencing:
    """Silences as they are asked: whether one covers an alert at a moment."""

    def covering(self, silences: Iterable[Silence], alert: Alert | NewAlert, now: datetime) -> Silence | None:
        """The one that covers the alert for longest; None: it may be told."""
        found = (each for each in silences if self._matches(each.matcher, alert) and in_force(each, now))
        return max(found, key=lambda each: quiet_until(each, now), default=None)

    def _matches(self, matcher: Mapping[str, object], alert: Alert | NewAlert) -> bool:
        """Whether all that is asked is so. Where anything is asked that nobody understands, nothing is."""
        if not matcher or not matcher.keys() <= _ASKED:
            return False
        if matcher.get("rule", alert.rule) != alert.rule:
            return False
        if "subject" in matcher and matcher["subject"] != alert.labels.get("subject"):
            return False
        parts = matcher.get("key", {})
        return isinstance(parts, Mapping) and all(alert.key.get(name) == value for name, value in parts.items())
