"""Who was called in a run, whether the message arrived, and whether anybody of that role acted: no times of single people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from monitor.domain.alert import DeliveryState, Notification, NotificationKind
from monitor.domain.plan import TimelineEvent
from monitor.plans import Why
from monitor.report.material import Material
from monitor.report.naming import TOCSIN, Naming
from monitor.report.value import Asked

_ARRIVED = frozenset({DeliveryState.DELIVERED, DeliveryState.DRY_RUN})  # a replay believes that they would have
_NO_CALL = frozenset({Why.UNDO, Why.REPORT, Why.UNSIGNED, Why.STEP})


def asked(seen: Material, naming: Naming) -> list[Asked]:
    """One line for each role or shared receiver, those who did not answer first."""
    lines: dict[str, Asked] = {}
    for message in filter(_calls, seen.told):
        for line in _lines(seen, message, naming):
            known = lines.get(line.who)
            lines[line.who] = line if known is None else _both(known, line)
    return sorted(lines.values(), key=lambda each: (each.answered is not False, each.answered is None, each.who))


def _calls(message: Notification) -> bool:
    """Whether somebody is to answer it: not to what is a step itself, nor to what comes after the end."""
    opens = message.kind is NotificationKind.PLAN
    return opens or (message.kind is NotificationKind.CALL and message.plan_why not in _NO_CALL)


def _lines(seen: Material, message: Notification, naming: Naming) -> Iterator[Asked]:
    record = seen.deliveries.get(message.id)
    arrived = record is not None and record.state in _ARRIVED
    people = naming.behind(message.receiver)
    if not people:
        yield Asked(message.receiver, 1, None, arrived)
    for person in people:
        who = naming.role(person, message.created_at)
        yield Asked(who, 1, _acted(seen.story, seen.run.id, person, message.created_at), arrived)


def _acted(story: Iterable[TimelineEvent], run: int, person: str, since: datetime) -> bool:
    """Whether somebody did anything in the run, or took one of its alerts, after they were told."""
    own = (each for each in story if each.plan_run_id in {None, run} and each.actor not in {TOCSIN, ""})
    return any(each.actor == person and each.at >= since for each in own)


def _both(one: Asked, other: Asked) -> Asked:
    answered = None if one.answered is None or other.answered is None else one.answered or other.answered
    return replace(one, times=one.times + other.times, answered=answered, arrived=one.arrived or other.arrived)
