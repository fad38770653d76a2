"""Plan runs for programs: how each stands, and what a person does in one, with the same result as in the room."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from pydantic import Field

from monitor.console.api.endpoint import Asked, Endpoint, Nothing, Work
from monitor.console.api.problems import not_here, wrong
from monitor.console.api.words import Name, Note, Page, PageQuery, Record, Said, cut
from monitor.domain.account import Permission
from monitor.domain.plan import PlanRun, RunState, UnreadableRunError, localized
from monitor.pipeline import operations
from monitor.plans import VERBS
from monitor.web.api import described
from monitor.web.calls import Wanted, act_of
from rules.base import suggest
from rules.figures import Figures

NEEDS: Final[Mapping[str, Permission]] = {
    "acknowledge": Permission.ACKNOWLEDGE,
    "false_alarm": Permission.FALSE_ALARM,
    **dict.fromkeys(("assign", "check", "done", "skip", "edit", "note", "hand_over", "updated"), Permission.CARRY_OUT),
    **dict.fromkeys(("confirm", "level", "escalate", "approve", "reject", "stand_down", "sign_off"), Permission.DECIDE),
}
"""What each act in a run needs. Whose word a step waits for, its plan says beyond that."""

_SAYS: Final[Mapping[str, str]] = {
    "acknowledge": "« I take it »: the chase ends.",
    "assign": "Give a `step`, or without one the run, `to` a person or a role.",
    "escalate": "Tell the next rung of the ladder now.",
    "confirm": "Begin to carry out a plan that waits for this word.",
    "level": "Set the `level`; `text` says why.",
    "check": "Tick the `item` of a checklist `step`.",
    "done": "A `step` is done.",
    "skip": "A `step` is not needed; `text` says why.",
    "edit": "Change the `words` of a statement `step`, by language.",
    "approve": "Approve the words of a `step` that have this `fingerprint`.",
    "reject": "Refuse the words of a `step`; `text` says why.",
    "note": "Write `text` into the timeline.",
    "hand_over": "Hand the lead over `to` somebody.",
    "updated": "The group `to` has been told.",
    "stand_down": "It is over; `text` says why where the figures say otherwise.",
    "sign_off": "Sign that it is over: the run closes.",
    "false_alarm": "It was none: the run closes, and its alerts remind nobody.",
}


class RunLine(Record):
    """A run in a list. `title` is in your language."""

    id: int
    plan: str
    title: str
    incident_id: int
    state: RunState
    level: int | None
    drill: bool
    lead: str | None
    opened_at: datetime
    confirmed_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    stood_down_at: datetime | None
    closed_at: datetime | None


class RunStep(Record):
    """One step; `fingerprint` names the words that an approval is about."""

    id: str
    phase: str
    action: str
    title: str
    state: str
    automatic: bool
    owner: str | None
    items: list[str]
    checked: list[int]
    text: str | None
    words: dict[str, str]
    fingerprint: str | None
    approved: bool
    expired: str | None
    deadline: str | None
    late: bool
    note: str | None


class RunStatement(Record):
    """Words prepared in advance."""

    id: str
    text: str
    approved: bool
    expired: str | None


class WholeRun(Record):
    """A run with its steps, in your language. `id` is that of its plan, as in webhooks."""

    run: int
    id: str
    title: str
    state: RunState
    incident: int
    drill: bool
    level: str | None
    level_rank: int | None
    lead: str | None
    acknowledged: bool
    since: datetime | None
    deadline: datetime | None
    steps: list[RunStep]
    statements: list[RunStatement]
    never: list[str]
    opened_at: datetime
    confirmed_at: datetime | None
    confirmed_by: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    stood_down_at: datetime | None
    stood_down_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    touched_at: datetime | None


class Opening(Said):
    """Which plan is opened by hand, and why."""

    plan: Name
    subject: Name | None = Field(None, description="what it is about; without: the first subject, the brand")
    why: Note = Field(min_length=1, description="its people read that first")
    drill: bool = Field(default=False, description="rehearse it, and call nothing")
    level: int | None = Field(None, ge=0, le=9, description="of a drill: the level at which it is held; without: the gravest")


class EventRecord(Record):
    """One event of the timeline. `detail` depends on its kind: docs/reference/events.md."""

    at: datetime
    kind: str
    actor: str
    through: str
    detail: dict[str, Any] | None
    alert_id: int | None


async def listed(asked: Asked[PageQuery, Nothing]) -> Page[RunLine]:
    """Plan runs, the newest first."""
    query = asked.query
    async with asked.desk.store.read() as tx:
        found = await tx.plans.list(query.limit + 1, before=query.before)
    return cut([_line(each, asked) for each in found], query.limit)


def _line(run: PlanRun, asked: Asked[Any, Any]) -> RunLine:
    try:
        title = localized(run.definition.title, asked.visitor.language)
    except UnreadableRunError:
        title = run.plan
    plain = {name: getattr(run, name) for name in RunLine.model_fields if name != "title"}
    return RunLine(**plain, title=title)


async def one(asked: Asked[Nothing, Nothing]) -> WholeRun:
    """One run, with its steps and the words that were prepared. 409 for one that another version of Tocsin opened."""
    return _whole(await _run(asked), asked)


async def opened(asked: Asked[Nothing, Opening]) -> WholeRun:
    """Open a plan by hand: for what no rule sees, or as a drill."""
    said, settings = asked.body, asked.desk.settings
    subject = said.subject or next(iter(settings.subjects))
    for field, name, known in (("plan", said.plan, settings.plans), ("subject", subject, settings.subjects)):
        if name not in known:
            raise wrong(field, f"there is no {field} of this name; {suggest(name, known)}")
    run = await operations.open_plan_by_hand(
        asked.desk.store,
        settings.plans[said.plan],
        subject,
        asked.actor,
        asked.desk.now(),
        why=said.why,
        drill=said.drill,
        level=said.level,
        once=asked.mark,
    )
    return _whole(run, asked)


async def timeline(asked: Asked[Nothing, Nothing]) -> Page[EventRecord]:
    """Who did what in a run, when, and through what."""
    await _run(asked)
    async with asked.desk.store.read() as tx:
        found = await tx.timeline.of_run(asked.number)
    return Page[EventRecord](items=[EventRecord.model_validate(each) for each in found], next=None)


async def _run(asked: Asked[Any, Any]) -> PlanRun:
    async with asked.desk.store.read() as tx:
        found = await tx.plans.get(asked.number)
    if found is None:
        raise not_here("plan run", asked.number)
    return found


def _whole(run: PlanRun, asked: Asked[Any, Any]) -> WholeRun:
    return WholeRun.model_validate(described(asked.desk, run, asked.visitor.language))


def doing(verb: str) -> Work:
    """Does one thing in a run, and answers with the run as it is then."""

    async def work(asked: Asked[Nothing, Wanted]) -> WholeRun:
        await _run(asked)
        desk, by = asked.desk, asked.visitor.account
        ends = verb == "stand_down"
        figures = await operations.figures_now(desk.store, asked.number, desk.now()) if ends else Figures()
        done = act_of(desk, verb, asked.body, by, figures)
        run = await operations.act_in_plan(desk.store, asked.number, done, asked.visitor.through, once=asked.mark)
        return _whole(run, asked)

    return work


_ONE: Final = "/runs/{number:[0-9]{1,18}}"

ENDPOINTS: Final = (
    Endpoint("GET", "/runs", listed, Permission.LOOK),
    Endpoint("POST", "/runs", opened, Permission.DECIDE, HTTPStatus.CREATED, once=True),
    Endpoint("GET", _ONE, one, Permission.LOOK),
    Endpoint("GET", f"{_ONE}/timeline", timeline, Permission.LOOK),
    *(
        Endpoint("POST", f"{_ONE}/{verb}", doing(verb), NEEDS[verb], name=f"runs_{verb}", title=_SAYS[verb], once=True)
        for verb in VERBS
    ),
)
