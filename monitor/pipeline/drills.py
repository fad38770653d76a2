"""Who answered a run, read from what it owed to whom and from its timeline: what a drill is held for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from monitor.domain.alert import DeliveryRecord, DeliveryState, Notification
from monitor.domain.plan import PlanRun
from monitor.plans.answers import Answer, Told, answers, asks
from monitor.settings.contacts import Contacts
from monitor.storage import UnitOfWork

_ARRIVED = {DeliveryState.DELIVERED: True, DeliveryState.DRY_RUN: True, DeliveryState.FAILED: False}


async def answers_of(tx: UnitOfWork, run: PlanRun, contacts: Contacts) -> list[Answer]:
    """Everybody who was told of a run, through what, and when they answered."""
    asked = [*filter(asks, await tx.notifications.of_run(run.id))]
    records = await tx.deliveries.of_messages([each.id for each in asked])
    owners, roles = _owners(contacts), _roles(contacts, run.definition.named())
    told = [_told(each, records.get(each.id), owners, roles) for each in asked]
    return answers(run, told, await tx.timeline.of_incident(run.incident_id))


def _told(
    message: Notification, record: DeliveryRecord | None, owners: Mapping[str, str], roles: Mapping[str, Sequence[str]]
) -> Told:
    who = owners.get(message.receiver, message.receiver)
    arrived = _ARRIVED.get(record.state) if record is not None else None
    return Told(who, message.receiver, message.created_at, arrived, roles.get(who, ()))


def _owners(contacts: Contacts) -> dict[str, str]:
    """Whose each receiver is, of those that reach one person alone."""
    reaches: defaultdict[str, list[str]] = defaultdict(list)
    for name, person in contacts.people.items():
        for receiver in (*((name,) if person.email else ()), *person.receivers):
            reaches[receiver].append(name)
    return {receiver: people[0] for receiver, people in reaches.items() if len(people) == 1}


def _roles(contacts: Contacts, named: Sequence[str]) -> dict[str, list[str]]:
    """Of each person the roles that a plan names."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for role in (each for each in named if each in contacts.roles):
        for person in (*contacts.roles[role].people, *filter(None, (contacts.roles[role].backup,))):
            found[person].append(role)
    return found
