"""One alert: why it rings, the posts behind it and how they spread, who was told, what was done, and what may be."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from aiohttp import web

from monitor.console import charting, naming, telling
from monitor.console.alerts import course
from monitor.console.alerts.effect import record
from monitor.console.alerts.listing import figures
from monitor.console.alerts.told import STATES, messages, missing
from monitor.console.asked import number
from monitor.console.page import reader_of, show
from monitor.console.tongue import tongue
from monitor.domain.alert import Alert
from monitor.web.desk import DESK
from monitor.web.story import moments_of_alert
from notifiers.message import Message
from notifiers.reasons import worded
from notifiers.render.view import view
from notifiers.safe import one_line
from notifiers.voice import Voice, nature
from notifiers.wording import headline, why

_POSTS: Final = 20
_REASON: Final = 300  # characters
_PAST: Final = 50  # alerts of the same rule that are looked back on
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


async def alert(request: web.Request) -> web.Response:
    """How it stands at this moment."""
    return await shown(request, number(request, "alert"))


async def shown(
    request: web.Request,
    wanted: int,
    *,
    problem: str = "",
    typed: Mapping[str, str] = _NOTHING,
    status: HTTPStatus = HTTPStatus.OK,
) -> web.Response:
    """The page. `problem` is a msgid that says why something was not done, `typed` what was written when it was tried."""
    desk, reader = request.app[DESK](), reader_of(request)
    async with desk.store.read() as tx:
        found = await tx.alerts.get(wanted)
        if found is None:
            raise web.HTTPNotFound(text=f"there is no alert {wanted}")
        story = await tx.timeline.of_incident(found.incident_id)
        own = [each for each in story if each.alert_id == wanted]
        asked = await tx.notifications.of_alert(found.incident_id, wanted, found.opened_at)
        records = await tx.deliveries.of_messages([each.id for each in asked])
        by = found.silenced_by or ""
        silences = await tx.silences.many([int(by)]) if by.isdecimal() else {}
        others = await tx.alerts.of_rule(found.rule, _PAST)
        false = await tx.timeline.called_false([wanted, *(each.id for each in others)])
        posts = await tx.alerts.evidence([wanted], _POSTS)
        count = await tx.alerts.evidence_count([wanted])
        beginning = await tx.alerts.beginning([wanted])
        spread = await tx.alerts.spread([wanted])
        runs = await tx.plans.of_incident(found.incident_id)
    sent = [(each, records[each.id]) for each in asked if each.id in records]
    said = telling.message(desk, reader, [found], subject=found.labels.get("subject"), kind="first")
    rule = next((each for each in desk.settings.rules if each.id == found.rule), None)
    standing = {str(each.id): each for each in desk.settings.standing_silences}
    seen = charting.chart(request, f"/alerts/{wanted}/chart", tongue(reader.language).gettext(course.TITLE))
    return show(
        request,
        "alerts/one",
        status=status,
        alert=found,
        title=naming.rules(desk, reader.language).get(found.rule, found.rule),
        about=naming.about(desk, found),
        headline=headline(said),
        why=why(said),
        figures=figures(found, reader),
        bars=view(said).bars,
        reasons=_reasons(said, found),
        seen=None if _is_own(found) else seen,
        posts=posts,
        more=max(count - len(posts), 0),
        beginning=beginning,
        amplifier=next((each for each in posts if each.author.reach and not each.is_erased), None),
        spread=spread,
        messages=messages(sent, desk.now(), desk.called),
        states=STATES,
        missing=list(missing(found, sent, own, silences.get(by) or standing.get(by), desk.now(), desk.called)),
        silence=silences.get(by),
        goes_to=[desk.called(each.name) for each in found.goes_to],
        moments=moments_of_alert(desk, said, found, story),
        runs=[(each, naming.plan(each, reader.language)) for each in runs],
        known=rule is not None,
        record=record(found, rule, others, false),
        false=wanted in false,
        grave=found.exempt or nature(said.alerts[0]) == "safety",
        taken_by=desk.called(found.acknowledged_by),
        people=naming.people(desk),
        once=secrets.token_hex(8),
        problem=problem,
        typed={"verb": "", **typed},
    )


def _reasons(said: Message, found: Alert) -> list[str]:
    """In the reader's language; those that nobody has worded yet, or that quote somebody, as they are."""
    voice = Voice(said)
    told = [(each, worded(voice, each)) for each in found.reasons]
    return [one_line(each if words is None else words, _REASON) for each, words in told if words != ""]


def _is_own(found: Alert) -> bool:
    """Whether it is about Tocsin itself, or about what one person said: nothing to draw a course of."""
    return found.personal or "subject" not in found.labels
