"""Turns what is to be seen into a page: escaped, in the visitor's language and time zone, running nothing but our own files."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, unquote

from aiohttp import hdrs, web
from babel.dates import format_datetime
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from monitor.console import static
from monitor.console.live import MARK
from monitor.console.places import places
from monitor.console.route import VISITOR
from monitor.console.tongue import N_, texts, tongue
from monitor.domain.account import Role
from monitor.web.desk import DESK
from monitor.web.pages import preferred
from notifiers.message import Language
from notifiers.reader import Reader

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
ROLES: Final = {
    Role.VIEWER: N_("Viewer"),
    Role.MONITOR: N_("Monitor"),
    Role.MANAGER: N_("Manager"),
    Role.ADMIN: N_("Administrator"),
}
_SAID: Final = "said"  # the cookie that carries a notice to the next page
_TURNS: Final = re.compile(
    r"[\u202a-\u202e\u2066-\u2069]"
)  # embeddings, overrides, isolates: by them one text turns what follows it
_JUST: Final = timedelta(minutes=1)


def show(request: web.Request, name: str, *, status: int = HTTPStatus.OK, **values: Any) -> web.Response:
    """A page: the template `name`, such as "health/overview". Whatever is in `values` is escaped."""
    visitor = request.get(VISITOR)
    reader = reader_of(request)
    said = unquote(request.cookies.get(_SAID, ""))
    desk = request.app[DESK]()
    text = (
        _environment(reader.language)
        .get_template(f"{name}.html.j2")
        .render(
            visitor=visitor,
            reader=reader,
            language=reader.language,
            brand=desk.settings.brand,
            now=desk.now(),
            path=request.path,
            places=places(visitor) if visitor is not None else (),
            mark=request.get(MARK, ""),
            notice=tongue(reader.language).gettext(said) if said in texts() else "",
            **values,
        )
    )
    headers = {"Content-Security-Policy": POLICY, "X-Robots-Tag": "noindex, nofollow", hdrs.VARY: "Cookie, Accept-Language"}
    answer = web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=headers)
    answer.enable_compression()
    if said:
        answer.del_cookie(_SAID)
    return answer


def reader_of(request: web.Request) -> Reader:
    """Whose language and time zone a page is in; of whom nobody knows anything, what their browser says."""
    visitor = request.get(VISITOR)
    if visitor is not None:
        return Reader(visitor.language, visitor.timezone)
    settings = request.app[DESK]().settings
    return Reader(preferred(request, settings.language), settings.timezone)


def go(path: str, said: str = "") -> web.HTTPSeeOther:
    """Raised after a form was done: the browser gets `path`, which tells what was done. `said` is a msgid."""
    answer = web.HTTPSeeOther(path)
    if said:
        answer.set_cookie(_SAID, quote(said), max_age=60, httponly=True, samesite="Lax")
    return answer


@lru_cache(maxsize=2)
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=PackageLoader("monitor.console"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_straight,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    gettext = tongue(language).gettext
    environment.globals |= {"static": static.address, "roles": {role: gettext(word) for role, word in ROLES.items()}}
    environment.filters |= {
        "moment": _moment,
        "ago": _ago,
        "span": _span,
        "count": _count,
        "percent": _percent,
        "day": _day,
        "plain": _plain,
    }
    environment.install_gettext_translations(tongue(language), newstyle=True)  # type: ignore[attr-defined]  # of the extension
    return environment


def _straight(value: Any) -> Any:
    """A value without marks of direction, whoever wrote it: letters know their direction without them."""
    return type(value)(_TURNS.sub("", value)) if isinstance(value, str) and _TURNS.search(value) else value


def _reader(context: Context) -> Reader:
    reader = context["reader"]
    assert isinstance(reader, Reader), "every page has one"
    return reader


def _time(reader: Reader, at: datetime, words: str) -> Markup:
    """The whole moment is in the title and, for machines, in the attribute."""
    whole = format_datetime(at, "full", tzinfo=reader.zone_info, locale=reader.locale)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(timespec="seconds"), whole, words)


@pass_context
def _moment(context: Context, at: datetime | None) -> Markup:
    """« 14:05 » today, « 12 mars, 14:05 » on another day, a dash for never."""
    reader = _reader(context)
    return _time(reader, at, reader.moment(at, context["now"])) if at is not None else Markup("–")


@pass_context
def _plain(context: Context, at: datetime) -> str:
    """The same without markup, for what holds only text."""
    return _reader(context).moment(at, context["now"])


@pass_context
def _ago(context: Context, at: datetime | None) -> Markup:
    """« il y a 5 minutes », « dans 2 heures »."""
    reader = _reader(context)
    if at is None:
        return Markup("–")
    gettext = tongue(reader.language).gettext
    lasts = context["now"] - at
    if abs(lasts) < _JUST:
        words = gettext("just now") if lasts >= timedelta(0) else gettext("in a moment")
    else:
        pattern = gettext("%(span)s ago") if lasts > timedelta(0) else gettext("in %(span)s")
        words = pattern % {"span": reader.span(_whole(abs(lasts)), short=True)}
    return _time(reader, at, words)


def _whole(lasts: timedelta) -> timedelta:
    """Without what nobody asks for: the seconds of minutes, the minutes of many hours."""
    minutes = lasts // timedelta(minutes=1)
    if lasts > timedelta(days=2):
        return timedelta(days=lasts.days)
    return timedelta(hours=minutes // 60) if lasts > timedelta(hours=2) else timedelta(minutes=minutes)


@pass_context
def _day(context: Context, at: datetime) -> str:
    """« 1er mai 2026 », in the reader's zone."""
    reader = _reader(context)
    return reader.day(at.astimezone(reader.zone_info).date())


@pass_context
def _span(context: Context, lasts: timedelta | None) -> str:
    return _reader(context).span(_whole(lasts), short=True) if lasts is not None else "–"


@pass_context
def _count(context: Context, number: float) -> str:
    return _reader(context).count(number)


@pass_context
def _percent(context: Context, share: float) -> str:
    return _reader(context).percent(share)
