"""The open alerts, in memory while this process leads: a storm of mentions costs the store one update an alert and batch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.domain.alert import Addressee, Alert, Severity, fingerprint
from monitor.storage import UnitOfWork
from rules import Finding


class OpenAlerts:
    """True to the store as long as only we open and resolve; what people change beside us is read again by `latest`."""

    def __init__(self, alerts: Iterable[Alert], withheld: Mapping[int, Collection[str]] | None = None) -> None:
        self._open = {alert.fingerprint: alert for alert in alerts}
        self._of_rule: dict[str, dict[str, None]] = {}
        for alert in self._open.values():
            self._of_rule.setdefault(alert.rule, {})[alert.fingerprint] = None
        known = ((fp, (withheld or {}).get(alert.id)) for fp, alert in self._open.items())
        self._withheld = {fp: frozenset(receivers) for fp, receivers in known if receivers}
        self._evidence: dict[str, dict[int, None]] = {}  # of changed alerts: mentions to add, in order

    @classmethod
    async def load(cls, tx: UnitOfWork) -> OpenAlerts:
        """All that are open in the store."""
        return cls(await tx.alerts.open_alerts(), await tx.timeline.withheld())

    def find(self, finding: Finding) -> Alert | None:
        """The open alert that a finding belongs to."""
        return self._open.get(fingerprint(finding.rule, finding.key))

    def of_kind(self, kind: str) -> list[Alert]:
        """The open alerts of one kind, oldest first."""
        return [alert for alert in self._open.values() if alert.kind == kind]

    def silenced(self) -> list[Alert]:
        """The open alerts of which something is left to tell: a silence covered them."""
        return [alert for alert in self._open.values() if alert.told_at is None or alert.silenced_by is not None]

    def of_incident(self, incident_id: int) -> Iterator[Alert]:
        """The open alerts of an incident, oldest first."""
        return (alert for alert in self._open.values() if alert.incident_id == incident_id)

    def of_rules(self, rules: Iterable[str]) -> Iterator[Alert]:
        """The open alerts of these rules."""
        return (self._open[fp] for rule in rules for fp in self._of_rule.get(rule, ()))

    def withheld(self, alert: Alert) -> frozenset[str]:
        """The receivers who are not told of an alert, because another keeps it quiet, and who are told once it does not."""
        return self._withheld.get(alert.fingerprint, frozenset())

    def withheld_from(self, alert: Alert, receivers: frozenset[str]) -> None:
        """Now it is these; the timeline says so, too."""
        self._withheld[alert.fingerprint] = receivers
        if not receivers:
            del self._withheld[alert.fingerprint]

    def waiting(self) -> list[Alert]:
        """The open alerts that somebody is not told of."""
        return [self._open[fp] for fp in self._withheld]

    def opened(self, alert: Alert) -> None:
        """A new one, or one that was opened again; it stands in the store already."""
        self._open[alert.fingerprint] = alert
        self._of_rule.setdefault(alert.rule, {})[alert.fingerprint] = None

    async def resolved(self, tx: UnitOfWork, alert: Alert) -> None:
        """One that is over: its last figures are saved first."""
        await self.save(tx)
        self._open.pop(alert.fingerprint, None)
        self._of_rule.get(alert.rule, {}).pop(alert.fingerprint, None)
        self._withheld.pop(alert.fingerprint, None)

    def again(self, known: Alert, finding: Finding, severity: Severity) -> Alert:
        """The condition held again: the alert with its new figures, to be saved with `save`."""
        fp = known.fingerprint
        self._evidence.setdefault(fp, {}).update(dict.fromkeys(finding.evidence))
        self._open[fp] = replace(
            known,
            severity=severity,
            observed=finding.observed,
            expected=finding.expected,
            learning=finding.learning,
            unscored=finding.unscored,
            copies=finding.copies,
            last_seen_at=max(finding.at, known.last_seen_at),
            occurrences=known.occurrences + 1,
            reasons=finding.reasons,
        )
        return self._open[fp]

    async def latest(self, tx: UnitOfWork, alert: Alert) -> Alert:
        """The alert with what people did to it meanwhile."""
        stored = await tx.alerts.get(alert.id)
        assert stored is not None, "alerts are never deleted while open"
        known = replace(alert, acknowledged_at=stored.acknowledged_at, acknowledged_by=stored.acknowledged_by)
        self._open[alert.fingerprint] = known
        return known

    async def addressed(self, tx: UnitOfWork, alert: Alert, goes_to: Sequence[Addressee]) -> Alert:
        """Whom it goes to from now on."""
        if goes_to == alert.goes_to:
            return alert
        await tx.alerts.address(alert.id, goes_to)
        known = self._open[alert.fingerprint] = replace(alert, goes_to=goes_to)
        return known

    async def moved(self, tx: UnitOfWork, alert: Alert, incident_id: int) -> Alert:
        """It belongs to another incident from now on, with all that is told of it."""
        await tx.alerts.move_to(alert.id, incident_id)
        await tx.timeline.move_alert(alert.id, incident_id)
        known = self._open[alert.fingerprint] = replace(alert, incident_id=incident_id)
        return known

    async def told(self, tx: UnitOfWork, alert: Alert, at: datetime) -> None:
        """People are told of it (again)."""
        await tx.alerts.told(alert.id, at)
        self._open[alert.fingerprint] = replace(alert, told_at=at, silenced_by=None, told_severity=None)

    async def hold(self, tx: UnitOfWork, alert: Alert, by: str | None, told_severity: Severity | None) -> Alert:
        """It rings under a silence, or (None) under none any more."""
        if (alert.silenced_by, alert.told_severity) == (by, told_severity):
            return alert
        await tx.alerts.silenced(alert.id, by, told_severity)
        held = self._open[alert.fingerprint] = replace(alert, silenced_by=by, told_severity=told_severity)
        return held

    async def save(self, tx: UnitOfWork) -> None:
        """Write what changed, one update an alert."""
        for fp, evidence in self._evidence.items():
            await self._save(tx, self._open[fp], tuple(evidence))
        self._evidence.clear()

    async def _save(self, tx: UnitOfWork, alert: Alert, evidence: tuple[int, ...]) -> None:
        await tx.alerts.again(
            alert.id,
            observed=alert.observed,
            expected=alert.expected,
            severity=alert.severity,
            last_seen_at=alert.last_seen_at,
            evidence=evidence,
            occurrences=alert.occurrences,
            reasons=alert.reasons,
            unscored=alert.unscored,
            copies=alert.copies,
        )
