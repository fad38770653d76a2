"""What the first page shows of alerts and plan runs: the gravest first, then the newest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.domain.alert import BY_HAND, BY_HAND_TITLE, SEVERITIES, Alert
from monitor.domain.plan import PlanRun, RunState, UnreadableRunError, localized
from monitor.web.desk import Desk
from notifiers.message import Language

_NUMBERS: Final = {"subject", "mention", "author"}  # parts of a key that say nothing to people


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """One line. `taken_by` is what somebody is called; None: nobody has taken it."""

    id: int
    title: str
    about: str
    severity: str
    opened_at: datetime
    taken_by: str | None


@dataclass(frozen=True, slots=True)
class OpenRun:
    """One line. `level` is that of its plan, None where it has none."""

    id: int
    title: str
    state: RunState
    level: int | None
    opened_at: datetime
    lead: str | None
    drill: bool


def open_alerts(desk: Desk, alerts: Sequence[Alert], language: Language) -> list[OpenAlert]:
    """Those that somebody was told of, or will be: the gravest first."""
    by_weight = sorted(alerts, key=lambda each: (SEVERITIES.index(each.severity), each.opened_at), reverse=True)
    return in_words(desk, by_weight, language)


def in_words(desk: Desk, alerts: Sequence[Alert], language: Language) -> list[OpenAlert]:
    """Each as it is called, in the order given."""
    titles = {rule.id: localized(rule.title, language) for rule in desk.settings.rules if rule.title}
    titles[BY_HAND] = localized(BY_HAND_TITLE, language)
    return [
        OpenAlert(
            each.id,
            titles.get(each.rule, each.rule),
            _about(desk, each),
            each.severity,
            each.opened_at,
            desk.called(each.acknowledged_by) or None,
        )
        for each in alerts
    ]


def _about(desk: Desk, alert: Alert) -> str:
    subject = desk.settings.subjects.get(alert.labels.get("subject", ""))
    named = subject.names[0] if subject is not None and subject.names else ""
    others = (value for name, value in alert.key.items() if name not in _NUMBERS)
    return ", ".join(filter(None, (named, *others)))


def open_runs(desk: Desk, runs: Sequence[PlanRun], language: Language) -> list[OpenRun]:
    """The newest first; one that another version of Tocsin has written has its bare name."""
    return [
        OpenRun(
            each.id, _title(each, language), each.state, each.level, each.opened_at, desk.called(each.lead) or None, each.drill
        )
        for each in sorted(runs, key=lambda run: run.opened_at, reverse=True)
    ]


def _title(run: PlanRun, language: Language) -> str:
    try:
        return localized(run.definition.title, language)
    except UnreadableRunError:
        return run.plan
