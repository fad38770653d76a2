"""What all pages of the way in share: the cookie, where to go afterwards, and what is said when it did not work."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from monitor.access import Access, Client
from monitor.access.passwords import WeakPasswordError
from monitor.access.sessions import Opened
from monitor.access.signing_in import SignInError
from monitor.console.tongue import N_
from monitor.web.desk import DESK

SAID: Final = {
    "wrong": N_("The name or the password is wrong."),
    "code": N_("The code is wrong, or was used before."),
    "wait": N_("Too many attempts failed. Wait a little, then try again."),
    "gone": N_("This link was used, or its day is over. Ask whoever looks after Tocsin for another."),
    "name": N_("A login name has letters a-z, digits and . _ @ + - and begins with a letter or a digit; this one may be taken."),
    "short": N_("A password needs at least 12 characters: a few words make a good one."),
    "long": N_("A password has at most 1,000 characters."),
    "common": N_("This is one of the passwords that are tried first. Choose another."),
    "own_name": N_("A password must not begin with the name of its account."),
    "different": N_("The two passwords are not the same."),
    "provider": N_("You could not be signed in there. Try again; if it happens again, tell whoever looks after Tocsin."),
    "not_admitted": N_("You are known there, and have no access here. Whoever looks after Tocsin can change that."),
}


def access_of(request: web.Request) -> Access:
    """Who knows who people are."""
    return request.app[DESK]().access


def client_of(request: web.Request) -> Client:
    """Where somebody asks from."""
    return access_of(request).client(request.remote, request.headers)


async def fields(request: web.Request) -> dict[str, str]:
    """What was typed."""
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def onward(written: str) -> str:
    """A page of ours; everything else leads to the first one: nobody is sent elsewhere by a link that looks like ours."""
    ours = written.startswith("/") and written.isprintable() and not written.startswith("//") and "\\" not in written
    return written if ours else "/"


def enter(request: web.Request, opened: Opened, to: str) -> web.Response:
    """Set the cookie and go on: with what is still missing, or to the page that was wanted."""
    access = access_of(request)
    answer = web.Response(status=303, headers={"Location": f"/sign-in/{opened.session.step}" if opened.session.step else to})
    answer.set_cookie(access.cookie, opened.token, **access.cookie_options())
    return answer


def reason(error: SignInError | WeakPasswordError) -> str:
    """What is said of a refusal: a msgid."""
    return SAID["own_name" if error.why == "name" else error.why]


def cookie_of_attempt(request: web.Request) -> tuple[str, dict[str, Any]]:
    """The name and the options of the cookie by which a browser is known when it comes back from the provider."""
    access = access_of(request)
    return f"{access.cookie}-provider", {**access.cookie_options(), "max_age": 600}
