"""Shows a room: how grave it is, what is due, what is to be done and said, what was done, and how it ends."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from aiohttp import web

from monitor.console import naming
from monitor.console.asked import number
from monitor.console.page import reader_of, show
from monitor.console.room.course import HEIGHT, HOURS, WIDTH
from monitor.console.room.gathering import gather
from monitor.console.room.state import clocks, steps
from monitor.console.route import VISITOR
from monitor.domain.plan import PlanRun, StatementStep, UnreadableRunError, localized
from monitor.pipeline.compose import called
from monitor.web.desk import DESK, Desk
from monitor.web.story import moments
from notifiers import standing
from notifiers.message import Language
from notifiers.render.view import view
from notifiers.safe import clean
from notifiers.voice import Voice
from notifiers.wording import headline, why

_MOMENTS: Final = 200  # of the timeline, the newest
_STATEMENT: Final = 20_000  # characters
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


async def room(request: web.Request) -> web.Response:
    """How a run stands at this moment, and what may be done."""
    return await shown(request, number(request, "run"))


async def shown(
    request: web.Request,
    run: int,
    *,
    problem: str = "",
    typed: Mapping[str, str] = _NOTHING,
    status: HTTPStatus = HTTPStatus.OK,
) -> web.Response:
    """The page. `problem` says why something was not done, `typed` is what somebody wrote when they tried: it is kept."""
    desk, reader = request.app[DESK](), reader_of(request)
    async with desk.store.read() as tx:
        found = await tx.plans.get(run)
        if found is None:
            raise web.HTTPNotFound(text=f"there is no plan run {run}")
        try:
            seen = await gather(tx, desk, found, reader)
        except UnreadableRunError:
            return show(request, "room/unread", run=found, status=HTTPStatus.CONFLICT)
    facts, report = seen.told.plan, standing.sections(Voice(seen.report))
    assert facts is not None, "its run was just read"
    plan, told = found.definition, view(seen.told)
    assert told.plan is not None, "it says how the plan stands"
    lines = moments(desk, seen.told, found, seen.story)
    return show(
        request,
        "room/one",
        status=status,
        run=found,
        title=naming.plan(found, reader.language),
        about=told.plan.about,
        level=facts.level,
        levels=[(each.level, localized(each.name, reader.language)) for each in plan.severity],
        proposed=facts.proposed,
        drill=facts.drill,
        lead=desk.called(found.lead),
        taken_by=desk.called(found.acknowledged_by),
        rang=headline(seen.told) if seen.told.alerts else "",
        why=why(seen.told) if seen.told.alerts else "",
        subject=seen.told.subject,
        alerts=[(each, naming.rules(desk, reader.language).get(each.rule, each.rule)) for each in seen.alerts],
        clocks=clocks(found, seen.standing, facts),
        steps=steps(found, facts, told.plan.steps, desk.now().date(), _called(desk)),
        spare=_spare(found, desk, reader.language),
        figures=seen.standing.figures,
        window=seen.standing.window,
        bars=seen.bars,
        size=(HOURS * WIDTH, HEIGHT),
        posts=seen.posts,
        report=report,
        report_text="\n\n".join("\n".join((heading, *(f"- {line}" for line in said))) for heading, said in report),
        groups=seen.standing.groups,
        moments=lines[-_MOMENTS:],
        cut=len(lines) > _MOMENTS,
        never=[localized(each, reader.language) for each in plan.never],
        place=localized(plan.room, reader.language) if plan.room else "",
        signs=_called(desk)(plan.closure.sign_off or ""),
        asks_calm=plan.closure.when is not None and not found.drill,
        people=naming.people(desk),
        names=desk.names(request[VISITOR].account),
        groups_known=[each.group for each in plan.stakeholders],
        once=secrets.token_hex(8),
        problem=problem,
        typed={"verb": "", "step": "", **typed},
    )


def _spare(run: PlanRun, desk: Desk, language: Language) -> list[tuple[str, bool]]:
    """The words that the plan holds ready beside those of its steps: what they say, and whether they may be used."""
    plan, today = run.definition, desk.now().date()
    used = {step.statement for step in plan.steps if isinstance(step, StatementStep)}
    return [
        (clean(localized(each.text, language), _STATEMENT), each.status == "approved" and not each.expired(today))
        for each in plan.statements
        if each.id not in used
    ]


def _called(desk: Desk) -> Callable[[str], str]:
    """What people and roles are called: a role by whom it is now, too."""
    known = called(desk.settings.contacts)
    return lambda name: known.get(name, name)
