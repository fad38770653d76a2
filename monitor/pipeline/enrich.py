"""Adds to a mention what can be known from its words alone: whom it is about, its hashtags, its scores."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from monitor.domain.mention import Enriched, Mention, Observed, Scores
from monitor.sentiment import Scorer
from monitor.sentiment.away import Away
from monitor.settings import Subject
from monitor.sources.text import hashtags as hashtags_in
from monitor.sources.text import is_own, sanitise
from rules.words import Said, WordList, fold_label, said

log = structlog.get_logger(__name__)

# Mentions that are scored in the loop without letting anybody else work: some ten milliseconds.
SCORED_AT_ONCE = 32

_HANDLE = re.compile(r"@([\w.-]+(?:@[\w.-]+)?)")


class Enricher:
    """Cleans, recognises and scores. Pure but for its log: what a scorer trips over is stored unscored, never lost.

    `own_accounts` are our own whichever source sees them: what one source knows, another need not be told.
    """

    def __init__(
        self, subjects: Mapping[str, Subject], scorer: Scorer, own_accounts: Sequence[str] = (), away: Away | None = None
    ) -> None:
        self._known = set(subjects)
        self._finders = [_Finder(name, subject) for name, subject in subjects.items()]
        self._called = {fold_label(name): finder.id for finder in self._finders for name in finder.called}
        self._scorer = scorer
        self._own_accounts = own_accounts
        self._away = away
        self.at_once = 1 if away is None else away.size + 1  # lots that it pays to hand in together: one is prepared meanwhile

    def enrich(self, raw: Mention, *, latest: datetime, about: str | None = None) -> Enriched:
        """Clean and complete one mention. `latest` is the newest time it can have been written; `about` a certain subject."""
        return self.enrich_all([raw], latest=latest, about=about)[0]

    def enrich_all(self, raws: Sequence[Mention], *, latest: datetime, about: str | None = None) -> list[Enriched]:
        """The same for many mentions of one source, in their order: together they are scored faster."""
        mentions = [sanitise(raw, now=latest) for raw in raws]
        scored = zip(mentions, self._all_scores(mentions), strict=True)
        return [self._enriched(mention, scores, about) for mention, scores in scored]

    async def enrich_apart(self, raws: Sequence[Mention], *, latest: datetime, about: str | None = None) -> list[Enriched]:
        """The same again; what would hold up the loop for long is scored by a worker meanwhile."""
        mentions = [sanitise(raw, now=latest) for raw in raws]
        scored = zip(mentions, await self._scores_apart(mentions), strict=True)
        return [self._enriched(mention, scores, about) for mention, scores in scored]

    async def _scores_apart(self, mentions: Sequence[Mention]) -> list[Scores]:
        said = [(words(mention), mention.language) for mention in mentions]
        if self._away is None:
            return self._all_scores(mentions)
        if not self._away.worth_it(said):
            return await self._scores_in_turns(mentions)
        try:
            return await self._away.score_all(said)
        except Exception:
            log.exception("scorer.failed", mentions=len(mentions))
        scores = []
        for mention in mentions:
            scores.append(self._scores(mention))
            await asyncio.sleep(0)
        return scores

    async def _scores_in_turns(self, mentions: Sequence[Mention]) -> list[Scores]:
        scores: list[Scores] = []
        for first in range(0, len(mentions), SCORED_AT_ONCE):
            if first:
                await asyncio.sleep(0)
            scores += self._all_scores(mentions[first : first + SCORED_AT_ONCE])
        return scores

    def _enriched(self, mention: Mention, scores: Scores, about: str | None) -> Enriched:
        hashtags = mention.hashtags | hashtags_in(mention.text)
        if mention.sensitive:  # what the network marks as sensitive is, whatever a scorer thinks
            scores = replace(scores, sensitive=True)
        return Enriched(self._ours(mention), self._subjects(mention, hashtags, about), hashtags, scores)

    def _ours(self, mention: Mention) -> Mention:
        author = mention.author
        if author is None or author.own or not is_own(author.handle or author.id, self._own_accounts):
            return mention
        return replace(mention, author=replace(author, own=True))

    def _subjects(self, mention: Mention, hashtags: frozenset[str], about: str | None) -> frozenset[str]:
        certain = {about, *(self._called.get(fold_label(name)) for name in mention.subjects)}
        text = words(mention)
        parted = said(text)
        handles = {handle for match in _HANDLE.finditer(text) for handle in _spellings(match[1])} if "@" in text else set()
        found = {each.id for each in self._finders if each.finds(parted, handles, hashtags)}
        return frozenset(found.union(each for each in certain if each is not None and each in self._known))

    def _all_scores(self, mentions: Sequence[Mention]) -> list[Scores]:
        if len(mentions) > 1:
            try:
                return self._scorer.score_all([(words(mention), mention.language) for mention in mentions])
            except Exception:
                log.exception("scorer.failed", mentions=len(mentions))  # one text must not cost the others their scores
        return [self._scores(mention) for mention in mentions]

    def _scores(self, mention: Mention) -> Scores:
        try:
            return self._scorer.score(words(mention), mention.language)
        except Exception:
            log.exception("scorer.failed", network=mention.network)
            return Scores(language=mention.language or "und")


def words(mention: Mention | Observed) -> str:
    """What scorers and subjects are looked for in: title and text, without the stars that stand before a review's title."""
    title = mention.title.lstrip("★☆ ")
    return f"{title}\n{mention.text}" if title else mention.text


class _Finder:
    """Recognises one subject: by its names unless an exclusion shows that another thing is meant, by handle or by hashtag."""

    def __init__(self, name: str, subject: Subject) -> None:
        self.id = name
        self.called = (name, *subject.names, *subject.aliases)
        self._names = WordList((*subject.names, *subject.aliases))
        self._exclusions = WordList(subject.exclusions)
        self._handles = {fold_label(handle) for handle in subject.handles}
        self._hashtags = {fold_label(hashtag) for hashtag in subject.hashtags}

    def finds(self, text: Said, handles: set[str], hashtags: frozenset[str]) -> bool:
        if self._handles & handles:
            return True
        if self._hashtags and any(fold_label(each) in self._hashtags for each in hashtags):
            return True
        return text.find(self._names) is not None and text.find(self._exclusions) is None


def _spellings(handle: str) -> tuple[str, ...]:
    """`acme@social.example` is also called `acme`; a full stop at the end belongs to the sentence."""
    full = fold_label(handle.rstrip(".-"))
    local = full.partition("@")[0]
    return (full,) if local == full else (full, local)
