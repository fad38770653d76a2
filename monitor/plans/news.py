"""Which groups wait for news from us: each must hear something every so often, and whoever leads is reminded when it has not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from monitor.domain.plan import EventKind, Plan, PlanRun, RunState, Stakeholder
from monitor.plans.effects import Moved, Note, Tell, Why


def told_at(run: PlanRun, group: str) -> datetime | None:
    """When a group last heard from us, as far as somebody has said so."""
    return _noted(run, group, "told")


def due_at(run: PlanRun, waiting: Stakeholder) -> datetime | None:
    """By when a group must hear something: counted from what it heard last, or from when the crisis began, or began again."""
    if waiting.update_every is None or run.state is not RunState.RUNNING:
        return None
    return _since(run, waiting) + waiting.update_every


def _since(run: PlanRun, waiting: Stakeholder) -> datetime:
    """Since when it waits: since it heard from us, or since this crisis began or was confirmed, whichever was last."""
    return max(filter(None, (told_at(run, waiting.group), run.confirmed_at, run.began_at)))


def tell(run: PlanRun, group: str, at: datetime) -> PlanRun:
    """The run once a group was told."""
    return _note(run, group, "told", at)


def remind(plan: Plan, run: PlanRun, now: datetime) -> Moved:
    """Remind whoever leads of the groups that have waited for too long: once, and again when as much time has passed."""
    late = [each for each in plan.stakeholders if (moment := _next(run, each, now)) is not None and moment <= now]
    if not late:
        return Moved(run)
    groups = [each.group for each in late]
    for group in groups:
        run = _note(run, group, "reminded", now)
    to = (run.lead,) if run.lead else plan.notify
    return Moved(run, (Note(EventKind.PLAN_NEWS_LATE, {"groups": groups}), Tell(to, Why.NEWS, times=run.version)))


def next_news(plan: Plan, run: PlanRun, now: datetime) -> Iterator[datetime]:
    """The moments at which somebody is to be reminded."""
    yield from (moment for each in plan.stakeholders if (moment := _next(run, each, now)) is not None)


def by_this_clock(plan: Plan, run: PlanRun, now: datetime) -> PlanRun:
    """The same run; by a clock that was set back, groups that count from a moment yet to come count from now."""
    for each in plan.stakeholders:
        if due_at(run, each) is None:
            continue
        reminded = _noted(run, each.group, "reminded")
        if (reminded or _since(run, each)) > now:
            run = _note(run, each.group, "reminded", now)
    return run


def _next(run: PlanRun, waiting: Stakeholder, now: datetime) -> datetime | None:
    if due_at(run, waiting) is None or waiting.update_every is None:
        return None
    counted = [_since(run, waiting), _noted(run, waiting.group, "reminded")]
    return max((each for each in counted if each is not None and each <= now), default=now) + waiting.update_every


def _noted(run: PlanRun, group: str, what: str) -> datetime | None:
    written = (run.updates or {}).get(group, {}).get(what)
    return datetime.fromisoformat(written) if written is not None else None


def _note(run: PlanRun, group: str, what: str, at: datetime) -> PlanRun:
    known = run.updates or {}
    return replace(run, updates={**known, group: {**known.get(group, {}), what: at.isoformat()}})
