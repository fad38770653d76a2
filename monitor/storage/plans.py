"""The emergency plans being carried out: one run per (plan, incident), its steps one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select, update

from monitor.domain.plan import PlanRun, RunState, StepRun, StepState
from monitor.storage.session import Repository, clipped
from monitor.storage.tables import plan_run as table
from monitor.storage.tables import plan_step

_STEP_FIELDS = [plan_step.c[field.name] for field in fields(StepRun)]
_RUN_FIELDS = [table.c[field.name] for field in fields(PlanRun) if field.name != "steps"]
_ENDED = (StepState.DONE, StepState.FAILED, StepState.SKIPPED)
_Runs = list[PlanRun]


class Plans(Repository):
    """Every change of state is a conditional UPDATE: of two that would make it, one does."""

    async def open(
        self, *, plan: str, incident_id: int, snapshot: Mapping[str, Any], steps: Sequence[str], state: RunState, at: datetime
    ) -> PlanRun | None:
        """Open a run, all its steps waiting. None: this plan was opened for this incident already."""
        values = {"plan": plan, "incident_id": incident_id, "state": state, "snapshot": dict(snapshot), "opened_at": at}
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

    async def reopen(self, plan: str, incident_id: int, *, state: RunState) -> PlanRun | None:
        """A run that was closed goes on, its steps as they were left. None: it is open, or there is none."""
        closed = (table.c.plan == plan, table.c.incident_id == incident_id, table.c.state == RunState.CLOSED)
        again = update(table).where(*closed).values(state=state, closed_at=None).returning(table.c.id)
        id_ = await self._session.scalar(again)
        return await self.get(id_) if id_ is not None else None

    async def get(self, id_: int) -> PlanRun | None:
        """The run with this number, its steps in order."""
        found = await self._runs(_RUNS.where(table.c.id == id_))
        return found[0] if found else None

    async def open_runs(self) -> _Runs:
        """Those that are not closed, oldest first."""
        return await self._runs(_RUNS.where(table.c.state != RunState.CLOSED).order_by(table.c.id))

    async def of_incident(self, incident_id: int) -> _Runs:
        """An incident's runs, oldest first."""
        return await self._runs(_RUNS.where(table.c.incident_id == incident_id).order_by(table.c.id))

    async def confirm(self, id_: int, by: str, at: datetime) -> bool:
        """Somebody lets the automatic steps begin. False: nothing was waiting for it."""
        awaited = table.c.state == RunState.AWAITING_CONFIRMATION
        return await self._change(id_, awaited, state=RunState.RUNNING, confirmed_by=by, confirmed_at=at)

    async def close(self, id_: int, at: datetime) -> bool:
        """It is over. False: it was already."""
        return await self._change(id_, table.c.state != RunState.CLOSED, state=RunState.CLOSED, closed_at=at)

    async def _change(self, id_: int, condition: ColumnElement[bool], **values: object) -> bool:
        return bool(await self._session.changed(update(table).where(table.c.id == id_, condition).values(values)))

    async def set_step(
        self,
        run_id: int,
        step: str,
        state: StepState,
        *,
        at: datetime,
        detail: str | None = None,
        only_from: Collection[StepState],
    ) -> bool:
        """Move a step on, if it stands in one of `only_from`; dates its beginning and its end. False: it stands elsewhere."""
        values: dict[str, Any] = {"state": state, "ended_at": at if state in _ENDED else None}
        if state is StepState.RUNNING:
            values["started_at"] = func.coalesce(plan_step.c.started_at, at)
        if detail is not None:
            values["detail"] = clipped(detail)
        still = (plan_step.c.run_id == run_id, plan_step.c.step == step, plan_step.c.state.in_(list(only_from)))
        return bool(await self._session.changed(update(plan_step).where(*still).values(values)))

    async def list(self, limit: int = 100) -> _Runs:
        """The newest first."""
        return await self._runs(_RUNS.order_by(table.c.id.desc()).limit(limit))

    async def _runs(self, query: Select[Any]) -> _Runs:
        runs = await self._session.rows(query)
        ids = [row["id"] for row in runs]
        steps: defaultdict[int, list[StepRun]] = defaultdict(list)
        of = select(plan_step.c.run_id, *_STEP_FIELDS).where(plan_step.c.run_id.in_(ids))
        for row in await self._session.rows(of.order_by(plan_step.c.run_id, plan_step.c.position)):
            steps[row["run_id"]].append(_step(row))
        return [_run(row, steps[row["id"]]) for row in runs]


_RUNS = select(*_RUN_FIELDS)


def _step(row: RowMapping) -> StepRun:
    said = {name: value for name, value in row.items() if name != "run_id"}
    return StepRun(**said | {"state": StepState(said["state"])})


def _run(row: RowMapping, steps: Sequence[StepRun]) -> PlanRun:
    return PlanRun(**{**row, "state": RunState(row["state"]), "steps": tuple(steps)})
