"""Who of a role is told at a moment, and why. Somebody always is."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from monitor.settings.contacts import Contacts, Role


class OnDuty(NamedTuple):
    """A person who is told of what goes to a role."""

    person: str
    why: str


def on_duty(contacts: Contacts, role: str, at: datetime, zone: str) -> tuple[OnDuty, ...]:
    """The people of a role at a moment (aware), the one who has it first. `zone` is the default time zone.

    Whoever has the role is told. So is the backup outside their hours, which are no proof that somebody is away; on leave
    somebody is, and is told only if there is nobody else. On a roster hours do not count: to be on call is to work beyond them.
    """
    task = contacts.roles[role]
    holder = _holder(task, at, zone)
    person = contacts.people[holder.person]
    if person.is_away_at(at, zone):
        others = [each for each in _others(task, holder.person) if not contacts.people[each.person].is_away_at(at, zone)]
        return tuple(_for(each, f"{holder.person} is on leave") for each in others[:1]) or _with_backup(task, holder, "on leave")
    if task.roster is None and not person.works_at(at, zone, contacts.holidays):
        return _with_backup(task, holder, "off duty")
    return (holder,)


def names_of(contacts: Contacts, person: str, at: datetime, zone: str) -> frozenset[str]:
    """All that stands for a person at a moment (aware): their own name, the roles they have then, and those they stand in for.

    Empty for somebody who is not in contacts.yaml.
    """
    if person not in contacts.people:
        return frozenset()
    has = (
        role
        for role, task in contacts.roles.items()
        if person in {task.backup, *(each.person for each in on_duty(contacts, role, at, zone))}
    )
    return frozenset({person, *has})


def _holder(task: Role, at: datetime, zone: str) -> OnDuty:
    if task.roster is None:
        return OnDuty(str(task.primary), "has the role")
    day = task.roster.day_at(at, zone)
    person, replaces = task.roster.on_call(day)
    return OnDuty(person, "replaces who would be on call" if replaces else "on call by the roster")


def _others(task: Role, holder: str) -> list[OnDuty]:
    """Who may stand in: the backup, then whoever comes next on the roster."""
    backup = [OnDuty(task.backup, "backup")] if task.backup and task.backup != holder else []
    turns = task.roster.people if task.roster else ()
    at = turns.index(holder) + 1 if holder in turns else 0
    following = dict.fromkeys(each for each in (*turns[at:], *turns[:at]) if each not in {holder, task.backup})
    return [*backup, *(OnDuty(each, "next on the roster") for each in following)]


def _for(stand_in: OnDuty, why: str) -> OnDuty:
    return OnDuty(stand_in.person, f"{stand_in.why}: {why}")


def _with_backup(task: Role, holder: OnDuty, how: str) -> tuple[OnDuty, ...]:
    told = OnDuty(holder.person, f"{holder.why}, {how}")
    if task.backup is None or task.backup == holder.person:
        return (told._replace(why=f"{told.why}, and nobody else is there"),)
    return told, OnDuty(task.backup, f"backup: {holder.person} is {how}")
