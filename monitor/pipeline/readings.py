"""« Lu et compris »: who has read which version of a plan, and a gentle word, once per version, to whoever has not.

What people said stands in the timeline, which is only ever added to: nobody can make it look as if somebody had read a plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from monitor.domain.alert import NotificationKind
from monitor.domain.clock import Clock
from monitor.domain.plan import EventKind, Plan, TimelineEvent
from monitor.plans import Why
from monitor.settings import Contacts, Settings
from monitor.storage import Store, UnitOfWork

_SAID_OR_ASKED = (EventKind.PLAN_READ, EventKind.PLAN_READ_ASKED)
_MORNING, _EVENING = time(9), time(18)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """What one person has read of a plan: this version, an older one, or none. `at` is when, `version` which."""

    person: str
    state: Literal["read", "older", "never"]
    at: datetime | None = None
    version: str | None = None


def must_read(plan: Plan, contacts: Contacts) -> Sequence[str]:
    """The people whom `read_by` means: of a role everybody who may have it some day, the backup included."""
    roles = contacts.roles
    named = (person for name in plan.read_by for person in (roles[name].everybody if name in roles else (name,)))
    return tuple(dict.fromkeys(person for person in named if person in contacts.people))


def readings(plan: Plan, people: Iterable[str], story: Sequence[TimelineEvent]) -> list[Reading]:
    """What each has read, as the timeline says (`PLAN_READ`, in order)."""
    said = [each for each in story if each.kind == EventKind.PLAN_READ]
    return [_reading(plan, person, [each for each in said if _is_about(each, plan.id, person)]) for person in people]


def _reading(plan: Plan, person: str, said: Sequence[TimelineEvent]) -> Reading:
    for event in reversed(said):
        if (event.detail or {}).get("version") == plan.version:
            return Reading(person, "read", event.at, plan.version)
    if not said:
        return Reading(person, "never")
    return Reading(person, "older", said[-1].at, str((said[-1].detail or {}).get("version")))


def _is_about(event: TimelineEvent, plan: str, person: str) -> bool:
    detail = event.detail or {}
    return detail.get("plan") == plan and detail.get("person") == person


async def note_reading(store: Store, plan: Plan, person: str, by: str, at: datetime, *, through: str) -> bool:
    """Note that somebody has read and understood a plan as it is now. False: that was noted already."""
    async with store.begin() as tx:
        story = await tx.timeline.of_kinds([EventKind.PLAN_READ], alone=True)
        if readings(plan, [person], story)[0].state == "read":
            return False
        detail = {"plan": plan.id, "version": plan.version, "person": person}
        await tx.timeline.add(TimelineEvent(at, EventKind.PLAN_READ, by, through, detail))
        await tx.commit()
    return True


class Readings:
    """Asks whoever must read a plan and has not, once per version, when they are at work."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._plans = [plan for plan in settings.plans.values() if plan.read_by]

    async def step(self) -> int:
        """Owe a message to everybody whom it is time to ask. Returns how many were asked."""
        now = self._clock.now()
        if not self._plans or not await self._due(now):
            return 0
        async with self._store.begin() as tx:
            story = await tx.timeline.of_kinds(_SAID_OR_ASKED, alone=True)
            due = self._unread(story, now)
            for plan, person in due:
                await self._ask(tx, plan, person, now)
            await tx.commit()
        return len(due)

    async def _due(self, now: datetime) -> bool:
        async with self._store.read() as tx:
            return bool(self._unread(await tx.timeline.of_kinds(_SAID_OR_ASKED), now))

    def _unread(self, story: Sequence[TimelineEvent], now: datetime) -> list[tuple[Plan, str]]:
        """Each plan with each person who has not read it, was not asked yet, can be told, and is at work now."""
        contacts = self._settings.contacts
        return [
            (plan, reading.person)
            for plan in self._plans
            for reading in readings(plan, must_read(plan, contacts), story)
            if reading.state != "read"
            and not _was_asked(plan, reading.person, story)
            and self._settings.resolve(reading.person, now)
            and by_day(contacts, reading.person, now, self._settings.timezone)
        ]

    async def _ask(self, tx: UnitOfWork, plan: Plan, person: str, now: datetime) -> None:
        """By their e-mail, or else the first of their receivers: it is no emergency."""
        await tx.notifications.add(
            incident_id=None,
            receiver=self._settings.resolve(person, now)[0],
            kind=NotificationKind.READ,
            events=(),
            created_at=now,
            due_at=now,
            plan_about=plan.id,
            plan_why=Why.READ,
        )
        detail = {"plan": plan.id, "version": plan.version, "person": person}
        await tx.timeline.add(TimelineEvent(now, EventKind.PLAN_READ_ASKED, detail=detail))


def _was_asked(plan: Plan, person: str, story: Sequence[TimelineEvent]) -> bool:
    asked = [each for each in story if each.kind == EventKind.PLAN_READ_ASKED and _is_about(each, plan.id, person)]
    return any((each.detail or {}).get("version") == plan.version for each in asked)


def by_day(contacts: Contacts, person: str, at: datetime, zone: str) -> bool:
    """Whether somebody is at work at a moment (aware): by their own hours, else from nine to six on a day of work."""
    known = contacts.people[person]
    if known.hours:
        return known.works_at(at, zone, contacts.holidays)
    here = at.astimezone(ZoneInfo(known.timezone or zone))
    off = known.holidays if known.holidays is not None else contacts.holidays
    holiday = here.weekday() >= _SATURDAY or any(each.falls_on(here.date()) for each in off)
    return _MORNING <= here.time() < _EVENING and not holiday and not known.is_away_at(at, zone)
