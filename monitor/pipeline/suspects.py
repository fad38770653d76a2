"""Finds the one mention that a batch fails on: after a failure each is judged alone, until one has failed too often by itself."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.domain.mention import Observed

# How often a mention must fail alone before it is passed over: once or twice may be a moment's trouble.
TRIES = 3


class Suspects:
    """In memory only: a new process, or a new configuration, tries everything anew."""

    def __init__(self) -> None:
        self._until = 0  # the last mention of a batch that failed: up to there each is judged alone
        self._failing: int | None = None  # the mention that failed alone last
        self._times = 0
        self._why = ""

    def at_once(self, offset: int, usual: int) -> int:
        """How many mentions behind `offset` may share a transaction."""
        return 1 if offset < self._until else usual

    def failed(self, mentions: Sequence[Observed], error: Exception) -> None:
        """Judging these has failed, for no fault of the store."""
        last = mentions[-1].id
        if len(mentions) > 1:
            self._until = max(self._until, last)
            return
        self._times = self._times + 1 if self._failing == last else 1
        self._failing, self._why = last, type(error).__name__  # its words may quote the mention

    def why(self, mentions: Sequence[Observed]) -> str | None:
        """What the only one of these has failed by, again and again; None while it should be tried."""
        proven = len(mentions) == 1 and mentions[0].id == self._failing and self._times >= TRIES
        return self._why if proven else None
