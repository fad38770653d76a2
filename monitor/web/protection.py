"""What every answer has in common: headers that protect browsers, no banner, errors as JSON, and one line in the log."""

from __future__ import annotations

import logging
from typing import Final

import structlog
from aiohttp import hdrs, web, web_response
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

log = structlog.get_logger(__name__)

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# aiohttp names itself and its version where no signal of the application reaches: in the answer to what is no HTTP at all.
web_response.SERVER_SOFTWARE = "tocsin"  # type: ignore[attr-defined]  # there is no setting for it; a test watches it

_EVERYDAY = ("/-/", "/metrics")  # asked every few seconds by machines


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Sets the protecting headers, and takes away the one that says which server we are."""
    del request
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.pop(hdrs.SERVER, None)


def from_a_page(request: web.Request) -> bool:
    """Whether a browser sent this for some page: there is none of ours, and any other would act with its reader's access."""
    return hdrs.ORIGIN in request.headers or request.headers.get("Sec-Fetch-Site", "none") != "none"


@web.middleware
async def json_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers every error with {"error": words}, and says nothing about one that is a bug of ours."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        kept = {name: value for name, value in error.headers.items() if name in {hdrs.ALLOW, hdrs.RETRY_AFTER, hdrs.LOCATION}}
        return web.json_response({"error": _words(error)}, status=error.status, headers=kept)
    except Exception:
        log.exception("web.failed", method=request.method, path=request.path)
        return web.json_response({"error": "an error of ours: the log says more"}, status=500)


def _words(error: web.HTTPException) -> str:
    """What was said where the error was raised; aiohttp's own texts repeat the number."""
    text = error.text or ""
    return error.reason.lower() if not text or text.startswith(f"{error.status}:") else text


class AccessLog(AbstractAccessLogger):
    """One event per request, without its query string: that is where tokens stand."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """`time` is in seconds."""
        say = log.debug if request.path.startswith(_EVERYDAY) and response.status < 500 else log.info  # noqa: PLR2004 - 5xx
        say(
            "web.request",
            method=request.method,
            path=request.path,
            status=response.status,
            bytes=response.body_length,
            ms=round(time * 1000, 1),
            remote=request.remote,
        )


def server_log() -> logging.Logger:
    """The logger of aiohttp, without a traceback for each scanner that sends something other than HTTP."""
    logger = logging.getLogger("aiohttp.server")
    logger.addFilter(_worth_a_line)
    return logger


def _worth_a_line(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
