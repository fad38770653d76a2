"""Which silence covers an alert, and until when. What is not certain is never silenced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from monitor.domain.alert import Alert, NewAlert, Silence
from monitor.settings.silences import may_cover
from rules import Rule
from rules.alert_condition import AlertCondition, AlertSeen
from rules.alert_where import AlertWhere
from rules.recurrence import Recurrence, recurrence

log = structlog.get_logger(__name__)

EVERYTHING = {"everything": True}
"""The matcher that covers every alert: nobody silences all by leaving something out."""

_ASKED = frozenset({"rule", "subject", "key", "where"})


def in_force(silence: Silence, now: datetime) -> bool:
    """Whether it is quiet now: it has begun, is not over, and does not pause."""
    if not silence.starts_at <= now < silence.ends_at:
        return False
    times = _times(silence)
    return times is None or times.covers(now)


def quiet_until(silence: Silence, now: datetime) -> datetime:
    """When those that it covers now are told: the end of this time of the week, or of the silence."""
    times = _times(silence)
    end = times.end(now) if times is not None else None
    return min(end, silence.ends_at) if end is not None else silence.ends_at


def next_period(silence: Silence, now: datetime) -> datetime | None:
    """When it is quiet again after now; None: never."""
    times = _times(silence)
    if now < silence.starts_at:
        begins = silence.starts_at
        found = begins if times is None or times.covers(begins) else times.next(begins)
    else:
        found = times.next(now) if times is not None else None
    return found if found is not None and found < silence.ends_at else None


def _times(silence: Silence) -> Recurrence | None:
    return recurrence(silence.every or (), silence.timezone or "UTC")


class Silencing:
    """Silences as they are asked: whether one covers an alert at a moment. `lists` are those that conditions may name.

    `standing` are the silences of the configuration, which are asked with those that people made.
    """

    def __init__(self, lists: Mapping[str, Sequence[str]], standing: Sequence[Silence] = ()) -> None:
        self._lists = lists
        self._standing = standing
        self._conditions: dict[str, AlertCondition | None] = {}  # None: nobody understands them

    def covering(self, silences: Iterable[Silence], alert: Alert | NewAlert, now: datetime) -> Silence | None:
        """The one that covers the alert for longest; None: it may be told."""
        found = (each for each in (*silences, *self._standing) if self._matches(each.matcher, alert) and in_force(each, now))
        return max(found, key=lambda each: quiet_until(each, now), default=None)

    def may_cover(self, matcher: Mapping[str, object], rule: Rule) -> bool:
        """Whether it may cover an alert of this rule, whatever that is about and however loud it rings."""
        if matcher.get("rule", rule.id) != rule.id:
            return False
        condition = self._condition(matcher["where"]) if "where" in matcher else None
        return condition is None or may_cover(condition, rule)

    def _matches(self, matcher: Mapping[str, object], alert: Alert | NewAlert) -> bool:
        """Whether all that is asked is so. Where anything is asked that nobody understands, nothing is."""
        if matcher == EVERYTHING:
            return True
        if not matcher or not matcher.keys() <= _ASKED or not all(matcher.values()):
            return False
        if matcher.get("rule", alert.rule) != alert.rule:
            return False
        if "subject" in matcher and matcher["subject"] != alert.labels.get("subject"):
            return False
        parts = matcher.get("key", {})
        if not isinstance(parts, Mapping) or any(alert.key.get(name) != value for name, value in parts.items()):
            return False
        return "where" not in matcher or self._holds(matcher["where"], alert)

    def _holds(self, where: object, alert: Alert | NewAlert) -> bool:
        condition = self._condition(where)
        return condition is not None and condition.matches(AlertSeen.of(alert))

    def _condition(self, where: object) -> AlertCondition | None:
        written = json.dumps(where, sort_keys=True)
        if written not in self._conditions:
            self._conditions[written] = self._compiled(where)
        return self._conditions[written]

    def _compiled(self, where: object) -> AlertCondition | None:
        """Another version may have written it, or a list be gone since: then it silences nothing."""
        try:
            return AlertCondition(AlertWhere.model_validate(where), self._lists)
        except ValueError as error:
            log.warning("silence.not_understood", reason=str(error).splitlines()[0])
            return None
