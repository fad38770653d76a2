"""What a change of a run asks the outside to do. All of it is written down together with the run, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from monitor.domain.plan import Channel, EventKind, PlanRun, RunState

ONLY_OBSERVED: Final = "it was only observed"  # why a run is closed whose plan is carried out from now on


class Why(StrEnum):
    """Why somebody is told about a run: it chooses the words."""

    OPENED = "opened"  # a person opened the run
    STEP = "step"  # the message is the step
    READY = "ready"  # a step of theirs can be done now
    APPROVAL = "approval"  # words wait for their yes or no
    APPROVED = "approved"  # words were approved, and are ready to use
    REJECTED = "rejected"
    UNCONFIRMED = "unconfirmed"  # nobody said whether this is a crisis
    UNTAKEN = "untaken"  # nobody has taken the run
    LATE = "late"  # a step's deadline has passed
    FAILED = "failed"  # a step could not be carried out
    LEVEL = "level"  # the level rose, or may fall
    QUIET = "quiet"  # it was taken, and nothing has happened since
    ASSIGNED = "assigned"  # they lead it, or a step is theirs
    ESCALATED = "escalated"  # somebody asked for help
    SIGN_OFF = "sign_off"  # it was stood down, and waits for their word
    OVER = "over"  # it was closed
    FALSE_ALARM = "false_alarm"  # likewise, for it was no crisis
    REPORT = "report"  # it was closed, and what it taught is theirs to write down
    UNSIGNED = "unsigned"  # that is overdue, and nobody has signed it
    DRILLED = "drilled"  # a drill has ended: who answered it
    UNDO = "undo"  # what a step did is taken back
    HANDOVER = "handover"  # a shift ends, and they lead from now on
    READ = "read"  # they are to read the plan, in calm weather
    NEWS = "waiting"  # a group of stakeholders has waited for news for too long


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell people, roles or receivers; each once, however many names lead to them.

    Nothing is told twice with the same (why, step, times) in one run. `times` counts how often a step itself was told; of what
    else may be told again it is the version of the run, which every change counts up. The first chase begins at 0.
    """

    to: Sequence[str]
    why: Why
    step: str | None = None
    times: int = 0
    by: Sequence[Channel] = ()  # through which of their channels; none: all


@dataclass(frozen=True, slots=True)
class Note:
    """Write an event into the timeline; `detail` says what it is about."""

    kind: EventKind
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capture:
    """Keep the evidence of the incident as it is now."""

    step: str


Effect = Tell | Note | Capture


@dataclass(frozen=True, slots=True)
class Moved:
    """A run as it becomes, and what has to be done for it."""

    run: PlanRun
    effects: Sequence[Effect] = ()


def as_observed(run: PlanRun, effects: Sequence[Effect]) -> Sequence[Effect]:
    """The same effects, but of a plan that is only observed what it would have done is written down, and nothing else."""
    return tuple(map(_would, effects) if run.state is RunState.OBSERVING else effects)


def _would(effect: Effect) -> Effect:
    if isinstance(effect, Tell):
        return Note(
            EventKind.PLAN_WOULD_TELL,
            {"to": list(effect.to), "why": effect.why, **({"step": effect.step} if effect.step else {})},
        )
    return Note(EventKind.PLAN_WOULD_CAPTURE, {"step": effect.step}) if isinstance(effect, Capture) else effect


def owe(effects: Iterable[Effect]) -> list[Mapping[str, object]]:
    """What people's acts ask to be told, as a run keeps it until the daemon, who knows all addresses, tells it."""
    return [asdict(each) for each in effects if isinstance(each, Tell)]


def owed(kept: Mapping[str, Any]) -> Tell:
    """The other way round."""
    return Tell(tuple(kept["to"]), Why(kept["why"]), kept["step"], kept["times"], tuple(kept["by"]))
