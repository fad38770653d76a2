"""Silence is never taken for peace: whatever of our own is in trouble, from a source to a bug, raises an alert itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from monitor.domain.alert import Alert, Severity, Silence
from monitor.domain.errors import Trouble
from monitor.domain.plan import Due, StepState, dues
from monitor.domain.source import MAIL_REPLIES, SourceState
from monitor.pipeline.alerting import Alerting
from monitor.pipeline.open_alerts import OpenAlerts
from monitor.settings import Settings
from monitor.sources import SourceSettings
from monitor.storage import StoreTrouble, UnitOfWork
from rules import Finding, SourceHealthRule

SOURCE_RULE = "source-health"
RECEIVER_RULE = "receiver-health"
MAILBOX_RULE = "mailbox-health"
STORE_RULE = "store-health"
JUDGING_RULE = "judging-health"
PLAN_RULE = "plan-health"
DUE_RULE = "plan-due"
# A source is ill when it has missed this many polls, and never before this long: one lost poll is no news.
MISSED_POLLS = 3
PATIENCE = timedelta(minutes=10)
# A source that has been ill for longer no longer holds the others' alerts open.
HORIZON_PATIENCE = timedelta(hours=6)
FAILURES = 3
# A receiver to whom nothing was owed for so long may be well again: the next message will show. So may judging.
FORGIVEN = timedelta(hours=24)


def silent_for(
    state: SourceState,
    settings: SourceSettings,
    now: datetime,
    started_at: datetime,
    *,
    known: bool,
    rule: SourceHealthRule | None = None,
) -> timedelta | None:
    """How long a source has been silent, when that is too long; None while it is well. `known`: it is known to be ill."""
    since = state.last_success_at or state.first_attempt_at or started_at
    # Time in which we were not running is not the source's fault; but a restart heals nobody.
    silence = now - (since if known or state.stopped else max(since, started_at))
    patience = (rule.silent_for if rule else None) or settings.silent_after or max(settings.every * MISSED_POLLS, PATIENCE)
    if state.stopped or state.trouble == Trouble.SPENT or silence > patience:
        return silence
    return None


async def look(
    tx: UnitOfWork,
    alerting: Alerting,
    rings: OpenAlerts,
    settings: Settings,
    now: datetime,
    *,
    started_at: datetime,
    silences: Sequence[Silence] = (),
    trouble: StoreTrouble | None = None,
) -> None:
    """Raise and resolve the alerts about our own sources, receivers, mailbox, plan runs and store; resolve those about judging.

    While the store takes in nothing new (`trouble`) no source is asked: how they stand is not known.
    """
    if trouble is None:
        await _look_at_sources(tx, alerting, rings, settings, now, started_at=started_at, silences=silences)
    found = {
        "receiver_health": await _receivers(tx, settings, now),
        "mailbox_health": await _mailbox(tx, settings, now, started_at, known=bool(rings.of_kind("mailbox_health"))),
        "plan_health": await _plans(tx, now),
        "store_health": [_store_finding(trouble, now)] if trouble is not None else [],
        "plan_due": await _due(tx, settings, now),
    }
    for kind, findings in found.items():
        still = [finding.key for finding in findings]
        for alert in rings.of_kind(kind):
            if alert.key not in still:
                # Whoever has held a drill, or read a plan, need not be told that they did.
                await alerting.resolve(tx, rings, alert, now, _why_over(alert, settings), tell=kind != "plan_due")
    for alert in rings.of_kind("judging_health"):
        if now - alert.last_seen_at >= FORGIVEN:
            await alerting.resolve(tx, rings, alert, now, "no mention was left out for a day", tell=True)
    for finding in chain.from_iterable(found.values()):
        await alerting.raise_(tx, rings, finding, now, silences)


def _why_over(alert: Alert, settings: Settings) -> str:
    if alert.kind == "mailbox_health":
        return "it is read again" if settings.replies is not None else "it is no longer read"
    if alert.kind == "plan_health":
        return "the plan goes on, or was closed"
    if alert.kind == "plan_due":
        return "it was done, or is asked for anew"
    if alert.kind == "store_health":
        return "it takes in mentions again"
    return "it takes messages again" if alert.key["receiver"] in settings.receivers else "it is no longer told"


async def _look_at_sources(
    tx: UnitOfWork,
    alerting: Alerting,
    rings: OpenAlerts,
    settings: Settings,
    now: datetime,
    *,
    started_at: datetime,
    silences: Sequence[Silence],
) -> None:
    known = {alert.key["source"] for alert in rings.of_kind("source_health")}
    ill = {finding.key["source"]: finding for finding in await _sources(tx, settings, now, started_at, known)}
    for alert in rings.of_kind("source_health"):
        source = alert.key["source"]
        if source not in ill:
            over = "it answers again" if is_asked(settings, source) else "it is no longer asked"
            await alerting.resolve(tx, rings, alert, now, over, tell=True)
        elif alert.rule != ill[source].rule:
            await alerting.resolve(tx, rings, alert, now, "another rule watches it", tell=False)
    for finding in ill.values():
        await alerting.raise_(tx, rings, finding, now, silences)


def unjudged(mention: int, why: str, now: datetime) -> Finding:
    """A fault of ours kept a mention from being judged: somebody must read it instead of the rules."""
    return about_ourselves(
        rule=JUDGING_RULE,
        kind="judging_health",
        key={"mentions": "unjudged"},
        labels={},
        at=now,
        observed=1.0,
        measure="mentions",
        reason=f"mention {mention} was not judged: {why}",
        evidence=(mention,),
    )


def _trouble(trouble: StoreTrouble) -> str:
    return "full" if trouble.full else "damaged"


def _store_finding(trouble: StoreTrouble, now: datetime) -> Finding:
    needed = f"{trouble.needed // 2**20} MB"
    return about_ourselves(
        rule=STORE_RULE,
        kind="store_health",
        key={"store": _trouble(trouble)},
        labels={"store": trouble.place, "trouble": _trouble(trouble), "needed": needed},
        at=now,
        observed=1.0,
        reason=f"nothing new is taken in: {trouble.error}",
    )


def about_ourselves(
    *,
    rule: str,
    kind: str,
    key: Mapping[str, str],
    labels: Mapping[str, str],
    at: datetime,
    observed: float,
    reason: str,
    severity: Severity = "critical",
    expected: float = 0.0,
    measure: str = "failures",
    window: timedelta | None = None,
    evidence: tuple[int, ...] = (),
) -> Finding:
    """About Tocsin itself: no subject, no plan, and told to ops."""
    return Finding(
        rule=rule,
        kind=kind,
        key=key,
        labels=labels,
        subject=None,
        at=at,
        severity=severity,
        category="health",
        observed=observed,
        expected=expected,
        measure=measure,
        window=window,
        learning=False,
        reasons=(reason,),
        evidence=evidence,
        plan=None,
        notify=(),
    )


async def horizon(tx: UnitOfWork, settings: Settings, now: datetime) -> datetime:
    """Up to when we have seen everything: the oldest watermark of the sources that are asked and answer."""
    marks = [
        state.watermark
        for state in await tx.sources.all()
        if state.watermark is not None
        and is_asked(settings, state.source)
        and not state.stopped
        and now - state.watermark < HORIZON_PATIENCE
    ]
    return min([now, *marks])


async def delivered(tx: UnitOfWork, settings: Settings) -> dict[str, datetime | None]:
    """Up to when each source that is asked has brought everything, however long ago that is; None before its first answer."""
    known = {state.source: state.watermark for state in await tx.sources.all()}
    return {name: known.get(name) for name in settings.sources if is_asked(settings, name)}


async def wellness(tx: UnitOfWork, settings: Settings, now: datetime) -> dict[str, bool]:
    """Of every source that is asked, whether it answers: one that `horizon` does not wait for any more does not."""
    return {
        state.source: not state.stopped and (state.watermark is None or now - state.watermark < HORIZON_PATIENCE)
        for state in await tx.sources.all()
        if is_asked(settings, state.source)
    }


def is_asked(settings: Settings, source: str) -> bool:
    """Whether a source is configured, and not switched off."""
    return source in settings.sources and settings.sources[source].enabled


async def _sources(
    tx: UnitOfWork, settings: Settings, now: datetime, started_at: datetime, known: Collection[str]
) -> list[Finding]:
    findings = []
    for state in await tx.sources.all():
        if not is_asked(settings, state.source):
            continue
        source = settings.sources[state.source]
        rule = watching(settings, state.source)
        silence = silent_for(state, source, now, started_at, known=state.source in known, rule=rule)
        if silence is not None:
            findings.append(_source_finding(state, source, now, silence, rule))
    return findings


def watching(settings: Settings, source: str) -> SourceHealthRule | None:
    """The rule that says how this source's silence is told, if there is one: the first that covers it."""
    rules = (rule for rule in settings.rules if isinstance(rule, SourceHealthRule))
    return next((rule for rule in rules if rule.covers(source)), None)


def _source_finding(
    state: SourceState, settings: SourceSettings, now: datetime, silence: timedelta, rule: SourceHealthRule | None
) -> Finding:
    mild, grave = (rule.severity, rule.stopped) if rule else ("warning", "critical")
    trouble = state.trouble or Trouble.TIMEOUT
    last = state.last_success_at.isoformat(timespec="seconds") if state.last_success_at else "never"
    return about_ourselves(
        rule=rule.id if rule else SOURCE_RULE,
        kind="source_health",
        key={"source": state.source},
        labels={"source": state.source, "trouble": str(trouble), "last_success": last},
        at=now,
        severity=grave if state.stopped else mild,
        observed=silence.total_seconds(),
        expected=settings.every.total_seconds(),
        measure="seconds",
        reason=f"{state.source} has not answered since {last}: {trouble}: {state.detail or 'no answer'}",
    )


async def _mailbox(tx: UnitOfWork, settings: Settings, now: datetime, started_at: datetime, *, known: bool) -> list[Finding]:
    """Whoever answers OK believes that it is taken: a mailbox that cannot be read must not stay unnoticed."""
    if settings.replies is None:
        return []
    state = await tx.sources.get(MAIL_REPLIES)
    since = state.last_success_at or state.first_attempt_at or started_at
    silence = now - (since if known or state.stopped else max(since, started_at))
    if not state.stopped and silence <= max(settings.replies.every * MISSED_POLLS, PATIENCE):
        return []
    trouble = state.trouble or Trouble.TIMEOUT
    last = state.last_success_at.isoformat(timespec="seconds") if state.last_success_at else "never"
    name = settings.replies.reply_to or settings.replies.username
    return [
        about_ourselves(
            rule=MAILBOX_RULE,
            kind="mailbox_health",
            key={"mailbox": name},
            labels={"mailbox": name, "trouble": str(trouble), "last_success": last},
            at=now,
            observed=silence.total_seconds(),
            expected=settings.replies.every.total_seconds(),
            measure="seconds",
            reason=f"{name} was not read since {last}: {trouble}: {state.detail or 'no answer'}",
        )
    ]


async def _plans(tx: UnitOfWork, now: datetime) -> list[Finding]:
    """In a crisis everybody relies on the plan: a step that could not be carried out is somebody's at once."""
    runs = await tx.plans.open_runs()
    stuck = await tx.timeline.stuck_runs() if runs else {}
    findings = []
    for run in runs:
        # Of a step that fails in a drill, the run itself tells its people, with the drill's prefix.
        failed = [step for step in run.steps if step.state is StepState.FAILED and not run.drill]
        if run.id not in stuck and not failed:
            continue
        what = "stuck" if run.id in stuck else "failed"
        steps = ", ".join(step.step for step in failed)
        said = "; ".join(f"step {step.step} failed: {step.detail or 'nobody to tell'}" for step in failed)
        findings.append(
            about_ourselves(
                rule=PLAN_RULE,
                kind="plan_health",
                key={"run": str(run.id)},
                labels={"plan": run.plan, "run": str(run.id), "trouble": what, "steps": steps},
                at=now,
                observed=float(len(failed)),
                reason=said or f"plan {run.plan} cannot be carried out: {(stuck[run.id].detail or {}).get('reason')}",
            )
        )
    return findings


async def _due(tx: UnitOfWork, settings: Settings, now: datetime) -> list[Finding]:
    """Drills and reviews that are late, and words about to expire: each is told once a period, to whoever owns the plan."""
    drilled = await tx.plans.last_drills() if settings.own_plans else {}
    zone = ZoneInfo(settings.timezone)
    findings = []
    for plan in (settings.plans[name] for name in settings.own_plans):
        last = drilled[plan.id].astimezone(zone).date() if plan.id in drilled else None
        findings += [_due_finding(plan.id, due, now) for due in dues(plan, last, now.astimezone(zone).date())]
    return findings


def _due_finding(plan: str, due: Due, now: datetime) -> Finding:
    said = {"plan": plan, "due": due.what, "on": due.on.isoformat()} | ({"statement": due.statement} if due.statement else {})
    return about_ourselves(
        rule=DUE_RULE,
        kind="plan_due",
        key=said,
        labels=said,
        at=now,
        observed=1.0,
        severity="info",
        reason=f"plan {plan}: {due.what} {due.statement or 'due'} {due.on}",
    )


async def _receivers(tx: UnitOfWork, settings: Settings, now: datetime) -> list[Finding]:
    findings = []
    for state in await tx.receivers.all():
        if state.receiver not in settings.receivers:
            continue
        failing = state.failures >= FAILURES and state.last_failure_at is not None and now - state.last_failure_at < FORGIVEN
        if state.disabled_at is None and not failing:
            continue
        why = state.disabled_reason or f"{state.failures} failed attempts in a row"
        findings.append(
            about_ourselves(
                rule=RECEIVER_RULE,
                kind="receiver_health",
                key={"receiver": state.receiver},
                labels={"receiver": state.receiver},
                at=now,
                observed=float(state.failures),
                reason=f"{state.receiver} does not take messages: {why}",
            )
        )
    return findings
