"""Which digest an address asks for: its name, its day, and for a report perhaps other days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from aiohttp import web

from monitor.console.page import reader_of
from monitor.digest import Scope, known, over, scope_of
from monitor.figures.span import Span
from monitor.web.desk import DESK

_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=366)  # what is counted per day for a chart stays readable
_FIRST: Final = date(2000, 1, 1)
_LAST: Final = date(2100, 1, 1)


def asked(request: web.Request) -> Scope:
    """What the address names. Raises `web.HTTPNotFound` for what is no digest, or no day."""
    desk, zone = request.app[DESK](), reader_of(request).timezone
    name = request.match_info["digest"]
    digest = known(desk.settings).get(name)
    if digest is None:
        raise web.HTTPNotFound(text="there is no such digest")
    first, last = _date(request.query.get("from", "")), _date(request.query.get("to", ""))
    if first and last and digest.kind != "morning":
        if not first <= last <= first + _LONGEST:
            raise web.HTTPNotFound(text="there are no such days")
        return over(name, digest, Span(first, last + _DAY, zone))
    written = request.match_info.get("day")
    day = _date(written) if written is not None else digest.last(desk.now(), zone)[0]
    if day is None:
        raise web.HTTPNotFound(text="there is no such day")
    return scope_of(name, digest, day, zone)


def query_of(request: web.Request, scope: Scope) -> str:
    """The days, where somebody chose them."""
    chosen = scope.digest.kind != "morning" and request.query.get("from") and request.query.get("to")
    return f"?from={request.query['from']}&to={request.query['to']}" if chosen else ""


def _date(written: str) -> date | None:
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    return day if _FIRST <= day <= _LAST else None
