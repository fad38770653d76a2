"""How many new alerts of a rule are told one by one; those beyond are told together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from monitor.domain.alert import Alert
from monitor.storage import UnitOfWork
from rules import MentionRule, Rule


class Limits:
    """Counts within a transaction what the timeline says was told alone; the next one looks again.

    What begins to be told and is not gathered counts, whether it had to ask for room or not: the timeline knows no more.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._limits = {rule.id: rule.limit for rule in rules if isinstance(rule, MentionRule) and rule.limit}
        self._told: dict[str, list[datetime]] = {}

    async def leave_room(self, tx: UnitOfWork, alert: Alert, now: datetime, *, asks: bool) -> bool:
        """Whether an alert whose telling begins may come on its own, as one that does not ask may; if so, it is counted."""
        rule = alert.rule
        limit = self._limits.get(rule)
        if limit is None:
            return True
        since = now - limit.per
        if rule not in self._told:
            self._told[rule] = await tx.timeline.told_alone(rule, since, limit.max, but=(alert.id, now))
        told = self._told[rule] = [moment for moment in self._told[rule] if moment > since]
        if asks and len(told) >= limit.max:
            return False
        told.append(now)
        return True

    def forget(self) -> None:
        """The transaction has ended."""
        self._told.clear()
