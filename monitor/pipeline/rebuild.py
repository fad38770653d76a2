"""What edited rules remember is built anew from the stored mentions: beside judging, page by page, without a word to anybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from monitor.domain.mention import Observed
from monitor.sources.text import LATENESS
from monitor.storage import UnitOfWork
from rules import AnyRule, Campaign, Engine, States

log = structlog.get_logger(__name__)

PAGE = 500
# How often, in the time of the mentions, keys that have long been silent are let go: a rule by author would keep all authors.
SWEEP = timedelta(hours=6)

Shape = tuple[str, str]  # a rule, and the hash of what shapes its states


async def incomplete(
    tx: UnitOfWork, shapes: Collection[Shape], known: Collection[Shape], offset: int, at: datetime
) -> set[Shape]:
    """Those of `shapes` that are new, or whose building was broken off. `known` have states, `offset` is the last mention judged.

    Of a store in which that was not noted yet, what has states is complete.
    """
    noted = await tx.rule_states.complete()
    first_seen = {shape: shape in known or not offset for shape in set(shapes) - noted.keys()}
    await tx.rule_states.note(first_seen, at)
    return {shape for shape, complete in {**noted, **first_seen}.items() if not complete}


class Rebuild:
    """What some rules would remember had they been in force when the stored mentions were judged.

    It stands in memory alone: whoever dies on the way leaves nothing behind, and the next process begins again.
    """

    def __init__(
        self,
        rules: Sequence[AnyRule],
        lists: Mapping[str, Sequence[str]],
        now: datetime,
        campaigns: Sequence[Campaign] = (),
    ) -> None:
        """`now` is story time. All rules must be such as remember."""
        self._engine = Engine(rules, lists, campaigns)
        self._until = now + LATENESS
        self._since = now - max(each.memory for each in map(self._engine.remembering, self._engine.ids()) if each)
        self._swept_at = self._since
        self._position: int | None = None  # the last mention read; None: nothing yet
        self.states = States()
        self.shapes = self._engine.shapes()
        self.mentions = 0

    @property
    def rules(self) -> list[str]:
        """The ids of its rules."""
        return self._engine.ids()

    async def read(self, tx: UnitOfWork, until: int) -> bool:
        """Read a page on. Returns whether that was the last, and all up to the mention `until` is remembered."""
        if self._position is None:
            first = await tx.mentions.first_since(self._since)
            self._position = until if first is None else first - 1
        page = await tx.mentions.after(self._position, PAGE)
        for mention in page:
            if mention.id > until:
                return True
            self._position = mention.id
            self._observe(mention)
        return len(page) < PAGE

    def _observe(self, mention: Observed) -> None:
        """What rang then rings no more. One that a rule trips over was told as unjudged, or never concerned it.

        What was written after now is of a clock that was ahead of us, or of ours before it was set back.
        """
        if mention.is_erased or not self._since <= mention.written_at <= self._until:
            return
        self.mentions += 1
        try:
            self._engine.observe(mention, self.states)
        except Exception:
            log.exception("rules.failed", mention=mention.id)
        if mention.written_at - self._swept_at >= SWEEP:
            self._engine.sweep(self.states, mention.written_at)
            self._swept_at = mention.written_at
