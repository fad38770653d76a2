"""How much was said of a run's subject, hour by hour: a few bars that are drawn in the page itself and need no other file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.domain.tally import ALL, Tally, hour_of, moment_of
from monitor.storage import UnitOfWork

HOURS: Final = 24
WIDTH, HEIGHT = 10, 60  # of a bar, and of the highest, in the drawing's own units


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour: `mentions`, of which `negative`; both also as heights."""

    at: datetime
    mentions: int
    negative: int
    x: int
    high: float
    bad: float


async def course(tx: UnitOfWork, subject: str | None, now: datetime) -> list[Bar]:
    """The last 24 hours, this one included."""
    last = hour_of(now)
    found = await tx.figures.sums(last - HOURS + 1, last + 1, by=("hour",), subjects=(subject or ALL,))
    return bars({hour: tally for (hour,), tally in found}, last)


def bars(said: Mapping[int, Tally], last: int) -> list[Bar]:
    """Of every hour one, also of those in which nothing was said."""
    hours = [(hour, said.get(hour, Tally())) for hour in range(last - HOURS + 1, last + 1)]
    most = max(tally.mentions for _, tally in hours) or 1
    return [
        Bar(
            moment_of(hour),
            tally.mentions,
            tally.negative,
            place * WIDTH,
            round(HEIGHT * tally.mentions / most, 1),
            round(HEIGHT * tally.negative / most, 1),
        )
        for place, (hour, tally) in enumerate(hours)
    ]
