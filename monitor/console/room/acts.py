"""What people may do in a room, as what, and how it is read from a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from monitor.console.tongue import N_
from monitor.domain.account import Permission, Visitor
from monitor.plans import Act
from monitor.web.desk import Desk
from notifiers.message import Language

NEEDS: Final[Mapping[str, Permission]] = {
    "acknowledge": Permission.ACKNOWLEDGE,
    "assign": Permission.CARRY_OUT,
    "check": Permission.CARRY_OUT,
    "done": Permission.CARRY_OUT,
    "skip": Permission.CARRY_OUT,
    "edit": Permission.CARRY_OUT,
    "note": Permission.CARRY_OUT,
    "updated": Permission.CARRY_OUT,
    "hand_over": Permission.CARRY_OUT,
    "false_alarm": Permission.FALSE_ALARM,
    "confirm": Permission.DECIDE,
    "escalate": Permission.DECIDE,
    "level": Permission.DECIDE,
    "approve": Permission.DECIDE,
    "reject": Permission.DECIDE,
    "stand_down": Permission.DECIDE,
    "sign_off": Permission.DECIDE,
}
"""By verb of `monitor.plans.VERBS`."""

DONE: Final[Mapping[str, str]] = {
    "acknowledge": N_("You have it: nobody is chased any more."),
    "escalate": N_("The next people are told now."),
    "confirm": N_("Confirmed: the automatic steps begin."),
    "approve": N_("Approved."),
    "reject": N_("Refused: whoever wrote it is told."),
    "edit": N_("Changed: somebody else approves the words now."),
    "hand_over": N_("Handed over: they get the situation report."),
    "stand_down": N_("Stood down."),
    "sign_off": N_("Signed off: the run is closed."),
    "false_alarm": N_("Closed as a false alarm."),
}
"""What is said of those that are not just done."""

_LONGEST: Final = 20_000  # characters of a text
_LANGUAGES: Final[tuple[Language, ...]] = ("fr", "en")


def read(verb: str, form: Mapping[str, str], desk: Desk, visitor: Visitor) -> Act:
    """The act that a form asks for, done in the visitor's name at this moment."""
    contacts, done = desk.settings.contacts, Act(verb, visitor.account, desk.now(), desk.names(visitor.account))
    words = {language: text for language in _LANGUAGES if (text := form.get(f"words-{language}", "").strip())}
    return replace(
        done,
        step=form.get("step") or None,
        item=_number(form.get("item")),
        to=form.get("to") or None,
        level=_number(form.get("level")),
        text=form.get("text", "").strip() or None,
        words=words or None,
        fingerprint=form.get("fingerprint") or None,
        contacts={*contacts.people, *contacts.roles},
    )


def fields(given: Iterable[tuple[str, object]]) -> dict[str, str]:
    """What was typed, as a browser sends it: its line ends are two characters."""
    return {name: value.replace("\r\n", "\n")[:_LONGEST] for name, value in given if isinstance(value, str) and name != "csrf"}


def _number(written: str | None) -> int | None:
    return int(written) if written and written.isascii() and written.isdecimal() and len(written) < 10 else None  # noqa: PLR2004
