"""One thing that a person does in a run, and what all such acts have in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.domain.errors import UsageError
from monitor.domain.plan import EventKind, Language, Plan, PlanRun, Step, StepRun, StepState
from monitor.plans.effects import Note
from monitor.plans.steps import is_automatic
from rules.base import suggest
from rules.figures import Figures

_DOABLE = frozenset({StepState.WAITING, StepState.READY, StepState.OVERDUE})


class RefusedError(UsageError):
    """The act is not possible as the run stands, or not for this person.

    `code` names the reason for whoever says it in other words than these, with what fills them in: `who` may do it, or did what
    is in the way, `what` it is about. A code that is empty is about what no page offers.
    """

    def __init__(self, said: str, code: str = "", *, who: Sequence[str] = (), what: str = "") -> None:
        super().__init__(said)
        self.code = code
        self.who = tuple(who)
        self.what = what


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person does. `names` are all that stand for them: their name in contacts.yaml, and their roles at this moment.

    `verb` is one of `VERBS`; what else it needs stands in `step`, `item` (the place of an item, from 0), `to` (a person, role
    or group of stakeholders; `contacts` are the people and roles that there are), `level`, `text` (a note or a reason), `words`
    (an edited statement, by language) and `fingerprint` (which words are approved: `PlanRun.fingerprint`).
    """

    verb: str
    by: str
    at: datetime
    names: Collection[str] = ()
    step: str | None = None
    item: int | None = None
    to: str | None = None
    level: int | None = None
    text: str | None = None
    words: Mapping[Language, str] | None = None
    fingerprint: str | None = None
    contacts: Collection[str] = ()
    figures: Figures = field(default_factory=Figures)


def note(kind: EventKind, done: Act, **more: object) -> Note:
    """The event of an act, with what its doer wrote."""
    detail: dict[str, object] = {"step": done.step} if done.step is not None else {}
    if done.text and "why" not in more and "text" not in more:
        detail["note"] = done.text
    return Note(kind, {**detail, **more})


def needs(given: str | None, what: str) -> str:
    """What was said. Raises `RefusedError` when nothing was."""
    if given is None or not given.strip():
        raise RefusedError(f"{what}: it stands in the timeline for whoever comes later", "unsaid")
    return given.strip()


def step_of(plan: Plan, done: Act) -> Step:
    """The step that it is about. Raises `RefusedError` when the plan has none of that name."""
    step = plan.step(done.step or "")
    if step is None:
        known = [each.id for each in plan.steps]
        raise RefusedError(f"plan {plan.id} has no step `{done.step}`; {suggest(done.step or '', known)}")
    return step


def doable(plan: Plan, run: PlanRun, done: Act) -> tuple[Step, StepRun]:
    """The step that it is about, and how it stands. Raises `RefusedError` when a person can do nothing in it."""
    step = step_of(plan, done)
    at = run.step(step.id)
    if is_automatic(step) and at.state is not StepState.FAILED:
        raise RefusedError(
            f"Tocsin carries out the step `{step.id}` itself; a person can do it only once it has failed", "automatic"
        )
    if at.state not in _DOABLE and at.state is not StepState.FAILED:
        raise RefusedError(f"the step `{step.id}` is {at.state} already", "ended")
    return step, at


def ended(at: StepRun, state: StepState, done: Act) -> StepRun:
    """The step as somebody has ended it."""
    detail = done.text or f"by {done.by}"
    again = at.next_at if state is StepState.DONE else None  # who gave one situation report by hand does not end them
    return replace(at, state=state, ended_at=done.at, detail=detail, next_at=again, approval_by=None)


def who(names: Sequence[str]) -> str:
    """« legal or head »."""
    return " or ".join(names)
