"""The dashboard: how much is said, how well it is meant, by whom, where and when, and what our own posts achieve."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from aiohttp import web

from monitor.charts.look import Look
from monitor.console.charting import Figure
from monitor.console.dashboard import draws
from monitor.console.dashboard.asked import PERIODS, WAYS, Asked
from monitor.console.dashboard.draws import asked_of, called, rivals
from monitor.console.dashboard.view import SEEN, far_off, glance, lacking, loudest, together
from monitor.console.page import reader_of, show
from monitor.console.route import Route
from monitor.domain.account import Permission
from monitor.figures.engagement import engagement_of, own_posts, top_authors, top_posts
from monitor.figures.span import Span
from monitor.storage import UnitOfWork
from monitor.storage.figures import Sum
from monitor.web.desk import DESK


async def overview(request: web.Request) -> web.Response:
    """Numbers and lists; each chart comes by itself, from its own address."""
    desk, what = request.app[DESK](), asked_of(request)
    async with desk.store.read() as tx:
        sums = await _sums(tx, what.span, what.subject)
        before = await _sums(tx, what.span.before, what.subject)
        posts = await top_posts(tx, what.span, what.subject)
        authors = await top_authors(tx, what.span, what.subject)
        own = await own_posts(tx, what.span)
    soaring, flat = far_off(own)
    return show(
        request,
        "dashboard/overview",
        asked=what,
        periods=PERIODS,
        ways=WAYS,
        subjects=called(desk.settings),
        glance=glance(together(sums), together(before)),
        posts=[(each, engagement_of(each)) for each in posts],
        authors=authors,
        own=own,
        soaring=soaring,
        flat=flat,
        lacking=lacking(desk.settings),
        compared=len(rivals(desk.settings)) > 1,
        charts=_charts(request, what),
        weeks=[_week(request, name, what) for name in loudest(sums)],
    )


async def _sums(tx: UnitOfWork, span: Span, subject: str) -> list[Sum]:
    """By network; a network may come twice, where the clocks change."""
    return [
        each
        for since, until, _, daily in span.pieces()
        for each in await tx.figures.sums(since, until, by=("network",), subjects=(subject,), daily=daily, figures=SEEN)
    ]


def _charts(request: web.Request, what: Asked) -> dict[str, Figure]:
    look, query = Look(reader_of(request)), what.query()
    titles = {"volume": "volume", "net": "net", "voice": "voice", "terms": "terms", "answers": "speed", "posts": "flight"}
    return {name: Figure(f"/dashboard/{name}", look.say(title), query) for name, title in titles.items()}


def _week(request: web.Request, network: str, what: Asked) -> Figure:
    title = Look(reader_of(request)).say("week", network=network)
    return Figure(f"/dashboard/week/{quote(network, safe='')}", title, what.query())


ROUTES: Final = (Route("GET", "/dashboard", overview, Permission.LOOK), *draws.ROUTES)
