"""Hot and cold hours of the week, network by network, on the reader's own clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from monitor.domain.tally import ALL
from monitor.figures.span import Span
from monitor.storage import UnitOfWork
from monitor.storage.figures import Sum

_HABIT: Final = 84  # days
Week = list[list[float]]
"""Seven days from Monday of 24 hours: mentions in such an hour, on average."""


async def week(tx: UnitOfWork, span: Span, subject: str = ALL) -> dict[str, Week]:
    """By network, of the last twelve weeks of a span: habits of a year ago are none.

    A day of the week that the span has twice counts half each time.
    """
    span = span.end(_HABIT)
    asked: dict[str, Any] = {"by": ("network", "hour of the week"), "subjects": (subject,), "figures": ("mentions",)}
    found = [
        each for since, until, offset, _ in span.hours() for each in await tx.figures.sums(since, until, offset=offset, **asked)
    ]
    return averaged(found, _days(span))


def _days(span: Span) -> Mapping[int, int]:
    """How often each day of the week is in a span."""
    weekdays = [day.weekday() for day in span.days]
    return {number: weekdays.count(number) for number in set(weekdays)}


def averaged(sums: Iterable[Sum], days: Mapping[int, int]) -> dict[str, Week]:
    """Sums by (network, hour of the week), divided by how often there was such a day."""
    weeks: dict[str, Week] = {}
    for (network, hour), tally in sums:
        matrix = weeks.setdefault(network, [[0.0] * 24 for _ in range(7)])
        day, at = divmod(hour, 24)
        matrix[day][at] += tally.mentions / days.get(day, 1)
    return dict(sorted(weeks.items()))
