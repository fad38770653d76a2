"""Why a mention has the scores it has: the words that the scorer went by, each with its weight."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from monitor.console.tongue import N_
from monitor.domain.mention import LONGEST_SCORER, Observed
from monitor.pipeline.enrich import words
from monitor.sentiment import Scorer, SentimentSettings
from monitor.sentiment.weighing import Weighed

log = structlog.get_logger(__name__)

_KEPT: Final = 1000  # explanations: people go back and forth
_REASONS: Final = (
    (re.compile(r"denied by “(.+)”"), N_("denied by “%(word)s”")),
    (re.compile(r"“(.+)” strengthens"), N_("“%(word)s” strengthens it")),
    (re.compile(r"“(.+)” weakens"), N_("“%(word)s” weakens it")),
    (re.compile(r"in capitals"), N_("in capitals")),
    (re.compile(r"before “but”.*"), N_("before “but”, where it counts less")),
    (re.compile(r"after “but”.*"), N_("after “but”, where it counts more")),
    (re.compile(r"by a phrase around it"), N_("by a phrase around it")),
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word that counted: `weight` is below nought where it speaks for anger; `why`, msgids with their word."""

    said: str
    weight: float
    why: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Why:
    """What made the sentiment, and what made the complaint. Not `same`: another scorer gave the scores that are stored."""

    feeling: Sequence[Word]
    complaint: Sequence[Word]
    same: bool


class Explainer:
    """Asks the scorer of the configuration that is at work, in a thread: it is loaded when somebody looks for the first time."""

    def __init__(self) -> None:
        self._scorer: tuple[SentimentSettings, Scorer] | None = None
        self._known: OrderedDict[tuple[str, str | None, str], Why] = OrderedDict()
        self._turn = asyncio.Lock()

    async def of(self, settings: SentimentSettings, mentions: Iterable[Observed]) -> Mapping[int, Why]:
        """Of each mention with a text, by its number."""
        asked = [each for each in mentions if not each.is_erased]
        async with self._turn:
            return await asyncio.to_thread(self._all, settings, asked)

    def _all(self, settings: SentimentSettings, mentions: Sequence[Observed]) -> Mapping[int, Why]:
        if self._scorer is None or self._scorer[0] != settings:
            self._scorer = settings, Scorer(settings)
            self._known.clear()
        found = ((each.id, self._one(self._scorer[1], each)) for each in mentions)
        return {number: why for number, why in found if why is not None}

    def _one(self, scorer: Scorer, mention: Observed) -> Why | None:
        """None where the scorer trips over it: one text must not cost the others their page."""
        try:
            return self._why(scorer, mention)
        except Exception:
            log.exception("scorer.failed", network=mention.network)
            return None

    def _why(self, scorer: Scorer, mention: Observed) -> Why:
        key = (words(mention), mention.language, mention.scorer)
        if key not in self._known:
            found = scorer.explain(*key[:2])
            same = found.scores.scorer[:LONGEST_SCORER] == mention.scorer
            self._known[key] = Why(_counted(found.weighed), _counted(found.complained), same)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


def _counted(weighed: Sequence[Weighed]) -> list[Word]:
    """Without what no word stands for."""
    return [Word(each.words, each.valence, _reasons(each.why)) for each in weighed if not each.words.startswith("(")]


def _reasons(reasons: Sequence[str]) -> list[tuple[str, str]]:
    known = ((pattern.fullmatch(reason), words) for reason in reasons for pattern, words in _REASONS)
    return [(words, found[1] if found.re.groups else "") for found, words in known if found]


WHY: Final = web.AppKey("why", Explainer)
