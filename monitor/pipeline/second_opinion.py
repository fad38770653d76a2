"""Before somebody is woken by how a mention sounds, a slower and better engine is asked whether it really sounds so.

It is asked before the mention is stored, so that each mention has one score for all time: rules, windows and messages read the
same, and judging anew gives the same. Who scored stands with the score.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property

import structlog

from monitor.domain.clock import Clock
from monitor.domain.feedback import text_hash
from monitor.domain.mention import LONGEST_SCORER, Enriched, Observed, Scores
from monitor.pipeline import catch_up
from monitor.pipeline.enrich import words
from monitor.pipeline.preview import observed
from monitor.sentiment import Scorer
from monitor.sentiment.away import Away
from monitor.settings import Settings
from monitor.telemetry import metrics
from rules import Engine, Finding, States

log = structlog.get_logger(__name__)

# For all that one lot of mentions asks. A worker needs two seconds to start and load its model; an alert must not wait for more.
PATIENCE = timedelta(seconds=10)
AT_ONCE = 8  # mentions: what was answered before the patience ends counts
REMEMBERED = 1_000  # texts
REST = timedelta(minutes=1)  # after a failure nobody waits again so soon

AGAIN = "(second opinion)"
FIRST_STANDS = "(no second opinion)"
_APART = ", "  # what gave the sentiment, and then what gave the complaint


class SecondOpinion:
    """Asks the engine that `sentiment.second_opinion` names about the mentions that would ring because of their sentiment.

    That is a rule of kind `mention` that rings with the sentiment, and would not if it were unknown. With `away` a worker is
    asked, and for no longer than `PATIENCE`; without, as in a replay, the engine is asked right here, and the same is answered
    each time.
    """

    def __init__(self, settings: Settings, clock: Clock, away: Away | None = None) -> None:
        self._settings, self._sentiment = settings, settings.sentiment
        self._engine = Engine([rule for rule in settings.rules if rule.kind == "mention"], settings.lists)
        self._clock = clock
        self._away = away
        self._rests_until: datetime | None = None
        self._given: dict[tuple[str, str | None], Scores] = {}  # feeds bring the same few texts again and again

    async def reconsider(self, enriched: Sequence[Enriched], *, source: str, at: datetime) -> list[Enriched]:
        """The same mentions, those that matter with the scores of the second engine. Never raises for what it does."""
        reconsidered = list(enriched)
        if self._sentiment.second_opinion is None:
            return reconsidered
        matter = [place for place, each in enumerate(enriched) if self.matters(each, source=source, at=at)]
        if not matter:
            return reconsidered
        given = await self._opinions([enriched[place] for place in matter])
        for place, opinion in zip(matter, given, strict=True):
            reconsidered[place] = _with(enriched[place], opinion)
        return reconsidered

    def matters(self, enriched: Enriched, *, source: str, at: datetime) -> bool:
        """Whether it is its sentiment that would wake somebody. What trips a rule over, the evaluator tells of."""
        seen = observed(enriched, source, at)
        if seen.sentiment is None or not catch_up.is_fresh(seen, self._settings):
            return False
        try:
            return self._rung(seen) != self._rung(replace(seen, sentiment=None, confidence=None))
        except Exception:
            log.exception("rules.failed", network=seen.network)
            return False

    def _rung(self, seen: Observed) -> set[str]:
        return {finding.rule for finding in self._engine.observe(seen, States())}

    async def _opinions(self, asked: Sequence[Enriched]) -> list[Scores | None]:
        """What the second engine makes of each; None where it gave no answer, in time or at all."""
        said = [(words(each.mention), each.mention.language) for each in asked]
        keys = [(text_hash(text), claim) for text, claim in said]
        new = {key: each for key, each in zip(keys, said, strict=True) if key not in self._given}
        try:
            await self._ask(new)
        except Exception as error:
            self._rests_until = self._clock.wall() + REST
            log.exception("second_opinion.failed", mentions=len(new), error=type(error).__name__)
        given = [self._given.get(key) for key in keys]
        if len(self._given) > REMEMBERED:
            self._given.clear()
        return given

    async def _ask(self, new: Mapping[tuple[str, str | None], tuple[str, str | None]]) -> None:
        """Note what is answered, as it is answered."""
        keys, said = list(new), list(new.values())
        if self._away is None:
            self._given.update(zip(keys, self._scorer.score_all(said), strict=True))
        elif self._rests_until is None or self._clock.wall() >= self._rests_until:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                for first in range(0, len(said), AT_ONCE):
                    some = slice(first, first + AT_ONCE)
                    self._given.update(zip(keys[some], await self._away.score_all(said[some]), strict=True))

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self._sentiment, str(self._sentiment.second_opinion))


def _with(enriched: Enriched, opinion: Scores | None) -> Enriched:
    """A mention as it was judged last; an engine that cannot tell has not contradicted the first."""
    first = enriched.scores
    if opinion is None or opinion.sentiment is None:
        metrics.second_opinions.labels(outcome="none").inc()
        return replace(enriched, scores=replace(first, scorer=marked(first.scorer, FIRST_STANDS)))
    same = (opinion.sentiment < 0) is ((first.sentiment or 0.0) < 0)
    metrics.second_opinions.labels(outcome="agreed" if same else "differed").inc()
    scorer = marked(opinion.scorer, AGAIN)
    return replace(enriched, scores=replace(first, sentiment=opinion.sentiment, confidence=opinion.confidence, scorer=scorer))


def noted(finding: Finding, mention: Observed) -> Finding:
    """The finding, with who judged its sentiment among the reasons, where a second opinion was asked for."""
    by = mention.scorer.partition(_APART)[0]
    if not by.endswith((AGAIN, FIRST_STANDS)):
        return finding
    return replace(finding, reasons=(*finding.reasons, f"sentiment by {by}"))


def marked(scorer: str, mark: str) -> str:
    """The mark stands behind who gave the sentiment: the model of complaints, named after it, has no second opinion.

    However long the names are, the mark is among the letters that are stored.
    """
    by, comma, others = scorer.partition(_APART)
    return f"{by[: LONGEST_SCORER - len(mark) - 1]} {mark}{comma}{others}"
