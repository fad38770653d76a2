"""Plan runs for programs: signed JSON calls, each done once, with the same result as if a person had typed the command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import web

from monitor.domain.errors import StorageError, TocsinError
from monitor.domain.plan import Language, PlanRun, UnreadableRunError
from monitor.pipeline import operations
from monitor.pipeline.compose import plan_facts
from monitor.pipeline.operations import Once
from monitor.plans import RefusedError
from monitor.web.calls import (
    Call,
    Caller,
    ForbiddenError,
    MalformedError,
    act_of,
    identify,
    in_the_name_of,
    read,
)
from monitor.web.desk import DESK, Desk
from monitor.web.reading import TRY_AGAIN, read_body
from notifiers.render import plan_payload
from notifiers.signing import SignatureError
from rules.figures import Figures

log = structlog.get_logger(__name__)

THROUGH: Final = "api"


class NoRunError(TocsinError):
    """There is no such run."""


_STATUS: Final[Mapping[type[TocsinError], HTTPStatus]] = {
    ForbiddenError: HTTPStatus.FORBIDDEN,
    NoRunError: HTTPStatus.NOT_FOUND,
    RefusedError: HTTPStatus.CONFLICT,
    UnreadableRunError: HTTPStatus.CONFLICT,
}


async def show(request: web.Request) -> web.Response:
    """How a run stands."""

    async def work(desk: Desk, body: bytes, run_id: int) -> web.Response:
        identify(desk, request.headers, body)
        return await _told(desk, await _run(desk, run_id))

    return await _answered(request, work)


async def act(request: web.Request) -> web.Response:
    """Do one thing in a run, once, and answer with the run as it is then."""

    async def work(desk: Desk, body: bytes, run_id: int) -> web.Response:
        return await _acted(desk, identify(desk, request.headers, body), read(body, run_id))

    return await _answered(request, work)


async def _answered(request: web.Request, work: Callable[[Desk, bytes, int], Awaitable[web.Response]]) -> web.Response:
    """What comes of it; of a refusal its words, and the status that says what a program can do about it."""
    desk, body = request.app[DESK](), await read_body(request)
    try:
        return await work(desk, body, int(request.match_info["run"]))
    except SignatureError as error:
        log.warning("api.refused", why=str(error), remote=request.remote)
        return _refusal("the call is not signed as agreed", HTTPStatus.UNAUTHORIZED)
    except MalformedError as error:
        return _refusal(str(error), HTTPStatus.UNPROCESSABLE_ENTITY, error.field)
    except StorageError as error:
        log.error("api.store_away", problem=str(error))
        answer = _refusal("the store is away: nothing was done; send the call again", HTTPStatus.SERVICE_UNAVAILABLE)
        answer.headers.update(TRY_AGAIN)
        return answer
    except (ForbiddenError, NoRunError, RefusedError, UnreadableRunError) as error:
        log.info("api.not_done", why=str(error), remote=request.remote)
        return _refusal(str(error), _STATUS[type(error)])


def _refusal(words: str, status: HTTPStatus, field: str = "") -> web.Response:
    return web.json_response({"error": words} | ({"field": field} if field else {}), status=status)


async def _acted(desk: Desk, caller: Caller, call: Call) -> web.Response:
    by = in_the_name_of(desk, caller, call)
    await _run(desk, call.run)
    wanted = call.verb == "stand_down"
    figures = await operations.figures_now(desk.store, call.run, desk.now()) if wanted else Figures()
    done = act_of(desk, call.verb, call, by, figures)
    once = Once("/api", f"{caller.name} {caller.call_id}")
    run = await operations.act_in_plan(desk.store, call.run, done, THROUGH, once=once, more={"caller": caller.name})
    log.info("api.acted", caller=caller.name, by=by, verb=call.verb, run=call.run)
    return await _told(desk, run)


async def _run(desk: Desk, number: int) -> PlanRun:
    async with desk.store.read() as tx:
        run = await tx.plans.get(number)
    if run is None:
        raise NoRunError(f"there is no plan run {number}")
    return run


async def _told(desk: Desk, run: PlanRun) -> web.Response:
    return web.json_response({"run": described(desk, run, desk.settings.language)})


def described(desk: Desk, run: PlanRun, language: Language) -> dict[str, Any]:
    """The run in the words of a language; its facts have the names that they have in webhooks. Raises `UnreadableRunError`."""
    owners = {name: person.name for name, person in desk.settings.contacts.people.items()}
    return plan_payload(plan_facts(run, language, None, owners, day=desk.now().date())) | _more(run)


def _more(run: PlanRun) -> dict[str, Any]:
    """What messages do not hold: who did what, and when."""
    return {
        "incident": run.incident_id,
        "drill": run.drill,
        "level_rank": run.level,
        "opened_at": _moment(run.opened_at),
        "confirmed_at": _moment(run.confirmed_at),
        "confirmed_by": run.confirmed_by,
        "acknowledged_at": _moment(run.acknowledged_at),
        "acknowledged_by": run.acknowledged_by,
        "stood_down_at": _moment(run.stood_down_at),
        "stood_down_by": run.stood_down_by,
        "closed_at": _moment(run.closed_at),
        "closed_by": run.closed_by,
        "touched_at": _moment(run.touched_at),
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at is not None else None
