"""Who was called in a run, whether the message arrived, and whether anybody of that role acted: no times of single people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from monitor.domain.alert import DeliveryState, Notification
from monitor.domain.plan import PlanRun, TimelineEvent
from monitor.plans.answers import asks, is_answer
from monitor.report.material import Material
from monitor.report.naming import Naming
from monitor.report.value import Asked

_ARRIVED = frozenset({DeliveryState.DELIVERED, DeliveryState.DRY_RUN})  # a replay believes that they would have


def asked(seen: Material, naming: Naming) -> list[Asked]:
    """One line for each role or shared receiver, those who did not answer first."""
    lines: dict[str, Asked] = {}
    for message in filter(asks, seen.told):
        for line in _lines(seen, message, naming):
            known = lines.get(line.who)
            lines[line.who] = line if known is None else _both(known, line)
    return sorted(lines.values(), key=lambda each: (each.answered is not False, each.answered is None, each.who))


def _lines(seen: Material, message: Notification, naming: Naming) -> Iterator[Asked]:
    record = seen.deliveries.get(message.id)
    arrived = record is not None and record.state in _ARRIVED
    people = naming.behind(message.receiver)
    if not people:
        yield Asked(message.receiver, 1, None, arrived)
    for person in people:
        who = naming.role(person, message.created_at)
        yield Asked(who, 1, _acted(seen, person, message.created_at), arrived)


def _acted(seen: Material, person: str, since: datetime) -> bool:
    """Whether somebody took part after they were told."""
    counts = is_answer if seen.run.drill else _takes_part
    return any(each.actor == person and each.at >= since and counts(seen.run, each) for each in seen.story)


def _takes_part(run: PlanRun, event: TimelineEvent) -> bool:
    """Whether it belongs to a crisis: anything that is done in the run until its end, or to one of its alerts."""
    return event.plan_run_id in {None, run.id} and (run.closed_at is None or event.at <= run.closed_at)


def _both(one: Asked, other: Asked) -> Asked:
    answered = None if one.answered is None or other.answered is None else one.answered or other.answered
    return replace(one, times=one.times + other.times, answered=answered, arrived=one.arrived or other.arrived)
