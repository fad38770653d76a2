"""What a replay, a story, a backtest or a demo came to, as one object that scripts can read; and who is told in a dry run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitor.domain.alert import Alert, DeliveryRecord, NotificationKind
from monitor.domain.plan import PlanRun
from monitor.sources import Rejected
from monitor.storage import Store, UnitOfWork
from monitor.telemetry import metrics
from notifiers import Message, Receipt

_ALL = 1_000_000
REASONS = 3  # as many as a person reads
_CARRIES = frozenset({NotificationKind.STEP, NotificationKind.CALL, NotificationKind.OVER})  # a plan that is open already
_TELLS = frozenset({NotificationKind.FIRST, NotificationKind.MORE, NotificationKind.WORSE, NotificationKind.REMINDER})


class Nobody:
    """Stands in for every receiver: a dry run records what it would be sent."""

    async def send(self, message: Message, *, attempted_at: datetime) -> Receipt:
        del message, attempted_at
        raise AssertionError("a dry run sends nothing")


@dataclass
class Outcome:
    """What a replay came to.

    `stored`, the alerts, deliveries and plan runs are all that the store holds, an interrupted earlier
    run's included; `read`, `duplicates` and `rejected` are of this run, and `reasons` say why the first were rejected.
    """

    seconds: float = 0.0
    read: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    reasons: list[Rejected] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    deliveries: list[DeliveryRecord] = field(default_factory=list)
    plan_runs: list[PlanRun] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    authors: dict[str, str] = field(default_factory=dict)  # handles by our numbers, of the alerts about one person

    def as_json(self) -> dict[str, Any]:
        """The one JSON object that ends `tocsin replay --json` and `tocsin demo --json`."""
        return {
            "seconds": round(self.seconds, 3),
            "mentions": {
                "read": self.read,
                "stored": self.stored,
                "duplicates": self.duplicates,
                "rejected": self.rejected,
            },
            "alerts": [
                {
                    "rule": alert.rule,
                    "key": dict(alert.key),
                    "severity": alert.severity,
                    "fired_at": alert.fired_at.isoformat(),
                    "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
                }
                for alert in self.alerts
            ],
            "deliveries": [
                {"receiver": each.receiver, "kind": each.kind, "state": each.state, "attempts": each.attempts}
                for each in self.deliveries
            ],
            "plan_runs": [
                {"plan": run.plan, "state": run.state, "opened_at": run.opened_at.isoformat()} for run in self.plan_runs
            ],
        }


async def tell(outcome: Outcome, store: Store) -> None:
    """Fill in what the store holds: how many mentions, and the alerts, deliveries and plan runs as they came about."""
    async with store.read() as tx:
        outcome.stored = await tx.mentions.count()
        outcome.alerts = sorted(await tx.alerts.list(limit=_ALL), key=lambda alert: alert.id)
        outcome.authors = await tx.authors.called(each.key["author"] for each in outcome.alerts if "author" in each.key)
        outcome.deliveries = sorted(await tx.deliveries.list(limit=_ALL), key=lambda each: each.id)
        outcome.plan_runs = sorted(await tx.plans.list(limit=_ALL), key=lambda run: run.id)


async def messages_about(tx: UnitOfWork, outcome: Outcome) -> Counter[tuple[int, str]]:
    """How many messages were about an alert, by its number and who got them: neither its end nor what a plan asks for counts."""
    told: Counter[tuple[int, str]] = Counter()
    for each in outcome.deliveries:
        message = await tx.notifications.get(each.notification_id)
        if message is not None and message.kind not in _CARRIES:
            told.update({(event.alert_id, each.receiver) for event in message.events if event.event in _TELLS})
    return told


def stage_seconds(name: str) -> float:
    """Seconds spent in one stage since the process began."""
    return metrics.registry.get_sample_value("tocsin_stage_seconds_sum", {"stage": name}) or 0.0
