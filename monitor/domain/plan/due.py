"""What a plan asks of its people in calm weather: to read it through, to rehearse it, to have its words approved anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from monitor.domain.plan.file import Plan

SOON: Final = timedelta(days=14)
"""How long before their last day words are worth reading again."""


@dataclass(frozen=True, slots=True)
class Due:
    """A review or a drill that is late since `on`, or a `statement` whose last day that is."""

    what: Literal["review", "drill", "statement"]
    on: date
    statement: str = ""


def dues(plan: Plan, drilled_on: date | None, today: date) -> Iterator[Due]:
    """All that is due. A plan that was never rehearsed counts from its last review; one without either says so elsewhere."""
    yield from _late("review", plan.reviewed_on, plan.review_every, today)
    yield from drill_due(plan, drilled_on, today)
    for each in plan.statements:
        if each.expires is not None and each.expires - SOON <= today:
            yield Due("statement", each.expires, each.id)


def drill_due(plan: Plan, drilled_on: date | None, today: date) -> Iterator[Due]:
    """The drill, when it is late."""
    yield from _late("drill", drilled_on or plan.reviewed_on, plan.drill.every, today)


def _late(what: Literal["review", "drill"], last: date | None, every: timedelta, today: date) -> Iterator[Due]:
    """Late since the day on which its newest period began: what nobody does is said again once in each."""
    if last is None or last + every >= today:
        return
    days = max(every.days, 1)
    missed = ((today - last).days - 1) // days
    yield Due(what, last + timedelta(days=days * missed))
