"""The page behind a one-time link: a password is set, and the first time a name is chosen."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from monitor.access.links import LinkGoneError
from monitor.access.passwords import WeakPasswordError
from monitor.console.account.way import SAID, access_of, client_of, enter, fields, reason
from monitor.console.page import show
from monitor.domain.errors import UsageError


async def ask(request: web.Request) -> web.Response:
    """Who opens it is asked for a password. Opening uses nothing up: mail scanners follow every link."""
    return await _shown(request, request.query.get("link", ""))


async def accept(request: web.Request) -> web.Response:
    """Set the password, and sign in."""
    form = await fields(request)
    link, password = form.get("link", ""), form.get("password", "")
    if password != form.get("again"):
        return await _shown(request, link, said=SAID["different"], form=form)
    try:
        opened = await access_of(request).welcome.accept(
            link, password, client_of(request), name=form.get("name", ""), called=form.get("called", "")
        )
    except WeakPasswordError as error:
        return await _shown(request, link, said=reason(error), form=form)
    except UsageError:
        return await _shown(request, link, said=SAID["name"], form=form)
    except LinkGoneError:
        return _gone(request)
    return enter(request, opened, "/")


async def _shown(request: web.Request, link: str, *, said: str = "", form: dict[str, str] | None = None) -> web.Response:
    try:
        account = await access_of(request).welcome.whose(link)
    except LinkGoneError:
        return _gone(request)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK
    return show(request, "account/welcome", link=link, account=account, said=said, form=form or {}, status=status)


def _gone(request: web.Request) -> web.Response:
    return show(request, "account/gone", said=SAID["gone"], status=HTTPStatus.GONE)
