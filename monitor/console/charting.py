"""Charts in pages: each has an address of its own, at which it is a page with its table, a picture, and what draws it live."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from monitor.charts import bundle
from monitor.charts.chart import Chart
from monitor.charts.drawing import Drawer
from monitor.charts.look import Look
from monitor.console.page import reader_of, show
from monitor.console.route import PUBLIC, Route
from monitor.domain.account import Permission
from monitor.workshop.pool import WorkError

log = structlog.get_logger(__name__)

Draw = Callable[[web.Request, Look], Awaitable[Chart]]
"""Finds out what a chart shows, from the address and its query; raises `web.HTTPNotFound` where there is no such thing."""

_KEPT: Final = 64  # pictures; one has some ten thousand bytes
_NARROWEST, _WIDEST, _WIDTH = 240, 1600, 720  # pixels
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_A_LITTLE_WHILE: Final = "private, max-age=60"
_PICTURE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # an SVG that is opened by itself is a document
_OURS: Final = ("dark", "width")  # parameters of the look

Form = Literal["svg", "png"]


@dataclass(frozen=True, slots=True)
class Figure:
    """What `chart` of `charts.html.j2` shows. With `chart` its table is in the page, else it is fetched when it is opened."""

    path: str
    title: str
    query: str = ""
    chart: Chart | None = None

    @property
    def library(self) -> str:
        """Where what draws it in the page is."""
        return f"/charts/{bundle.name()}"

    def address(self, form: str = "", *, dark: bool = False) -> str:
        """Of its page, or in a form: `json`, `svg`, `png`."""
        asked = "&".join(filter(None, (self.query, "dark=1" if dark else "")))
        return f"{self.path}{'.' if form else ''}{form}{'?' if asked else ''}{asked}"


class Gallery:
    """Draws for all pages, in one worker, and remembers the last pictures."""

    def __init__(self, drawer: Drawer) -> None:
        self._drawer = drawer
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self.bundle = bundle.Bundle(drawer)

    async def close(self) -> None:
        """End the worker."""
        await self._drawer.close()

    async def picture(self, spec: Mapping[str, Any], form: Form) -> bytes:
        """The same specification is drawn once. Raises like `Drawer`."""
        key = form + hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()
        if key not in self._pictures:
            drawn = (await self._drawer.svg(spec)).encode() if form == "svg" else await self._drawer.png(spec)
            self._pictures[key] = drawn
        self._pictures.move_to_end(key)
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        return self._pictures[key]


GALLERY: Final = web.AppKey("gallery", Gallery)


def chart(request: web.Request, path: str, title: str, drawn: Chart | None = None) -> Figure:
    """The chart at `path`, asked for with the page's own query (its period, its subject)."""
    return Figure(path, title, request.rel_url.without_query_params(*_OURS).raw_query_string, drawn)


def rows(path: str, draw: Draw, need: Permission = Permission.LOOK) -> tuple[Route, ...]:
    """The routes of one chart, for the table of its area."""
    return (
        Route("GET", f"{path}.json", _specification(draw), need),
        Route("GET", f"{path}.svg", _picture(draw, "svg"), need),
        Route("GET", f"{path}.png", _picture(draw, "png"), need),
        Route("GET", path, _page(draw), need),  # the last one: a part of a path that may be anything may be `x.json`, too
    )


def look_of(request: web.Request) -> Look:
    """For whom: their language and zone; `dark=1` and `width` (pixels) as their browser says."""
    asked = request.query.get("width", "")
    width = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 5 else _WIDTH  # noqa: PLR2004 digits
    return Look(reader_of(request), request.query.get("dark") == "1", max(_NARROWEST, min(_WIDEST, width)))


def _page(draw: Draw) -> Handler:
    async def page(request: web.Request) -> web.Response:
        drawn = await draw(request, look_of(request))
        return show(request, "charting/chart", figure=chart(request, request.path, drawn.title, drawn))

    return page


def _specification(draw: Draw) -> Handler:
    async def specification(request: web.Request) -> web.Response:
        drawn = await draw(request, look_of(request))
        answer = web.json_response(drawn.spec, headers={hdrs.CACHE_CONTROL: "private, no-cache"})
        answer.enable_compression()
        return answer

    return specification


def _picture(draw: Draw, form: Form) -> Handler:
    types = {"svg": "image/svg+xml", "png": "image/png"}

    async def picture(request: web.Request) -> web.Response:
        drawn = await draw(request, look_of(request))
        try:
            body = await request.app[GALLERY].picture(drawn.spec, form)
        except WorkError as error:
            log.warning("chart.not_drawn", path=request.path, problem=str(error))
            raise web.HTTPServiceUnavailable(text="the chart could not be drawn") from None
        headers = {hdrs.CACHE_CONTROL: _A_LITTLE_WHILE, "Content-Security-Policy": _PICTURE_POLICY}
        return web.Response(body=body, content_type=types[form], headers=headers)

    return picture


async def library(request: web.Request) -> web.Response:
    """What draws charts in a page; what had this name in another version is not here."""
    if request.match_info["script"] != bundle.name():
        raise web.HTTPNotFound(text="there is no such file")
    script = await request.app[GALLERY].bundle.script()
    headers = {hdrs.CACHE_CONTROL: _FOR_EVER, hdrs.VARY: hdrs.ACCEPT_ENCODING}
    packed = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower()
    if packed:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    body = script.zipped if packed else script.body
    return web.Response(body=body, content_type="text/javascript", charset="utf-8", headers=headers)


ROUTES: Final = (Route("GET", "/charts/{script}", library, PUBLIC),)
