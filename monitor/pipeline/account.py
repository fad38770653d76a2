"""The account of what was only observed in a span: what would have rung, what plans would have done, how many messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from monitor.domain.alert import SEVERITIES, Alert, AlertEvent, NotificationKind
from monitor.domain.plan import EventKind, PlanRun, TimelineEvent
from monitor.pipeline.counting import Said, messages
from monitor.pipeline.quiet_hours import Quiet
from monitor.pipeline.recipients import Recipients
from monitor.plans import ONLY_OBSERVED, Why
from monitor.settings import Settings
from monitor.storage import UnitOfWork

_OPENED = (EventKind.PLAN_OPENED, EventKind.PLAN_REOPENED)
_WOULD_TELL = EventKind.PLAN_WOULD_TELL
_RANG, _OVER = EventKind.ALERT_OBSERVED, EventKind.ALERT_RESOLVED
_CLOSED = EventKind.PLAN_CLOSED
_KINDS = (_RANG, _OVER, *_OPENED, _WOULD_TELL, _CLOSED)


@dataclass(frozen=True, slots=True)
class Rang:
    """An alert of which nobody was told, with the figures of its first moment, and the receivers who would have been."""

    alert: Alert
    at: datetime
    receivers: Sequence[str]


@dataclass(frozen=True, slots=True)
class RuleAccount:
    """The alerts of one rule, oldest first."""

    rule: str
    rang: Sequence[Rang]

    @property
    def gravest(self) -> Alert:
        """The gravest, then a crowd before one person, then the largest."""
        alerts = [each.alert for each in self.rang]
        return max(alerts, key=lambda each: (SEVERITIES.index(each.severity), not each.personal, each.observed))


@dataclass(frozen=True, slots=True)
class PlanAccount:
    """A run that was only observed. `opened_at` None: it was opened before. `would` are its `plan.would_tell` events."""

    run: PlanRun
    opened_at: datetime | None
    would: Sequence[TimelineEvent]


@dataclass(frozen=True, slots=True)
class Account:
    """From `since` until before `until`. `messages` are those that would have left, by receiver; `heard` counts mentions."""

    since: datetime
    until: datetime
    rules: Sequence[RuleAccount]
    plans: Sequence[PlanAccount]
    messages: Mapping[str, Sequence[datetime]]
    heard: int

    @property
    def alerts(self) -> list[Alert]:
        """All that would have rung."""
        return [each.alert for rule in self.rules for each in rule.rang]


async def account_of(tx: UnitOfWork, settings: Settings, since: datetime, until: datetime) -> Account:
    """What the store says of a span (aware)."""
    story = await tx.timeline.between(since, until, _KINDS)
    recipients = Recipients(settings)
    alerts = await tx.alerts.many({event.alert_id for event in story if event.alert_id is not None})
    rang = list(_rang(story, alerts, recipients))
    plans = [each async for each in _plans(tx, story)]
    said = [*_said_by_plans(plans, recipients), *_said_of_alerts(rang, plans, story, recipients)]
    told: dict[str, list[datetime]] = {}
    for receiver, at in messages(said, Quiet(settings), settings.routing.group_interval):
        told.setdefault(receiver, []).append(at)
    rules: dict[str, list[Rang]] = {}
    for each in rang:
        rules.setdefault(each.alert.rule, []).append(each)
    by_weight = sorted(
        (RuleAccount(rule, each) for rule, each in rules.items()),
        key=lambda each: (-SEVERITIES.index(each.gravest.severity), -len(each.rang), each.rule),
    )
    return Account(since, until, by_weight, plans, told, await tx.mentions.seen(since, until))


def _rang(story: Sequence[TimelineEvent], alerts: Mapping[int, Alert], recipients: Recipients) -> Iterator[Rang]:
    """Each alert once; what people had been told of before it was observed is no news."""
    seen: set[int] = set()
    for event in story:
        alert = alerts.get(event.alert_id or 0) if event.kind == _RANG else None
        if alert is None or alert.id in seen or (alert.told_at is not None and alert.told_at <= event.at):
            continue
        seen.add(alert.id)
        detail: Mapping[str, Any] = event.detail or {}
        first = {name: detail[name] for name in ("observed", "expected") if name in detail}
        yield Rang(replace(alert, **first), event.at, recipients.of(alert, event.at))


async def _plans(tx: UnitOfWork, story: Sequence[TimelineEvent]) -> AsyncIterator[PlanAccount]:
    """The runs that were only observed, in the order in which they are met; what was carried out is none."""
    found: dict[int, list[TimelineEvent]] = {}
    into_force = {(event.plan_run_id, event.at) for event in story if _into_force(event)}
    for event in story:
        if event.plan_run_id is None or (_says_over(event) and (event.plan_run_id, event.at) in into_force):
            continue
        if event.kind == _WOULD_TELL or _opens_observed(event):
            found.setdefault(event.plan_run_id, []).append(event)
    for number, events in found.items():
        run = await tx.plans.get(number)
        if run is not None and run.is_readable:
            opened = next((event.at for event in events if event.kind in _OPENED), None)
            yield PlanAccount(run, opened, [event for event in events if event.kind == _WOULD_TELL])


def _opens_observed(event: TimelineEvent) -> bool:
    return event.kind in _OPENED and (event.detail or {}).get("mode") == "observe"


def _into_force(event: TimelineEvent) -> bool:
    """Whether a run was closed only because its plan is carried out from then on: nobody would have been told of an end."""
    return event.kind == _CLOSED and (event.detail or {}).get("why") == ONLY_OBSERVED


def _says_over(event: TimelineEvent) -> bool:
    return event.kind == _WOULD_TELL and (event.detail or {}).get("why") == Why.OVER


def _said_by_plans(plans: Sequence[PlanAccount], recipients: Recipients) -> Iterator[Said]:
    for plan in plans:
        if plan.opened_at is not None:
            yield from _said(plan, plan.opened_at, plan.run.definition.notify, recipients)
        for event in plan.would:
            yield from _said(plan, event.at, addressed(event), recipients)


def addressed(event: TimelineEvent) -> Sequence[str]:
    """Whom a plan would have told: people, roles or receivers."""
    detail: Mapping[str, Any] = event.detail or {}
    return tuple(map(str, detail.get("to", ())))


def _said(plan: PlanAccount, at: datetime, to: Sequence[str], recipients: Recipients) -> Iterator[Said]:
    return (Said(at, receiver, plan.run.id) for receiver in recipients.expand(to, at))


def _said_of_alerts(
    rang: Sequence[Rang], plans: Sequence[PlanAccount], story: Sequence[TimelineEvent], recipients: Recipients
) -> Iterator[Said]:
    """That it rang; and of windows that it is over. Whoever is told of a plan is told of its alert in the same message."""
    rooms: dict[tuple[str | None, datetime], set[str]] = {
        (plan.run.plan, plan.opened_at): {*recipients.expand(plan.run.definition.notify, plan.opened_at)}
        for plan in plans
        if plan.opened_at is not None
    }
    over = {event.alert_id: event.at for event in story if event.kind == _OVER}
    for each in rang:
        alert, about = each.alert, _conversation(each.alert)
        share = AlertEvent.of(alert, NotificationKind.FIRST)
        room = rooms.get((alert.plan, each.at), set())
        yield from (Said(each.at, receiver, about, share) for receiver in each.receivers if receiver not in room)
        if alert.told_at is None and not alert.personal and alert.id in over:
            ended = replace(share, event=NotificationKind.RESOLVED)
            yield from (Said(over[alert.id], receiver, about, ended) for receiver in each.receivers)


def _conversation(alert: Alert) -> tuple[str, object]:
    """What happens to a subject as a whole shares one conversation; each complaint has its own."""
    subject = alert.labels.get("subject")
    return ("subject", subject) if subject and not alert.personal else ("incident", alert.incident_id)
