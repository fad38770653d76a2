"""Says what went wrong as programs expect it: problem details (RFC 9457), with the field that is meant and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field

from monitor.console.api.endpoint import ROOT
from monitor.domain.errors import StorageError, TocsinError, UsageError
from monitor.domain.handling import HandledMeanwhileError
from monitor.domain.plan import UnreadableRunError
from monitor.pipeline.operations import DoneBeforeError
from monitor.plans import RefusedError
from monitor.web.reading import TRY_AGAIN

log = structlog.get_logger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
_KEPT: Final = (hdrs.ALLOW, hdrs.RETRY_AFTER, hdrs.WWW_AUTHENTICATE)

HINTS: Final[Mapping[int, str]] = {
    400: "send HTTP as its standard has it, and addresses of at most 8 kB",
    401: "send `Authorization: Bearer tocsin_…` with a token that works: `tocsin account token` makes one",
    403: "use an account, or a token with a scope, that may do it",
    404: "look at the number and the address: what stood here may be past the time for which it is kept",
    405: "use a method of the header `Allow`",
    408: "send the body faster",
    409: "look at it again before you act",
    413: "send less: a body has at most 1 MB",
    415: "send JSON, with `Content-Type: application/json` and without `Content-Encoding`",
    422: "correct the field and send it again; the same call will be refused again",
    429: "wait for as many seconds as `Retry-After` says",
    500: "the log says more; tell whoever looks after Tocsin",
    503: "nothing was done: send it again after as many seconds as `Retry-After` says",
}


class Fault(BaseModel):
    """One thing that is wrong with what was sent."""

    field: str = Field(description="where: a parameter, or a path into the body, such as `words.fr`; empty: all of it")
    detail: str


class ProblemDetails(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    model_config = ConfigDict(title="Problem")

    type: str = Field("about:blank", description="the kind of problem: nothing beyond the status")
    title: str
    status: int
    detail: str = Field(description="what is wrong, in words")
    hint: str = Field(description="what to do")
    errors: list[Fault] = Field([], description="of 422: each field that is wrong")
    now: dict[str, Any] | None = Field(None, description="of 409: how it stands, and who made it so")


class ProblemError(TocsinError):
    """Answered as problem details. `now` tells a conflict's other side."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: list[Fault] | None = None,
        now: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = errors or []
        self.now = now
        self.headers = headers or {}


def not_here(what: str, which: object) -> ProblemError:
    """There is no such thing."""
    return ProblemError(HTTPStatus.NOT_FOUND, f"there is no {what} {which}")


def wrong(field: str, detail: str) -> ProblemError:
    """One field says what cannot be."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=[Fault(field=field, detail=detail)])


@web.middleware
async def problem_details(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers whatever goes wrong below `ROOT`, at the door and behind it."""
    if not request.path.startswith(f"{ROOT}/"):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPException as error:
        kept = {str(name): error.headers[name] for name in _KEPT if name in error.headers}
        return _answer(ProblemError(HTTPStatus(error.status), _words(error), headers=kept))
    except TocsinError as error:
        return _answer(problem_of(error))
    except Exception:
        log.exception("web.failed", method=request.method, path=request.path)
        return _answer(ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of ours"))


def problem_of(error: TocsinError) -> ProblemError:
    """The status that says what a program can do about a refusal in words."""
    match error:
        case ProblemError():
            return error
        case HandledMeanwhileError(now=now):
            told = {"state": now.state, "assignee": now.assignee, "version": now.version, "by": now.by}
            at = now.at.isoformat() if now.at else None
            return ProblemError(HTTPStatus.CONFLICT, str(error), now=told | {"at": at})
        case RefusedError() | UnreadableRunError() | DoneBeforeError():
            return ProblemError(HTTPStatus.CONFLICT, str(error))
        case StorageError():
            log.error("api.store_away", problem=str(error))
            return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "the store does not answer", headers=TRY_AGAIN)
        case UsageError():
            return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        case _:
            log.error("web.failed", problem=str(error))
            return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of ours")


def _answer(problem: ProblemError) -> web.Response:
    details = ProblemDetails(
        title=problem.status.phrase,
        status=problem.status,
        detail=str(problem),
        hint=HINTS.get(problem.status, HINTS[500]),
        errors=problem.errors,
        now=dict(problem.now) if problem.now is not None else None,
    )
    body = details.model_dump_json().encode()
    return web.Response(body=body, status=problem.status, content_type=CONTENT_TYPE, headers=problem.headers)


def _words(error: web.HTTPException) -> str:
    text = error.text or ""
    return error.reason.lower() if not text or text.startswith(f"{error.status}:") else text
