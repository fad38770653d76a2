"""To the identity provider and back."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from aiohttp import web

from monitor.access.arrivals import NotAdmittedError
from monitor.access.oidc import Provider, ProviderError
from monitor.console.account.way import SAID, access_of, client_of, cookie_of_attempt, enter, onward
from monitor.console.page import show

log = structlog.get_logger(__name__)


async def leave(request: web.Request) -> web.Response:
    """Send the browser to the provider."""
    try:
        begun = await _provider(request).begin(onward(request.query.get("next", "/")))
    except ProviderError as error:
        return _refused(request, error, "provider")
    answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": begun.address})
    name, options = cookie_of_attempt(request)
    answer.set_cookie(name, begun.cookie, **options)
    return answer


async def come_back(request: web.Request) -> web.Response:
    """Let in whoever the provider vouches for."""
    name, options = cookie_of_attempt(request)
    try:
        returned = await _provider(request).finish(request.query, request.cookies.get(name, ""))
        opened = await access_of(request).returned(returned, client_of(request))
    except ProviderError as error:
        return _refused(request, error, "provider")
    except NotAdmittedError as error:
        return _refused(request, error, "not_admitted")
    answer = enter(request, opened, onward(returned.onward))
    answer.del_cookie(name, path="/", secure=options["secure"], httponly=True, samesite="Lax")
    return answer


def _provider(request: web.Request) -> Provider:
    found = access_of(request).provider
    if found is None:
        raise web.HTTPNotFound
    return found


def _refused(request: web.Request, error: Exception, said: str) -> web.Response:
    log.warning("oidc.refused", why=str(error), remote=request.remote)
    return show(request, "account/gone", said=SAID[said], status=HTTPStatus.FORBIDDEN)
