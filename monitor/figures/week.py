"""Hot and cold hours of the week, network by network, on the reader's own clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.domain.tally import ALL
from monitor.figures.span import Span
from monitor.storage import UnitOfWork
from monitor.storage.figures import Sum

Week = list[list[float]]
"""Seven days from Monday of 24 hours: mentions in such an hour, on average."""


async def week(tx: UnitOfWork, span: Span, subject: str = ALL) -> dict[str, Week]:
    """By network. Whole weeks are asked for: a day of the week that the span has twice counts half each time."""
    found = [
        each
        for since, until, offset in span.pieces()
        for each in await tx.figures.sums(since, until, by=("network", "hour of the week"), subjects=(subject,), offset=offset)
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
