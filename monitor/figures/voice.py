"""Share of voice: of all that is said about us and our rivals, how much is about whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from monitor.domain.tally import Tally
from monitor.figures.course import SAID, net
from monitor.figures.span import Span
from monitor.storage import UnitOfWork


class Share(NamedTuple):
    """`before` is the share in as many days before; None where nothing was said then."""

    subject: str
    mentions: int
    share: float
    before: float | None
    net: float | None


async def share_of_voice(tx: UnitOfWork, span: Span, subjects: Sequence[str]) -> list[Share]:
    """In the order of `subjects`, which are the brand and its competitors; empty where nobody speaks of any."""
    return shares(subjects, await _counted(tx, span, subjects), await _counted(tx, span.before, subjects))


async def _counted(tx: UnitOfWork, span: Span, subjects: Sequence[str]) -> Mapping[str, Tally]:
    added: dict[str, Tally] = {}
    for since, until, _, daily in span.pieces():
        asked = tx.figures.sums(since, until, by=("subject",), subjects=subjects, daily=daily, figures=SAID)
        for (subject,), tally in await asked:
            added[subject] = added.get(subject, Tally()).plus(tally)
    return added


def shares(subjects: Sequence[str], now: Mapping[str, Tally], before: Mapping[str, Tally]) -> list[Share]:
    """A mention of two of them counts for both, and twice in the whole."""
    whole, earlier = (sum(each.mentions for each in of.values()) for of in (now, before))
    said = [(subject, now.get(subject, Tally())) for subject in subjects] if whole else []
    return [
        Share(
            subject,
            tally.mentions,
            tally.mentions / whole,
            before.get(subject, Tally()).mentions / earlier if earlier else None,
            net(tally),
        )
        for subject, tally in said
    ]
