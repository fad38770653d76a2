"""People's own API tokens: what a program shows in their name, may no more than they, and ends by itself."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Final

from aiohttp import web

from monitor.access import tokens
from monitor.access.auditing import By
from monitor.console.account.own import entry_of, shown
from monitor.console.account.way import client_of
from monitor.console.page import go, show
from monitor.console.route import VISITOR
from monitor.console.tongue import N_
from monitor.domain.account import Permission
from monitor.domain.errors import UsageError
from monitor.web.desk import DESK

LASTING: Final = (7, 30, 90, 365)  # days
_LONGEST_NAME: Final = 100


async def make(request: web.Request) -> web.Response:
    """A new one. What its program shows is on this page and nowhere else, ever."""
    entry, desk, form = entry_of(request), request.app[DESK](), await request.post()
    scopes = {each for each in Permission if each in form.getall("scope", [])}
    days = next((each for each in LASTING if str(each) == form.get("days")), LASTING[0])
    by = By.visitor(request[VISITOR], client_of(request))
    try:
        token, secret = await tokens.make(
            desk.store, entry.account, str(form.get("name", ""))[:_LONGEST_NAME], scopes, timedelta(days=days), by, desk.wall()
        )
    except UsageError:
        return await shown(request, N_("A token needs a name, and at least one thing that it may do and that you may do, too."))
    answer = show(request, "account/token", token=token, secret=secret, status=HTTPStatus.CREATED)
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def end(request: web.Request) -> web.Response:
    """No more of it: from now on the program is refused."""
    entry, desk = entry_of(request), request.app[DESK]()
    number = str((await request.post()).get("token", ""))
    if number.isascii() and number.isdecimal() and len(number) < 19:  # noqa: PLR2004 - what fits into 64 bits
        by = By.visitor(request[VISITOR], client_of(request))
        try:
            await tokens.end(desk.store, int(number), by, desk.wall(), owner=entry.account)
        except UsageError:
            raise web.HTTPNotFound(text="you have no such token") from None
    raise go("/account", N_("Saved."))
