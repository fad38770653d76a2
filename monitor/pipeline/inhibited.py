"""Which open alerts keep an alert from being told, and to whom."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.domain.alert import Alert
from monitor.pipeline.open_alerts import OpenAlerts
from monitor.settings import Settings
from monitor.settings.inhibition import Compiled, Equal, possible
from rules import AlertSeen


class Inhibitions:
    """The inhibitions of a configuration, compiled."""

    def __init__(self, settings: Settings) -> None:
        self._all = [_Inhibiting(Compiled.of(each, settings.lists), settings) for each in settings.routing.inhibit]

    def of(self, alert: Alert, receivers: Iterable[str], rings: OpenAlerts) -> dict[str, int]:
        """Those of the receivers who are not told, each with the alert that keeps this one quiet."""
        waiting = dict.fromkeys(receivers)
        found: dict[str, int] = {}
        for each in () if alert.exempt else self._all:
            concerned = [receiver for receiver in waiting if receiver not in found and each.concerns(receiver)]
            source = each.source(alert, rings) if concerned else None
            if source is not None:
                found |= dict.fromkeys(concerned, source.id)
        return {receiver: found[receiver] for receiver in waiting if receiver in found}


class _Inhibiting:
    """One inhibition: whom it concerns, and rules whose alerts may be its source, so that no others are looked at."""

    def __init__(self, compiled: Compiled, settings: Settings) -> None:
        self._compiled = compiled
        named = compiled.said.for_
        self._receivers = {receiver for name in named for receiver in settings.resolve(name)} if named else None
        self._rules = sorted({rule for rule, _ in possible(compiled.source, settings.rules)})

    def concerns(self, receiver: str) -> bool:
        return self._receivers is None or receiver in self._receivers

    def source(self, alert: Alert, rings: OpenAlerts) -> Alert | None:
        """The open alert that keeps this one quiet; one of which nobody was told keeps nobody quiet."""
        if not self._compiled.target.matches(AlertSeen.of(alert)):
            return None
        candidates = (each for each in rings.of_rules(self._rules) if each.id != alert.id and each.told_at is not None)
        return next((each for each in candidates if self._keeps_quiet(each, alert)), None)

    def _keeps_quiet(self, source: Alert, target: Alert) -> bool:
        both = ((_known(source, name), _known(target, name)) for name in self._compiled.said.equal)
        return all(one is not None and one == other for one, other in both) and self._compiled.source.matches(
            AlertSeen.of(source)
        )


def _known(alert: Alert, name: Equal) -> str | None:
    """What an alert says for certain: of many mentions it keeps the labels of one, which is so by accident."""
    certain = alert.kind == "mention" or name == "subject"
    return alert.key.get(name) or (alert.labels.get(name) if certain else None)
