"""Lets rules judge the past: through the stages of the daemon, on a clock that the past moves. Nothing is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from monitor.backtest.past import Past, Progress, Span, once_more
from monitor.domain.alert import Alert, Severity
from monitor.domain.clock import ReplayClock
from monitor.domain.plan import EventKind, TimelineEvent
from monitor.pipeline import flow, leases
from monitor.pipeline.outcome import Nobody, Outcome, messages_about, tell
from monitor.replay import BEFORE_ALL, deliver_the_rest
from monitor.settings import Settings
from monitor.storage import Store, UnitOfWork

_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class PastAlert:
    """An alert as it would have been raised. Times are aware and in UTC.

    `at` is when it rang first, `over` when it was over: None where it still rang when the span ended. `notifications` are the
    messages about it to whoever got most of them; its end is none. Who wrote is a number in `key`.
    """

    rule: str
    kind: str
    key: Mapping[str, str]
    labels: Mapping[str, str]
    severity: Severity
    at: datetime
    over: datetime | None
    observed: float
    expected: float | None
    measure: str
    learning: bool
    reasons: Sequence[str]
    notifications: int

    def lasted(self, until: datetime) -> timedelta:
        """How long it rang before the span ended at `until`."""
        return (self.over or until) - self.at


@dataclass(frozen=True, slots=True)
class Judged:
    """What rang in the span, in order; and the names of authors by their numbers."""

    alerts: Sequence[PastAlert]
    authors: Mapping[str, str] = field(default_factory=dict)

    def of(self, rule: str) -> list[PastAlert]:
        """The alerts of one rule."""
        return [alert for alert in self.alerts if alert.rule == rule]


async def judge(settings: Settings, past: Past, span: Span, progress: Progress) -> Judged:
    """Judge the past by the rules of `settings`: what comes before the span teaches, and what rang then is left out.

    Rules that are only observed ring, and the silences of the configuration have no say.
    """
    settings = _ringing(settings)
    async with once_more(past) as store:
        clock = ReplayClock(BEFORE_ALL)
        nobody = dict.fromkeys(settings.receivers, Nobody())
        stages = flow.build(settings, store, clock, {}, nobody, owner=leases.owner(), drive=clock, dry_run=True)
        done = 0
        while step := await stages.evaluate.step():
            await stages.act()
            done += step
            progress("judging", done, past.mentions + past.before)
        if done:
            await stages.evaluate.pass_time(span.until)
        await deliver_the_rest(store, clock, stages)
        await stages.evaluate.release()
        return await _rang(store, span)


def _ringing(settings: Settings) -> Settings:
    """The same with every rule in force and no silence: a backtest is asked what the rules would have told."""
    rules = tuple(rule.model_copy(update={"mode": "ring"}) for rule in settings.rules)
    return settings.ringing().model_copy(update={"rules": rules, "silences": {}})


async def _rang(store: Store, span: Span) -> Judged:
    outcome = Outcome()
    await tell(outcome, store)
    async with store.read() as tx:
        messages = await messages_about(tx, outcome)
        first = {event.alert_id: event.detail or {} async for event in _opened(tx)}
    told: Counter[int] = Counter()
    for (alert_id, _), number in messages.items():
        told[alert_id] = max(told[alert_id], number)
    alerts = [
        PastAlert(
            rule=alert.rule,
            kind=alert.kind,
            key=alert.key,
            labels=alert.labels,
            severity=alert.severity,
            at=alert.fired_at,
            over=alert.resolved_at if alert.resolved_at is not None and alert.resolved_at <= span.until else None,
            measure=alert.measure,
            learning=alert.learning,
            notifications=told[alert.id],
            **_figures(alert, first.get(alert.id, {})),
        )
        for alert in outcome.alerts
        if alert.fired_at >= span.since
    ]
    return Judged(sorted(alerts, key=lambda each: each.at), outcome.authors)


async def _opened(tx: UnitOfWork) -> AsyncIterator[TimelineEvent]:
    """What happened when each alert was opened; what it shows later is of its last moment."""
    last = 0
    while page := await tx.timeline.after(last, _AT_ONCE):
        for _, event in page:
            if event.kind == EventKind.ALERT_OPENED:
                yield event
        last = page[-1][0]


def _figures(alert: Alert, first: Mapping[str, Any]) -> dict[str, Any]:
    """What was observed, expected, and why, at its first moment."""
    return {name: first.get(name, getattr(alert, name)) for name in ("observed", "expected", "reasons")}
