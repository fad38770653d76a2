"""For administrators: who may come in and as what, and what was done with accounts."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web

from monitor.access import keeping, links
from monitor.access.auditing import By
from monitor.console.account.way import SAID
from monitor.console.page import ROLES, go, show
from monitor.console.people.words import DEEDS
from monitor.console.route import VISITOR, Route
from monitor.console.tongue import N_
from monitor.domain.account import Permission, Role
from monitor.domain.errors import UsageError
from monitor.web.desk import DESK

_LAST: Final = N_("Nobody would be left who may administer: make somebody else an administrator first.")
_OTHERWISE: Final = N_("This account is disabled, or there is none of this name any more.")
_PAGE: Final = 50  # entries of the audit log on a page


async def accounts(request: web.Request) -> web.Response:
    """Everybody who may come in."""
    return await _accounts(request)


async def add(request: web.Request) -> web.Response:
    """A new account; its owner sets a password by the link that is shown once."""
    desk, form = request.app[DESK](), await request.post()
    try:
        made, secret = await keeping.add(
            desk.store, str(form.get("name", "")), str(form.get("called", "")), _role(form.get("role")), _by(request), desk.wall()
        )
    except UsageError:
        return await _accounts(request, problem=SAID["name"])
    return await _accounts(request, link=links.address(desk.settings.web, secret), whose=made.name)


async def change(request: web.Request) -> web.Response:
    """Give somebody another role, lock them out or let them in again, sign them out, or make them a new link."""
    desk, form = request.app[DESK](), await request.post()
    store, name, by, now = desk.store, request.match_info["name"], _by(request), desk.wall()
    try:
        match form.get("do"):
            case "role":
                await keeping.give_role(store, name, _role(form.get("role")), by, now)
            case "disable":
                await keeping.disable(store, name, by, now)
            case "enable":
                await keeping.enable(store, name, by, now)
            case "sign-out":
                await keeping.end_sessions(store, name, by, now)
            case "link" | "link-without-codes" as which:
                found, secret = await keeping.link(store, name, by, now, without_codes=which == "link-without-codes")
                return await _accounts(request, link=links.address(desk.settings.web, secret), whose=found.name)
            case _:
                raise web.HTTPBadRequest(text="`do` is role, disable, enable, sign-out, link or link-without-codes")
    except UsageError:
        return await _accounts(request, problem=_LAST if form.get("do") in {"role", "disable"} else _OTHERWISE)
    raise go("/accounts", N_("Done."))


async def audit(request: web.Request) -> web.Response:
    """What was done with accounts, the newest first; `before` goes back, `whom` is somebody’s login name."""
    whom, before = request.query.get("whom", "").strip(), request.query.get("before", "")
    number = int(before) if before.isascii() and before.isdecimal() and len(before) < len(str(2**63)) else None
    async with request.app[DESK]().store.read() as tx:
        found = await tx.audit.page(_PAGE + 1, before=number, whom=whom or None)
    entries = found[:_PAGE]
    older = entries[-1].id if len(found) > _PAGE else None
    return show(request, "people/audit", entries=entries, deeds=DEEDS, whom=whom, older=older, begun=number is None)


async def _accounts(request: web.Request, *, link: str = "", whose: str = "", problem: str = "") -> web.Response:
    async with request.app[DESK]().store.read() as tx:
        found = await tx.accounts.all()
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
    return show(request, "people/accounts", status=status, accounts=found, ranks=ROLES, link=link, whose=whose, problem=problem)


def _by(request: web.Request) -> By:
    client = request.app[DESK]().access.client(request.remote, request.headers)
    return By.visitor(request[VISITOR], client)


def _role(given: object) -> Role:
    try:
        return Role(str(given))
    except ValueError:
        raise web.HTTPBadRequest(text=f"there is no such role; there are {', '.join(Role)}") from None


ROUTES: Final = (
    Route("GET", "/accounts", accounts, Permission.ADMINISTER),
    Route("POST", "/accounts", add, Permission.ADMINISTER),
    Route("POST", "/accounts/{name}", change, Permission.ADMINISTER),
    Route("GET", "/audit", audit, Permission.ADMINISTER),
)
