"""Digests and reports as pages: the morning, the week, the month, any days; printed, and written out for others."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from aiohttp import hdrs, web

from monitor.charts.chart import Chart
from monitor.charts.look import Look
from monitor.console.charting import chart, rows
from monitor.console.page import reader_of, show
from monitor.console.reports.asking import asked, query_of
from monitor.console.reports.shelf import SHELF
from monitor.console.reports.view import KINDS, entries, neighbours
from monitor.console.route import Route
from monitor.digest.as_data import as_csv, as_json
from monitor.digest.paper import Paper
from monitor.domain.account import Permission
from monitor.web.desk import DESK

_LATELY: Final = timedelta(days=35)
_FORMS: Final = {"csv": ("text/csv", as_csv), "json": ("application/json", as_json)}


async def overview(request: web.Request) -> web.Response:
    """What there is to read, when it leaves, and what left lately."""
    desk = request.app[DESK]()
    async with desk.store.read() as tx:
        left = await tx.digests.since(desk.now() - _LATELY)
    told = [each for each in left if each.notification_id is not None]
    return show(request, "reports/overview", entries=entries(desk, reader_of(request), told), kinds=KINDS)


async def newest(request: web.Request) -> web.Response:
    """Leads to the newest day of a digest, or to the days that somebody asked for."""
    scope = asked(request)
    raise web.HTTPSeeOther(f"/reports/{scope.name}/{scope.day.isoformat()}{query_of(request, scope)}")


async def page(request: web.Request) -> web.Response:
    """One digest, in the visitor's words."""
    scope = asked(request)
    paper = await _paper(request)
    figures = {
        each.key: chart(request, f"{request.path}/charts/{each.key}", each.title)
        for each in paper.sections
        if each.draw is not None
    }
    earlier, later = neighbours(scope, request.app[DESK]().now())
    return show(
        request,
        "reports/paper",
        paper=paper,
        figures=figures,
        scope=scope,
        earlier=earlier,
        later=later,
        query=query_of(request, scope),
    )


async def export(request: web.Request) -> web.Response:
    """The same for spreadsheets and programs; strangers' names and words are in it."""
    form = request.match_info["form"]
    kind, write = _FORMS[form]
    name = f"{request.match_info['digest']}-{request.match_info['day']}.{form}"
    headers = {hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return web.Response(text=write(await _paper(request)), content_type=kind, charset="utf-8", headers=headers)


async def _draw(request: web.Request, look: Look) -> Chart:
    wanted = request.match_info["part"]
    found = next((each.draw for each in (await _paper(request)).sections if each.key == wanted), None)
    if found is None:
        raise web.HTTPNotFound(text="there is no such chart")
    return found(look)


async def _paper(request: web.Request) -> Paper:
    return await request.app[SHELF].paper(request.app[DESK](), asked(request), reader_of(request))


ROUTES: Final = (
    Route("GET", "/reports", overview, Permission.LOOK),
    Route("GET", "/reports/{digest}", newest, Permission.LOOK),
    Route("GET", "/reports/{digest}/{day}", page, Permission.LOOK),
    Route("GET", "/reports/{digest}/{day}/export.{form:csv|json}", export, Permission.EXPORT),
    *rows("/reports/{digest}/{day}/charts/{part}", _draw),
)
