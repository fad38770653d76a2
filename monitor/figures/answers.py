"""How fast the team answers: the middle and the slow end, for all of it together and never for one person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final, Literal, NamedTuple

from monitor.domain.tally import ALL, step_seconds
from monitor.figures.span import Span
from monitor.storage import UnitOfWork

FEWEST: Final = 5  # answers, below which a figure would be about one person's day


class Speed(NamedTuple):
    """Half of the answers took no longer than `median`, nine of ten no longer than `slow`; None of too few. To a tenth."""

    of: str
    answers: int
    median: timedelta | None
    slow: timedelta | None


async def speeds(
    tx: UnitOfWork, span: Span, by: Literal["subject", "network"] = "network", subjects: Sequence[str] = (ALL,)
) -> list[Speed]:
    """Of what was asked in the span and answered since."""
    pieces = list(span.pieces())
    return measured(await tx.figures.answers(pieces[0].since, pieces[-1].until, by=by, subjects=subjects))


def measured(steps: Iterable[tuple[str, int, int]]) -> list[Speed]:
    """From (name, step, number), by name and step."""
    found = []
    for name, group in groupby(steps, key=lambda each: each[0]):
        counted = [(step, number) for _, step, number in group]
        answers = sum(number for _, number in counted)
        enough = answers >= FEWEST
        found.append(Speed(name, answers, *(_within(counted, share) if enough else None for share in (0.5, 0.9))))
    return found


def _within(counted: Sequence[tuple[int, int]], share: float) -> timedelta:
    """How long so great a share of them took at most."""
    wanted, passed = share * sum(number for _, number in counted), 0
    for step, number in counted:
        passed += number
        if passed >= wanted:
            return timedelta(seconds=round(step_seconds(step)))
    raise AssertionError("shares are at most one")
