"""Carries out what people do in a room: done once, or refused in words on the page that they are on."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.console.asked import number
from monitor.console.once import once
from monitor.console.page import go, reader_of
from monitor.console.room.acts import DONE, NEEDS, fields, read
from monitor.console.room.page import shown
from monitor.console.room.refusals import words
from monitor.console.route import VISITOR, Route
from monitor.console.tongue import N_
from monitor.domain.account import Permission
from monitor.domain.errors import UsageError
from monitor.domain.plan import UnreadableRunError
from monitor.pipeline import operations
from monitor.pipeline.compose import called
from monitor.pipeline.operations import Actor
from monitor.plans import RefusedError
from monitor.web.desk import DESK


def _handler(verb: str) -> Handler:
    async def do(request: web.Request) -> web.Response:
        return await _do(request, verb)

    return do


async def _do(request: web.Request, verb: str) -> web.Response:
    desk, visitor, run = request.app[DESK](), request[VISITOR], number(request, "run")
    form = fields((await request.post()).items())
    done = read(verb, form, desk, visitor)
    if verb == "stand_down":
        done = replace(done, figures=await operations.figures_now(desk.store, run, done.at))
    try:
        mark = once("/runs", [run, verb], form, visitor)
        found = await operations.act_in_plan(desk.store, run, done, visitor.through, once=mark)
    except RefusedError as error:
        said = words(error, reader_of(request), called(desk.settings.contacts))
        return await shown(request, run, problem=said, typed=form | {"verb": verb}, status=HTTPStatus.CONFLICT)
    except UnreadableRunError:
        return await shown(request, run, status=HTTPStatus.CONFLICT)
    except UsageError:
        raise web.HTTPNotFound(text=f"there is no plan run {run}") from None
    said = DONE.get(verb, N_("Done.")) if found.touched_at == done.at else N_("Nothing changed: it was so already.")
    raise go(f"/runs/{run}{f'#step-{done.step}' if done.step else ''}", said)


async def close_unread(request: web.Request) -> web.Response:
    """Close a run that another version of Tocsin opened: it was carried out by hand."""
    desk, visitor, run = request.app[DESK](), request[VISITOR], number(request, "run")
    async with desk.store.read() as tx:
        found = await tx.plans.get(run)
    if found is None:
        raise web.HTTPNotFound(text=f"there is no plan run {run}")
    if found.is_readable:
        return await shown(request, run, problem="", status=HTTPStatus.CONFLICT)
    await operations.close_unread(desk.store, run, Actor(visitor.account, visitor.through), desk.now())
    raise go("/runs", N_("Done."))


ROUTES: Final = (
    *(Route("POST", rf"/runs/{{run:\d+}}/{verb.replace('_', '-')}", _handler(verb), need) for verb, need in NEEDS.items()),
    Route("POST", r"/runs/{run:\d+}/close-unread", close_unread, Permission.DECIDE),
)
