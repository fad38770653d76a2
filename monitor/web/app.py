"""The daemon's endpoints, behind two doors: the public one, for other systems and for links in messages, and the operator's own.

What one answers does not exist behind the other: a proxy that lets everything through to the public door opens nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final, Literal, Protocol

import structlog
from aiohttp import hdrs, web

from monitor.domain.errors import StorageError, TocsinError
from monitor.telemetry import metrics
from monitor.web import api, run_page, taking
from monitor.web.desk import DESK, Desk
from monitor.web.protection import add_headers, from_a_page, json_errors
from monitor.web.reading import BODIES, LARGEST_BODY, ROOM, TRY_AGAIN, read_body
from monitor.web.room import Room

log = structlog.get_logger(__name__)

_OUTCOMES: Final[dict[int, str]] = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large", HTTPStatus.SERVICE_UNAVAILABLE: "failed"}

Verify = Callable[[Mapping[str, str], bytes, datetime], str]
"""The delivery id of a call that is signed as agreed (headers, raw body, real time); raises `TocsinError` to refuse it."""

Challenge = Callable[[Mapping[str, str]], str]
"""What to answer whoever asks whether an address is ours (the query of a GET); raises `TocsinError` to refuse it."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What became of a new configuration. `failed`: it reads well and cannot be put to work; `waiting`: it is not at work yet."""

    status: Literal["in_force", "refused", "failed", "waiting"]
    changed: Sequence[str] = ()
    not_before_a_restart: Sequence[str] = ()
    problems: Sequence[str] = ()


_RELOADED: Final[dict[str, HTTPStatus]] = {
    "in_force": HTTPStatus.OK,
    "refused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "failed": HTTPStatus.INTERNAL_SERVER_ERROR,
    "waiting": HTTPStatus.ACCEPTED,
}


class WebDeps(Protocol):
    """What the endpoints need from the rest."""

    async def reload(self) -> Reloaded:
        """Reads the configuration anew, as SIGHUP does."""
        ...

    def now(self) -> datetime:
        """Real time, which signatures are checked against."""
        ...

    async def troubles(self) -> Sequence[str]:
        """Why the daemon cannot do its work now, in words; empty when it can."""
        ...

    def hook(self, source: str) -> Verify | None:
        """How calls to a source are verified; None: there is no such source. May raise `web.HTTPServiceUnavailable`."""
        ...

    def challenge(self, source: str) -> Challenge | None:
        """How callers are answered that first ask whether it is ours; None: not at all. Raises like `hook`."""
        ...

    async def accept(self, source: str, delivery_id: str, body: bytes) -> bool:
        """Commits a verified call. False: it was there already. Raises when it could not be committed."""
        ...

    def desk(self) -> Desk:
        """What readers of our messages, and programs, may do. May raise `web.HTTPServiceUnavailable`."""
        ...


DEPS: Final = web.AppKey("deps", WebDeps)


Furnish = Callable[[web.Application], None]
"""Adds what else is behind the public door: the console."""


def public_app(deps: WebDeps, furnish: Furnish = lambda _: None) -> web.Application:
    """What strangers may reach: the door for other systems' calls, for whoever has a link of ours, and for who signs in."""
    app = _app(deps)
    app[ROOM] = Room(BODIES)
    app.router.add_post("/hooks/{source}", receive)
    app.router.add_get("/hooks/{source}", challenge, allow_head=False)
    app.router.add_get("/take", taking.show)
    app.router.add_post("/take", taking.take)
    app.router.add_get("/run", run_page.show)
    app.router.add_get("/api/plans/{run:[0-9]{1,18}}", api.show)
    app.router.add_post("/api/plans/{run:[0-9]{1,18}}/acts", api.act)
    furnish(app)
    return app


def private_app(deps: WebDeps) -> web.Application:
    """What the operator's own programs ask."""
    app = _app(deps)
    app.router.add_get("/-/healthy", healthy)
    app.router.add_get("/-/ready", ready)
    app.router.add_post("/-/reload", reload)
    app.router.add_get("/metrics", show_metrics)
    return app


def _app(deps: WebDeps) -> web.Application:
    app = web.Application(middlewares=[json_errors], client_max_size=LARGEST_BODY)
    app[DEPS] = deps
    app[DESK] = deps.desk
    app.on_response_prepare.append(add_headers)
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


async def reload(request: web.Request) -> web.Response:
    """Read the configuration anew: 200 when it is at work; 422 or 500 with the problems, and then the one before stays."""
    if from_a_page(request):
        raise web.HTTPForbidden(text="no page in a browser reloads the configuration")
    done = await request.app[DEPS].reload()
    told = {name: list(said) for name in ("changed", "not_before_a_restart", "problems") if (said := getattr(done, name))}
    return web.json_response({"status": done.status, **told}, status=_RELOADED[done.status])


async def show_metrics(request: web.Request) -> web.Response:
    """The figures, for Prometheus."""
    del request
    return web.Response(body=metrics.render(), headers={hdrs.CONTENT_TYPE: metrics.content_type})


async def receive(request: web.Request) -> web.Response:
    """Verify a call, commit its raw body, and only then answer 202. What it says is understood later."""
    deps, source = request.app[DEPS], request.match_info["source"]
    verify = deps.hook(source)
    if verify is None:
        raise web.HTTPNotFound(text="there is no source by this name that takes calls")
    try:
        body = await read_body(request)
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


async def challenge(request: web.Request) -> web.Response:
    """Answer a caller that asks, before its first call, whether this address is ours (Meta)."""
    source = request.match_info["source"]
    answer = request.app[DEPS].challenge(source)
    if answer is None:
        raise web.HTTPNotFound(text="there is no source by this name that answers a challenge")
    try:
        return web.Response(text=answer(request.query))
    except TocsinError as refusal:
        log.warning("hook.challenge_refused", source=source, why=str(refusal), remote=request.remote)
        raise web.HTTPForbidden(text="the challenge is not as agreed") from None


async def _commit(deps: WebDeps, source: str, delivery_id: str, body: bytes) -> str:
    try:
        return "accepted" if await deps.accept(source, delivery_id, body) else "duplicate"
    except Exception as error:
        # Whatever it was, the call is not stored: only an answer that asks for another try keeps it from being lost.
        # Callers try often, and a full disk has no room for a traceback each time.
        log.error("hook.not_stored", source=source, problem=str(error), exc_info=not isinstance(error, StorageError))
        raise web.HTTPServiceUnavailable(text="the call could not be stored; send it again", headers=TRY_AGAIN) from None
