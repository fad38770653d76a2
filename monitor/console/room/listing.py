"""All plan runs: those that are open, and what is over; and the way to open a plan by hand."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from monitor.console import naming
from monitor.console.asked import before
from monitor.console.home.view import open_runs
from monitor.console.once import once
from monitor.console.page import go, reader_of, show
from monitor.console.route import VISITOR
from monitor.console.tongue import N_
from monitor.domain.errors import UsageError
from monitor.domain.plan import localized
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor, DoneBeforeError
from monitor.web.desk import DESK

_PAGE: Final = 30  # runs that are over, on a page
_LONGEST: Final = 2_000  # characters of a reason


async def runs(request: web.Request) -> web.Response:
    """What goes on, then what is over, the newest first."""
    return await _listed(request)


async def open_by_hand(request: web.Request) -> web.Response:
    """« Ouvrir le plan », for what no rule sees; or as a drill, which calls nobody outside."""
    desk, visitor, form = request.app[DESK](), request[VISITOR], await request.post()
    given = {name: str(form.get(name, ""))[:_LONGEST].strip() for name in ("plan", "subject", "why")}
    plan = desk.settings.plans.get(given["plan"])
    if plan is None:
        return await _listed(request, given, problem=N_("Choose a plan."))
    if not given["why"]:
        return await _listed(request, given, problem=N_("Say why the plan is opened: its people read that first."))
    about = given["subject"] if given["subject"] in desk.settings.subjects else next(iter(desk.settings.subjects))
    actor, drill = Actor(visitor.account, visitor.through), form.get("drill") == "on"
    mark = once("/runs", ["open"], {name: str(value) for name, value in form.items()}, visitor)
    try:
        run = await operations.open_plan_by_hand(
            desk.store, plan, about, actor, desk.now(), why=given["why"], drill=drill, once=mark
        )
    except DoneBeforeError:
        raise go("/runs", N_("The plan is open, and its people are told.")) from None
    except UsageError:
        return await _listed(request, given, problem=N_("This plan is open about this subject already: go to its room."))
    raise go(f"/runs/{run.id}", N_("The plan is open, and its people are told."))


async def _listed(request: web.Request, given: Mapping[str, str] | None = None, *, problem: str = "") -> web.Response:
    desk, language, earlier = request.app[DESK](), reader_of(request).language, before(request)
    async with desk.store.read() as tx:
        open_ = [] if earlier is not None else await tx.plans.open_runs()
        over = await tx.plans.ended(_PAGE + 1, before=earlier)
    return show(
        request,
        "room/list",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        runs=open_runs(desk, open_, language),
        over=[(each, naming.plan(each, language)) for each in over[:_PAGE]],
        older=over[_PAGE - 1].id if len(over) > _PAGE else None,
        begun=earlier is None,
        plans=[(each.id, localized(each.title, language)) for each in desk.settings.plans.values()],
        subjects=[(name, naming.subject(desk, name) or name) for name in desk.settings.subjects],
        given=given or {"plan": request.query.get("plan", ""), "subject": request.query.get("subject", ""), "why": ""},
        once=secrets.token_hex(8),
        problem=problem,
    )
