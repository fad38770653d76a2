"""How Tocsin itself is: who answers, what is owed, what is wrong and what that means, and by which configuration it goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Final

from aiohttp import web

from monitor.console.health.view import configuration, failed, receivers
from monitor.console.health.words import CONDITIONS, KEPT, MEANINGS, PERIODS, TROUBLES, WHY, summary
from monitor.console.page import go, show
from monitor.console.route import Route
from monitor.console.tongue import N_
from monitor.domain.account import Permission
from monitor.pipeline.source_standing import standings
from monitor.web.app import DEPS, Reloaded
from monitor.web.desk import DESK

LAST_RELOAD: Final[web.AppKey[Callable[[], tuple[datetime, Reloaded] | None]]] = web.AppKey("last_reload")
"""When somebody last had the configuration read anew, and what became of it; None: nobody since the start."""

_DELIVERIES: Final = 200  # the newest, among which failures are looked for


async def overview(request: web.Request) -> web.Response:
    """All of it on one page."""
    return await _page(request)


async def reload(request: web.Request) -> web.Response:
    """Read the configuration anew, as SIGHUP does; what is wrong with it is shown line by line."""
    done = await request.app[DEPS].reload()
    if done.status == "in_force":
        raise go("/health", N_("The new configuration is in force."))
    if done.status == "waiting":
        raise go("/health", N_("The configuration reads well, and is being put to work."))
    return await _page(request, status=HTTPStatus.UNPROCESSABLE_ENTITY)


async def _page(request: web.Request, status: int = HTTPStatus.OK) -> web.Response:
    desk = request.app[DESK]()
    troubles = await request.app[DEPS].troubles()
    async with desk.store.read() as tx:
        sources = await standings(tx, desk.settings.sources, desk.clock)
        pending = await tx.deliveries.pending()
        states = await tx.receivers.all()
        newest = await tx.deliveries.list(_DELIVERIES)
        behind = await tx.mentions.behind(await tx.evaluator.offset())
    return show(
        request,
        "health/overview",
        status=status,
        summary=summary(sources, sum(pending.values()), behind),
        sources=sources,
        conditions=CONDITIONS,
        meanings=MEANINGS,
        troubles=troubles,
        trouble_words=TROUBLES,
        why=WHY,
        periods=PERIODS,
        kept=KEPT,
        receivers=receivers(desk.settings, states, pending),
        failed=failed(newest),
        waiting=sum(pending.values()),
        behind=behind,
        in_force=configuration(desk),
        reloaded=request.app[LAST_RELOAD](),
    )


ROUTES: Final = (
    Route("GET", "/health", overview, Permission.LOOK),
    Route("POST", "/health/reload", reload, Permission.ADMINISTER),
)
