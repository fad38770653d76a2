"""The figures of a crisis, as plans ask for them: read from the store at the moment at which a run is looked at."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.domain.alert import Alert
from monitor.domain.plan import NotifyStep, Plan, PlanRun
from monitor.storage import UnitOfWork
from rules.figures import Figures


def asks_figures(plan: Plan) -> bool:
    """Whether anything in a plan depends on figures."""
    reports = any(isinstance(step, NotifyStep) and step.every is not None for step in plan.steps)
    asked = plan.closure.when is not None or any(step.when is not None for step in plan.steps)
    return reports or bool(plan.severity) or asked


async def figures_of(tx: UnitOfWork, run: PlanRun, window: timedelta, now: datetime) -> Figures:
    """How the incident of a run stands: what was said of its subject within `window`, and what rings."""
    incident = await tx.incidents.get(run.incident_id)
    alerts = await tx.alerts.of_incident(run.incident_id)
    said = await tx.mentions.crowd(incident.subject if incident is not None else None, now - window, now)
    return Figures(
        firing=any(alert.resolved_at is None and not alert.personal for alert in alerts),
        level=run.level,
        mentions=said.mentions,
        authors=said.authors,
        scored=said.scored,
        negative_share=said.negative / said.scored if said.scored else None,
        times_expected=max((each for each in map(_times, alerts) if each is not None), default=None),
        reach=said.reach,
        safety_risk=said.risky > 0,
    )


_TINY = 0.01  # of shares and means


def _times(alert: Alert) -> float | None:
    """How many times as much as usual an alert counts; where nothing is usual, as if one were."""
    if alert.expected is None or alert.resolved_at is not None:
        return None  # what is over says nothing of now
    return alert.observed / max(alert.expected, 1.0 if alert.observed >= 1 else _TINY)
