"""A finding becomes an alert, joins an incident, opens the plan, and is told (`telling`): all in the caller's transaction.

Alerts are always opened; only telling is held back. What may hold it back is asked in this order:

1. a silence, then that its rule (`mode: observe`) or everything (`observing`) is only observed: nobody is told
   (`Alerting._quieted`);
2. an inhibition: some receivers are not told while another alert rings (`inhibited`);
3. the limit of its rule: told in a digest (`limits`);
4. quiet hours: told at their end (`quiet_hours`, asked by `conversation`);
5. a storm: told in a digest (`conversation`).

Alerts that are exempt pass all but the first; while everything is only observed they ring, too, as those about ourselves do. The
messages of a plan pass 2 to 5. What was held back stands in the timeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.domain.alert import (
    EXEMPT,
    HEALTH_KINDS,
    OBSERVED,
    Alert,
    NewAlert,
    NotificationKind,
    Severity,
    Silence,
    fingerprint,
    worse,
)
from monitor.domain.mention import Observed
from monitor.domain.plan import EventKind
from monitor.pipeline.incidents import HowObserved, begins_to_ring, incident_of
from monitor.pipeline.notes import Notes, spelt
from monitor.pipeline.open_alerts import OpenAlerts
from monitor.pipeline.opening import close_observed
from monitor.pipeline.silencing import Silencing, quiet_until
from monitor.pipeline.telling import Telling
from monitor.settings import Settings
from monitor.storage import UnitOfWork
from monitor.telemetry import metrics
from rules import Finding

_HEALTH_REALERT = timedelta(hours=6)
_TOLD_ONCE = frozenset({"plan-due"})  # what waits for weeks is no news every six hours


@dataclass(frozen=True, slots=True)
class _Quiet:
    """Why nobody is told of an alert, `by` which silence (its number) and until when, where that is known."""

    kind: EventKind
    why: str
    by: str
    until: datetime | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


class Alerting:
    """Opens, repeats and resolves alerts. It never commits: the evaluator's transaction holds everything together."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rules = {rule.id: rule for rule in settings.rules}
        self._silencing = Silencing(settings.lists, settings.standing_silences)
        self._notes = Notes()
        self._telling = Telling(settings, self._notes)

    async def save(self, tx: UnitOfWork) -> None:
        """Write what this transaction gathered: call it before the commit."""
        await self._telling.save(tx)

    def committed(self) -> None:
        """It did happen."""
        self._notes.committed()

    def forget(self) -> None:
        """The transaction has ended: what was not committed did not happen."""
        self._telling.forget()
        self._notes.forget()

    async def raise_(
        self,
        tx: UnitOfWork,
        rings: OpenAlerts,
        finding: Finding,
        now: datetime,
        silences: Sequence[Silence] = (),
        mention: Observed | None = None,
    ) -> None:
        """Take one finding: open its alert, or add to the one that is open. `now` is story time, `mention` what rang."""
        known = rings.find(finding)
        if known is not None:
            await self._again(tx, rings, known, finding, now, silences, mention)
        else:
            await self._open(tx, rings, finding, now, silences, mention)

    async def after_silence(
        self, tx: UnitOfWork, rings: OpenAlerts, alert: Alert, now: datetime, silences: Sequence[Silence]
    ) -> datetime | None:
        """Tell, once, of an alert that still rings when neither a silence nor its rule keeps it quiet, if anything was held back.

        Somebody who has taken it meanwhile spares people that message; of what was only observed, not the plan.

        Returns until when a silence covers it, if one does.
        """
        quiet = self._quieted(alert, silences, now)
        if quiet is not None:
            await self._hold(tx, rings, alert, quiet, now)
            return quiet.until
        kind = _held_back(alert)
        if kind is NotificationKind.FIRST:
            alert = await self._begins_to_ring(tx, rings, alert, now)
        taken = kind is not NotificationKind.WORSE and await self._taken(tx, rings, alert)
        if kind is None or taken:
            begins = kind is NotificationKind.FIRST and alert.silenced_by is not None and OBSERVED in alert.labels
            alert = await rings.hold(tx, alert, None, None)
            if begins:
                await self._open_plan_of_taken(tx, alert, now)
            return None
        if kind is NotificationKind.FIRST:
            await self._told_at_last(tx, alert, now)
        await rings.told(tx, alert, now)
        await self._telling.tell(tx, rings, alert, kind, (), now, begins=kind is NotificationKind.FIRST)
        return None

    async def carry_on_plans(self, tx: UnitOfWork, rings: OpenAlerts, now: datetime, silences: Sequence[Silence]) -> None:
        """A run that is only observed is over with its incident; once its plan is in force, it opens for what rings still."""
        for run in await self._telling.tried(tx):
            incident = await tx.incidents.get(run.incident_id)
            if incident is None or incident.resolved_at is not None:
                await close_observed(tx, run, now)
            elif self._telling.carries_out(run.plan, now):
                asks = [alert for alert in rings.of_incident(run.incident_id) if alert.plan == run.plan]
                for alert in asks:  # one that was called over opens nothing, and the next may
                    if self._quieted(alert, silences, now) is None:
                        await self._telling.open_at_last(tx, alert, now)

    async def after_inhibition(
        self, tx: UnitOfWork, rings: OpenAlerts, alert: Alert, now: datetime, silences: Sequence[Silence]
    ) -> None:
        """Tell those, once, who were not told of an alert because another kept it quiet, and does so no more."""
        if self._quieted(alert, silences, now) is None:
            await self._telling.after_inhibition(tx, rings, alert, now)

    async def resolve(self, tx: UnitOfWork, rings: OpenAlerts, alert: Alert, now: datetime, reason: str, *, tell: bool) -> None:
        """End an alert, and its incident when nothing else holds it open."""
        await rings.resolved(tx, alert)
        if not await tx.alerts.resolve(alert.id, now, reason):
            return
        metrics.alerts_resolved.labels(rule=alert.rule).inc()
        await self._notes.of(tx, EventKind.ALERT_RESOLVED, now, alert, {"reason": reason})
        if tell:
            await self._telling.tell_of_its_end(tx, alert, now)
        await self._end_incident(tx, alert.incident_id, now)

    async def remind(
        self, tx: UnitOfWork, rings: OpenAlerts, alert: Alert, now: datetime, silences: Sequence[Silence] = ()
    ) -> None:
        """Tell again of a window that still rings when nothing new was said, as often as its rule's `realert` asks."""
        quiet = self._quieted(alert, silences, now)
        if quiet is not None:
            await self._hold(tx, rings, alert, quiet, now)
            return
        if await self._repeat(tx, rings, alert, now, graver=False) is NotificationKind.REMINDER:
            await rings.told(tx, alert, now)
            await self._telling.tell(tx, rings, alert, NotificationKind.REMINDER, (), now, begins=False)

    def reminds_at(self, alert: Alert) -> datetime:
        """When people are next told of an alert that still rings; perhaps long ago. Silences, and who has taken it, apart."""
        if alert.told_at is None or _held_back(alert) is not None:
            return alert.opened_at
        return alert.told_at + self._rest(alert.rule, alert.told_at - alert.opened_at)

    async def _again(
        self,
        tx: UnitOfWork,
        rings: OpenAlerts,
        known: Alert,
        finding: Finding,
        now: datetime,
        silences: Sequence[Silence],
        mention: Observed | None,
    ) -> None:
        """The alert is open already: bring it up to date, and tell people only what changes what they should do."""
        graver = worse(finding.severity, known.severity)
        alert = rings.again(known, finding, finding.severity if graver else known.severity)
        if graver:
            await tx.incidents.raise_severity(known.incident_id, finding.severity)
            alert, joined = await self._telling.join(tx, rings, alert, mention)
            await self._notes.of(tx, EventKind.ALERT_WORSE, now, alert, {"severity": finding.severity, **joined})
        quiet = self._quieted(alert, silences, now)
        if quiet is not None:
            seen = known.told_at is not None or await self._taken(tx, rings, alert)
            known_as = known.severity if graver and seen else None
            await self._hold(tx, rings, alert, quiet, now, known_as=known_as)
            return
        kind = await self._repeat(tx, rings, alert, now, graver=graver)
        if kind is None:
            return
        if kind is NotificationKind.FIRST:
            alert = await self._begins_to_ring(tx, rings, alert, now)
            await self._told_at_last(tx, alert, now)
        await rings.told(tx, alert, now)
        await self._telling.tell(tx, rings, alert, kind, finding.evidence, now, begins=kind is NotificationKind.FIRST)

    async def _hold(
        self,
        tx: UnitOfWork,
        rings: OpenAlerts,
        alert: Alert,
        quiet: _Quiet,
        now: datetime,
        known_as: Severity | None = None,
    ) -> None:
        """It rings, and is kept quiet. What people know of it stands: once that is over, they are told what is new."""
        begins = quiet.by == OBSERVED and alert.silenced_by != OBSERVED  # under a silence before: it would ring now
        if alert.silenced_by is None or begins:
            await self._notes.held_back(tx, alert, quiet.kind, quiet.why, now, **quiet.detail)
        await rings.hold(tx, alert, quiet.by, alert.told_severity or known_as)
        if begins and alert.told_at is None and self._observed(alert, now) == "all":
            await self._telling.observe(tx, alert, now)

    async def _begins_to_ring(self, tx: UnitOfWork, rings: OpenAlerts, alert: Alert, now: datetime) -> Alert:
        """What was only observed belongs to an incident like any other from now on: perhaps to one that rings already."""
        if OBSERVED not in alert.labels or alert.silenced_by is None:
            return alert
        left, incident = alert.incident_id, await begins_to_ring(tx, alert)
        await tx.incidents.raise_severity(incident, alert.severity)
        if incident == left:
            return alert
        alert = await rings.moved(tx, alert, incident)
        await self._end_incident(tx, left, now)
        return alert

    async def _open_plan_of_taken(self, tx: UnitOfWork, alert: Alert, now: datetime) -> None:
        """Open the plan of an alert that somebody has taken while it was only observed, unless what it belonged to is over."""
        incident = await tx.incidents.get(alert.incident_id)
        if alert.plan is not None and incident is not None and incident.resolved_at is None:
            await self._telling.open_at_last(tx, alert, now)

    async def _end_incident(self, tx: UnitOfWork, incident: int, now: datetime) -> None:
        """It is over when nothing holds it open: a complaint that joined a crisis does not; alone, it holds its own incident."""
        if not await tx.alerts.hold_open(incident):
            await tx.incidents.resolve(incident, now)

    async def _told_at_last(self, tx: UnitOfWork, alert: Alert, now: datetime) -> None:
        """An alert that was opened quietly is told."""
        await self._notes.of(tx, EventKind.ALERT_TOLD, now, alert, {})

    async def _repeat(
        self, tx: UnitOfWork, rings: OpenAlerts, alert: Alert, now: datetime, *, graver: bool
    ) -> NotificationKind | None:
        """Why people are told of an open alert again, or None. An acknowledged one is never repeated, only told when worse."""
        if alert.told_at is None:  # it was opened under a silence, which has ended
            return None if await self._taken(tx, rings, alert) and not graver else NotificationKind.FIRST
        held_back = _held_back(alert)
        if graver or held_back is NotificationKind.WORSE:
            return NotificationKind.WORSE
        if "catch_up" in alert.labels or alert.kind == "judging_health":  # each is told, gathered with the next message
            return NotificationKind.MORE
        if held_back is None and now - alert.told_at < self._rest(alert.rule, alert.told_at - alert.opened_at):
            return None
        return None if await self._taken(tx, rings, alert) else NotificationKind.REMINDER

    async def _taken(self, tx: UnitOfWork, rings: OpenAlerts, alert: Alert) -> bool:
        """Whether somebody has acknowledged it, and it is no graver than they knew."""
        if alert.told_severity is not None and worse(alert.severity, alert.told_severity):
            return False
        return (await rings.latest(tx, alert)).acknowledged_at is not None

    async def _open(
        self,
        tx: UnitOfWork,
        rings: OpenAlerts,
        finding: Finding,
        now: datetime,
        silences: Sequence[Silence],
        mention: Observed | None,
    ) -> None:
        new = _new_alert(finding, self._marks(finding, now))
        new, quiet = replace(new, goes_to=self._telling.addressees(new, mention)), self._quieted(new, silences, now)
        last = await tx.alerts.last_by_fingerprint(fingerprint(finding.rule, finding.key))
        # Trouble that comes back within `realert` is the same trouble: one alert, one incident, one plan run tell its story.
        same = last is not None and last.told_at is not None and now - last.told_at < self._rest(finding.rule, timedelta(0))
        former, how = last.incident_id if last and same else None, self._observed(new, now)
        incident, joined = await incident_of(tx, finding, now, observed=how, former=former)
        graver = joined and worse(finding.severity, incident.severity)
        if graver and how is None:
            await tx.incidents.raise_severity(incident.id, finding.severity)
        again = same and quiet is None  # a reopened alert was told; under a silence a new one waits to be
        if last is not None and again:
            alert = await tx.alerts.reopen(last.id, new, incident.id, now)
        else:
            alert = await tx.alerts.open(new, incident.id, now, silenced_by=quiet.by if quiet is not None else None)
            metrics.alerts_opened.labels(rule=finding.rule, severity=finding.severity).inc()
        rings.opened(alert)
        if again and last is not None and worse(finding.severity, last.severity):
            alert, _ = await self._telling.join(tx, rings, alert, mention)
        figures = {"reasons": list(finding.reasons), "observed": finding.observed, "expected": finding.expected}
        detail = {**figures, "goes_to": spelt(alert.goes_to)}
        if quiet is not None:
            await self._notes.held_back(tx, alert, quiet.kind, quiet.why, now, **detail, **quiet.detail)
            if quiet.by == OBSERVED and how == "all":
                await self._telling.observe(tx, alert, now)
        else:
            await self._notes.of(tx, EventKind.ALERT_REOPENED if again else EventKind.ALERT_OPENED, now, alert, detail)
            kind = NotificationKind.WORSE if graver else NotificationKind.FIRST
            await self._telling.tell(tx, rings, alert, kind, finding.evidence, now, begins=True)

    def _quieted(self, alert: Alert | NewAlert, silences: Sequence[Silence], now: datetime) -> _Quiet | None:
        """What keeps everybody from being told: a silence, or nothing but that it is only observed."""
        silence = self._silencing.covering(silences, alert, now)
        if silence is not None:
            until = quiet_until(silence, now)
            return _Quiet(EventKind.ALERT_SILENCED, "silenced", str(silence.id), until, {"silence": silence.id})
        how = self._observed(alert, now)
        if how is None:
            return None
        ends = self._settings.observing.ends(self._settings.timezone) if how == "all" else None
        return _Quiet(EventKind.ALERT_OBSERVED, OBSERVED, OBSERVED, ends)

    def _observed(self, alert: Alert | NewAlert, now: datetime) -> HowObserved | None:
        """Whether its rule is only tried, or everything is: nobody is told. Of a rule that is gone, its alerts say so themselves.

        What is exempt, or about ourselves, rings while everything is only observed: it is what nobody may miss.
        """
        rule = self._rules.get(alert.rule)
        if OBSERVED in alert.labels if rule is None else rule.mode == "observe":
            return "rule"
        rings = EXEMPT in alert.labels or alert.kind in HEALTH_KINDS
        return "all" if self._settings.observes_all(now) and not rings else None

    def _marks(self, finding: Finding, now: datetime) -> dict[str, str]:
        """What an alert keeps of its rule, as labels: it holds for as long as the alert is open, whatever becomes of the rule."""
        rule = self._rules.get(finding.rule)
        if rule is None:
            return {}
        exempt = {EXEMPT: "always"} if rule.exempt and "catch_up" not in finding.labels else {}
        everything = self._settings.observes_all(now) and not exempt and finding.kind not in HEALTH_KINDS
        return exempt | ({OBSERVED: "yes"} if rule.mode == "observe" or everything else {})

    def _rest(self, rule: str, open_for: timedelta) -> timedelta:
        """How long an alert is not told again that was last told so long after it was opened."""
        known = self._rules.get(rule)
        if known is not None:
            return known.rest(open_for)
        return timedelta.max if rule in _TOLD_ONCE else _HEALTH_REALERT


def _held_back(alert: Alert) -> NotificationKind | None:
    """What a silence kept from people: that it rings at all, that it is worse than they know, or that it rings still."""
    if alert.told_at is None:
        return NotificationKind.FIRST
    if alert.told_severity is not None and worse(alert.severity, alert.told_severity):
        return NotificationKind.WORSE
    return NotificationKind.REMINDER if alert.silenced_by is not None else None


def _new_alert(finding: Finding, marks: Mapping[str, str]) -> NewAlert:
    return NewAlert(
        rule=finding.rule,
        kind=finding.kind,
        key=finding.key,
        severity=finding.severity,
        fired_at=finding.at,
        observed=finding.observed,
        expected=finding.expected,
        measure=finding.measure,
        category=finding.category,
        window=finding.window,
        learning=finding.learning,
        reasons=finding.reasons,
        evidence=finding.evidence,
        labels={**({"subject": finding.subject} if finding.subject else {}), **finding.labels, **marks},
        plan=finding.plan,
        unscored=finding.unscored,
        copies=finding.copies,
    )
