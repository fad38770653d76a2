"""Reads from the store what a digest is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from monitor.digest.agenda import planned
from monitor.digest.posts import fans, praise, waiting
from monitor.digest.reviewing import review
from monitor.digest.value import Digest, Heat, Morning, Planned, Scope
from monitor.domain.alert import OBSERVED, Alert
from monitor.domain.clock import Clock
from monitor.domain.plan import RUN_BEGINS, EventKind, PlanRun, dues
from monitor.domain.tally import Tally, hour_of
from monitor.figures.course import course
from monitor.figures.engagement import Flown, flown, own_posts
from monitor.figures.span import Span
from monitor.figures.terms import Term, terms
from monitor.pipeline.source_standing import standings
from monitor.settings import Settings
from monitor.settings.digests import DigestSettings
from monitor.storage import Store, UnitOfWork

_DAY: Final = timedelta(days=1)
_CHART: Final = 14  # days of a morning's chart
_USUALLY: Final = 7  # earlier days whose same hours say what is usual
_OWN: Final = 20  # posts of ours that a morning looks at
_RANG: Final = (EventKind.ALERT_OPENED, EventKind.ALERT_REOPENED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a digest is gathered with."""

    settings: Settings
    scope: Scope

    @property
    def subjects(self) -> Sequence[str]:
        """What it is about; without a choice, the brand."""
        return self.scope.digest.subjects or (next(iter(self.settings.subjects)),)

    @property
    def span(self) -> Span:
        """The days of its figures: those of the report, or of a morning's chart."""
        scope = self.scope
        if scope.digest.kind == "morning":
            return Span.last(_CHART, scope.until, scope.zone)
        zone = ZoneInfo(scope.zone)
        return Span(scope.since.astimezone(zone).date(), scope.until.astimezone(zone).date(), scope.zone)


def report_span(digest: DigestSettings, day: date, zone: str) -> Span:
    """The week or the month before a day."""
    if digest.kind == "monthly":
        return Span((day.replace(day=1) - _DAY).replace(day=1), day.replace(day=1), zone)
    return Span(day - 7 * _DAY, day, zone)


def scope_of(name: str, digest: DigestSettings, day: date, zone: str) -> Scope:
    """What the digest of a day is about, by its reader's clock: any day, whether it leaves on it or not."""
    if digest.kind != "morning":
        span = report_span(digest, day, zone)
        return over(name, digest, span)
    return Scope(name, digest, day, digest.moment(digest.before(day), zone), digest.moment(day, zone), zone)


def over(name: str, digest: DigestSettings, span: Span) -> Scope:
    """A report on any days."""
    return Scope(name, digest, span.until, span.begins, span.ends, span.zone)


async def gather(store: Store, settings: Settings, clock: Clock, scope: Scope) -> Digest:
    """All of it. Raises `StorageError` without a store."""
    asked = Asked(settings, scope)
    whole = scope.digest.kind != "morning"
    since, until = (asked.span.begins, asked.span.ends) if whole else (scope.since, scope.until)
    new = [] if whole else await _new_terms(store, asked)
    agenda = ([], []) if whole else await asyncio.to_thread(planned, settings, scope.digest.calendar, scope.day, scope.zone)
    async with store.read() as tx:
        liked = await praise(tx, asked.subjects, since, until)
        found = Digest(
            name=scope.name,
            kind=scope.digest.kind,
            day=scope.day,
            since=since,
            until=until,
            first=asked.span.first if whole else since.astimezone(ZoneInfo(scope.zone)).date(),
            last=asked.span.until - _DAY if whole else scope.day,
            subjects=asked.subjects,
            heard=await tx.mentions.seen(since, until),
            sources=await standings(tx, settings.sources, clock),
            alerts=await _alerts(tx, since, until),
            runs=await _runs(tx, since, until),
            points=await course(tx, asked.span, "subject", subjects=asked.subjects),
            own=await own_posts(tx, asked.span) if whole else await _own_lately(tx, since, until),
            praise=liked.shown,
            fans=fans(liked.all),
        )
        if whole:
            return replace(found, review=await review(tx, settings, scope.digest, asked.span, found))
        return replace(found, morning=await _morning(tx, asked, new, agenda))


async def _own_lately(tx: UnitOfWork, since: datetime, until: datetime) -> list[Flown]:
    """What our accounts wrote in a stretch that is no whole day."""
    return flown(await tx.mentions.get(await tx.figures.own_posts(since, until, _OWN)))


async def _alerts(tx: UnitOfWork, since: datetime, until: datetime) -> list[Alert]:
    """Those that rang, each once, the newest first; what was only observed has an account of its own."""
    rang = {each.alert_id for each in await tx.timeline.between(since, until, _RANG) if each.alert_id is not None}
    return sorted(
        (each for each in (await tx.alerts.many(rang)).values() if OBSERVED not in each.labels), key=lambda each: -each.id
    )


async def _runs(tx: UnitOfWork, since: datetime, until: datetime) -> list[PlanRun]:
    """The plan runs that began, or were open, drills aside."""
    began = {each.plan_run_id for each in await tx.timeline.between(since, until, RUN_BEGINS) if each.plan_run_id is not None}
    found = [run for number in sorted(began) if (run := await tx.plans.get(number)) is not None]
    going_on = [run for run in await tx.plans.open_runs() if run.id not in began and run.opened_at < until]
    return [run for run in (*found, *going_on) if not run.drill and run.is_readable]


async def _new_terms(store: Store, asked: Asked) -> list[Term]:
    return [each for name in asked.subjects for each in await terms(store, name, asked.scope.since, asked.scope.until)]


async def _morning(tx: UnitOfWork, asked: Asked, new: Sequence[Term], agenda: tuple[Sequence[Planned], Sequence[str]]) -> Morning:
    scope = asked.scope
    pressing = await waiting(tx, asked.subjects, scope.until)
    told = [each for each in await tx.alerts.open_alerts() if OBSERVED not in each.labels]
    drilled = {plan: at.date() for plan, at in (await tx.plans.last_drills()).items()}
    late = [
        (name, due) for name in asked.settings.own_plans for due in dues(asked.settings.plans[name], drilled.get(name), scope.day)
    ]
    return Morning(
        heat=await _heat(tx, asked),
        terms=new,
        planned=agenda[0],
        unreadable=agenda[1],
        open_alerts=told,
        dues=late,
        answer=pressing.shown,
        waiting=len(pressing.all),
        questions=sum("question" in each.intents for each in pressing.all),
    )


async def _heat(tx: UnitOfWork, asked: Asked) -> list[Heat]:
    """How much is said of each subject of ours, beside the mean of the same hours of the days before."""
    since, until = hour_of(asked.scope.since), max(hour_of(asked.scope.until), hour_of(asked.scope.since) + 1)
    now = await _said(tx, asked.subjects, since, until)
    earlier = [24 * days for days in range(1, _USUALLY + 1)]
    before = [await _said(tx, asked.subjects, since - hours, until - hours) for hours in earlier]
    return [Heat(name, now.get(name, Tally()).mentions, _usual([each.get(name) for each in before])) for name in asked.subjects]


async def _said(tx: UnitOfWork, subjects: Sequence[str], since: int, until: int) -> dict[str, Tally]:
    sums = await tx.figures.sums(since, until, by=("subject",), subjects=subjects)
    return {str(each.of[0]): each.tally for each in sums}


def _usual(before: Sequence[Tally | None]) -> float | None:
    return sum(each.mentions for each in before if each) / len(before) if any(before) else None
