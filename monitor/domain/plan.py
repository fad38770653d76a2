"""The emergency plan: written in calm weather, snapshotted when it opens, never changed while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from monitor.domain.errors import TocsinError

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Localized = dict[Literal["fr", "en"], Annotated[str, Field(min_length=1)]]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Activation(_Model):
    """How a plan starts."""

    mode: Literal["confirm", "automatic"] = Field(
        "confirm",
        description="`confirm` tells the people at once and holds the automatic steps until somebody confirms"
        " (`tocsin plan confirm RUN`); `automatic` carries them out straight away",
    )


class Statement(_Model):
    """Words prepared in calm weather, per language. Nothing publishes them without a person."""

    id: Id
    text: Localized = Field(description="the words themselves, per language")
    status: Literal["draft", "approved"] = Field("draft", description="`approved` text may be used unchanged")
    approved_by: Id | None = Field(None, description="who approved it: a person or role of contacts.yaml")
    expires: date | None = Field(None, description="a warning in `tocsin check` once it has passed")


class _Step(_Model):
    id: Id
    phase: Literal["contain", "assess", "respond", "recover"] = Field("respond", description="where it belongs in the plan")
    title: Localized = Field(description="one line a person can follow at two in the morning")


class NotifyStep(_Step):
    """Tell a receiver, person or role."""

    action: Literal["notify"]
    receiver: Id = Field(description="a receiver, person or role")
    auto: bool = Field(True, description="false leaves it to a person")


class WebhookStep(_Step):
    """Call a webhook receiver, for instance to pause the publishing queue."""

    action: Literal["webhook"]
    receiver: Id = Field(description="a receiver of kind `webhook`")
    auto: bool = Field(True, description="false leaves it to a person")


class ChecklistStep(_Step):
    """Things a person does and ticks off."""

    action: Literal["checklist"]
    role: Id | None = Field(None, description="who does it: a person or role of contacts.yaml")
    items: tuple[Localized, ...] = Field(min_length=1, description="the things to do, in order")


class StatementStep(_Step):
    """A prepared statement, ready to copy."""

    action: Literal["statement"]
    statement: Id = Field(description="the id of one of the plan's statements")


Step = Annotated[NotifyStep | WebhookStep | ChecklistStep | StatementStep, Field(discriminator="action")]


class Plan(_Model):
    """One emergency plan."""

    id: Id
    title: Localized = Field(description="what people call it")
    owner: Id | None = Field(None, description="who keeps it up to date: a person or role")
    reviewed_on: date | None = Field(None, description="when somebody last read it through")
    notify: tuple[Id, ...] = Field(min_length=1, description="told the moment it opens: receivers, people, roles")
    activation: Activation = Field(default_factory=lambda: Activation(mode="confirm"), description="how it starts")
    steps: tuple[Step, ...] = Field(min_length=1, description="what is done, in order")
    statements: tuple[Statement, ...] = Field((), description="words prepared in advance")
    never: tuple[Localized, ...] = Field((), description="what nobody does, whatever happens")

    @property
    def opens_as(self) -> RunState:
        """How a run of it begins: carried out at once, or waiting for somebody's word."""
        return RunState.RUNNING if self.activation.mode == "automatic" else RunState.AWAITING_CONFIRMATION


class PlanFile(_Model):
    """A file of `plans/`."""

    version: Literal[1]
    plan: Plan


class RunState(StrEnum):
    """Where a plan run stands."""

    AWAITING_CONFIRMATION = "awaiting_confirmation"
    RUNNING = "running"
    CLOSED = "closed"


class StepState(StrEnum):
    """Where a step of a run stands."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    OVERDUE = "overdue"


STUCK, FREED = "plan.stuck", "plan.freed"  # events of the timeline: a run can't be carried, and can be again


class UnreadableRunError(TocsinError):
    """What another version of Tocsin has written of a run says nothing to this one."""


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step of a run, as stored."""

    step: str
    position: int
    state: StepState
    started_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class PlanRun:
    """A plan being carried out for one incident: (plan, incident) is unique."""

    id: int
    plan: str
    incident_id: int
    state: RunState
    snapshot: Mapping[str, object]  # Plan.model_dump(mode="json") as it was when the run opened
    opened_at: datetime
    steps: Sequence[StepRun] = ()
    confirmed_at: datetime | None = None
    confirmed_by: str | None = None
    closed_at: datetime | None = None

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
        return self.definition.opens_as


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Who did what, when, through what. Append-only: the after-action report is a view of it."""

    at: datetime
    kind: str
    actor: str = "tocsin"
    through: str = "daemon"
    detail: Mapping[str, object] | None = None
    incident_id: int | None = None
    alert_id: int | None = None
    plan_run_id: int | None = None
