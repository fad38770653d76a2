"""Who is told of an alert: the plan's people and everybody the rule names, each once, but for what holds some of them back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from monitor.domain.alert import Addressee, Alert, AlertEvent, NewAlert, NotificationKind
from monitor.domain.mention import Observed
from monitor.domain.plan import EventKind, Plan, PlanRun, RunState, TimelineEvent, only_observed, opens_as
from monitor.pipeline.conversation import Conversations
from monitor.pipeline.inhibited import Inhibitions
from monitor.pipeline.limits import Limits
from monitor.pipeline.notes import Notes, spelt
from monitor.pipeline.open_alerts import OpenAlerts
from monitor.pipeline.opening import open_plan
from monitor.pipeline.recipients import Recipients
from monitor.settings import Settings
from monitor.storage import UnitOfWork
from monitor.telemetry import metrics


class Telling:
    """Owes messages to people, and has it written down where somebody is not told, or not at once."""

    def __init__(self, settings: Settings, notes: Notes) -> None:
        self._settings = settings
        self._notes = notes
        self._recipients = Recipients(settings)
        self._conversations = Conversations(settings)
        self._limits = Limits(settings.rules)
        self._inhibitions = Inhibitions(settings)
        self._none_tried = False  # since the transaction began, or a plan was opened: no run is only observed

    async def save(self, tx: UnitOfWork) -> None:
        """Write what this transaction gathered."""
        await self._conversations.save(tx)

    def forget(self) -> None:
        """The transaction has ended."""
        self._conversations.forget()
        self._limits.forget()
        self._none_tried = False

    async def tried(self, tx: UnitOfWork) -> Sequence[PlanRun]:
        """The open runs that are only observed. Where there are none it asks once a transaction: a recording looks ever again."""
        runs = () if self._none_tried else await tx.plans.observed()
        self._none_tried = not runs
        return runs

    def addressees(self, alert: NewAlert, mention: Observed | None) -> tuple[Addressee, ...]:
        """Whom a new alert goes to."""
        return self._recipients.addressees(alert, mention)

    async def join(
        self, tx: UnitOfWork, rings: OpenAlerts, alert: Alert, mention: Observed | None
    ) -> tuple[Alert, dict[str, object]]:
        """Have whoever is told of graver alerts join those who are told of this one, for the timeline, too."""
        newcomers = self._recipients.newcomers(alert, mention)
        if not newcomers:
            return alert, {}
        alert = await rings.addressed(tx, alert, (*alert.goes_to, *newcomers))
        return alert, {"joined": spelt(newcomers)}

    async def tell(
        self,
        tx: UnitOfWork,
        rings: OpenAlerts,
        alert: Alert,
        kind: NotificationKind,
        evidence: Sequence[int],
        now: datetime,
        *,
        begins: bool,
    ) -> None:
        """Open the plan, if the rule has one; tell its people, then everybody the rule names: each person once.

        `begins`: so far, nobody was told of it.
        """
        share = AlertEvent.of(alert, kind, evidence)
        run, joined = await self._open_plan(tx, alert, now) if alert.plan is not None else (None, False)
        told = await self._tell_plan(tx, run, share, now) if run is not None and not joined else set()
        room = self._room(run, now) if run is not None and joined else ()
        receivers = [each for each in dict.fromkeys((*self._recipients.of(alert, now), *room)) if each not in told]
        receivers = await self._without_inhibited(tx, rings, alert, receivers, now, told=told)
        asks = kind is NotificationKind.FIRST and not alert.exempt and bool(receivers)
        alone = not begins or await self._limits.leave_room(tx, alert, now, asks=asks)
        if not alone:
            await self._notes.held_back(tx, alert, EventKind.ALERT_LIMITED, "limited", now, receivers=receivers)
        await self._owe(tx, alert, receivers, kind, share, now, alone=alone)

    async def tell_of_its_end(self, tx: UnitOfWork, alert: Alert, now: datetime) -> None:
        """Tell everybody who was told of it."""
        over = AlertEvent.of(alert, NotificationKind.RESOLVED)
        await self._conversations.save(tx)  # who was told of it a moment ago is told of its end
        for receiver in await tx.notifications.told(alert.incident_id, alert.id, alert.opened_at):
            await self._conversations.owe(tx, alert.incident_id, receiver, NotificationKind.RESOLVED, over, now)

    async def after_inhibition(self, tx: UnitOfWork, rings: OpenAlerts, alert: Alert, now: datetime) -> None:
        """Tell those, once, from whom another alert kept this one, and does so no more."""
        waiting = rings.withheld(alert)
        gone = waiting - self._settings.receivers.keys()
        receivers = sorted(waiting - gone) or self._recipients.of(alert, now)
        free = await self._without_inhibited(tx, rings, alert, receivers, now, told=gone)
        share = AlertEvent.of(alert, NotificationKind.FIRST)
        await self._owe(tx, alert, free, NotificationKind.FIRST, share, now)

    async def _owe(
        self,
        tx: UnitOfWork,
        alert: Alert,
        receivers: Sequence[str],
        kind: NotificationKind,
        share: AlertEvent,
        now: datetime,
        *,
        alone: bool = True,
    ) -> None:
        """Owe each of them a message, and write down who has to wait for the end of quiet hours."""
        held: dict[datetime, list[str]] = {}
        for receiver in receivers:
            until = await self._conversations.owe(tx, alert.incident_id, receiver, kind, share, now, alone=alone)
            if until is not None:
                held.setdefault(until, []).append(receiver)
        for until, waiting in held.items():
            await self._notes.held_back(
                tx, alert, EventKind.ALERT_HELD, "quiet_hours", now, receivers=waiting, until=until.isoformat()
            )

    async def _without_inhibited(
        self,
        tx: UnitOfWork,
        rings: OpenAlerts,
        alert: Alert,
        receivers: Sequence[str],
        now: datetime,
        *,
        told: Collection[str] = (),
    ) -> list[str]:
        """Those of the receivers whom no other alert keeps from being told; of the others it is remembered that they wait."""
        inhibited = self._inhibitions.of(alert, receivers, rings)
        free = [receiver for receiver in receivers if receiver not in inhibited]
        waiting = rings.withheld(alert)
        if fresh := [receiver for receiver in inhibited if receiver not in waiting]:
            by = sorted({inhibited[receiver] for receiver in fresh})
            await self._notes.held_back(tx, alert, EventKind.ALERT_INHIBITED, "inhibited", now, receivers=fresh, by=by)
        if over := sorted(waiting & {*free, *told}):
            await self._notes.of(tx, EventKind.ALERT_RELEASED, now, alert, {"receivers": over})
        if fresh or over:
            rings.withheld_from(alert, (waiting | {*fresh}) - {*over})
        return free

    async def observe(self, tx: UnitOfWork, alert: Alert, now: datetime) -> None:
        """What an alert would have opened that nobody is told of: its plan writes down what it would do."""
        if alert.plan is not None:
            await self._open_plan(tx, alert, now, observed=True)

    async def open_at_last(self, tx: UnitOfWork, alert: Alert, now: datetime) -> None:
        """Open the plan of an alert that people know of, or have taken, and tell its people: so far it was only observed."""
        run, joined = await self._open_plan(tx, alert, now)
        share = AlertEvent.of(alert, NotificationKind.REMINDER)
        if run is not None and joined:
            await self._owe(tx, alert, self._room(run, now), NotificationKind.REMINDER, share, now)
        elif run is not None:
            await self._tell_plan(tx, run, share, now)

    def carries_out(self, plan: str, now: datetime) -> bool:
        """Whether a plan is in force: neither it nor everything is only observed."""
        found = self._plan(plan, now)
        return found is not None and opens_as(found) is not RunState.OBSERVING

    def _plan(self, name: str, now: datetime) -> Plan | None:
        """A plan as it is by now; None: it was removed since."""
        plan = self._settings.plans.get(name)
        return only_observed(plan) if plan is not None and self._settings.observes_all(now) else plan

    async def _open_plan(
        self, tx: UnitOfWork, alert: Alert, now: datetime, *, observed: bool = False
    ) -> tuple[PlanRun | None, bool]:
        """Open the emergency plan, or join (True) the alert to a run that is open, and write it down."""
        plan = self._plan(str(alert.plan), now)
        if plan is None:
            return None, False
        self._none_tried = False
        run, kind = await open_plan(tx, plan, alert, now, observed=observed)
        if run is not None:
            detail = {"plan": plan.id, "mode": plan.activation.mode if run.state is opens_as(plan) else "confirm"}
            if kind is EventKind.PLAN_JOINED:
                detail = {"plan": plan.id, "rule": alert.rule}
            else:
                metrics.plans_opened.labels(plan=plan.id).inc()
            await self._notes.add(
                tx, TimelineEvent(at=now, kind=kind, detail=detail, incident_id=alert.incident_id, plan_run_id=run.id)
            )
        return run, kind is EventKind.PLAN_JOINED

    def _room(self, run: PlanRun, now: datetime) -> Sequence[str]:
        """The people of a plan that somebody had opened before it rang: they hear what rings, and not that it is open."""
        if run.state is RunState.OBSERVING:
            return ()
        return self._recipients.expand(self._settings.plans[run.plan].notify, now)

    async def _tell_plan(self, tx: UnitOfWork, run: PlanRun, share: AlertEvent, now: datetime) -> set[str]:
        """Tell the people of the plan at once, unless it is only observed. Their message holds the alert too: one, not two."""
        if run.state is RunState.OBSERVING:
            return set()
        receivers = self._recipients.expand(run.definition.notify, now)
        for receiver in receivers:
            await self._conversations.at_once(
                tx, run.incident_id, receiver, NotificationKind.PLAN, (share,), now, plan_run_id=run.id
            )
        return set(receivers)
