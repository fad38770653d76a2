"""Who is told of an alert: the people its rule names, else the default; and who else, when a receiver fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from monitor.domain.alert import Alert
from monitor.settings import Settings

# Rules of our own, about ourselves: they go to `routing.ops`.
HEALTH_KINDS = frozenset({"source_health", "receiver_health", "store_health", "judging_health", "plan_health"})


class Recipients:
    """Names of people, roles and receivers become receivers, each once and in order. Nobody is never the answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._named = {rule.id: rule.notify for rule in settings.rules}

    def of(self, alert: Alert, now: datetime) -> tuple[str, ...]:
        """Whom an alert goes to. A dead receiver is not told that it is dead."""
        names = self._named.get(alert.rule) or (self._about_ourselves(alert) if alert.kind in HEALTH_KINDS else ("default",))
        expanded = self.expand(names, now)
        if alert.kind != "receiver_health":
            return expanded
        dead = alert.key["receiver"]
        others = tuple(name for name in expanded if name != dead)
        return others or tuple(name for name in self._settings.receivers if name != dead)

    def _about_ourselves(self, alert: Alert) -> tuple[str, ...]:
        """Ops, and whoever follows the plan that is in trouble."""
        plan = self._settings.plans.get(alert.labels.get("plan", "")) if alert.kind == "plan_health" else None
        return (*(plan.notify if plan is not None else ()), "ops")

    def fallback(self, receiver: str, now: datetime) -> tuple[str, ...]:
        """The next channel of a receiver, as its settings name it."""
        named = self._settings.receivers[receiver].fallback if receiver in self._settings.receivers else ()
        return tuple(name for name in self.expand(named, now) if name != receiver)

    def next_after(self, receiver: str, alert: Alert | None, hopes: Mapping[str, bool], now: datetime) -> tuple[str, ...]:
        """Who else is told what a receiver does not take: its fallback, else whoever makes sure that somebody knows.

        `hopes` says who is told already, and whether there is hope that it arrives: while there is, it is enough.
        """
        fresh = tuple(name for name in self.fallback(receiver, now) if name not in hopes)
        if fresh or any(hope for name, hope in hopes.items() if name != receiver):
            return fresh
        named = self._named.get(alert.rule, ()) if alert is not None else ()
        for names in (named, ("default",), ("ops",), self._settings.receivers):
            fresh = tuple(name for name in self.expand(names, now) if name != receiver and name not in hopes)
            if fresh:
                return fresh
        return ()

    def expand(self, names: Iterable[str], now: datetime) -> tuple[str, ...]:
        """The receivers behind names; a backup joins a primary who is off duty."""
        return tuple(dict.fromkeys(receiver for name in names for receiver in self._settings.resolve(name, now)))
