"""What happens to alerts is written into the timeline, and logged once it did happen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from monitor.domain.alert import Addressee, Alert
from monitor.domain.plan import EventKind, TimelineEvent
from monitor.storage import UnitOfWork
from monitor.telemetry import metrics

log = structlog.get_logger(__name__)

_LOGGED = ("rule", "plan", "reason", "silence")


class Notes:
    """Those of one transaction."""

    def __init__(self) -> None:
        self._noted: list[TimelineEvent] = []

    async def add(self, tx: UnitOfWork, event: TimelineEvent) -> None:
        """Something happened."""
        await tx.timeline.add(event)
        self._noted.append(event)

    async def of(self, tx: UnitOfWork, kind: EventKind, now: datetime, alert: Alert, detail: dict[str, object]) -> None:
        """Something happened to an alert."""
        told = {"rule": alert.rule, **detail}
        await self.add(tx, TimelineEvent(at=now, kind=kind, detail=told, incident_id=alert.incident_id, alert_id=alert.id))

    async def held_back(
        self, tx: UnitOfWork, alert: Alert, kind: EventKind, reason: str, now: datetime, **detail: object
    ) -> None:
        """Somebody is not told, or not at once, and why."""
        await self.of(tx, kind, now, alert, detail)
        metrics.held_back.labels(rule=alert.rule, reason=reason).inc()

    def committed(self) -> None:
        """It did happen: one line in the log for each event, without a word of what anybody said."""
        for event in self._noted:
            told = {name: event.detail[name] for name in _LOGGED if event.detail and name in event.detail}
            log.info(event.kind, incident=event.incident_id, alert=event.alert_id, plan_run=event.plan_run_id, **told)
        self._noted.clear()

    def forget(self) -> None:
        """The transaction has ended: what was not committed did not happen."""
        self._noted.clear()


def spelt(goes_to: Sequence[Addressee]) -> list[str]:
    """Whom an alert goes to and why, for the timeline."""
    return [f"{each.name}: {each.why}" for each in goes_to]
