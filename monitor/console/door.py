"""Stands before every page: who is it, may they, and did they mean it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from monitor.access import Access
from monitor.console.live import LIVE, MARK
from monitor.console.page import show
from monitor.console.route import ENTRY, PUBLIC, VISITOR, Route
from monitor.console.tongue import N_
from monitor.domain.account import Permission, Visitor
from monitor.domain.errors import StorageError
from monitor.web.desk import DESK
from monitor.web.reading import TRY_AGAIN, read_body

log = structlog.get_logger(__name__)

TABLE: Final = web.AppKey("table", Mapping[web.AbstractRoute, Route])
"""The row of each route of the console. What is not in it is not the console's."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS: Final = frozenset({"application/x-www-form-urlencoded", "application/json"})
_PROGRAMS: Final = ("/hooks/", "/api/")  # below these, answers are for programs
_LINKS: Final = frozenset({"/take", "/run"})  # pages of links from messages, which say themselves what is wrong
_ON_THE_WAY_IN: Final = ("/sign-in", "/sign-out", "/static/", "/welcome")

_SORRY: Final[Mapping[int, tuple[str, str]]] = {
    400: (N_("This was not understood"), N_("Go back and try again. If it happens again, tell whoever looks after Tocsin.")),
    403: (N_("You may not do that"), N_("Your role does not allow it. Whoever looks after Tocsin can change that.")),
    404: (N_("Nothing is here"), N_("The address is wrong, or what stood here has been erased since.")),
    409: (N_("Somebody was faster"), N_("It has changed since you opened the page. Load it anew and look.")),
    429: (N_("Too often"), N_("Wait a moment, then try again.")),
    500: (N_("An error of ours"), N_("The log says more. What you did just now may not have been done.")),
    503: (N_("Tocsin cannot answer now"), N_("It is starting, or its store does not answer. Try again in a minute.")),
}


@web.middleware
async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets in whoever may come in. What goes wrong is a page for people, and is left to others for programs."""
    if _is_closed(request):
        return await _without_console(request, handler)
    try:
        row = request.app[TABLE].get(request.match_info.route)
        if row is not None:
            await _let_in(request, row)
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            return _sent_on(error)
        if not _wants_page(request):
            raise
        return await _sorry(request, error.status, error)
    except StorageError as error:
        log.error("console.store_away", problem=str(error), path=request.path)
        if not _wants_page(request):
            raise web.HTTPServiceUnavailable(text="the store does not answer; try again", headers=TRY_AGAIN) from None
        return await _sorry(request, HTTPStatus.SERVICE_UNAVAILABLE)
    except Exception:
        if not _wants_page(request):
            raise
        log.exception("web.failed", method=request.method, path=request.path)
        return await _sorry(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def _is_closed(request: web.Request) -> bool:
    """Whether the configuration at work wants no console; while none is at work yet, nobody is let in anyway."""
    with suppress(web.HTTPServiceUnavailable):
        return not request.app[DESK]().settings.console.enabled
    return False


async def _without_console(request: web.Request, handler: Handler) -> web.StreamResponse:
    """As if its routes had never been added."""
    if request.match_info.route in request.app[TABLE]:
        raise web.HTTPNotFound
    return await handler(request)


async def _let_in(request: web.Request, row: Route) -> None:
    """Raises what refuses them; else the request says who they are."""
    access = request.app[DESK]().access
    visitor = await _who(request, access)
    if visitor is not None:
        request[VISITOR] = visitor
    if row.need is not PUBLIC:
        if not _is_for_programs(request):
            request[MARK] = request.app[LIVE].mark()
        _require(request, visitor, row.need)
    if request.method not in _SAFE:
        await _require_meant(request, access, visitor)


async def _who(request: web.Request, access: Access) -> Visitor | None:
    """Raises 401 for a token that is none, and sends on whoever still owes a one-time code."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer":
        visitor = await access.bearer(token.strip())
        if visitor is None:
            raise web.HTTPUnauthorized(text="this token is not valid", headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
        return visitor
    client = access.client(request.remote, request.headers)
    visitor = await access.proxied(request.remote, request.headers, client)
    if visitor is not None or not (cookie := request.cookies.get(access.cookie)):
        return visitor
    entry = await access.entry(cookie)
    if entry is None:
        return None
    request[ENTRY] = entry
    if not entry.step:
        return entry.visitor
    if _is_for_programs(request):
        raise web.HTTPUnauthorized(text="this session still owes its one-time code: finish signing in")
    if not request.path.startswith(_ON_THE_WAY_IN):
        raise web.HTTPSeeOther(f"/sign-in/{entry.step}")
    return None


async def may_still(request: web.Request, need: Permission) -> bool:
    """Whether they would be let in now, too: a stream may last longer than a session, a role or a token."""
    try:
        visitor = await _who(request, request.app[DESK]().access)
    except StorageError:
        return True  # as long as nobody knows better
    except web.HTTPException:
        return False
    return visitor is not None and visitor.account == request[VISITOR].account and visitor.may(need)


def _require(request: web.Request, visitor: Visitor | None, need: Permission) -> None:
    if visitor is None:
        if not _wants_page(request):
            raise web.HTTPUnauthorized(text="sign in, or send a token", headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
        back = request.rel_url.raw_path_qs if request.method in _SAFE else "/"
        raise web.HTTPSeeOther("/sign-in" if back == "/" else f"/sign-in?next={quote(back, safe='')}")
    if not visitor.may(need):
        raise web.HTTPForbidden(text=f"this needs the permission `{need}`")


async def _require_meant(request: web.Request, access: Access, visitor: Visitor | None) -> None:
    """No other site's page has sent this with the visitor's cookie."""
    if request.content_type not in _FORMS and request.body_exists:
        raise web.HTTPUnsupportedMediaType(text="send a form or JSON")
    await read_body(request)
    if visitor is None:
        if access.foreign(request.headers):
            raise web.HTTPForbidden(text="this came from a page of somebody else")
        return
    given = request.headers.get("X-CSRF-Token") or (await _form(request)).get("csrf", "")
    why = access.forged(request.method, request.headers, given, visitor)
    if why is not None:
        log.warning("console.forged", why=why, path=request.path, account=visitor.account, remote=request.remote)
        raise web.HTTPForbidden(text=why)


async def _form(request: web.Request) -> Mapping[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _is_for_programs(request: web.Request) -> bool:
    """Nobody reads what comes back, is led anywhere by it, or watches from there on."""
    return request.path.startswith("/api/")


def _wants_page(request: web.Request) -> bool:
    others = request.path in _LINKS or request.path.startswith(_PROGRAMS)
    return "text/html" in request.headers.get(hdrs.ACCEPT, "") and not others


def _sent_on(error: web.HTTPException) -> web.Response:
    """The same as an answer, with its cookies: of what is raised, all but the address is lost further out."""
    answer = web.Response(status=error.status, headers={hdrs.LOCATION: error.headers[hdrs.LOCATION]})
    answer.cookies.update(error.cookies)
    return answer


async def _sorry(request: web.Request, status: int, error: web.HTTPException | None = None) -> web.Response:
    if VISITOR not in request:
        with suppress(web.HTTPException, StorageError):  # nobody was asked for at an address that does not exist
            visitor = await _who(request, request.app[DESK]().access)
            if visitor is not None:
                request[VISITOR] = visitor
    title, words = _SORRY.get(status, _SORRY[HTTPStatus.BAD_REQUEST])
    answer = show(request, "sorry", status=status, title=title, words=words)
    if error is not None:
        answer.headers.update({name: error.headers[name] for name in (hdrs.ALLOW, hdrs.RETRY_AFTER) if name in error.headers})
    return answer
