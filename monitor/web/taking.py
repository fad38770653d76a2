"""« Je prends en charge », by the link in a message: looking at it changes nothing, whoever looks; only the button acts, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web

from monitor.domain.alert import Alert
from monitor.domain.errors import StorageError
from monitor.domain.plan import PlanRun, UnreadableRunError
from monitor.pipeline import operations
from monitor.pipeline.links import Link
from monitor.pipeline.operations import Actor, Once
from monitor.plans import Act, RefusedError
from monitor.web.desk import DESK, Desk
from monitor.web.opening import follow, not_here, unavailable, unread
from monitor.web.pages import page
from monitor.web.reading import read_body
from notifiers.message import Message
from notifiers.reader import Reader
from notifiers.render.view import view
from notifiers.safe import one_line
from notifiers.voice import Voice

log = structlog.get_logger(__name__)

THROUGH: Final = "link"
"""Through what somebody acted who followed a link, as the timeline says it."""
_USED: Final = "/take"  # under what the store remembers links that were used: no source can be called so
_MOST_NAMED: Final = 6  # alerts whose numbers are shown
_LONGEST_FORM: Final = 1_000  # characters
_LONGEST: Final = 80  # characters of a name


class Taken(NamedTuple):
    """Who has taken charge, by the name that the store knows, and since when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Matter:
    """What a link is about, as it stands now: a plan run, or else the alerts of its message."""

    link: Link
    message: Message
    run: PlanRun | None
    alerts: Sequence[Alert]
    used_at: datetime | None

    @property
    def taken(self) -> Taken | None:
        """Who has all of it."""
        things = [self.run] if self.run is not None else self._ringing or self.alerts
        taken = [Taken(each.acknowledged_by or "", each.acknowledged_at) for each in things if each.acknowledged_at is not None]
        return max(taken, key=lambda each: each.at) if taken and len(taken) == len(things) else None

    @property
    def over(self) -> bool:
        """Whether nothing of it goes on."""
        return not self.run.open if self.run is not None else not self._ringing

    @property
    def open(self) -> bool:
        """Whether this link can take it, or answer a drill that somebody else has taken."""
        wanted = self.run.wants_answers if self.run is not None else not self.over and self.taken is None
        return wanted and self.used_at is None

    @property
    def _ringing(self) -> list[Alert]:
        return [each for each in self.alerts if each.resolved_at is None]


async def find(desk: Desk, link: Link) -> Matter | None:
    """What a link is about. None: it was erased, or its receiver is gone."""
    async with desk.store.read() as tx:
        notification = await tx.notifications.get(link.number)
        if notification is None or notification.receiver != link.receiver or link.receiver not in desk.settings.receivers:
            return None
        run = await tx.plans.get(notification.plan_run_id) if notification.plan_run_id is not None else None
        used_at = await tx.inbox.marked(_USED, link.key)
    try:
        message = await desk.composer.compose(desk.store, notification)
    except UnreadableRunError:
        message = desk.composer.plain(notification)
    numbers = [each.id for each in Voice(message).to_take] if run is None else []
    async with desk.store.read() as tx:
        alerts = [*(await tx.alerts.many(numbers)).values()]
    return Matter(link, replace(message, created_at=desk.now()), run, alerts, used_at)


async def show(request: web.Request) -> web.Response:
    """What would be taken, and a button; or who has it. Mail scanners follow every link: this acts on nothing."""
    desk = request.app[DESK]()
    link = follow(desk, request, "take")
    if isinstance(link, web.Response):
        return link
    try:
        matter = await find(desk, link)
    except StorageError as error:
        return unavailable(desk, request, error)
    return not_here(desk, request) if matter is None else _shown(desk, matter)


async def take(request: web.Request) -> web.Response:
    """Take charge, as whoever the link or the form names; then the way leads on to what is to be done."""
    desk = request.app[DESK]()
    link = follow(desk, request, "take")
    if isinstance(link, web.Response):
        return link
    form = parse_qs((await read_body(request)).decode("utf-8", "replace")[:_LONGEST_FORM])
    try:
        return await _taken(desk, request, link, form.get("by", [""])[0])
    except UnreadableRunError:
        return unread(desk.settings.receivers[link.receiver].language or desk.settings.language)
    except StorageError as error:
        return unavailable(desk, request, error)


async def _taken(desk: Desk, request: web.Request, link: Link, named: str) -> web.Response:
    matter = await find(desk, link)
    if matter is None:
        return not_here(desk, request)
    by = _who(desk, link.receiver, named)
    if matter.open and by is None:
        return _shown(desk, matter, status=HTTPStatus.UNPROCESSABLE_ENTITY, missing=True)
    if not matter.open or by is None or not await _take(desk, matter, by):
        return _shown(desk, await find(desk, link) or matter, again=True)
    log.info(
        "link.taken", receiver=link.receiver, by=by, run=matter.run and matter.run.id, alerts=[each.id for each in matter.alerts]
    )
    onward = _run_page(desk, matter) or f"take?{request.rel_url.raw_query_string}"
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": onward})


def _who(desk: Desk, receiver: str, named: str) -> str | None:
    """In whose name it is done: of whom there is no doubt, nobody is asked."""
    readers = desk.readers(receiver)
    if len(readers) == 1:
        return readers[0]
    return named if named in {*readers, receiver} else None if readers else receiver


async def _take(desk: Desk, matter: Matter, by: str) -> bool:
    """False: somebody else did at the same moment, or it has just ended."""
    once, more, at = Once(_USED, matter.link.key), {"receiver": matter.link.receiver}, desk.now()
    if matter.run is None:
        numbers = [each.id for each in matter.alerts]
        return await operations.acknowledge_by_link(desk.store, numbers, Actor(by, THROUGH), at, once, more)
    done = Act("acknowledge", by, at, desk.names(by))
    try:
        run = await operations.act_in_plan(desk.store, matter.run.id, done, THROUGH, once=once, more=more)
    except RefusedError:
        return False
    return run.drill or (run.acknowledged_by, run.acknowledged_at) == (by, at)


def _shown(
    desk: Desk, matter: Matter, *, status: HTTPStatus = HTTPStatus.OK, again: bool = False, missing: bool = False
) -> web.Response:
    """The page of a link: to take, taken, over or used up."""
    message = matter.message
    readers = desk.readers(matter.link.receiver)
    used = matter.used_at is not None and not matter.over and matter.taken is None
    return page(
        "take",
        message.language,
        status=HTTPStatus.GONE if used else status,
        v=view(message),
        matter=matter,
        standing=standing(desk, matter.taken, message, again=again) if matter.taken is not None else None,
        used=used,
        missing=missing,
        people=[(name, desk.called(name)) for name in readers],
        numbers=[str(each.id) for each in matter.alerts[:_MOST_NAMED]],
        test=message.kind == "test",
        run_page=_run_page(desk, matter),
        console=_console(desk, matter),
    )


def standing(desk: Desk, taken: Taken, message: Message, *, again: bool = False) -> tuple[str, dict[str, str]]:
    """The phrase that says who has it, and what fills it. `again`: to somebody who has just tried to take it, too."""
    zone = ZoneInfo(message.timezone)
    before = taken.at.astimezone(zone).date() != message.created_at.astimezone(zone).date()
    key = f"taken{'.already' if again else ''}{'.before' if before else ''}"
    at = Reader(message.language, message.timezone).moment(taken.at, message.created_at)
    return key, {"who": one_line(desk.called(taken.by), _LONGEST), "at": at}


def _console(desk: Desk, matter: Matter) -> str:
    """Where whoever has an account finds the same, and more; empty for what was erased, and where there is no console."""
    if not desk.settings.console.enabled:
        return ""
    if matter.run is not None:
        return f"/runs/{matter.run.id}"
    return f"/alerts/{matter.alerts[0].id}" if matter.alerts else ""


def _run_page(desk: Desk, matter: Matter) -> str:
    """The way from here to the page of the run, as long as this link lasts; empty where there is none."""
    if matter.run is None:
        return ""
    made = matter.link.until - desk.settings.web.links_last
    return f"run?link={desk.links.write('run', matter.run.id, matter.link.receiver, made)}"
