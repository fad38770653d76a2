"""The page on which people look after their own account: password, one-time codes, sessions."""

from __future__ import annotations

from http import HTTPStatus

import segno
from aiohttp import web

from monitor.access import Entry
from monitor.access.passwords import WeakPasswordError
from monitor.access.sessions import goes_on
from monitor.access.signing_in import SignInError
from monitor.console.account.way import SAID, access_of, client_of, enter, fields, reason
from monitor.console.page import go, show
from monitor.console.route import ENTRY, VISITOR
from monitor.console.tongue import N_
from monitor.domain.errors import UsageError
from monitor.web.desk import DESK


async def show_own(request: web.Request) -> web.Response:
    """Who one is here, and where one is signed in."""
    return await _shown(request)


async def change_password(request: web.Request) -> web.Response:
    """Another password; everywhere else one is signed out."""
    entry, form = _entry(request), await fields(request)
    if form.get("new") != form.get("again"):
        return await _shown(request, SAID["different"])
    try:
        opened = await access_of(request).own.change_password(
            entry.account, form.get("current", ""), form.get("new", ""), entry.session, client_of(request)
        )
    except (SignInError, WeakPasswordError) as error:
        return await _shown(request, reason(error))
    return enter(request, opened, "/account")


async def enrol(request: web.Request) -> web.Response:
    """What an authenticator is given. For whoever must set codes up before anything else, and whoever wants to."""
    if _entry(request).account.has_codes:  # a stolen session must not put its own telephone in the place of theirs
        raise go("/account")
    return await _enrolling(request)


async def confirm(request: web.Request) -> web.Response:
    """A first code shows that it works; then the codes on paper are shown, once."""
    entry, form = _entry(request), await fields(request)
    if entry.account.has_codes:
        raise go("/account")
    try:
        enrolled = await access_of(request).own.confirm_codes(entry.account, form.get("code", ""), client_of(request))
    except SignInError as error:
        return await _enrolling(request, reason(error))
    answer = show(request, "account/recovery", codes=enrolled.recovery)
    access = access_of(request)
    answer.set_cookie(access.cookie, enrolled.opened.token, **access.cookie_options())
    return answer


async def drop_codes(request: web.Request) -> web.Response:
    """No codes any more."""
    entry, form = _entry(request), await fields(request)
    try:
        await access_of(request).own.drop_codes(entry.account, form.get("password", ""), client_of(request))
    except SignInError as error:
        return await _shown(request, reason(error))
    except UsageError:
        return await _shown(request, N_("Your role needs one-time codes."))
    raise go("/account", N_("Saved."))


async def end_session(request: web.Request) -> web.Response:
    """Sign out elsewhere."""
    entry, form = _entry(request), await fields(request)
    number = form.get("session", "")
    if number.isascii() and number.isdecimal() and len(number) < 19:  # noqa: PLR2004 - what fits into 64 bits
        await access_of(request).own.end_session(entry.account, int(number), client_of(request))
    raise go("/account", N_("Saved."))


def _entry(request: web.Request) -> Entry:
    """Whoever came by a token or a proxy has neither a password nor sessions here."""
    entry: Entry | None = request.get(ENTRY)
    if entry is None or entry.step == "code":
        raise go("/sign-in")
    return entry


async def _shown(request: web.Request, said: str = "") -> web.Response:
    entry, desk = request.get(ENTRY), request.app[DESK]()
    sessions = []
    if entry is not None:
        async with desk.store.read() as tx:
            found = await tx.sign_ins.sessions(entry.account.id)
        sessions = [each for each in found if goes_on(each, desk.settings.console.sessions, desk.wall())]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK
    return show(request, "account/own", own=entry, who=request[VISITOR], sessions=sessions, said=said, status=status)


async def _enrolling(request: web.Request, said: str = "") -> web.Response:
    entry, desk = _entry(request), request.app[DESK]()
    begun = await access_of(request).own.begin_codes(entry.account, f"Tocsin {desk.settings.brand}")
    picture = segno.make(begun.address, micro=False).svg_data_uri(scale=5, border=4, light="white")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK
    return show(request, "account/enrol", picture=picture, secret=begun.secret, said=said, entry=entry, status=status)
