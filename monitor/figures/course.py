"""How much was said, and how well meant, day by day: by subject, network or topic."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from monitor.domain.tally import ALL, MILLI, Tally
from monitor.figures.span import Span
from monitor.storage import UnitOfWork
from monitor.storage.figures import Sum

_EPOCH = date(1970, 1, 1)
SAID: Final = ("mentions", "negative", "neutral", "positive")  # what volume and net sentiment are made of
By = Literal["subject", "network", "topic"]


class Point(NamedTuple):
    """What was counted of one thing on one day."""

    day: date
    of: str
    tally: Tally


async def course(
    tx: UnitOfWork,
    span: Span,
    by: By,
    *,
    subjects: Collection[str] = (ALL,),
    topics: Collection[str] = (ALL,),
    figures: Sequence[str] = SAID,
) -> list[Point]:
    """A point for each day and each thing that was spoken of at all, by thing and day; days without a word are there, too.

    Of a tally there are only the `figures`.
    """
    asked: dict[str, Any] = {"by": (by, "day"), "subjects": subjects, "topics": topics, "figures": figures}
    found = [
        each
        for since, until, offset, daily in span.pieces()
        for each in await tx.figures.sums(since, until, offset=offset, daily=daily, **asked)
    ]
    return points(found, span.days)


def points(sums: Iterable[Sum], days: Sequence[date]) -> list[Point]:
    """Sums by (thing, day): a day on which the clocks change comes in two pieces."""
    added: dict[tuple[str, int], Tally] = {}
    for (of, number), tally in sums:
        before = added.get((of, number))
        added[of, number] = tally if before is None else before.plus(tally)
    numbers, nothing = [(day, (day - _EPOCH).days) for day in days], Tally()
    return [Point(day, of, added.get((of, number), nothing)) for of in sorted({of for of, _ in added}) for day, number in numbers]


def net(tally: Tally) -> float | None:
    """Net sentiment: the share of positive mentions less that of negative ones, −1 … 1; None where nothing was scored."""
    scored = tally.negative + tally.neutral + tally.positive
    return (tally.positive - tally.negative) / scored if scored else None


def mean(tally: Tally) -> float | None:
    """The mean sentiment, −1 … 1."""
    scored = tally.negative + tally.neutral + tally.positive
    return tally.sentiment / MILLI / scored if scored else None


def total(of: Iterable[Point]) -> Tally:
    """All of it together."""
    whole = Tally()
    for each in of:
        whole = whole.plus(each.tally)
    return whole
