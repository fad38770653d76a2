"""Silence is never taken for peace: a source that stops answering, or a receiver that stops taking, raises an alert itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from monitor.domain.alert import Silence
from monitor.domain.errors import Trouble
from monitor.domain.source import SourceState
from monitor.pipeline.alerting import Alerting
from monitor.pipeline.open_alerts import OpenAlerts
from monitor.settings import Settings
from monitor.sources import SourceSettings
from monitor.storage import UnitOfWork
from rules import Finding

SOURCE_RULE = "source-health"
RECEIVER_RULE = "receiver-health"
# A source is ill when it has missed this many polls, and never before this long: one lost poll is no news.
MISSED_POLLS = 3
PATIENCE = timedelta(minutes=10)
# A source that has been ill for longer no longer holds the others' alerts open.
HORIZON_PATIENCE = timedelta(hours=6)
FAILURES = 3
# A receiver to whom nothing was owed for so long may be well again: the next message will show.
FORGIVEN = timedelta(hours=24)


def silent_for(
    state: SourceState, settings: SourceSettings, now: datetime, started_at: datetime, *, known: bool
) -> timedelta | None:
    """How long a source has been silent, when that is too long; None while it is well. `known`: it is known to be ill."""
    since = state.last_success_at or state.first_attempt_at or started_at
    # Time in which we were not running is not the source's fault; but a restart heals nobody.
    silence = now - (since if known or state.stopped else max(since, started_at))
    if state.stopped or silence > (settings.silent_after or max(settings.every * MISSED_POLLS, PATIENCE)):
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
) -> None:
    """Raise and resolve the alerts about our own sources and receivers."""
    known = {alert.key["source"] for alert in rings.of_kind("source_health")}
    ill = {finding.key["source"]: finding for finding in await _sources(tx, settings, now, started_at, known)}
    dead = {finding.key["receiver"]: finding for finding in await _receivers(tx, settings, now)}
    for alert in rings.of_kind("source_health"):
        if alert.key["source"] not in ill:
            over = "it answers again" if _asked(settings, alert.key["source"]) else "it is no longer asked"
            await alerting.resolve(tx, rings, alert, now, over, tell=True)
    for alert in rings.of_kind("receiver_health"):
        if alert.key["receiver"] not in dead:
            over = "it takes messages again" if alert.key["receiver"] in settings.receivers else "it is no longer told"
            await alerting.resolve(tx, rings, alert, now, over, tell=True)
    for finding in (*ill.values(), *dead.values()):
        await alerting.raise_(tx, rings, finding, now, silences)


async def horizon(tx: UnitOfWork, settings: Settings, now: datetime) -> datetime:
    """Up to when we have seen everything: the oldest watermark of the sources that are asked and answer."""
    marks = [
        state.watermark
        for state in await tx.sources.all()
        if state.watermark is not None
        and _asked(settings, state.source)
        and not state.stopped
        and now - state.watermark < HORIZON_PATIENCE
    ]
    return min([now, *marks])


def _asked(settings: Settings, source: str) -> bool:
    return source in settings.sources and settings.sources[source].enabled


async def _sources(
    tx: UnitOfWork, settings: Settings, now: datetime, started_at: datetime, known: Collection[str]
) -> list[Finding]:
    findings = []
    for state in await tx.sources.all():
        if not _asked(settings, state.source):
            continue
        source = settings.sources[state.source]
        silence = silent_for(state, source, now, started_at, known=state.source in known)
        if silence is not None:
            findings.append(_source_finding(state, source, now, silence))
    return findings


def _source_finding(state: SourceState, settings: SourceSettings, now: datetime, silence: timedelta) -> Finding:
    trouble = state.trouble or Trouble.TIMEOUT
    last = state.last_success_at.isoformat(timespec="seconds") if state.last_success_at else "never"
    return Finding(
        rule=SOURCE_RULE,
        kind="source_health",
        key={"source": state.source},
        labels={"source": state.source, "trouble": str(trouble), "last_success": last},
        subject=None,
        at=now,
        severity="critical" if state.stopped else "warning",
        category="health",
        observed=silence.total_seconds(),
        expected=settings.every.total_seconds(),
        measure="seconds",
        window=None,
        learning=False,
        reasons=(f"{state.source} has not answered since {last}: {trouble}: {state.detail or 'no answer'}",),
        evidence=(),
        plan=None,
        notify=(),
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
            Finding(
                rule=RECEIVER_RULE,
                kind="receiver_health",
                key={"receiver": state.receiver},
                labels={"receiver": state.receiver},
                subject=None,
                at=now,
                severity="critical",
                category="health",
                observed=float(state.failures),
                expected=0.0,
                measure="failures",
                window=None,
                learning=False,
                reasons=(f"{state.receiver} does not take messages: {why}",),
                evidence=(),
                plan=None,
                notify=(),
            )
        )
    return findings
