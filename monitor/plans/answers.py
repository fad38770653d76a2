"""Who answered when a plan rang: told when, through what, whether they said something, and how fast the team was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low
from typing import Final

from monitor.domain.alert import Notification, NotificationKind
from monitor.domain.plan import EventKind, PlanRun, TimelineEvent
from monitor.plans.effects import Why

_NO_ANSWER: Final = frozenset(
    {EventKind.PLAN_OPENED, EventKind.PLAN_CLOSED, EventKind.PLAN_STOOD_DOWN, EventKind.PLAN_FALSE_ALARM}
)
"""What a person does to a run from outside: whoever opens or ends a drill has not answered it by that."""
_NO_CALL: Final = frozenset({Why.UNDO, Why.REPORT, Why.UNSIGNED, Why.STEP})

# Why somebody is told of a run that they may take. Who is to approve or to do a step is asked for just that.
_WHO_HAS_IT: Final = frozenset({Why.UNTAKEN, Why.UNCONFIRMED, Why.ESCALATED, Why.LEVEL, Why.ASSIGNED})

_TEAM: Final = 3  # answers of which figures can be told without telling on anybody


@dataclass(frozen=True, slots=True)
class Told:
    """One message of a run: `who` is the person behind the receiver, or the receiver itself where several share it.

    `roles` are theirs in the plan; `arrived` says whether the receiver took it, None while it is on its way.
    """

    who: str
    receiver: str
    at: datetime
    arrived: bool | None
    roles: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """How one person, or one receiver that is nobody's alone, took part. Moments are story time, in UTC.

    `through` are the receivers that took a message for them, `refused` those that took none. `told_at` None: nobody told them
    by name, and they answered all the same.
    """

    who: str
    roles: Sequence[str]
    told_at: datetime | None
    through: Sequence[str]
    refused: Sequence[str]
    answered_at: datetime | None

    @property
    def after(self) -> timedelta | None:
        """How long they took, from the moment they were told, which may come after they heard of it; None without both."""
        if self.answered_at is None or self.told_at is None:
            return None
        return max(self.answered_at - self.told_at, timedelta(0))


def answers(run: PlanRun, told: Sequence[Told], timeline: Iterable[TimelineEvent]) -> list[Answer]:
    """Everybody who was told, in that order, then whoever answered without having been told by name."""
    answered = _answered(run, timeline)
    known = dict.fromkeys(each.who for each in told)
    by_name = [_answer(who, [each for each in told if each.who == who], answered.get(who)) for who in known]
    others = [Answer(who, (), None, (), (), at) for who, at in answered.items() if who not in known]
    return [*by_name, *others]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the team answered, and nobody by name: the first, half of them, the last.

    `half` and `last` are None while fewer than three answered, for then each would be somebody's own time.
    """

    first: timedelta
    half: timedelta | None = None
    last: timedelta | None = None


def pace(found: Iterable[Answer]) -> Pace | None:
    """How fast they were; None when nobody answered who was told by name."""
    took = sorted(each.after for each in found if each.after is not None)
    if len(took) < _TEAM:
        return Pace(took[0]) if took else None
    return Pace(took[0], median_low(took), took[-1])


def silent_roles(found: Iterable[Answer]) -> list[str]:
    """The roles that were told, and of which nobody answered."""
    told = [each for each in found if each.told_at is not None]
    spoke = {role for each in told if each.answered_at is not None for role in each.roles}
    return [role for role in dict.fromkeys(role for each in told for role in each.roles) if role not in spoke]


def asks(message: Notification) -> bool:
    """Whether somebody is to answer it: not to what is a step itself, nor to what comes after the end."""
    opens = message.kind is NotificationKind.PLAN
    return opens or (message.kind is NotificationKind.CALL and message.plan_why not in _NO_CALL)


def asks_who_has_it(message: Notification) -> bool:
    """Whether « je prends en charge » answers it: it tells of a run, and asks whoever reads it to take that."""
    if message.kind is NotificationKind.CALL:
        return message.plan_why in _WHO_HAS_IT and message.plan_about is None
    return message.kind is NotificationKind.PLAN


def is_answer(run: PlanRun, event: TimelineEvent) -> bool:
    """Whether a person took part in a drill by it: what comes with its end or later changes nothing of what it found."""
    ended = run.closed_at is not None and event.at >= run.closed_at
    return event.plan_run_id == run.id and event.by_hand and event.kind not in _NO_ANSWER and not ended


def _answered(run: PlanRun, timeline: Iterable[TimelineEvent]) -> dict[str, datetime]:
    """When each first did something in the run; what Tocsin does by itself is no answer."""
    found: dict[str, datetime] = {}
    for event in timeline:
        if is_answer(run, event):
            found.setdefault(event.actor, event.at)
    return found


def _answer(who: str, told: Sequence[Told], answered_at: datetime | None) -> Answer:
    through = dict.fromkeys(each.receiver for each in told if each.arrived)
    refused = dict.fromkeys(each.receiver for each in told if each.arrived is False and each.receiver not in through)
    return Answer(who, told[0].roles, told[0].at, tuple(through), tuple(refused), answered_at)
