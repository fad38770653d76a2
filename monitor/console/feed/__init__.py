"""The shared inbox: who said what, through filters, the newest first, and what the team does with it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web

from monitor.console.feed import acts, view
from monitor.console.feed.filters import Asked, read
from monitor.console.feed.one import mention, thread
from monitor.console.feed.why import WHY
from monitor.console.feed.words import FORMS, INTENTS, NAMES, STATES, TONES, TOPICS
from monitor.console.page import go, reader_of, show
from monitor.console.route import VISITOR, Route
from monitor.console.tongue import tongue
from monitor.domain.account import Permission
from monitor.web.desk import DESK

_PAGE: Final = 25  # mentions
_NEWS: Final = 99  # counted no further


async def listing(request: web.Request) -> web.Response:
    """A page of mentions; `before` goes on further down. What a form left empty is left out of the address."""
    desk, asked, reader = request.app[DESK](), _asked(request), reader_of(request)
    if not asked.problem and "" in request.query.values():
        raise go(asked.address())
    visitor = request[VISITOR]
    async with desk.store.read() as tx:
        newest = await tx.mentions.newest_id()
        page = await tx.feed.page(asked.filters, before=asked.before, limit=_PAGE)
        handled = await tx.handling.of([each.id for each in page.mentions])
        counts = await tx.feed.counts(asked.filters)
    why = await request.app[WHY].of(desk.settings.sentiment, page.mentions)
    known = view.options(desk.settings, visitor, reader)
    return show(
        request,
        "feed/list",
        status=HTTPStatus.BAD_REQUEST if asked.problem else HTTPStatus.OK,
        asked=asked,
        items=[view.item(desk, each, handled[each.id], why.get(each.id)) for each in page.mentions],
        further=page.before,
        counts=counts,
        newest=newest,
        options=known,
        chips=view.chips(asked, known, reader),
        names=NAMES,
        forms=FORMS,
        states=STATES,
        tones=TONES,
        labels=view.labels,
        intents=INTENTS,
        topics=TOPICS,
        called=desk.called,
    )


async def news(request: web.Request) -> web.Response:
    """How many mentions pass the filters that are newer than mention `after`, as a number and in words."""
    asked, after = _asked(request), request.query.get("after", "")
    if not (after.isascii() and after.isdecimal() and len(after) < len(str(2**63))):
        raise web.HTTPBadRequest(text="`after` is the number of a mention")
    async with request.app[DESK]().store.read() as tx:
        count = len((await tx.feed.page(asked.filters, after=int(after), limit=_NEWS)).mentions)
    ngettext = tongue(reader_of(request).language).ngettext
    words = ngettext("%(num)s new mention", "%(num)s new mentions", count) % {"num": count}
    return web.json_response({"count": count, "words": words})


def _asked(request: web.Request) -> Asked:
    return read(request.query.items(), reader_of(request).zone_info, request.app[DESK]().now())


ROUTES: Final = (
    Route("GET", "/feed", listing, Permission.LOOK),
    Route("GET", "/feed/news", news, Permission.LOOK),
    Route("GET", "/feed/{number:[0-9]+}", mention, Permission.LOOK),
    Route("POST", "/feed/{number:[0-9]+}", acts.act, Permission.HANDLE),
    Route("POST", "/feed/{number:[0-9]+}/thread", thread, Permission.HANDLE),
)
