"""The stream of events that every open page listens to, and what pages say of themselves: on what their reader is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from aiohttp import hdrs, web

from monitor.console.door import may_still
from monitor.console.live import LIVE, Viewer, written
from monitor.console.presence import PRESENCE
from monitor.console.route import VISITOR, Route
from monitor.domain.account import Permission
from monitor.sources import strict_json

_HEARTBEAT: Final = 15.0  # seconds of silence after which something is said, or proxies take the connection for dead
_GONE: Final = 1.0  # seconds after which it is noticed that a browser has closed the connection: people turn pages
_LASTS: Final = 300.0  # seconds; then the browser asks anew, and is asked anew who it is
_SLOWEST: Final = 20.0  # seconds for somebody to take what is sent
_ANEW: Final = 20.0  # seconds after which it is asked anew whether they may listen: they sign out, or are locked out
_EACH: Final = 12  # streams of one account: as many pages as a person has open
_MOST: Final = 120  # in all; connections are needed for other things, too


class Seats:
    """How many streams each account has: none takes all places."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, account: str) -> Iterator[None]:
        """A place, while inside. Raises 429 when the account has too many, 503 when there are too many in all."""
        if self._taken[account] >= _EACH:
            raise web.HTTPTooManyRequests(text="too many pages of this account are open at the same time")
        if self._taken.total() >= _MOST:
            raise web.HTTPServiceUnavailable(text="too many pages are open at the same time")
        self._taken[account] += 1
        try:
            yield
        finally:
            self._taken -= Counter({account: 1})


SEATS: Final = web.AppKey("seats", Seats)


async def events(request: web.Request) -> web.StreamResponse:
    """Tells what happens after `Last-Event-ID`, or after the mark `since` of the page."""
    live, since = request.app[LIVE], request.headers.get("Last-Event-ID") or request.query.get("since", "")
    with request.app[SEATS].one(request[VISITOR].account), live.watching(since) as viewer:
        answer = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"})
        await answer.prepare(request)
        with suppress(TimeoutError, ConnectionError):  # whoever takes nothing, or is gone
            await _tell(request, answer, viewer)
    return answer


async def _tell(request: web.Request, answer: web.StreamResponse, viewer: Viewer) -> None:
    live, loop = request.app[LIVE], asyncio.get_running_loop()
    here = [written("presence", {"what": what, "who": people}) for what, people in request.app[PRESENCE].all().items()]
    await _send(answer, viewer, b"retry: 1000\n\n" + b"".join(here))
    said = asked = loop.time()
    ends = said + _LASTS
    while not live.closed and loop.time() < ends and request.transport is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GONE):
                await viewer.turn.wait()
        if loop.time() - asked > _ANEW:
            if not await may_still(request, Permission.LOOK):
                return
            asked = loop.time()
        told = viewer.take(live.reset)
        if not told and loop.time() - said > _HEARTBEAT:
            _sweep(request)
            told = b":\n\n"
        if told:
            await _send(answer, viewer, told)
            said = loop.time()


async def _send(answer: web.StreamResponse, viewer: Viewer, told: bytes) -> None:
    """Raises `TimeoutError` when they do not take it, or the end comes meanwhile."""
    try:
        async with asyncio.timeout(_SLOWEST) as viewer.patience:
            await answer.write(told)
    finally:
        viewer.patience = None


def _sweep(request: web.Request) -> None:
    presence = request.app[PRESENCE]
    for what in presence.sweep(asyncio.get_running_loop().time()):
        request.app[LIVE].tell("presence", {"what": what, "who": presence.on(what)})


async def present(request: web.Request) -> web.Response:
    """`{"what": "mention:12"}`: the visitor is on it; with `"gone": true`, not any more."""
    visitor, presence = request[VISITOR], request.app[PRESENCE]
    _sweep(request)
    try:
        said = strict_json.loads(await request.read())
        what = str(said["what"])
        if said.get("gone"):
            changed = presence.leave(what, visitor.account)
        else:
            changed = presence.come(what, visitor.account, visitor.name, asyncio.get_running_loop().time())
    except (strict_json.NotJsonError, ValueError, TypeError, KeyError, AttributeError):
        raise web.HTTPBadRequest(text='write {"what": "mention:12"}, `alert:12` or `run:12`') from None
    if changed:
        request.app[LIVE].tell("presence", {"what": what, "who": presence.on(what)})
    return web.json_response({"what": what, "who": presence.on(what)})


ROUTES: Final = (
    Route("GET", "/events", events, Permission.LOOK),
    Route("POST", "/presence", present, Permission.LOOK),
)
