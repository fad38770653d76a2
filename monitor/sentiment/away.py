"""Scores texts in worker processes, so that a page of long posts holds up nobody: the daemon's loop goes on meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Final

from monitor.domain.mention import Scores
from monitor.sentiment.engines import AUTO
from monitor.sentiment.scorer import Scorer
from monitor.sentiment.settings import SentimentSettings
from monitor.workshop.pool import Workshop

Texts = Sequence[tuple[str, str | None]]  # each with the language that the network claims

# So few characters take a few milliseconds whatever they are, less than the way to a worker that must be started first.
LIGHT: Final = 8_000
# For one call. A worker needs a second or two to start and load its model, and a page of several lots must not look stuck.
_WITHIN = timedelta(seconds=20)
_MEMORY = 512 * 2**20  # bytes of data in one worker
_TIRED = 320 * 2**20  # what so much was used for is given back by ending
_IDLE = timedelta(minutes=5)
# Of a worker that gives second opinions: what knows whole sentences takes more, and is slow to load.
_SECOND_MEMORY = 1536 * 2**20
_SECOND_TIRED = 1024 * 2**20
_SECOND_IDLE = timedelta(minutes=30)


def workshop(settings: SentimentSettings) -> Workshop | None:
    """The workers that the settings ask for, none of which is started yet; None where texts are scored in the daemon itself."""
    if not settings.workers:
        return None
    return Workshop(settings.workers, memory=_MEMORY, idle=_IDLE, tired=_TIRED)


def second_workshop(settings: SentimentSettings) -> Workshop | None:
    """One worker for second opinions, not started yet; None where none are asked for."""
    if settings.second_opinion is None:
        return None
    return Workshop(1, memory=_SECOND_MEMORY, idle=_SECOND_IDLE, tired=_SECOND_TIRED)


class Away:
    """Gives texts to workers. Who has more texts than workers waits: nothing piles up but what the callers hold."""

    def __init__(self, settings: SentimentSettings, workers: Workshop, engine: str = AUTO) -> None:
        """`engine` is `auto`, the one of the settings, or another."""
        self._engine = engine
        self._settings = settings.model_dump_json()
        self._max_chars = settings.max_chars
        self._workers = workers
        self.size = settings.workers

    def worth_it(self, said: Texts) -> bool:
        """Whether these texts would hold up the loop."""
        return sum(min(len(text), self._max_chars) for text, _ in said) > LIGHT

    async def score_all(self, said: Texts) -> list[Scores]:
        """The scores, in the texts' order. Raises `WorkError` when no worker gave any in time, and what a scorer raises."""
        cut = [(text[: self._max_chars], claim) for text, claim in said]
        return await self._workers.run(score_all, self._settings, cut, self._engine, within=_WITHIN)


def score_all(settings: str, said: Texts, engine: str = AUTO) -> list[Scores]:
    """What a worker does."""
    return _scorer(settings, engine).score_all(said)


@lru_cache(maxsize=1)
def _scorer(settings: str, engine: str) -> Scorer:
    return Scorer(SentimentSettings.model_validate_json(settings), engine)
