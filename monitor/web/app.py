"""The daemon's endpoints: is it alive, is it at work, its figures, and the door through which other systems bring mentions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final, Protocol

import structlog
from aiohttp import hdrs, web

from monitor.domain.errors import TocsinError
from monitor.telemetry import metrics
from monitor.web.protection import add_headers, json_errors

log = structlog.get_logger(__name__)

LARGEST_BODY: Final = 1024 * 1024  # bytes
SLOWEST_BODY: Final = 20.0  # seconds: a caller that trickles its body is sent away
TRY_AGAIN: Final = {"Retry-After": "5"}  # seconds
_OUTCOMES: Final[dict[int, str]] = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large", HTTPStatus.SERVICE_UNAVAILABLE: "failed"}

Verify = Callable[[Mapping[str, str], bytes, datetime], str]
"""The delivery id of a call that is signed as agreed (headers, raw body, real time); raises `TocsinError` to refuse it."""


class WebDeps(Protocol):
    """What the endpoints need from the rest."""

    def now(self) -> datetime:
        """Real time, which signatures are checked against."""
        ...

    async def troubles(self) -> Sequence[str]:
        """Why the daemon cannot do its work now, in words; empty when it can."""
        ...

    def hook(self, source: str) -> Verify | None:
        """How calls to a source are verified; None: there is no such source. May raise `web.HTTPServiceUnavailable`."""
        ...

    async def accept(self, source: str, delivery_id: str, body: bytes) -> bool:
        """Commits a verified call. False: it was there already. Raises when it could not be committed."""
        ...


DEPS: Final = web.AppKey("deps", WebDeps)


def build_app(deps: WebDeps) -> web.Application:
    """The application, ready to be served."""
    app = web.Application(middlewares=[json_errors], client_max_size=LARGEST_BODY)
    app[DEPS] = deps
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/-/healthy", healthy)
    app.router.add_get("/-/ready", ready)
    app.router.add_get("/metrics", show_metrics)
    app.router.add_post("/hooks/{source}", receive)
    return app


async def healthy(request: web.Request) -> web.Response:
    """200 as long as the event loop turns: for whoever restarts a process that hangs."""
    del request
    return web.json_response({"status": "healthy"})


async def ready(request: web.Request) -> web.Response:
    """200 when the store answers and the workers run, else 503 with the reasons: for load balancers and people."""
    reasons = await request.app[DEPS].troubles()
    if reasons:
        answer = {"status": "unavailable", "reasons": list(reasons)}
        return web.json_response(answer, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=TRY_AGAIN)
    return web.json_response({"status": "ready"})


async def show_metrics(request: web.Request) -> web.Response:
    """The figures, for Prometheus."""
    del request
    return web.Response(body=metrics.render(), headers={hdrs.CONTENT_TYPE: metrics.content_type})


async def receive(request: web.Request) -> web.Response:
    """Verify a call, commit its raw body, and only then answer 202. What it says is understood later."""
    deps, source = request.app[DEPS], request.match_info["source"]
    verify = deps.hook(source)
    if verify is None:
        raise web.HTTPNotFound(text="there is no source of kind webhook by this name")
    try:
        body = await _body(request)
        delivery_id = verify(request.headers, body, deps.now())
        outcome = await _commit(deps, source, delivery_id, body)
    except TocsinError as refusal:
        metrics.hooks.labels(source=source, outcome="refused").inc()
        log.warning("hook.refused", source=source, why=str(refusal), remote=request.remote)
        raise web.HTTPUnauthorized(text="the call is not signed as agreed") from None
    except web.HTTPException as error:
        metrics.hooks.labels(source=source, outcome=_OUTCOMES.get(error.status, "refused")).inc()
        raise
    metrics.hooks.labels(source=source, outcome=outcome).inc()
    return web.json_response({"status": outcome}, status=HTTPStatus.ACCEPTED)


async def _body(request: web.Request) -> bytes:
    """The raw body, as it was signed. A compressed one is refused: nobody needs it, and it may unpack to anything."""
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType(text="send the body as it is, without Content-Encoding")
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the body did not arrive in time") from None


async def _commit(deps: WebDeps, source: str, delivery_id: str, body: bytes) -> str:
    try:
        return "accepted" if await deps.accept(source, delivery_id, body) else "duplicate"
    except Exception:
        # Whatever it was, the call is not stored: only an answer that asks for another try keeps it from being lost.
        log.exception("hook.not_stored", source=source)
        raise web.HTTPServiceUnavailable(text="the call could not be stored; send it again", headers=TRY_AGAIN) from None
