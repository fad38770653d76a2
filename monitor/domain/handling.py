"""How the team deals with a mention in the shared inbox: who is on it, what became of it, and that nobody answers twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from monitor.domain.errors import UsageError

LONGEST_NOTE = 4_000  # characters


class HandlingState(StrEnum):
    """Where a mention stands. The values are stored."""

    NEW = "new"  # nobody has touched it; nothing is stored of it
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    NOT_ABOUT_US = "not_about_us"
    CLOSED = "closed"  # looked at, and there is nothing to answer


class Verb(StrEnum):
    """What a person, or Tocsin, does with a mention. The values are stored."""

    ASSIGN = "assign"  # to a person or a role; who takes it, assigns it to themselves
    ANSWER = "answer"
    NOT_ABOUT_US = "not_about_us"
    CLOSE = "close"
    REOPEN = "reopen"  # back to whom it was assigned to, or to new
    NOTE = "note"
    SCORE = "score"  # somebody says that it was scored wrongly
    ALERT = "alert"  # somebody opens an alert because of it


@dataclass(frozen=True, slots=True)
class Handling:
    """How one mention is handled. `version` counts its changes: who acts names the one they saw.

    `assignee` is a short name of contacts.yaml, a person or a role; `at` (aware, UTC) and `by` tell of the last change.
    """

    mention: int
    state: HandlingState = HandlingState.NEW
    assignee: str | None = None
    version: int = 0
    at: datetime | None = None
    by: str | None = None


class Seen(NamedTuple):
    """The mention that somebody acts on, and the version of its handling that they saw."""

    mention: int
    version: int


@dataclass(frozen=True, slots=True)
class Deed:
    """One act on one mention, as it is kept: `state` and `assignee` are what it led to. `id` grows in the order of commits."""

    mention: int
    verb: Verb
    by: str
    through: str
    at: datetime
    state: HandlingState = HandlingState.NEW
    assignee: str | None = None
    note: str = ""
    id: int | None = None  # the store gives it


class HandledMeanwhileError(UsageError):
    """Somebody else has changed how a mention is handled since it was looked at. `now` is how it stands."""

    def __init__(self, now: Handling) -> None:
        assigned = f", for {now.assignee}" if now.assignee else ""
        when = f" at {now.at:%Y-%m-%d %H:%M} UTC" if now.at else ""
        super().__init__(
            f"mention {now.mention} was changed meanwhile: {now.by or 'somebody'} made it `{now.state}`{assigned}{when};"
            " look at it again before you act"
        )
        self.now = now


_LEADS_TO = {
    Verb.ASSIGN: HandlingState.ASSIGNED,
    Verb.ANSWER: HandlingState.ANSWERED,
    Verb.NOT_ABOUT_US: HandlingState.NOT_ABOUT_US,
    Verb.CLOSE: HandlingState.CLOSED,
}


def after(known: Handling, verb: Verb, by: str, at: datetime, *, assignee: str | None = None) -> Handling:
    """How a mention is handled after an act. Notes and the like leave it as it is, and count no version.

    Raises `UsageError` for an assignment to nobody.
    """
    if verb is Verb.ASSIGN and not assignee:
        raise UsageError("say to whom the mention is assigned: a person or a role of contacts.yaml")
    state = _state(known, verb)
    whose = assignee if verb is Verb.ASSIGN else known.assignee
    if (state, whose) == (known.state, known.assignee):
        return known
    return replace(known, state=state, assignee=whose, version=known.version + 1, at=at, by=by)


def _state(known: Handling, verb: Verb) -> HandlingState:
    if verb is Verb.REOPEN:
        return HandlingState.ASSIGNED if known.assignee else HandlingState.NEW
    return _LEADS_TO.get(verb, known.state)
