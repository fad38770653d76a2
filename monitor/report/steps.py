"""How each step of the plan went: done, late and by how much, skipped or failed and why."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from monitor.domain.plan import PlanRun, Step, StepRun, StepState
from monitor.plans.steps import NOT_REACHED, REHEARSED
from monitor.report.naming import Naming
from monitor.report.value import StepLine

UNDONE = "undone"
"""The state of a step that nobody has ended when the run was closed."""

_RECEIVER = re.compile(r"(?:(?<=^)|(?<=; ))[a-z0-9_-]+(?=: )")  # of which of several receivers a failure tells
_BY_ITSELF = frozenset({NOT_REACHED, REHEARSED})


def step_lines(run: PlanRun, naming: Naming, now: datetime) -> list[StepLine]:
    """One line for each step, in the order of the plan."""
    return [_line(run, step, naming, now) for step in run.definition.steps]


def _line(run: PlanRun, step: Step, naming: Naming, now: datetime) -> StepLine:
    at = run.step(step.id)
    owner = at.owner or step.role
    return StepLine(
        step.id,
        step.called,
        state=str(at.state) if run.open or at.ended else UNDONE,
        owner=naming.addressee(owner, run.opened_at) if owner else "",
        deadline_at=at.deadline_at,
        ended_at=at.ended_at,
        late_by=_late_by(at, run.closed_at or now),
        why=_why(at, naming, run.opened_at),
    )


def _late_by(at: StepRun, until: datetime) -> timedelta | None:
    """A step that was skipped is not late: somebody decided so, or the figures did."""
    if at.deadline_at is None or at.state is StepState.SKIPPED:
        return None
    late = (at.ended_at or until) - at.deadline_at
    return late if late > timedelta(0) else None


def _why(at: StepRun, naming: Naming, moment: datetime) -> str:
    """Why it did not go as planned. How a delivery ended well, or who ticked it off, is no reason."""
    told = at.state in {StepState.FAILED, StepState.SKIPPED} or at.detail == REHEARSED
    return _RECEIVER.sub(lambda found: naming.addressee(found[0], moment), at.detail or "") if told else ""


def is_by_itself(line: StepLine) -> bool:
    """Whether a step was left out as the plan has it: its condition did not hold, or it was a drill."""
    return line.why in _BY_ITSELF


def is_trouble(line: StepLine) -> bool:
    """Whether a step did not go as planned."""
    by_choice = line.state == "skipped" and not is_by_itself(line)
    return line.late_by is not None or by_choice or line.state in {"failed", UNDONE}
