"""A plan run that a test walks through, as time passes, messages arrive and people act; between, it is plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.domain.plan import Plan, PlanRun, RunState, StatementStep, StepRun, StepState, opens_as
from monitor.plans import Act, Effect, Facts, Moved, Note, Tell, Why, act, move, reopened
from rules.figures import Figures

OPENED = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
_MOMENTS = {"confirm_by", "confirmed_at", "level_since", "asked_since", "rung_at", "acknowledged_at", "touched_at"}
_MOMENTS |= {"opened_at", "reopened_at", "calm_since", "outside_since", "stood_down_at", "closed_at", "wake_at", "ready_at"}
_MOMENTS |= {"deadline_at", "started_at", "next_at", "ended_at", "approval_by", "approved_at"}

# The contacts of these tests, and which roles each has.
ROLES = {"ana": ("cm",), "bob": ("head",), "eve": ("legal", "cm"), "tom": ()}
CONTACTS = {*ROLES, "cm", "head", "legal", "board"}


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


def plan(*steps: Mapping[str, Any], **more: Any) -> Plan:
    """A plan as it is written, with as little as it needs; steps are check-lists unless they say otherwise."""
    written = [step if "action" in step else {**_LIST, **step} for step in steps]
    statements = [{"id": "holding", "text": {"en": "We are looking into it.", "fr": "Nous regardons."}}]
    least: dict[str, Any] = {"id": "storm", "title": {"en": "Storm"}, "notify": "cm", "statements": statements}
    return Plan.model_validate({**least, "steps": written or [_LIST], **more})


_LIST = {"id": "facts", "action": "checklist", "items": [{"en": "look"}]}


def opened(asked: Plan, at: datetime = OPENED) -> PlanRun:
    """A run as the store opens it."""
    state = opens_as(asked)
    waits = at + asked.activation.confirm_within if asked.activation.mode == "confirm" else None
    steps = tuple(StepRun(step.id, n, StepState.WAITING) for n, step in enumerate(asked.steps))
    return PlanRun(1, asked.id, 1, state, asked.snapshot(), at, steps, confirm_by=waits, wake_at=at)


def restored(run: PlanRun) -> PlanRun:
    """The run as it is read again after a restart: it went through plain data."""
    read = json.loads(json.dumps(asdict(run), default=datetime.isoformat))
    read["steps"] = tuple(StepRun(**_typed(step, StepState)) for step in read["steps"])
    return PlanRun(**_typed(read, RunState))


def _typed(read: dict[str, Any], state: type[StepState | RunState]) -> dict[str, Any]:
    dated = {name: datetime.fromisoformat(read[name]) for name in _MOMENTS & set(read) if read[name] is not None}
    lists: dict[str, Any] = {name: tuple(read[name]) for name in ("checked", "owed") if name in read}
    return {**read, **dated, **lists, "state": state(read["state"])}


@dataclass
class Walk:
    """A run on its way. `told`, `noted` and `effects` gather all that it asked for."""

    plan: Plan
    figures: Figures = field(default_factory=Figures)
    run: PlanRun = field(init=False)
    now: datetime = OPENED
    effects: list[Effect] = field(default_factory=list)
    arrived: dict[str, tuple[StepState, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.run = opened(self.plan)

    @property
    def told(self) -> Sequence[Tell]:
        """Whom it told of what, in order."""
        return [each for each in self.effects if isinstance(each, Tell)]

    @property
    def noted(self) -> Sequence[Note]:
        """Its timeline."""
        return [each for each in self.effects if isinstance(each, Note)]

    @property
    def kinds(self) -> Sequence[str]:
        """What its timeline says happened."""
        return [each.kind for each in self.noted]

    def whom(self, why: Why) -> Sequence[tuple[str, ...]]:
        """Who was told for this reason, message by message."""
        return [tuple(each.to) for each in self.told if each.why is why]

    def state(self, step: str) -> StepState:
        """Where a step stands."""
        return self.run.step(step).state

    def at(self, minute: float, **figures: Any) -> Sequence[Effect]:
        """What comes of it that it is so many minutes after the opening (which may be before the last look)."""
        self.now = OPENED + minutes(minute)
        self.figures = replace(self.figures, **figures)
        return self._keep(move(self.run, Facts(self.now, self.figures, self.arrived)))

    def act(self, verb: str, by: str = "ana", **more: Any) -> Sequence[Effect]:
        """What comes of it that somebody does something now. Raises `RefusedError`."""
        names = (by, *ROLES[by]) if by in ROLES else ()
        done = Act(verb, by, self.now, names=names, contacts=CONTACTS, figures=self.figures, **more)
        return self._keep(act(self.run, done))

    def words(self, step: str) -> str:
        """The fingerprint of the words of a step, as they stand."""
        asked = self.plan.step(step)
        assert isinstance(asked, StatementStep)
        return self.run.fingerprint(asked)

    def approve(self, step: str, by: str = "eve") -> Sequence[Effect]:
        """What comes of it that somebody says yes to the words that stand there now."""
        return self.act("approve", by, step=step, fingerprint=self.words(step))

    def reopen(self, minute: float, state: RunState = RunState.RUNNING) -> None:
        """The crisis comes back so many minutes after the opening."""
        self.now = OPENED + minutes(minute)
        self._keep(Moved(reopened(self.run, self.now, state=state)))

    def arrives(self, step: str, ended: StepState = StepState.DONE, detail: str = "cm: delivered") -> Sequence[Effect]:
        """What comes of it that the messages of a step have ended."""
        self.arrived = {step: (ended, detail)}
        effects = self.at((self.now - OPENED) / minutes(1))
        self.arrived = {}
        return effects

    def _keep(self, moved: Moved) -> Sequence[Effect]:
        changed = moved.run != self.run
        self.run = restored(replace(moved.run, version=self.run.version + 1) if changed else moved.run)
        self.effects += moved.effects
        return moved.effects
