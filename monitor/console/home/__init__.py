"""The first page: what is open, and how Tocsin itself is, in one look."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from monitor.console.health.words import summary
from monitor.console.home.view import open_alerts, open_runs
from monitor.console.page import reader_of, show
from monitor.console.route import Route
from monitor.domain.account import Permission
from monitor.pipeline.source_standing import standings
from monitor.web.desk import DESK


async def overview(request: web.Request) -> web.Response:
    """What fires, what is under way, and whether anybody listens."""
    desk, language = request.app[DESK](), reader_of(request).language
    async with desk.store.read() as tx:
        alerts = await tx.alerts.open_alerts()
        runs = await tx.plans.open_runs()
        sources = await standings(tx, desk.settings.sources, desk.clock)
        pending = await tx.deliveries.pending()
        behind = await tx.mentions.behind(await tx.evaluator.offset())
    return show(
        request,
        "home/overview",
        alerts=open_alerts(desk, alerts, language),
        runs=open_runs(desk, runs, language),
        health=summary(sources, sum(pending.values()), behind),
    )


ROUTES: Final = (Route("GET", "/", overview, Permission.LOOK),)
