"""Reads what figures are made of: sums of what was counted per hour, and the posts and authors that drew most."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, func, select, text

from monitor.domain.tally import ALL, Tally
from monitor.storage.bulk import holds
from monitor.storage.session import Repository
from monitor.storage.tables import answer_hour, author, mention, tally, tally_day

By = Literal["subject", "topic", "network", "hour", "day", "hour of the week"]
_MONDAY = 72  # hours from the Monday before 1970 to its first hour, a Thursday's
_LOUD = text(
    "coalesce(mention.replies, 0) + coalesce(mention.shares, 0) + coalesce(mention.likes, 0) >= 10"
)  # as its index has it
_OWN = text("author.own")
_ENGAGEMENT: ColumnElement[int] = (
    func.coalesce(mention.c.replies, 0) + func.coalesce(mention.c.shares, 0) + func.coalesce(mention.c.likes, 0)
)
_BEHIND = mention.outerjoin(author, author.c.id == mention.c.author_id)


class Sum(NamedTuple):
    """`of` holds what it was asked `by`, in that order."""

    of: tuple[Any, ...]
    tally: Tally


class Voice(NamedTuple):
    """An author and what became of what they said: `posts` that drew ten reactions or more, and all their reactions."""

    author: int
    network: str
    handle: str
    name: str
    reach: int | None
    posts: int
    engagement: int


class Figures(Repository):
    """Hours are numbered since 1970 in UTC, from `since` to before `until`; `offset` is that of the reader's zone, in hours."""

    async def sums(
        self,
        since: int,
        until: int,
        *,
        by: Sequence[By],
        subjects: Collection[str] = (ALL,),
        topics: Collection[str] = (ALL,),
        offset: int = 0,
        daily: bool = False,
        figures: Sequence[str] = Tally._fields,
    ) -> list[Sum]:
        """What was counted, added up. A `day` is the number of days since 1970; hour 0 of the week is Monday's first.

        `daily` reads the days of UTC instead of hours, a twentieth of the rows. What is not in `figures` is 0.
        """
        table, of = (tally_day, [_by_day(each) for each in by]) if daily else (tally, [_by_hour(each, offset) for each in by])
        time, (begins, ends) = (table.c.day, (since // 24, until // 24)) if daily else (table.c.hour, (since, until))
        sums = [func.sum(table.c[name]).label(name) for name in figures]
        counted = (table.c.subject.in_(subjects), table.c.topic.in_(topics), time >= begins, time < ends)
        rows = await self._session.all(select(*of, *sums).where(*counted).group_by(*of).order_by(*of))
        width, nothing, places = len(of), [0] * len(Tally._fields), [Tally._fields.index(name) for name in figures]
        found = []
        for row in rows:
            counts = nothing.copy()
            for place, number in zip(places, row[width:], strict=True):
                counts[place] = int(number)
            found.append(Sum(tuple(row[:width]), Tally._make(counts)))
        return found

    async def topics(self, since: int, until: int, subject: str = ALL) -> list[str]:
        """Those of which anything was said on these days, by name."""
        days = (tally_day.c.day >= since // 24, tally_day.c.day <= until // 24)
        query = select(tally_day.c.topic).where(tally_day.c.subject == subject, tally_day.c.topic > ALL, *days).distinct()
        return [row.topic for row in await self._session.all(query.order_by(tally_day.c.topic))]

    async def answers(
        self, since: int, until: int, *, by: Literal["subject", "network"], subjects: Collection[str] = (ALL,)
    ) -> list[tuple[str, int, int]]:
        """How many answers took so long: (subject or network, step, number), by name and step."""
        table = answer_hour
        of, number = table.c[by], func.sum(table.c.number)
        counted = (table.c.subject.in_(subjects), table.c.hour >= since, table.c.hour < until)
        query = select(of, table.c.step, number).where(*counted).group_by(of, table.c.step).order_by(of, table.c.step)
        return [(name, step, int(many)) for name, step, many in await self._session.all(query)]

    async def top_posts(self, since: datetime, until: datetime, subject: str, limit: int) -> list[int]:
        """The mentions that drew most replies, shares and likes, ten at least; `subject` may be `ALL`."""
        wanted = self._loud(since, until, subject)
        query = select(mention.c.id).select_from(_BEHIND).where(*wanted).order_by(_ENGAGEMENT.desc(), mention.c.id).limit(limit)
        return [row.id for row in await self._session.all(query)]

    async def top_authors(self, since: datetime, until: datetime, subject: str, limit: int) -> list[Voice]:
        """Those whose mentions drew most; what is sensitive says nothing about its author here."""
        wanted = (*self._loud(since, until, subject), mention.c.sensitive.is_not(True))
        drew = func.sum(_ENGAGEMENT)
        who = (author.c.id, author.c.network, author.c.handle, author.c.name, author.c.reach)
        query = select(*who, func.count(), drew).select_from(_BEHIND).where(*wanted, author.c.erased_at.is_(None))
        rows = await self._session.all(query.group_by(*who).order_by(drew.desc(), author.c.id).limit(limit))
        return [Voice(*(*row[:-1], int(row[-1]))) for row in rows]

    def _loud(self, since: datetime, until: datetime, subject: str) -> tuple[ColumnElement[bool], ...]:
        when = (mention.c.written_at >= since, mention.c.written_at < until)
        others = (mention.c.deleted_at.is_(None), author.c.own.is_not(True))
        about = () if subject == ALL else (holds(mention.c.subjects, subject, postgresql=self._session.postgresql),)
        return (_LOUD, *when, *others, *about)

    async def own_posts(self, since: datetime, until: datetime, limit: int) -> list[int]:
        """What our accounts wrote, the newest first."""
        ours = [row.id for row in await self._session.all(select(author.c.id).where(_OWN))]  # few: asked first, they lead the way
        when = (mention.c.written_at >= since, mention.c.written_at < until, mention.c.deleted_at.is_(None))
        query = select(mention.c.id).where(mention.c.author_id.in_(ours), *when)
        return [row.id for row in await self._session.all(query.order_by(mention.c.written_at.desc()).limit(limit))]


def _by_hour(name: By, offset: int) -> ColumnElement[Any]:
    local = tally.c.hour + text(f"{offset:d}")
    match name:
        case "day":
            return (local // text("24")).label("day")
        case "hour of the week":
            return ((local + text(f"{_MONDAY:d}")) % text("168")).label("hour_of_the_week")
        case _:
            return tally.c[name]


def _by_day(name: By) -> ColumnElement[Any]:
    """Raises `KeyError` for hours, which days do not have."""
    return tally_day.c[name]
