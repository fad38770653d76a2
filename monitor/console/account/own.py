"""The page on which people look after their own account: language, password, one-time codes, sessions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from zoneinfo import available_timezones

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
from monitor.domain.account import Permission
from monitor.domain.errors import UsageError
from monitor.web.desk import DESK
from notifiers.message import Language

LANGUAGES: Final[tuple[Language, ...]] = ("fr", "en")
SCOPES: Final = {
    Permission.LOOK: N_("look at everything"),
    Permission.HANDLE: N_("handle mentions"),
    Permission.ACKNOWLEDGE: N_("acknowledge"),
    Permission.SILENCE: N_("silence"),
    Permission.FALSE_ALARM: N_("call a false alarm"),
    Permission.CARRY_OUT: N_("carry out steps of plans"),
    Permission.DECIDE: N_("decide in a crisis"),
    Permission.EXPORT: N_("export personal data"),
    Permission.ADMINISTER: N_("administer"),
}


@lru_cache(maxsize=1)
def _zones() -> Sequence[str]:
    """The names of all time zones: read from the machine's files once."""
    return sorted(available_timezones())


async def show_own(request: web.Request) -> web.Response:
    """Who one is here, and where one is signed in."""
    return await shown(request)


async def change_password(request: web.Request) -> web.Response:
    """Another password; everywhere else one is signed out."""
    entry, form = entry_of(request), await fields(request)
    if form.get("new") != form.get("again"):
        return await shown(request, SAID["different"])
    try:
        opened = await access_of(request).own.change_password(
            entry.account, form.get("current", ""), form.get("new", ""), entry.session, client_of(request)
        )
    except (SignInError, WeakPasswordError) as error:
        return await shown(request, reason(error))
    return enter(request, opened, "/account")


async def enrol(request: web.Request) -> web.Response:
    """What an authenticator is given. For whoever must set codes up before anything else, and whoever wants to."""
    if entry_of(request).account.has_codes:  # a stolen session must not put its own telephone in the place of theirs
        raise go("/account")
    return await _enrolling(request)


async def confirm(request: web.Request) -> web.Response:
    """A first code shows that it works; then the codes on paper are shown, once."""
    entry, form = entry_of(request), await fields(request)
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
    entry, form = entry_of(request), await fields(request)
    try:
        await access_of(request).own.drop_codes(entry.account, form.get("password", ""), client_of(request))
    except SignInError as error:
        return await shown(request, reason(error))
    except UsageError:
        return await shown(request, N_("Your role needs one-time codes."))
    raise go("/account", N_("Saved."))


async def end_session(request: web.Request) -> web.Response:
    """Sign out elsewhere."""
    entry, form = entry_of(request), await fields(request)
    number = form.get("session", "")
    if number.isascii() and number.isdecimal() and len(number) < 19:  # noqa: PLR2004 - what fits into 64 bits
        await access_of(request).own.end_session(entry.account, int(number), client_of(request))
    raise go("/account", N_("Saved."))


async def prefer(request: web.Request) -> web.Response:
    """In which language, and by whose clock; whoever says nothing leaves it to contacts.yaml and monitor.yaml."""
    entry, form = entry_of(request), await fields(request)
    language = next((each for each in LANGUAGES if each == form.get("language")), None)
    zone = form.get("timezone", "").strip()
    if zone and zone not in _zones():
        return await shown(request, N_("There is no such time zone: write it as Europe/Paris."))
    await access_of(request).own.prefer(entry.account, language, zone or None)
    raise go("/account", N_("Saved."))


def entry_of(request: web.Request) -> Entry:
    """Whoever came by a token or a proxy has neither a password nor sessions here."""
    entry: Entry | None = request.get(ENTRY)
    if entry is None or entry.step == "code":
        raise go("/sign-in")
    return entry


async def shown(request: web.Request, said: str = "") -> web.Response:
    """The page; `said` is what was wrong, a msgid."""
    entry, desk = request.get(ENTRY), request.app[DESK]()
    sessions, tokens = [], []
    if entry is not None:
        async with desk.store.read() as tx:
            found = await tx.sign_ins.sessions(entry.account.id)
            tokens = await tx.tokens.all(entry.account.id)
        sessions = [each for each in found if goes_on(each, desk.settings.console.sessions, desk.wall())]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK
    return show(
        request,
        "account/own",
        own=entry,
        who=request[VISITOR],
        sessions=sessions,
        tokens=tokens,
        scopes=[(each, SCOPES[each]) for each in Permission if request[VISITOR].may(each)],
        scope_words=SCOPES,
        zones=_zones(),
        wall=desk.wall(),
        said=said,
        status=status,
    )


async def _enrolling(request: web.Request, said: str = "") -> web.Response:
    entry, desk = entry_of(request), request.app[DESK]()
    begun = await access_of(request).own.begin_codes(entry.account, f"Tocsin {desk.settings.brand}")
    picture = segno.make(begun.address, micro=False).svg_data_uri(scale=5, border=4, light="white")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK
    return show(request, "account/enrol", picture=picture, secret=begun.secret, said=said, entry=entry, status=status)
