"""What people do with an alert: take it, quieten it, say that it rang for nothing, have others told."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from aiohttp import web

from monitor.console.alerts.page import shown
from monitor.console.asked import number
from monitor.console.once import once
from monitor.console.page import go
from monitor.console.route import VISITOR, Route
from monitor.console.tongue import N_
from monitor.domain.account import Permission
from monitor.domain.alert import Alert
from monitor.domain.errors import UsageError
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor, DoneBeforeError, Once
from monitor.web.desk import DESK

LASTS: Final[Mapping[str, timedelta]] = MappingProxyType(
    {f"{minutes}": timedelta(minutes=minutes) for minutes in (30, 60, 120, 240, 480, 1_440, 4_320, 10_080)}
)
"""How long a silence may last, by minutes; for longer ones there are files."""

_ALONE: Final = frozenset({"mention", "author"})  # parts of a key that hardly come again
_LONGEST: Final = 2_000  # characters of a reason


async def acknowledge(request: web.Request) -> web.Response:
    """« Je prends en charge »: reminders stop, and everybody sees who is on it."""
    desk, wanted, actor = request.app[DESK](), number(request, "alert"), _actor(request)
    note = (await _text(request, "text")) or None
    try:
        before = await operations.acknowledge(desk.store, wanted, actor, desk.now(), note)
    except UsageError:
        raise web.HTTPNotFound(text=f"there is no alert {wanted}") from None
    if before.acknowledged_by and before.acknowledged_by != actor.name:
        raise go(f"/alerts/{wanted}", N_("Nothing changed: somebody else has it already."))
    over = before.resolved_at is not None
    raise go(
        f"/alerts/{wanted}",
        N_("It is over: nothing is left to take.") if over else N_("You have it: nobody is reminded any more."),
    )


async def silence(request: web.Request) -> web.Response:
    """Quiet for a while, for a reason: it is kept, and nobody is told."""
    desk, form = request.app[DESK](), await request.post()
    found, reason = await _found(request), await _text(request, "reason")
    typed = {"verb": "silence", "reason": reason}
    lasts = LASTS.get(str(form.get("lasts", "")))
    if lasts is None:
        return await _refused(request, found, N_("Say for how long."), typed)
    if not reason:
        return await _refused(request, found, N_("Say why: whoever wonders about the quiet reads that."), typed)
    actor, mark = _actor(request), await _once(request, "silence")
    with suppress(DoneBeforeError):
        await operations.silence(desk.store, _alike(found), lasting=lasts, reason=reason, actor=actor, at=desk.now(), once=mark)
    raise go(f"/alerts/{found.id}", N_("Silenced: it goes on, and nobody is told."))


def _alike(alert: Alert) -> dict[str, object]:
    """What matches whatever its rule says about the same: not this post alone, nor its author."""
    key = {name: value for name, value in alert.key.items() if name not in _ALONE}
    subject = alert.labels.get("subject")
    return {"rule": alert.rule} | ({"subject": subject} if subject else {}) | ({"key": key} if key else {})


async def end_silence(request: web.Request) -> web.Response:
    """Before its time."""
    desk = request.app[DESK]()
    try:
        await operations.end_silence(desk.store, number(request, "silence"), _actor(request), desk.now())
    except UsageError:
        raise go("/alerts", N_("Nothing changed: this silence is over.")) from None
    raise go("/alerts", N_("The silence has ended."))


async def false_alarm(request: web.Request) -> web.Response:
    """« Fausse alerte »: nobody is reminded, and the record of its rule keeps it."""
    desk, found, why = request.app[DESK](), await _found(request), await _text(request, "why")
    if not why:
        return await _refused(request, found, N_("Say what made it ring for nothing."), {"verb": "false", "why": why})
    await operations.call_false(desk.store, found.id, _actor(request), desk.now(), why)
    raise go(f"/alerts/{found.id}#rule", N_("Kept in the record of the rule."))


async def call(request: web.Request) -> web.Response:
    """Have somebody else told, now."""
    desk, found, form = request.app[DESK](), await _found(request), await request.post()
    to, contacts = str(form.get("to", "")), desk.settings.contacts
    if to not in contacts.people and to not in contacts.roles:
        return await _refused(request, found, N_("Choose a person or a role."), {"verb": "call"})
    receivers = desk.settings.resolve(to, desk.now())
    if not receivers:
        return await _refused(request, found, N_("Nobody can be reached by that name now: choose another."), {"verb": "call"})
    mark = await _once(request, "call")
    try:
        with suppress(DoneBeforeError):
            await operations.call_in(desk.store, found.id, to, receivers, _actor(request), desk.now(), once=mark)
    except UsageError:
        return await _refused(request, found, N_("It is over: nothing is left to call anybody for."), {"verb": "call"})
    raise go(f"/alerts/{found.id}", N_("They are told now."))


def _actor(request: web.Request) -> Actor:
    visitor = request[VISITOR]
    return Actor(visitor.account, visitor.through)


async def _found(request: web.Request) -> Alert:
    wanted = number(request, "alert")
    async with request.app[DESK]().store.read() as tx:
        found = await tx.alerts.get(wanted)
    if found is None:
        raise web.HTTPNotFound(text=f"there is no alert {wanted}")
    return found


async def _text(request: web.Request, name: str) -> str:
    return str((await request.post()).get(name, ""))[:_LONGEST].strip()


async def _once(request: web.Request, verb: str) -> Once | None:
    form = {name: str(value) for name, value in (await request.post()).items()}
    return once("/alerts", [number(request, "alert"), verb], form, request[VISITOR])


async def _refused(request: web.Request, found: Alert, problem: str, typed: Mapping[str, str]) -> web.Response:
    return await shown(request, found.id, problem=problem, typed=typed, status=HTTPStatus.UNPROCESSABLE_ENTITY)


ROUTES: Final = (
    Route("POST", r"/alerts/{alert:\d+}/acknowledge", acknowledge, Permission.ACKNOWLEDGE),
    Route("POST", r"/alerts/{alert:\d+}/silence", silence, Permission.SILENCE),
    Route("POST", r"/alerts/{alert:\d+}/false-alarm", false_alarm, Permission.FALSE_ALARM),
    Route("POST", r"/alerts/{alert:\d+}/call", call, Permission.DECIDE),
    Route("POST", r"/silences/{silence:\d+}/end", end_silence, Permission.SILENCE),
)
