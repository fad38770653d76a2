"""Turns a row of the API's table into a handler: reads what is asked, does it, and writes the answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar, get_origin

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from monitor.console.api.endpoint import ROOT, Asked, Endpoint
from monitor.console.api.limits import require_turn
from monitor.console.api.problems import Fault, ProblemError, wrong
from monitor.console.route import VISITOR, Route
from monitor.sources import strict_json
from monitor.web.desk import DESK
from monitor.web.reading import read_body

ONCE: Final = "Idempotency-Key"
LONGEST_KEY: Final = 200  # characters
_MOST_FAULTS: Final = 20
Read = TypeVar("Read", bound=BaseModel)


def route_of(endpoint: Endpoint) -> Route:
    """The row of the console's table of routes."""
    return Route(endpoint.method, f"{ROOT}{endpoint.path}", _handler(endpoint), endpoint.need)


def _handler(endpoint: Endpoint) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        visitor = request[VISITOR]
        require_turn(request, visitor, asyncio.get_running_loop().time())
        body = await read_body(request)
        asked: Asked[Any, Any] = Asked(
            app=request.app,
            desk=request.app[DESK](),
            visitor=visitor,
            query=_validated(endpoint.query, _parameters(endpoint.query, request)),
            body=_validated(endpoint.body, _json(request, body) if endpoint.has_body else {}),
            number=int(request.match_info.get("number", 0)),
            once=_once(request, body),
        )
        answer = endpoint.answer.dump_json(await endpoint.work(asked), by_alias=True)
        return web.Response(body=answer, status=endpoint.status, content_type="application/json")

    return handle


def _parameters(model: type[BaseModel], request: web.Request) -> Mapping[str, Any]:
    """What stands behind the `?`: where one value is meant and several are given, all, so that it is refused."""
    several = {field.alias or name for name, field in model.model_fields.items() if get_origin(field.annotation) is list}
    given: dict[str, Any] = {}
    for name in request.query:
        values = request.query.getall(name)
        given[name] = values if name in several or len(values) > 1 else values[0]
    return given


def _json(request: web.Request, body: bytes) -> Any:
    if body and request.content_type != "application/json":
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"`{request.content_type}` is not JSON"[:200])
    try:
        return strict_json.loads(body) if body else {}
    except strict_json.NotJsonError as error:
        raise wrong("", f"the body is not JSON: {error}") from None


def _validated(model: type[Read], given: Any) -> Read:
    """Raises a problem that names each field, and quotes nothing."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = [_fault(each) for each in error.errors(include_url=False, include_input=False, include_context=False)]
        words = "; ".join(f"{each.field}: {each.detail}" if each.field else each.detail for each in faults[:3])
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, words, errors=faults[:_MOST_FAULTS]) from None


def _fault(error: Mapping[str, Any]) -> Fault:
    field = ".".join(str(part)[:64] for part in error["loc"] if part != "[key]")
    return Fault(field=field.encode("utf-8", "replace").decode(), detail=error["msg"].removeprefix("Value error, "))


def _once(request: web.Request, body: bytes) -> str:
    """Another body is another act, whatever its key."""
    key = request.headers.get(ONCE, "")
    if not key:
        return ""
    if len(key) > LONGEST_KEY:
        raise wrong(ONCE, f"{ONCE}: at most {LONGEST_KEY} characters")
    said = b"\0".join((request[VISITOR].account.encode(), request.path.encode(), key.encode("utf-8", "replace"), body))
    return hashlib.sha256(said).hexdigest()
