"""Tells which mentions say nearly the same as earlier ones, in the order in which they are judged.

Only the evaluator that holds the lease places mentions, each once, and what it finds is committed with their judgement. So two
processes cannot disagree, and one that takes over, or starts again, reads from the store what the one before remembered.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from monitor.domain.mention import Clustered
from monitor.sentiment.alike import KEPT, READ, RecentTexts
from monitor.storage import UnitOfWork

log = structlog.get_logger(__name__)

_AT_ONCE = 100  # texts that are remembered again without letting anybody else work


class Copies:
    """What was said lately, and which of the mentions placed since were found to say the same."""

    def __init__(self, texts: RecentTexts | None = None) -> None:
        self._texts = texts or RecentTexts()
        self._found: list[Clustered] = []

    @classmethod
    async def load(cls, tx: UnitOfWork, offset: int) -> Copies:
        """As an evaluator that has just judged the mention `offset` remembers it."""
        recent = await tx.mentions.recent(offset, KEPT, characters=READ)
        began = await tx.mentions.began({each.cluster for each in recent if each.cluster is not None}, characters=READ)
        texts = RecentTexts()
        for number, each in enumerate(recent, 1):
            texts.restore(*each, began.get(each.cluster or 0, ""))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return cls(texts)

    def place(self, mention: int, seen_at: datetime, title: str, text: str) -> tuple[int | None, int]:
        """The cluster of a mention, and how many of it came before. What this trips over stands for itself."""
        try:
            placed = self._texts.add(mention, seen_at, f"{title}\n{text}" if title else text)
        except Exception:
            log.exception("copies.failed", mention=mention)
            return None, 0
        if placed.cluster is not None and placed.copies:
            if placed.first is not None:
                self._found.append(Clustered(placed.first, placed.cluster, 0))
            self._found.append(Clustered(mention, placed.cluster, placed.copies))
        return placed.cluster, placed.copies

    def take_found(self) -> list[Clustered]:
        """What is to be stored of those placed since this was asked last: all members of clusters of two or more."""
        found, self._found = self._found, []
        return found
