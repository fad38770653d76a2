"""What people do with a mention by a button: each form names what it does, and the version of the mention that was seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from multidict import MultiDictProxy

from monitor.console.feed.filters import PATH
from monitor.console.feed.one import find, page_of
from monitor.console.page import go
from monitor.console.route import VISITOR
from monitor.console.tongue import N_
from monitor.domain.alert import SEVERITIES, Severity
from monitor.domain.errors import UsageError
from monitor.domain.feedback import Feedback
from monitor.domain.handling import HandledMeanwhileError, Seen
from monitor.pipeline import handling
from monitor.pipeline.handling import Act
from monitor.pipeline.operations import Actor
from monitor.sentiment.labels import LABELS
from monitor.web.desk import DESK, Desk

Form = MultiDictProxy[Any]


async def act(request: web.Request) -> web.Response:
    """`do` says what. Whoever was slower is told who did what (409); what cannot be done is said (422)."""
    desk, form, visitor = request.app[DESK](), await request.post(), request[VISITOR]
    do, note = str(form.get("do", "")), str(form.get("note", ""))
    if do not in _ACTS:
        raise web.HTTPBadRequest(text=f"`do` is one of {', '.join(_ACTS)}")
    said, done = _ACTS[do]
    async with desk.store.read() as tx:
        mention = (await find(tx, request)).id
    seen = Seen(mention, _number(form.get("version")))
    try:
        await done(desk, Act(seen, Actor(visitor.account, visitor.through), desk.now(), note), form)
    except HandledMeanwhileError as error:
        return await page_of(request, faster=error, note=note)
    except UsageError:
        return await page_of(request, problem=_REFUSALS.get(do, _CHANGED), note=note)
    raise go(_back(str(form.get("back", "")), mention), said)


def _words(act: Act, form: Form) -> Sequence[Feedback]:
    """What they say of complaint and sentiment; what they left open is not said."""
    asked = (("complaint", ("yes", "no")), ("sentiment", LABELS))
    said = [(kind, str(form.get(kind))) for kind, values in asked if form.get(kind) in values]
    if not said:
        raise UsageError("say what is wrong: whether it is a complaint, or how it is meant")
    return [
        Feedback(act.seen.mention, "complaint" if kind == "complaint" else "sentiment", value, act.actor.name, act.at, act.note)
        for kind, value in said
    ]


def _texts(form: Form, name: str) -> Sequence[str]:
    values = [str(value) for value in form.getall(name, ())]
    if not values:
        raise UsageError("say what it is not about")
    return values


def _number(given: object) -> int:
    said = str(given or "0")
    if not (said.isascii() and said.isdecimal() and len(said) < len(str(2**63))):
        raise web.HTTPBadRequest(text=f"{said[:20]!r} is no number")
    return int(said)


def _back(given: str, mention: int) -> str:
    """To the list that they came from, at the mention; else to its page. No other site's address begins so."""
    plain = given.isprintable() and "\\" not in given and "#" not in given
    return f"{given}#m{mention}" if plain and (given == PATH or given.startswith(f"{PATH}?")) else f"{PATH}/{mention}"


def _severity(form: Form) -> Severity:
    return next((each for each in SEVERITIES if each == form.get("severity")), "warning")


_ACTS: Final[Mapping[str, tuple[str, Callable[[Desk, Act, Form], Awaitable[object]]]]] = {
    "take": (N_("It is yours."), lambda desk, act, _: handling.assign(desk.store, desk.settings, act, act.actor.name)),
    "assign": (
        N_("Assigned."),
        lambda desk, act, form: handling.assign(desk.store, desk.settings, act, str(form.get("to", ""))),
    ),
    "answered": (N_("Marked as answered."), lambda desk, act, _: handling.answer(desk.store, desk.settings, act)),
    "not-about": (
        N_("Noted: it is not about that."),
        lambda desk, act, form: handling.not_about(desk.store, act, _texts(form, "subject")),
    ),
    "score": (
        N_("Thank you: what you say of the score is kept."),
        lambda desk, act, form: handling.wrong_score(desk.store, act, _words(act, form)),
    ),
    "note": (N_("Noted."), lambda desk, act, _: handling.note(desk.store, act)),
    "close": (N_("Done with it."), lambda desk, act, _: handling.close(desk.store, act)),
    "reopen": (N_("Open again."), lambda desk, act, _: handling.reopen(desk.store, act)),
    "alert": (
        N_("The alert is open."),
        lambda desk, act, form: handling.open_alert(desk.store, desk.settings, act, _severity(form)),
    ),
    "end": (
        N_("The alert is over."),
        lambda desk, act, form: handling.end_alert(
            desk.store, desk.settings, _number(form.get("alert")), act.actor, act.at, act.note
        ),
    ),
}
"""By the name of an act: what the next page says, and what is done."""

_REFUSALS: Final[Mapping[str, str]] = {
    "assign": N_("Choose a person or a role."),
    "not-about": N_("Choose what it is not about: one of its subjects."),
    "score": N_("Say what is wrong: whether it is a complaint, or how it is meant."),
    "note": N_("Write what the others should know."),
    "end": N_("Only an alert that a person has opened is ended by a person."),
}
"""What is said when an act is refused, in words for people."""

_CHANGED: Final = N_("It has changed since you opened the page. Load it anew and look.")
