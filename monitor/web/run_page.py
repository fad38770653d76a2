"""The page of a plan run: what goes on, how grave, what is done, the words that are ready, what happened. For reading only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from aiohttp import web

from monitor.domain.alert import AlertEvent, Notification, NotificationKind
from monitor.domain.errors import StorageError
from monitor.domain.plan import PlanRun, StatementStep, UnreadableRunError
from monitor.pipeline.links import Link
from monitor.pipeline.plans import latest_events
from monitor.web.desk import DESK, Desk
from monitor.web.opening import follow, not_here, unavailable, unread
from monitor.web.pages import page
from monitor.web.story import moments
from monitor.web.taking import Taken, standing
from notifiers.message import Message, PlanFacts, StatementFacts
from notifiers.reader import Reader
from notifiers.render.view import view
from notifiers.safe import clean
from notifiers.voice import Voice

_MOST: Final = 200  # moments of its story that are shown, the newest
_STATEMENT: Final = 20_000  # characters: prepared by the brand's own people, and shown whole


async def show(request: web.Request) -> web.Response:
    """How a run stands at this moment."""
    desk = request.app[DESK]()
    link = follow(desk, request, "run")
    if isinstance(link, web.Response):
        return link
    if link.receiver not in desk.settings.receivers:
        return not_here(desk, request)
    try:
        return await _shown(desk, request, link)
    except UnreadableRunError:
        return unread(desk.settings.receivers[link.receiver].language or desk.settings.language)
    except StorageError as error:
        return unavailable(desk, request, error)


async def _shown(desk: Desk, request: web.Request, link: Link) -> web.Response:
    async with desk.store.read() as tx:
        run = await tx.plans.get(link.number)
        events = await latest_events(tx, run) if run is not None else ()
        story = await tx.timeline.of_incident(run.incident_id) if run is not None else ()
    if run is None:
        return not_here(desk, request)
    message = await desk.composer.compose(desk.store, _as_if_told_now(desk, run, link.receiver, events))
    assert message.plan is not None, "its run was just read"
    voice, told = Voice(message), moments(desk, message, run, story)
    return page(
        "run",
        message.language,
        v=view(message),
        plan=message.plan,
        run=run,
        console=desk.settings.console.enabled,
        phrase=voice.say,
        has_alerts=bool(message.alerts) and run.open,  # of a run that has ended nothing goes on
        statements=_statements(run, message.plan),
        standing=_standing(desk, run, message),
        moments=told[-_MOST:],
        cut=len(told) > _MOST,
        now=Reader(message.language, message.timezone).moment(message.created_at, message.created_at),
        zone=voice.reader.zone,
    )


def _as_if_told_now(desk: Desk, run: PlanRun, receiver: str, events: Sequence[AlertEvent]) -> Notification:
    """A message about the run that nobody sends: it holds what its reader would be told at this moment."""
    return Notification(
        id=0,
        incident_id=run.incident_id,
        receiver=receiver,
        sequence=1,
        kind=NotificationKind.MORE,
        events=events,
        created_at=desk.now(),
        due_at=desk.now(),
        plan_run_id=run.id,
    )


def _standing(desk: Desk, run: PlanRun, message: Message) -> tuple[str, dict[str, str]] | None:
    """The phrase that says who has taken the run; None while nobody has."""
    if run.acknowledged_at is None:
        return None
    return standing(desk, Taken(run.acknowledged_by or "", run.acknowledged_at), message)


def _statements(run: PlanRun, told: PlanFacts) -> list[StatementFacts]:
    """The words that the plan holds ready beside those of its steps, which stand there as they are by now."""
    of_steps = {step.statement for step in run.definition.steps if isinstance(step, StatementStep)}
    return [replace(each, text=clean(each.text, _STATEMENT)) for each in told.statements if each.id not in of_steps]
