"""Emerging terms: the words that far more people say now than in the days before."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from monitor.domain.mention import Utterance
from monitor.sentiment.terms import READ, emerging
from monitor.storage import Store

_NOW: Final = 400  # texts, the newest
_USUALLY: Final = 1_000
_USUAL: Final = timedelta(days=7)
_SHOWN: Final = 12


class Term(NamedTuple):
    """What is new, and how many texts say it: of those read now, and of those before."""

    term: str
    now: int
    before: int


async def terms(store: Store, subject: str, since: datetime, until: datetime) -> list[Term]:
    """The surest first. The transaction ends before the texts are compared, which happens beside the loop."""
    async with store.read() as tx:
        now = await tx.mentions.said(subject, since, until, _NOW, characters=READ)
        before = await tx.mentions.said(subject, since - _USUAL, since, _USUALLY, characters=READ)
    return await asyncio.to_thread(found, now, before)


def found(now: list[Utterance], before: list[Utterance]) -> list[Term]:
    """By the same comparison as an alert's new words."""
    new = emerging(now, before, most=_SHOWN)
    return [Term(term, _saying(term, now), _saying(term, before)) for term in new]


def _saying(term: str, texts: list[Utterance]) -> int:
    wanted = term.casefold()
    return sum(wanted in each.text.casefold() for each in texts)
