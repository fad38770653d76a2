"""A plan being carried out: where the run stands, where each step stands, and what happened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from monitor.domain.errors import TocsinError
from monitor.domain.plan.file import Plan, StatementStep
from monitor.domain.plan.words import Language


class RunState(StrEnum):
    """Where a plan run stands."""

    AWAITING_CONFIRMATION = "awaiting_confirmation"
    RUNNING = "running"
    OBSERVING = "observing"
    STOOD_DOWN = "stood_down"
    CLOSED = "closed"


_OPENS = {"automatic": RunState.RUNNING, "observe": RunState.OBSERVING}


def opens_as(plan: Plan) -> RunState:
    """How a run of it begins: carried out at once, only looked at, or waiting for somebody's word."""
    return _OPENS.get(plan.activation.mode, RunState.AWAITING_CONFIRMATION)


def only_observed(plan: Plan) -> Plan:
    """The same plan as it would be with `mode: observe`."""
    return plan.model_copy(update={"activation": plan.activation.model_copy(update={"mode": "observe"})})


class StepState(StrEnum):
    """Where a step of a run stands."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    OVERDUE = "overdue"


ENDED = frozenset({StepState.DONE, StepState.FAILED, StepState.SKIPPED})


class UnreadableRunError(TocsinError):
    """What another version of Tocsin has written of a run says nothing to this one."""


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step of a run, as stored. Moments are story time, in UTC.

    `ready_at`: since when it can be done, or its approval was asked. `next_at`: when it is told again, or its time is over.
    `times`: how often it was told. `late`: its deadline has passed, and that was said. `checked`: which items of its list are
    ticked, by their place. `words`: what an edited statement says by now, `edited_by` whom.
    """

    step: str
    position: int
    state: StepState
    owner: str | None = None
    ready_at: datetime | None = None
    deadline_at: datetime | None = None
    started_at: datetime | None = None
    next_at: datetime | None = None
    ended_at: datetime | None = None
    times: int = 0
    late: bool = False
    checked: Sequence[int] = ()
    approval_by: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    words: Mapping[Language, str] | None = None
    edited_by: str | None = None
    detail: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more is done in it."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class PlanRun:
    """A plan being carried out for one incident: (plan, incident) is unique. Moments are story time, in UTC.

    `confirm_by`: until when a confirmation is waited for, None once that has passed. `asked_level`: what the figures have asked
    for since `asked_since`, `proposed_level`: what people were asked to lower it to. `lowered_from`: what the figures asked for
    when a person lowered the level, and `outside_since`: since when they have asked for more than that, or for no more than the
    level. `calm_since`: since when the figures hold with which it may be closed. `reopened_at`: when it last went on after it was
    closed. `rung`: how many rungs of the ladder were
    told, the last of them at `rung_at`. `touched_at`: when a person last did something. `wake_at`: when time alone may next
    change something, None: never. `owed`: what people did asks to be told, and is not yet. `version` counts changes.
    `peak`: the highest that each figure was so far. `updates`: by group of stakeholders, when it was `told` and when the lead was
    `reminded` of it (ISO 8601).
    """

    id: int
    plan: str
    incident_id: int
    state: RunState
    snapshot: Mapping[str, Any]  # Plan.snapshot() as it was when the run opened
    opened_at: datetime
    steps: Sequence[StepRun] = ()
    confirm_by: datetime | None = None
    confirmed_at: datetime | None = None
    confirmed_by: str | None = None
    level: int | None = None
    level_since: datetime | None = None
    asked_level: int | None = None
    asked_since: datetime | None = None
    proposed_level: int | None = None
    rung: int = 0
    rung_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    lead: str | None = None
    touched_at: datetime | None = None
    stood_down_at: datetime | None = None
    stood_down_by: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    drill: bool = False
    reopened_at: datetime | None = None
    calm_since: datetime | None = None
    lowered_from: int | None = None
    outside_since: datetime | None = None
    wake_at: datetime | None = None
    owed: Sequence[Mapping[str, Any]] = ()
    version: int = 0
    peak: Mapping[str, float] | None = None
    updates: Mapping[str, Mapping[str, str]] | None = None

    @property
    def definition(self) -> Plan:
        """The plan as it was when the run opened; settings that only another version of Tocsin knows are left aside.

        Raises `UnreadableRunError` when the rest makes no plan.
        """
        try:
            return Plan.model_validate(self.snapshot, extra="ignore")
        except ValidationError as error:
            raise UnreadableRunError(
                f"plan run {self.id} ({self.plan}) was opened by another version of Tocsin, and this one does not understand it:"
                f" install that version again, or carry it out by hand and type `tocsin plan close {self.id}`"
            ) from error

    @property
    def opened_as(self) -> RunState:
        """The state it opened in. Raises `UnreadableRunError`."""
        return opens_as(self.definition)

    @property
    def is_readable(self) -> bool:
        """Whether this version understands what was opened."""
        try:
            return bool(self.definition)
        except UnreadableRunError:
            return False

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.state is not RunState.CLOSED

    @property
    def wants_answers(self) -> bool:
        """Whether « je prends en charge » is waited for: nobody has said it, or this is a drill, which asks everybody."""
        return self.open and (self.acknowledged_at is None or self.drill)

    @property
    def began_at(self) -> datetime:
        """Since when it has been going on: since it was opened, or opened again."""
        return self.reopened_at or self.opened_at

    def step(self, id_: str) -> StepRun:
        """How a step stands; one that this run does not know was skipped."""
        return next((each for each in self.steps if each.step == id_), StepRun(id_, len(self.steps), StepState.SKIPPED))

    def words(self, step: StatementStep) -> Mapping[Language, str]:
        """What a statement says by now, by language: as it was prepared, or as somebody has changed it in this run."""
        prepared = self.definition.statement(step.statement)
        words: dict[Language, str] = {**prepared.text} if prepared is not None else {}
        return {**words, **(self.step(step.id).words or {})}

    def fingerprint(self, step: StatementStep) -> str:
        """What names these very words in every language, their places not filled in: eight letters that a person can type."""
        said = json.dumps(sorted(self.words(step).items()), ensure_ascii=False)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:8]

    def with_step(self, changed: StepRun) -> PlanRun:
        """The same run with one step as it is now."""
        return replace(self, steps=tuple(changed if each.step == changed.step else each for each in self.steps))
