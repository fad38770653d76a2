"""The shared inbox, read: pages of mentions through filters, the newest first; and what else an author said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, or_, select, text

from monitor.domain.feed import POSITIVE, Counts, FeedFilters, Page, Tone
from monitor.domain.handling import HandlingState
from monitor.domain.mention import NEGATIVE, RISKY, Observed
from monitor.domain.search import Search, search
from monitor.domain.tally import COMPLAINT
from monitor.storage import search as wording
from monitor.storage.bulk import holds
from monitor.storage.handling import Handled, is_new
from monitor.storage.mentions import Mentions
from monitor.storage.session import Repository, Session
from monitor.storage.tables import mention, mention_handling

# Where no index knows what is asked for, so many mentions are looked at for one page, which then says where to go on.
LOOK_BACK = 20_000
MOST = 1000  # counted no further
# Ids are in the order of storing; what is stored at once may have been seen so long apart.
_APART = timedelta(minutes=10)
# So many pages at once; a negative number begins to merge all pieces into one (https://sqlite.org/fts5.html#the_merge_command).
_MERGE = text("INSERT INTO mention_search(mention_search, rank) VALUES ('merge', :pages)")
_PAGES = 500
_CHANGES = text("SELECT total_changes()")
# The server plans a statement anew each time: which way is short depends on how common the words are.
_PLAN_ANEW = text("SET LOCAL plan_cache_mode = force_custom_plan")


@dataclass
class _Wanted:
    """A page's query as it grows: `key` is the id by which its rows come in order; `slow`, that no index knows all of it."""

    behind: FromClause
    key: ColumnElement[int]
    where: list[ColumnElement[bool]] = field(default_factory=list)
    slow: bool = False


class Feed(Repository):
    """Keys are ids: a mention that comes while somebody turns pages moves nothing."""

    def __init__(self, session: Session, mentions: Mentions, handled: Handled) -> None:
        super().__init__(session)
        self._mentions, self._handled = mentions, handled

    async def page(self, filters: FeedFilters, *, before: int | None = None, after: int = 0, limit: int = 50) -> Page:
        """Up to `limit` mentions that pass, the newest first, with ids below `before` and above `after`.

        What cannot match is an empty page.
        """
        words = search(filters.words)
        if filters.words.strip() and not words:
            return Page((), None)
        bounds = await self._bounds(filters, before, after)
        if bounds is None:
            return Page((), None)
        first, last = bounds
        wanted = self._wanted(filters, words, last)
        floor = max(first, last + 1 - LOOK_BACK) if wanted.slow else first
        ids = await self._ids(wanted, floor, last, limit + 1)
        shown = await self._mentions.get(ids[:limit])
        if len(ids) > limit:
            return Page(shown, ids[limit - 1])
        return Page(shown, floor if floor > first else None)

    async def asking(self, filters: FeedFilters, limit: int) -> list[Observed]:
        """The newest that pass and ask for an answer that nobody gave: complaints, dangers, questions, refunds.

        All are looked at from `since` until before `until`, which say how long that takes.
        """
        bounds = await self._bounds(filters, None, 0)
        if bounds is None:
            return []
        wanted = self._wanted(filters, search(filters.words), bounds[1])
        intents = (holds(mention.c.intents, each, postgresql=self._session.postgresql) for each in ("question", "refund"))
        asks = or_(mention.c.complaint >= COMPLAINT, mention.c.safety_risk >= RISKY, *intents)
        wanted.where += [mention.c.answered_at.is_(None), mention.c.deleted_at.is_(None), asks]
        return await self._mentions.get(await self._ids(wanted, *bounds, limit))

    async def counts(self, filters: FeedFilters, *, up_to: int = MOST) -> Counts:
        """How many mentions stand in each state that pass all other filters.

        Of the newest `up_to` that pass, and no further back than one page looks; of all where nothing else is asked for.
        """
        others = replace(filters, states=())
        if others == FeedFilters():
            counts = await self._handled.counts(up_to=up_to)
            return Counts(counts, whole=all(number < up_to for number in counts.values()))
        words, bounds = search(filters.words), await self._bounds(others, None, 0)
        if bounds is None or (filters.words.strip() and not words):
            return Counts(dict.fromkeys(HandlingState, 0), whole=True)
        floor = max(bounds[0], bounds[1] + 1 - LOOK_BACK)
        wanted = self._wanted(others, words, bounds[1])
        found = await self._states(wanted, floor, bounds[1], up_to)
        return Counts(found, whole=floor == bounds[0] and sum(found.values()) < up_to)

    async def _states(self, wanted: _Wanted, first: int, last: int, limit: int) -> Mapping[HandlingState, int]:
        await self._plan_anew()
        ids = _newest(wanted, first, last, limit).subquery()
        handled = ids.outerjoin(mention_handling, mention_handling.c.mention_id == ids.c[0])
        states = select(mention_handling.c.state, func.count()).select_from(handled).group_by(mention_handling.c.state)
        counted = dict.fromkeys(HandlingState, 0)
        for state, number in await self._session.all(states):
            counted[HandlingState(state or HandlingState.NEW)] += number  # nobody has touched it, or it was put back
        return counted

    async def _bounds(self, filters: FeedFilters, before: int | None, after: int) -> tuple[int, int] | None:
        """The least and the greatest id to look at; None: there is none."""
        first, last = after + 1, await self._mentions.newest_id()
        if before is not None:
            last = min(last, before - 1)
        if filters.until is not None:
            last = min(last, await self._seen_before(filters.until + _APART))
        if filters.since is not None:
            first = max(first, await self._seen_before(filters.since - _APART) + 1)
        return (first, last) if first <= last else None

    async def _seen_before(self, moment: datetime) -> int:
        """The id of the last mention that was seen before a moment; 0: there is none."""
        last = select(mention.c.id).where(mention.c.seen_at < moment).order_by(mention.c.seen_at.desc(), mention.c.id.desc())
        return int(await self._session.scalar(last.limit(1)) or 0)

    async def _ids(self, wanted: _Wanted, first: int, last: int, limit: int) -> list[int]:
        await self._plan_anew()
        return [row[0] for row in await self._session.all(_newest(wanted, first, last, limit))]

    async def _plan_anew(self) -> None:
        if self._session.postgresql:
            await self._session.run(_PLAN_ANEW)

    def _wanted(self, filters: FeedFilters, words: Search, last: int) -> _Wanted:
        labels: wording.Labels = {
            "subjects": filters.subjects,
            "topics": filters.topics,
            "intents": filters.intents,
            "network": filters.networks,
            "source": filters.sources,
            "language": filters.languages,
            "form": filters.forms,
        }
        wanted = self._worded(words, labels, last)
        wanted.where += wording.exactly(labels, postgresql=self._session.postgresql)
        _handled(wanted, filters)
        _toned(wanted, filters)
        if filters.reach is not None:
            wanted.where.append(mention.c.reach >= filters.reach)
            wanted.slow = True
        if filters.since is not None:
            wanted.where.append(mention.c.seen_at >= filters.since)
        if filters.until is not None:
            wanted.where.append(mention.c.seen_at < filters.until)
        return wanted

    def _worded(self, words: Search, labels: wording.Labels, last: int) -> _Wanted:
        """What the index of words and labels knows."""
        if self._session.postgresql:
            return _Wanted(mention, mention.c.id, wording.said(words), slow=not words.wanted and bool(words.unwanted))
        matches = wording.matches(words, labels)
        if matches is not None:
            joined = wording.INDEX.join(mention, mention.c.id == wording.INDEX.c.rowid)
            return _Wanted(joined, wording.INDEX.c.rowid, [matches])
        if words.unwanted:
            return _Wanted(mention, mention.c.id, [wording.without(words, last + 1 - LOOK_BACK, last)], slow=True)
        return _Wanted(mention, mention.c.id)

    async def forget_words(self, *, begins: bool) -> bool:
        """On SQLite, take a step towards an index without the words of texts that are gone; False: there is none in it.

        They lead nowhere at once, and yet stand in older pieces of the index until these are merged.
        """
        before = await self._session.scalar(_CHANGES)
        await self._session.run(_MERGE, {"pages": -_PAGES if begins else _PAGES})
        return bool(await self._session.scalar(_CHANGES) - before > 1)

    async def of_author(self, number: int, *, but: int | None = None, before: int | None = None, limit: int = 20) -> Page:
        """What an author (our number) said, the newest first, `but` one mention; nothing sensitive."""
        said = select(mention.c.id).where(*_said_by(number, but))
        if before is not None:
            said = said.where(mention.c.id < before)
        ids = [row[0] for row in await self._session.all(said.order_by(mention.c.id.desc()).limit(limit + 1))]
        shown = await self._mentions.get(ids[:limit])
        return Page(shown, ids[limit - 1] if len(ids) > limit else None)

    async def count_of_author(self, number: int, *, but: int | None = None) -> int:
        """How many those are, counted up to 1,000."""
        some = select(mention.c.id).where(*_said_by(number, but)).limit(MOST).subquery()
        return int(await self._session.scalar(select(func.count()).select_from(some)))


def _newest(wanted: _Wanted, first: int, last: int, limit: int) -> Select[Any]:
    query = select(wanted.key).select_from(wanted.behind).where(wanted.key.between(first, last), *wanted.where)
    return query.order_by(wanted.key.desc()).limit(limit)


def _said_by(number: int, but: int | None) -> tuple[ColumnElement[bool], ...]:
    ours = (mention.c.author_id == number, mention.c.sensitive.is_not(True))
    return ours if but is None else (*ours, mention.c.id != but)


def _handled(wanted: _Wanted, filters: FeedFilters) -> None:
    """State and assignee: what somebody touched stands in a table of its own, which is read first where it alone is asked for."""
    touched = [state for state in filters.states if state is not HandlingState.NEW]
    found: list[ColumnElement[bool]] = []
    if filters.assignees:
        found.append(mention_handling.c.assignee.in_(filters.assignees))
    if touched and len(touched) == len(filters.states):
        found.append(mention_handling.c.state.in_(touched))
    if found and wanted.key is mention.c.id:
        wanted.behind = mention_handling.join(mention, mention.c.id == mention_handling.c.mention_id)
        wanted.key = mention_handling.c.mention_id
        wanted.where += found
    elif found:
        wanted.where.append(select(mention_handling.c.mention_id).where(_own(), *found).exists())
    if HandlingState.NEW in filters.states:
        others = select(mention_handling.c.mention_id).where(_own(), mention_handling.c.state.in_(touched)).exists()
        wanted.where.append(or_(is_new(), others) if touched else is_new())
        wanted.slow = True


def _own() -> ColumnElement[bool]:
    return mention_handling.c.mention_id == mention.c.id


_TONES: dict[Tone, ColumnElement[bool]] = {
    Tone.NEGATIVE: mention.c.sentiment <= NEGATIVE,
    Tone.NEUTRAL: and_(mention.c.sentiment > NEGATIVE, mention.c.sentiment < POSITIVE),
    Tone.POSITIVE: mention.c.sentiment >= POSITIVE,
    Tone.UNSCORED: mention.c.sentiment.is_(None),
}


def _toned(wanted: _Wanted, filters: FeedFilters) -> None:
    asked: list[ColumnElement[bool]] = []
    if filters.tones:
        asked.append(or_(*(_TONES[tone] for tone in filters.tones)))
    if filters.sentiment_from is not None:
        asked.append(mention.c.sentiment >= filters.sentiment_from)
    if filters.sentiment_to is not None:
        asked.append(mention.c.sentiment <= filters.sentiment_to)
    wanted.where += asked
    wanted.slow |= bool(asked)
