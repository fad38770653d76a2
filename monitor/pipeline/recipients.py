"""Who is told of an alert: the people its rule names, else the default; and who instead, when a receiver is gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from monitor.domain.alert import Alert
from monitor.settings import Settings

# Rules of our own, about ourselves: they go to `routing.ops`.
HEALTH_KINDS = frozenset({"source_health", "receiver_health"})


class Recipients:
    """Names of people, roles and receivers become receivers, each once and in order. Nobody is never the answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._named = {rule.id: rule.notify for rule in settings.rules}

    def of(self, alert: Alert, now: datetime) -> tuple[str, ...]:
        """Whom an alert goes to. A dead receiver is not told that it is dead."""
        names = self._named.get(alert.rule) or (("ops",) if alert.kind in HEALTH_KINDS else ("default",))
        expanded = self.expand(names, now)
        if alert.kind != "receiver_health":
            return expanded
        dead = alert.key["receiver"]
        others = tuple(name for name in expanded if name != dead)
        return others or tuple(name for name in self._settings.receivers if name != dead)

    def instead_of(self, gone: str, alert: Alert | None, now: datetime) -> tuple[str, ...]:
        """Who is told what a receiver that is gone can't be told: the rule's others, else the default, else ops, else anybody."""
        tried = [self._named.get(alert.rule, ()) if alert is not None else (), ("default",), ("ops",), self._settings.receivers]
        found = (tuple(name for name in self.expand(names, now) if name != gone) for names in tried)
        return next((names for names in found if names), ())

    def expand(self, names: Iterable[str], now: datetime) -> tuple[str, ...]:
        """The receivers behind names; a backup joins a primary who is off duty."""
        return tuple(dict.fromkeys(receiver for name in names for receiver in self._settings.resolve(name, now)))
