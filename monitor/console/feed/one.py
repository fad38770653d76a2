"""One mention with all that is known of it: its thread, its author, the alerts behind it, and what was done with it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web

from monitor.console.feed import view
from monitor.console.feed.why import WHY
from monitor.console.feed.words import FORMS, INTENTS, STATES, TONES, TOPICS, VERBS
from monitor.console.home.view import in_words
from monitor.console.page import reader_of, show
from monitor.console.route import VISITOR
from monitor.domain.alert import BY_HAND, SEVERITIES, AlertState
from monitor.domain.handling import HandledMeanwhileError
from monitor.domain.mention import Observed
from monitor.pipeline import threads
from monitor.pipeline.asking import ask_network
from monitor.pipeline.threads import Asked
from monitor.sentiment.labels import LABELS
from monitor.storage import UnitOfWork
from monitor.web.desk import DESK

_HISTORY: Final = 10  # of its author's mentions
_STORED: Final = Asked(None, None)


async def mention(request: web.Request) -> web.Response:
    """The page of a mention."""
    return await page_of(request)


async def thread(request: web.Request) -> web.Response:
    """The same, with what the network shows of its thread now. Nothing of that is stored."""
    desk = request.app[DESK]()
    async with desk.store.read() as tx:
        post = await find(tx, request)
    if post.is_erased:
        raise web.HTTPNotFound
    return await page_of(request, asked=await ask_network(desk.store, desk.settings, post, desk.clock))


async def find(tx: UnitOfWork, request: web.Request) -> Observed:
    """The mention that the address names. Raises 404."""
    number = request.match_info["number"]
    found = await tx.mentions.get([int(number)]) if len(number) < len(str(2**63)) else ()
    if not found:
        raise web.HTTPNotFound(text="there is no such mention")
    return found[0]


async def page_of(
    request: web.Request,
    *,
    asked: Asked = _STORED,
    faster: HandledMeanwhileError | None = None,
    problem: str = "",
    note: str = "",
) -> web.Response:
    """All of it. `faster` says who has changed it meanwhile, `problem` why it was not done; `note` is what they had written."""
    desk, reader, visitor = request.app[DESK](), reader_of(request), request[VISITOR]
    older = request.query.get("older", "")
    before = int(older) if older.isascii() and older.isdecimal() and len(older) < len(str(2**63)) else None
    async with desk.store.read() as tx:
        post = await find(tx, request)
        handling = (await tx.handling.of([post.id]))[post.id]
        deeds = await tx.handling.history(post.id)
        alerts = await tx.alerts.of_mention(post.id)
        history, said = None, 0
        if post.author.id is not None:
            history = await tx.feed.of_author(post.author.id, but=post.id, before=before, limit=_HISTORY)
            said = await tx.feed.count_of_author(post.author.id, but=post.id)
        talk = None if post.is_erased else await threads.talk(tx, post, asked, desk.settings.ours, desk.now())
    why = await request.app[WHY].of(desk.settings.sentiment, [post])
    status = HTTPStatus.CONFLICT if faster else HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
    return show(
        request,
        "feed/one",
        status=status,
        item=view.item(desk, post, handling, why.get(post.id)),
        deeds=deeds,
        talk=talk,
        was_asked=asked is not _STORED,
        alerts=list(zip(alerts, in_words(desk, alerts, reader.language), strict=True)),
        open_state=AlertState.OPEN,
        by_hand=BY_HAND,
        severities=SEVERITIES,
        history=history,
        said=said,
        whom=view.whom(desk.settings, visitor),
        subjects={name: view.named(name, desk.settings) for name in sorted(post.subjects)},
        feelings=LABELS,
        link=view.web_link,
        labels=view.labels,
        intents=INTENTS,
        topics=TOPICS,
        forms=FORMS,
        states=STATES,
        tones=TONES,
        verbs=VERBS,
        called=desk.called,
        faster=faster.now if faster else None,
        problem=problem,
        note=note,
    )
