"""Carries an opened emergency plan: its automatic steps are delivered in order, and the timeline records each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from monitor.domain.alert import AlertEvent, DeliveryRecord, DeliveryState, NotificationKind
from monitor.domain.clock import Clock
from monitor.domain.errors import StorageError
from monitor.domain.plan import FREED, STUCK, NotifyStep, PlanRun, RunState, Step, StepState, TimelineEvent, WebhookStep
from monitor.settings import Settings
from monitor.storage import Store, UnitOfWork
from monitor.telemetry import metrics

log = structlog.get_logger(__name__)

# A run that fails for a reason of ours is looked at again after ever longer rests.
REST = timedelta(seconds=15)
LONGEST_REST = timedelta(minutes=10)
_ENDED = frozenset({StepState.DONE, StepState.FAILED, StepState.SKIPPED})


@dataclass(frozen=True, slots=True)
class _Stuck:
    """A run that failed `times` times in a row, and rests until `until` (story time)."""

    times: int
    until: datetime


class PlanRunner:
    """Moves every open run as far as it can go; what it did is in the store before anything leaves the house."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._stuck: dict[int, _Stuck] = {}
        self._told: frozenset[int] | None = None  # runs whose timeline says that they are stuck; None: not read yet

    async def step(self) -> int:
        """Move every run that can move. Returns how many steps changed state.

        A run that cannot be carried holds up no other. What the store refuses is raised, once all have had their turn.
        """
        async with self._store.read() as tx:
            runs = await tx.plans.open_runs()
            if self._told is None:
                self._told = frozenset(await tx.timeline.stuck_runs())
        self._stuck = {run.id: self._stuck[run.id] for run in runs if run.id in self._stuck}
        moved, refused = 0, None
        for run in runs:
            try:
                moved += await self._attempt(run)
            except StorageError as error:
                refused = error
        if refused is not None:
            raise refused
        return moved

    async def _attempt(self, run: PlanRun) -> int:
        """Carry one run, unless it rests after a failure."""
        stuck = self._stuck.get(run.id)
        if stuck is not None and timedelta(0) < stuck.until - self._clock.now() <= LONGEST_REST:
            return 0
        try:
            moved = await self._carry(run)
        except StorageError:
            raise
        except Exception as error:
            log.exception("plan.stuck", plan=run.plan, run=run.id)
            await self._rest(run, error)
            return 0
        self._stuck.pop(run.id, None)
        if self._told and run.id in self._told:
            await self._say(self._event(FREED, run))
            self._told -= {run.id}
        return moved

    async def _rest(self, run: PlanRun, error: Exception) -> None:
        """Let a run that failed wait, and say in its timeline, once, that it is stuck."""
        metrics.worker_failures.labels(worker="plans").inc()
        times = self._stuck[run.id].times if run.id in self._stuck else 0
        self._stuck[run.id] = _Stuck(times + 1, self._clock.now() + min(REST * 2**times, LONGEST_REST))
        if self._told is not None and run.id not in self._told:
            await self._say(self._event(STUCK, run, reason=type(error).__name__))
            self._told |= {run.id}

    async def _say(self, event: TimelineEvent) -> None:
        async with self._store.begin() as tx:
            await tx.timeline.add(event)
            await tx.commit()

    async def _carry(self, run: PlanRun) -> int:
        changed = 0
        for step in run.definition.steps:
            state = next((each.state for each in run.steps if each.step == step.id), StepState.SKIPPED)
            if state in _ENDED:
                continue
            moved, attempted = await self._advance(run, step, state)
            changed += moved
            if not attempted:
                break  # the order stands: the next one starts when this one has been tried
        return changed

    async def _advance(self, run: PlanRun, step: Step, state: StepState) -> tuple[int, bool]:
        """Move one step. Returns whether it changed, and whether the steps behind it may start.

        A step that cannot be delivered goes on being tried by the delivery stage, and holds nobody up: in a crisis a dead
        publishing queue must not keep the support team from being told.
        """
        if not (isinstance(step, NotifyStep | WebhookStep) and step.auto):
            return await self._hand_over(run, step, state), True
        if run.state is not RunState.RUNNING:
            return 0, True  # it waits to be confirmed; what people do themselves needs no confirmation
        if state is StepState.RUNNING:
            return await self._follow(run, step)
        return await self._start(run, step), False

    async def _hand_over(self, run: PlanRun, step: Step, state: StepState) -> int:
        """A person's step is ready from the start: the message that opened the plan shows it."""
        if state is not StepState.WAITING:
            return 0
        async with self._store.begin() as tx:
            moved = await tx.plans.set_step(run.id, step.id, StepState.READY, at=self._clock.now(), only_from={StepState.WAITING})
            await tx.commit()
        return int(moved)

    async def _start(self, run: PlanRun, step: NotifyStep | WebhookStep) -> int:
        now = self._clock.now()
        async with self._store.begin() as tx:
            latest = await tx.plans.get(run.id)
            if latest is None or latest.state is not RunState.RUNNING:
                return 0  # somebody closed it since it was read
            moved = await tx.plans.set_step(
                run.id, step.id, StepState.RUNNING, at=now, only_from={StepState.WAITING, StepState.READY}
            )
            if moved:
                events = await _latest_events(tx, run)
                for receiver in self._settings.resolve(step.receiver, now):
                    await tx.notifications.add(
                        incident_id=run.incident_id,
                        receiver=receiver,
                        kind=NotificationKind.STEP,
                        events=events,
                        created_at=now,
                        due_at=now,
                        plan_run_id=run.id,
                        plan_step=step.id,
                    )
                await tx.timeline.add(self._event("plan.step.started", run, step=step.id))
            await tx.commit()
        return int(moved)

    async def _follow(self, run: PlanRun, step: NotifyStep | WebhookStep) -> tuple[int, bool]:
        async with self._store.begin() as tx:
            deliveries = await tx.deliveries.of_step(run.id, step.id)
            outcome = _outcome(deliveries)
            moved = False
            if outcome is not None:
                detail = "; ".join(f"{each.receiver}: {each.detail or each.state}" for each in deliveries)
                moved = await tx.plans.set_step(
                    run.id, step.id, outcome, at=self._clock.now(), detail=detail, only_from={StepState.RUNNING}
                )
                if moved:
                    await tx.timeline.add(self._event(f"plan.step.{outcome}", run, step=step.id))
            await tx.commit()
        attempted = all(each.attempts > 0 and each.state is not DeliveryState.SENDING for each in deliveries)
        return int(moved), attempted or outcome is not None

    def _event(self, kind: str, run: PlanRun, **detail: str) -> TimelineEvent:
        return TimelineEvent(
            at=self._clock.now(),
            kind=kind,
            detail={"plan": run.plan, **detail},
            incident_id=run.incident_id,
            plan_run_id=run.id,
        )


def _outcome(deliveries: Sequence[DeliveryRecord]) -> StepState | None:
    """Done when every receiver took it, failed when all have ended and one did not; None while one is under way."""
    states = {each.state for each in deliveries}
    if states & {DeliveryState.PENDING, DeliveryState.SENDING}:
        return None
    return StepState.FAILED if DeliveryState.FAILED in states or not states else StepState.DONE


async def _latest_events(tx: UnitOfWork, run: PlanRun) -> Sequence[AlertEvent]:
    """What a step's message says of the incident: its windows as they are now, or, when it has none, its single mentions."""
    every = await tx.alerts.of_incident(run.incident_id)
    alerts = [alert for alert in every if not alert.personal] or every
    return tuple(AlertEvent.of(alert, NotificationKind.FIRST) for alert in alerts)
