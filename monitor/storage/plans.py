"""The emergency plans being carried out: one run per (plan, incident), its steps one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, and_, case, exists, false, func, select, update

from monitor.domain.plan import EventKind, PlanRun, RunState, StepRun, StepState
from monitor.storage.session import Repository, clipped
from monitor.storage.tables import alert, incident, plan_step, timeline
from monitor.storage.tables import plan_run as table

_STEP_FIELDS = [plan_step.c[field.name] for field in fields(StepRun)]
_RUN_FIELDS = [table.c[field.name] for field in fields(PlanRun) if field.name != "steps"]
_FIXED = frozenset({"id", "plan", "incident_id", "snapshot", "opened_at", "steps", "version"})
_CHANGING = [field.name for field in fields(PlanRun) if field.name not in _FIXED]
_STEP_CHANGING = [field.name for field in fields(StepRun) if field.name not in {"step", "position"}]
CARRIED_OUT = frozenset(RunState) - {RunState.CLOSED, RunState.OBSERVING}
_Runs = list[PlanRun]


class Plans(Repository):
    """Every change of a run is a conditional UPDATE on its version: of two that would make it, one does."""

    async def open(
        self,
        *,
        plan: str,
        incident_id: int,
        snapshot: Mapping[str, Any],
        steps: Sequence[str],
        state: RunState,
        at: datetime,
        confirm_by: datetime | None = None,
        drill: bool = False,
    ) -> PlanRun | None:
        """Open a run, all its steps waiting. None: this plan was opened for this incident already."""
        values = {"plan": plan, "incident_id": incident_id, "state": state, "snapshot": dict(snapshot), "opened_at": at}
        values |= {"confirm_by": confirm_by, "drill": drill, "wake_at": at}
        add = (
            self._session.insert(table).values(values).on_conflict_do_nothing(index_elements=[table.c.plan, table.c.incident_id])
        )
        id_ = await self._session.scalar(add.returning(table.c.id))
        if id_ is None:
            return None
        rows = [{"run_id": id_, "step": step, "position": n, "state": StepState.WAITING} for n, step in enumerate(steps)]
        if rows:
            await self._session.run(self._session.insert(plan_step), rows)
        return await self.get(id_)

    async def wait_to_open(self) -> None:
        """Wait until nobody else opens a plan by hand: what is open then is open for this transaction, too."""
        await self._session.lock("openings")

    async def open_about(self, plan: str, subject: str | None, states: Collection[RunState] = CARRIED_OUT) -> PlanRun | None:
        """The run of a plan that is open about a subject, whichever incident it belongs to; no drill.

        One for which nothing rings comes first, then the oldest.
        """
        about = incident.c.subject.is_(None) if subject is None else incident.c.subject == subject
        going_on = (table.c.plan == plan, table.c.state.in_(states), table.c.drill.is_(false()), about)
        query = _RUNS.join(incident, incident.c.id == table.c.incident_id).where(*going_on)
        found = await self._runs(query.order_by(incident.c.resolved_at.is_(None), table.c.id).limit(1))
        return found[0] if found else None

    async def move_to(self, run: PlanRun, incident_id: int, at: datetime) -> bool:
        """A run goes on, with its story, as that of another incident: the one that rings. It is looked at by `at`.

        False: somebody else changed it since it was read, and it stays.
        """
        still = (table.c.id == run.id, table.c.version == run.version)
        joined = update(table).where(*still).values(incident_id=incident_id, wake_at=at, version=run.version + 1)
        if not await self._session.changed(joined):
            return False
        await self._session.run(update(timeline).where(timeline.c.plan_run_id == run.id).values(incident_id=incident_id))
        return True

    async def get(self, id_: int) -> PlanRun | None:
        """The run with this number, its steps in order."""
        found = await self._runs(_RUNS.where(table.c.id == id_))
        return found[0] if found else None

    async def due(self, now: datetime, limit: int) -> list[int]:
        """The numbers of the runs at which it is time to look, the longest due first; closed ones, too, that owe a word."""
        query = select(table.c.id).where(table.c.wake_at <= now).order_by(table.c.wake_at, table.c.id).limit(limit)
        return [row.id for row in await self._session.all(query)]

    async def next_wake(self) -> datetime | None:
        """When it is next time to look at a run."""
        query = select(table.c.wake_at).where(table.c.wake_at.is_not(None))
        found: datetime | None = await self._session.scalar(query.order_by(table.c.wake_at).limit(1))
        return found

    async def wake(self, id_: int, at: datetime) -> None:
        """Something happened that a run has to look at. Whoever is moving it meanwhile begins anew."""
        earlier = (table.c.id == id_, table.c.state != RunState.CLOSED)
        await self._session.run(update(table).where(*earlier).values(wake_at=at, version=table.c.version + 1))

    async def hurry(self, now: datetime) -> None:
        """Look at every open run now that would have slept for longer."""
        sleeping = (table.c.wake_at > now, table.c.state != RunState.CLOSED)
        await self._session.run(update(table).where(*sleeping).values(wake_at=now))

    async def observed(self) -> _Runs:
        """Those that are open and only observed, oldest first."""
        return await self._runs(_RUNS.where(table.c.state == RunState.OBSERVING).order_by(table.c.id))

    async def open_runs(self) -> _Runs:
        """Those that are not closed, oldest first."""
        return await self._runs(_RUNS.where(table.c.state != RunState.CLOSED).order_by(table.c.id))

    async def of_incident(self, incident_id: int) -> _Runs:
        """An incident's runs, oldest first."""
        return await self._runs(_RUNS.where(table.c.incident_id == incident_id).order_by(table.c.id))

    async def last_drills(self) -> dict[str, datetime]:
        """When each plan was last rehearsed to the end."""
        query = select(table.c.plan, func.max(table.c.closed_at).label("at")).where(
            table.c.drill, table.c.state == RunState.CLOSED
        )
        return {row["plan"]: row["at"] for row in await self._session.rows(query.group_by(table.c.plan))}

    async def save(self, before: PlanRun, after: PlanRun) -> bool:
        """Write what changed of a run. False: somebody else changed it since it was read, and nothing is written."""
        values = {name: value for name in _CHANGING if (value := getattr(after, name)) != getattr(before, name)}
        still = (table.c.id == before.id, table.c.version == before.version)
        if not await self._session.changed(update(table).where(*still).values(**_stored(values), version=before.version + 1)):
            return False
        known = {each.step: each for each in before.steps}
        for step in after.steps:
            changed = {
                name: value for name in _STEP_CHANGING if (value := getattr(step, name)) != getattr(known[step.step], name)
            }
            if changed:
                of = (plan_step.c.run_id == before.id, plan_step.c.step == step.step)
                await self._session.run(update(plan_step).where(*of).values(**_stored(changed)))
        return True

    async def verdicts(self, incident_id: int) -> list[tuple[str, int, int]]:
        """Of each rule that asked for the plan of this incident: how many runs it opened, and how many were false alarms."""
        asked = select(alert.c.rule).where(alert.c.incident_id == incident_id, alert.c.plan.is_not(None))
        said = exists().where(timeline.c.plan_run_id == table.c.id, timeline.c.kind == EventKind.PLAN_FALSE_ALARM)
        opened = (
            select(alert.c.rule, table.c.id, case((said, 1), else_=0).label("wrong"))
            .join(alert, and_(alert.c.incident_id == table.c.incident_id, alert.c.plan == table.c.plan))
            .where(alert.c.rule.in_(asked), table.c.drill.is_(False))
            .distinct()
            .subquery()
        )
        query = select(opened.c.rule, func.count(), func.sum(opened.c.wrong)).group_by(opened.c.rule).order_by(opened.c.rule)
        return [(row[0], int(row[1]), int(row[2])) for row in await self._session.all(query)]

    async def list(self, limit: int = 100, *, before: int | None = None) -> _Runs:
        """The newest first, with numbers below `before`."""
        query = _RUNS.order_by(table.c.id.desc()).limit(limit)
        return await self._runs(query if before is None else query.where(table.c.id < before))

    async def ended(self, limit: int, *, before: int | None = None) -> _Runs:
        """Those that are closed, the newest first; with lower numbers than `before`."""
        query = _RUNS.where(table.c.state == RunState.CLOSED).order_by(table.c.id.desc()).limit(limit)
        return await self._runs(query if before is None else query.where(table.c.id < before))

    async def _runs(self, query: Select[Any]) -> _Runs:
        runs = await self._session.rows(query)
        if not runs:
            return []
        ids = [row["id"] for row in runs]
        steps: defaultdict[int, list[StepRun]] = defaultdict(list)
        of = select(plan_step.c.run_id, *_STEP_FIELDS).where(plan_step.c.run_id.in_(ids))
        for row in await self._session.rows(of.order_by(plan_step.c.run_id, plan_step.c.position)):
            steps[row["run_id"]].append(_step(row))
        return [_run(row, steps[row["id"]]) for row in runs]


_RUNS = select(*_RUN_FIELDS)


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as JSON has them; words not longer than a person would read."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    detail = values.get("detail")
    return plain | ({"detail": clipped(detail)} if isinstance(detail, str) else {})


def _step(row: RowMapping) -> StepRun:
    said = {name: value for name, value in row.items() if name != "run_id"}
    return StepRun(**said | {"state": StepState(said["state"]), "checked": tuple(said["checked"] or ())})


def _run(row: RowMapping, steps: Sequence[StepRun]) -> PlanRun:
    read = PlanRun(**{**row, "state": RunState(row["state"]), "owed": tuple(row["owed"] or ())})
    return replace(read, steps=tuple(steps))
