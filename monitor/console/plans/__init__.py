"""The emergency plans in calm weather: what they say, who has read and understood them, and the card for the worst day."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Final

from aiohttp import web

from monitor.cards import card
from monitor.cards.page import html
from monitor.console.page import go, reader_of, show
from monitor.console.plans.view import line, versions
from monitor.console.route import VISITOR, Route
from monitor.console.tongue import N_
from monitor.domain.account import Permission
from monitor.domain.plan import EventKind, Plan, localized
from monitor.pipeline.readings import must_read, note_reading
from monitor.plans.steps import is_automatic
from monitor.web.desk import DESK, Desk
from notifiers.message import Language


async def listing(request: web.Request) -> web.Response:
    """All of them: those that somebody has made theirs first."""
    desk, language = request.app[DESK](), reader_of(request).language
    async with desk.store.read() as tx:
        story = await tx.timeline.of_kinds([EventKind.PLAN_READ], alone=True)
        drills = await tx.plans.last_drills()
    found = [line(desk.settings, plan, story, drills, _today(request), language) for plan in desk.settings.plans.values()]
    return show(request, "plans/listing", plans=sorted(found, key=lambda each: not each.own))


async def one(request: web.Request) -> web.Response:
    """One of them, from top to bottom."""
    desk, plan, language = request.app[DESK](), _plan(request), reader_of(request).language
    async with desk.store.read() as tx:
        story = await tx.timeline.of_kinds([EventKind.PLAN_READ], alone=True)
        drills = await tx.plans.last_drills()
    me = request[VISITOR].account
    found = line(desk.settings, plan, story, drills, _today(request), language)
    unread = any(each.person == me and each.state != "read" for each in found.readings)
    return show(
        request,
        "plans/one",
        plan=plan,
        line=found,
        versions=versions(plan, story),
        said=lambda words: localized(words, language),
        called=desk.called,
        automatic=is_automatic,
        unread=unread,
        on_paper=await asyncio.to_thread(_paper(desk, plan, language).exists),
    )


async def read(request: web.Request) -> web.Response:
    """« Lu et compris »: whoever must read it says so, of the version that they saw."""
    desk, plan, visitor = request.app[DESK](), _plan(request), request[VISITOR]
    if visitor.account not in must_read(plan, desk.settings.contacts):
        raise web.HTTPNotFound(text="nobody asks you to read this plan")
    if (await request.post()).get("version") != plan.version:
        raise go(f"/plans/{plan.id}", N_("The plan has changed since: read it again."))
    await note_reading(desk.store, plan, visitor.account, visitor.account, desk.now(), through=visitor.through)
    raise go(f"/plans/{plan.id}", N_("Saved."))


async def card_page(request: web.Request) -> web.Response:
    """The card as a file that needs nothing else: to keep on a telephone, and to print. It holds telephone numbers."""
    desk, plan = request.app[DESK](), _plan(request)
    made = html(card(plan, desk.settings, reader_of(request).language, desk.now()))
    return web.Response(body=made, content_type="application/octet-stream", headers=_attached(f"{plan.id}.html"))


async def card_paper(request: web.Request) -> web.Response:
    """The card on paper, as it lies in its folder; not there where nothing makes PDFs."""
    desk, plan = request.app[DESK](), _plan(request)
    path = _paper(desk, plan, reader_of(request).language)
    try:
        made = await asyncio.to_thread(path.read_bytes)
    except OSError:
        raise web.HTTPNotFound(text="this card is not on paper yet") from None
    return web.Response(body=made, content_type="application/pdf", headers=_attached(f"{plan.id}.pdf"))


def _paper(desk: Desk, plan: Plan, language: Language) -> Path:
    return desk.settings.card_folder / f"{plan.id}.{language}.pdf"


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}


def _plan(request: web.Request) -> Plan:
    plan = request.app[DESK]().settings.plans.get(request.match_info["plan"])
    if plan is None:
        raise web.HTTPNotFound(text="there is no such plan")
    return plan


def _today(request: web.Request) -> date:
    return request.app[DESK]().now().astimezone(reader_of(request).zone_info).date()


ROUTES: Final = (
    Route("GET", "/plans", listing, Permission.LOOK),
    Route("GET", "/plans/{plan}", one, Permission.LOOK),
    Route("POST", "/plans/{plan}/read", read, Permission.LOOK),
    Route("GET", "/plans/{plan}/card.html", card_page, Permission.CARRY_OUT),
    Route("GET", "/plans/{plan}/card.pdf", card_paper, Permission.CARRY_OUT),
)
