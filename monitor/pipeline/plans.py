"""Carries emergency plans: moves each run whose time has come, and owes people what that asks for, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from monitor.domain.alert import AlertEvent, DeliveryRecord, DeliveryState, NotificationKind
from monitor.domain.clock import Clock
from monitor.domain.errors import StorageError
from monitor.domain.plan import Channel, EventKind, PlanRun, StatementStep, StepState, TimelineEvent
from monitor.pipeline.evidence import capture
from monitor.pipeline.figures import asks_figures, figures_of
from monitor.plans import Capture, Facts, Moved, Note, Tell, Why, move, owed
from monitor.plans.steps import is_delivered
from monitor.settings import Settings
from monitor.storage import Store, UnitOfWork
from monitor.telemetry import metrics
from rules.figures import Figures

log = structlog.get_logger(__name__)

AT_ONCE = 500  # runs that one step moves: the next step goes on
# A run that fails for a reason of ours is looked at again after ever longer rests.
REST = timedelta(seconds=15)
LONGEST_REST = timedelta(minutes=10)


_KINDS = {
    Why.OPENED: NotificationKind.PLAN,
    Why.STEP: NotificationKind.STEP,
    Why.OVER: NotificationKind.OVER,
    Why.FALSE_ALARM: NotificationKind.OVER,
    Why.DRILLED: NotificationKind.OVER,
}


class _ChangedError(Exception):
    """Somebody else changed the run while it was moved: it is looked at again."""


@dataclass(frozen=True, slots=True)
class _Stuck:
    """A run that failed `times` times in a row, and rests until `until` (story time)."""

    times: int
    until: datetime


class PlanRunner:
    """Moves every run that is due as far as it can go; what it asks for is in the store before anything leaves the house."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._stuck: dict[int, _Stuck] = {}
        self._told: frozenset[int] | None = None  # runs whose timeline says that they are stuck; None: not read yet
        self.wakes_at: datetime | None = None
        """When (story time) a run is next due, as it was seen when last none was; None: none ever, or some are due now."""

    async def step(self) -> int:
        """Move every run whose time has come. Returns how many changed.

        A run that cannot be carried holds up no other. What the store refuses is raised, once all have had their turn.
        """
        async with self._store.read() as tx:
            due = await tx.plans.due(self._clock.now(), AT_ONCE)
            self.wakes_at = None if due else await tx.plans.next_wake()
            if self._told is None:
                self._told = frozenset(await tx.timeline.stuck_runs())
        moved, refused = 0, None
        for number in due:
            try:
                moved += await self._attempt(number)
            except StorageError as error:
                refused = error
        if refused is not None:
            raise refused
        return moved

    async def hurry(self) -> None:
        """The clock was set back, and what is due lies further away than it should: look at every run at once."""
        async with self._store.begin() as tx:
            await tx.plans.hurry(self._clock.now())
            await tx.commit()

    async def _attempt(self, number: int) -> int:
        """Move one run, unless it rests after a failure."""
        stuck = self._stuck.get(number)
        if stuck is not None and timedelta(0) < stuck.until - self._clock.now() <= LONGEST_REST:
            return 0
        try:
            moved = await self._move(number)
        except _ChangedError:
            return 1  # whoever changed it left it due
        except StorageError:
            raise
        except Exception as error:
            log.exception("plan.stuck", run=number)
            await self._rest(number, error)
            return 0
        self._stuck.pop(number, None)
        if self._told and number in self._told:
            await self._say(number, EventKind.PLAN_FREED)
            self._told -= {number}
        return moved

    async def _move(self, number: int) -> int:
        now = self._clock.now()
        async with self._store.begin() as tx:
            run = await tx.plans.get(number)
            if run is None:
                return 0
            moved = move(run, await self._facts(tx, run, now) if run.open else await _facts_after(tx, run, now))
            told = [owed(each) for each in run.owed]
            moved = Moved(replace(moved.run, owed=()), (*told, *moved.effects))
            await self._carry_out(tx, run, moved, now)
            await tx.commit()
        return int(bool(moved.effects))

    async def _facts(self, tx: UnitOfWork, run: PlanRun, now: datetime) -> Facts:
        plan, delivered, tried = run.definition, {}, set()
        untold = {each["step"] for each in run.owed if each["why"] == Why.STEP}  # a person began it: it leaves with this move
        sent = {step.id for step in plan.steps if is_delivered(step)}
        for step in run.steps:
            if step.state is StepState.RUNNING and step.step in sent - untold:
                deliveries = await tx.deliveries.of_step(run.id, step.step)
                outcome = _outcome(deliveries)
                if outcome is not None:
                    delivered[step.step] = outcome
                elif all(each.attempts > 0 and each.state is not DeliveryState.SENDING for each in deliveries):
                    tried.add(step.step)
        figures = await figures_of(tx, run, plan.window, now) if asks_figures(plan) else Figures()
        return Facts(now, figures, delivered, tried)

    async def _carry_out(self, tx: UnitOfWork, before: PlanRun, moved: Moved, now: datetime) -> None:
        """Write the run as it becomes, and all that it asks for."""
        if not await tx.plans.save(before, moved.run):
            raise _ChangedError
        for effect in moved.effects:
            if isinstance(effect, Tell):
                await self._tell(tx, moved.run, effect, now)
            else:
                await tx.timeline.add(await _event(tx, moved.run, effect, now))

    async def _tell(self, tx: UnitOfWork, run: PlanRun, tell: Tell, now: datetime) -> None:
        """Owe each receiver behind the names one message. A step's own message makes the step: it exists once."""
        own = tell.why is Why.STEP and tell.times == 0
        kind = _KINDS.get(tell.why, NotificationKind.CALL)
        events = await latest_events(tx, run)
        receivers = self._receivers(tell, now)
        if own and _publishes(run, tell) and not {*tell.to} <= self._settings.receivers.keys():
            receivers = ()  # its place is gone: nobody must believe that words stand there which went to somebody by e-mail
        if own and not receivers:
            await tx.plans.wake(run.id, now)  # a step for nobody has failed, which the next move finds
        for receiver in receivers:
            await tx.notifications.add(
                incident_id=run.incident_id,
                receiver=receiver,
                kind=kind,
                events=events,
                created_at=now,
                due_at=now,
                plan_run_id=run.id,
                plan_step=tell.step if own else None,
                plan_about=None if own else tell.step,
                plan_why=tell.why,
            )

    def _receivers(self, tell: Tell, now: datetime) -> Sequence[str]:
        """Who is told now. Where nobody takes a run, whoever else has the role is told, too: silence has to end somewhere."""
        names = dict.fromkeys(each for name in tell.to for each in self._names(name, tell))
        found = dict.fromkeys(receiver for name in names for receiver in self._settings.resolve(name, now))
        wanted = [name for name in found if not tell.by or _channels(self._settings, name) & {*tell.by}]
        return wanted or list(found)

    def _names(self, name: str, tell: Tell) -> Iterable[str]:
        role = self._settings.contacts.roles.get(name)
        if role is None or tell.why is not Why.UNTAKEN or not tell.times:
            return (name,)
        return (name, *role.people, *((role.backup,) if role.backup else ()))

    async def _rest(self, number: int, error: Exception) -> None:
        """Let a run that failed wait, and say in its timeline, once, that it is stuck."""
        metrics.worker_failures.labels(worker="plans").inc()
        times = self._stuck[number].times if number in self._stuck else 0
        self._stuck[number] = _Stuck(times + 1, self._clock.now() + min(REST * 2**times, LONGEST_REST))
        if self._told is not None and number not in self._told:
            await self._say(number, EventKind.PLAN_STUCK, reason=type(error).__name__)
            self._told |= {number}

    async def _say(self, number: int, kind: EventKind, **detail: str) -> None:
        async with self._store.begin() as tx:
            run = await tx.plans.get(number)
            if run is not None:
                said = {"plan": run.plan, **detail}
                event = TimelineEvent(self._clock.now(), kind, detail=said, incident_id=run.incident_id, plan_run_id=run.id)
                await tx.timeline.add(event)
            await tx.commit()


async def _facts_after(tx: UnitOfWork, run: PlanRun, now: datetime) -> Facts:
    """Of a closed run only one thing is asked: whether somebody still owes a report."""
    return Facts(now, settled=run.closed_at is None or await tx.timeline.settled(run.id))


async def _event(tx: UnitOfWork, run: PlanRun, effect: Note | Capture, now: datetime) -> TimelineEvent:
    """A line of the timeline. What is captured stands in it by its hashes."""
    if isinstance(effect, Capture):
        detail: Mapping[str, object] = {"step": effect.step, **await capture(tx, run.incident_id)}
        return TimelineEvent(now, EventKind.PLAN_CAPTURED, detail=detail, incident_id=run.incident_id, plan_run_id=run.id)
    said = {"plan": run.plan, **effect.detail}
    return TimelineEvent(now, effect.kind, detail=said, incident_id=run.incident_id, plan_run_id=run.id)


def _publishes(run: PlanRun, tell: Tell) -> bool:
    return isinstance(run.definition.step(tell.step or ""), StatementStep)


def _outcome(deliveries: Sequence[DeliveryRecord]) -> tuple[StepState, str] | None:
    """Done when every receiver took it, failed when all have ended and one did not; None while one is under way."""
    states = {each.state for each in deliveries}
    if states & {DeliveryState.PENDING, DeliveryState.SENDING}:
        return None
    failed = DeliveryState.FAILED in states or not states
    detail = "; ".join(f"{each.receiver}: {each.detail or each.state}" for each in deliveries)
    return (StepState.FAILED if failed else StepState.DONE), detail


async def latest_events(tx: UnitOfWork, run: PlanRun) -> Sequence[AlertEvent]:
    """What a message says of the incident: its windows as they are now, or, when it has none, its single mentions."""
    every = await tx.alerts.of_incident(run.incident_id)
    alerts = [alert for alert in every if not alert.personal] or every
    return tuple(AlertEvent.of(alert, NotificationKind.FIRST) for alert in alerts)


def _channels(settings: Settings, receiver: str) -> frozenset[Channel]:
    """How a receiver may be reached. Which of its apps Apprise speaks to, only whoever wrote its address knows."""
    kind = settings.receivers[receiver].kind
    return frozenset({"chat", "sms", "push"}) if kind == "apprise" else frozenset({kind})
