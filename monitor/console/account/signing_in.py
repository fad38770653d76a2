"""The pages on which people sign in by a password and a code, and out."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from monitor.access import Entry
from monitor.access.signing_in import SignInError
from monitor.console.account.way import access_of, client_of, enter, fields, onward, reason
from monitor.console.page import go, show
from monitor.console.route import ENTRY, VISITOR
from monitor.web.desk import DESK

_WANTED = "wanted"  # the cookie with the page that was asked for before a code was


async def ask(request: web.Request) -> web.Response:
    """Name and password; or on, for whoever is in already."""
    to = onward(request.query.get("next", "/"))
    if request.get(VISITOR) is not None:
        raise go(to)
    return _asked(request, to)


async def sign_in(request: web.Request) -> web.Response:
    """Let in whoever knows the password."""
    form = await fields(request)
    to = onward(form.get("next", "/"))
    try:
        opened = await access_of(request).signing_in.by_password(
            form.get("name", ""), form.get("password", ""), client_of(request)
        )
    except SignInError as error:
        return _asked(request, to, said=reason(error), name=form.get("name", ""), status=_status(error))
    answer = enter(request, opened, to)
    if opened.session.step:
        answer.set_cookie(_WANTED, to, max_age=900, httponly=True, samesite="Lax")
    return answer


async def ask_code(request: web.Request) -> web.Response:
    """The code of a telephone, or one on paper."""
    _half(request)
    return show(request, "account/code", said="")


async def check_code(request: web.Request) -> web.Response:
    """Let in whoever has the code, too."""
    entry = _half(request)
    form = await fields(request)
    try:
        opened = await access_of(request).signing_in.by_code(entry.session, form.get("code", ""), client_of(request))
    except SignInError as error:
        return show(request, "account/code", said=reason(error), status=_status(error))
    answer = enter(request, opened, onward(request.cookies.get(_WANTED, "/")))
    answer.del_cookie(_WANTED)
    return answer


async def sign_out(request: web.Request) -> web.Response:
    """End the session, here and in the store."""
    access, entry = access_of(request), request.get(ENTRY)
    if entry is not None:
        await access.sign_out(entry, client_of(request))
    answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/sign-in", "Clear-Site-Data": '"cache"'})
    answer.del_cookie(access.cookie, path="/", secure=access.secure, httponly=True, samesite="Lax")
    return answer


def _half(request: web.Request) -> Entry:
    entry: Entry | None = request.get(ENTRY)
    if entry is None or entry.step != "code":
        raise go("/sign-in")
    return entry


def _asked(request: web.Request, to: str, *, said: str = "", name: str = "", status: int = HTTPStatus.OK) -> web.Response:
    settings = request.app[DESK]().settings.console
    title = settings.oidc.title if settings.oidc is not None else ""
    return show(request, "account/sign_in", next=to, said=said, typed=name, provider=title, status=status)


def _status(error: SignInError) -> int:
    return HTTPStatus.TOO_MANY_REQUESTS if error.why == "wait" else HTTPStatus.UNPROCESSABLE_ENTITY
