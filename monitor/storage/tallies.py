"""What figures are made of: how much was said per hour, counted in the transaction that changes what was said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from operator import add
from typing import Any

from sqlalchemy import Row, Select, Table, and_, delete, func, insert, or_, select, text

from monitor.domain.mention import Enriched
from monitor.domain.tally import Answer, Counted, Key, Tally, hour_of
from monitor.storage.bulk import Bulk
from monitor.storage.mention_rows import person
from monitor.storage.session import Repository, Session, chunks
from monitor.storage.tables import answer_hour, author, mention, tally, tally_day

_AT_ONCE = 500
_PAGE = 5_000
_HOURS = 24  # of a day


def _adding(table: Table) -> Bulk:
    """What is there already grows by what is new."""
    places = [column.name for column in table.primary_key]
    return Bulk(
        table,
        (*places, *Tally._fields),
        lambda new: new.on_conflict_do_update(
            index_elements=places, set_={name: table.c[name] + new.excluded[name] for name in Tally._fields}
        ),
    )


_TALLIES, _DAYS = _adding(tally), _adding(tally_day)
_ANSWERS = Bulk(
    answer_hour,
    (*Answer._fields, "number"),
    lambda new: new.on_conflict_do_update(
        index_elements=[*answer_hour.primary_key], set_={"number": answer_hour.c.number + new.excluded.number}
    ),
)
_COUNTED = select(
    mention.c.id,
    mention.c.network,
    mention.c.written_at,
    mention.c.subjects,
    mention.c.topics,
    mention.c.sentiment,
    mention.c.complaint,
    mention.c.reach,
    mention.c.replies,
    mention.c.shares,
    mention.c.likes,
    mention.c.answered_at,
    author.c.own,
    mention.c.deleted_at,
).select_from(mention.outerjoin(author, author.c.id == mention.c.author_id))


def counted(item: Enriched) -> Counted:
    """What of a new mention is counted."""
    said, scores, loud, who = item.mention, item.scores, item.mention.engagement, item.mention.author
    return Counted(
        network=said.network,
        written_at=said.written_at,
        subjects=item.subjects,
        topics=scores.topics,
        sentiment=scores.sentiment,
        complaint=scores.complaint,
        reach=who.reach if who is not None else None,
        replies=loud.replies,
        shares=loud.shares,
        likes=loud.likes,
        answered_at=None,
        own=person(said) is not None and who is not None and who.own,
        deleted=False,
    )


class Tallies(Repository):
    """What a transaction changes is added up and written at its end, in the order of the keys: no two wait for one another."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._tallies: dict[Key, list[int]] = defaultdict(lambda: [0] * len(Tally._fields))
        self._answers: Counter[Answer] = Counter()

    def count(self, mentions: Iterable[Counted], times: int = 1) -> None:
        """Count mentions in; with −1, out again."""
        for each in mentions:
            what = each.tally().times(times)
            for key in each.keys():  # noqa: SIM118 no mapping
                self._tallies[key] = list(map(add, self._tallies[key], what))
            for answer in each.answers():
                self._answers[answer] += times

    @asynccontextmanager
    async def changing(self, ids: Collection[int]) -> AsyncIterator[None]:
        """Whatever is changed of these mentions inside is counted as it is afterwards. They are locked until the end."""
        self.count(await self._read(ids), -1)
        yield
        self.count(await self._read(ids))

    async def of_authors(self, ids: Collection[int]) -> list[int]:
        """What these authors have said."""
        return (
            [row.id for row in await self._session.all(select(mention.c.id).where(mention.c.author_id.in_(ids)))] if ids else []
        )

    async def _read(self, ids: Collection[int]) -> list[Counted]:
        found: list[Counted] = []
        for chunk in chunks(sorted(ids), _AT_ONCE):
            query = _COUNTED.where(mention.c.id.in_(chunk)).order_by(mention.c.id).with_for_update(of=mention)
            found += map(_counted, await self._session.all(query))
        return found

    async def write(self) -> None:
        """Write what was counted: before the commit."""
        tallies = [(*key, *what) for key, what in sorted(self._tallies.items()) if any(what)]
        days = _by_day(self._tallies)
        answers = [(*key, number) for key, number in sorted(self._answers.items()) if number]
        self._tallies.clear()
        self._answers.clear()
        await _TALLIES.insert(self._session, tallies)
        await _DAYS.insert(self._session, days)
        await _ANSWERS.insert(self._session, answers)

    async def rebuild(self, since: datetime, told: Callable[[int], object]) -> int:
        """Count all anew that was written since the hour of `since`; `told` hears how many so far. Returns how many."""
        await self._session.lock("mentions")
        hour = hour_of(since)
        for table in (tally, answer_hour):
            await self._session.run(delete(table).where(table.c.hour >= hour))
        await self._add_up_from(hour // _HOURS)
        begun = since.replace(minute=0, second=0, microsecond=0)
        page, number = await self._session.all(_page(mention.c.written_at >= begun)), 0
        while page:
            self.count(map(_counted, page))
            await self.write()
            number += len(page)
            told(number)
            page = await self._session.all(_page(_after(page[-1])))
        return number

    async def _add_up_from(self, day: int) -> None:
        """The days, from this one on, are what their hours are."""
        await self._session.run(delete(tally_day).where(tally_day.c.day >= day))
        of = (tally.c.subject, tally.c.topic, (tally.c.hour // text(str(_HOURS))).label("day"), tally.c.network)
        sums = (func.sum(tally.c[name]) for name in Tally._fields)
        hours = select(*of, *sums).where(tally.c.hour >= day * _HOURS).group_by(*of)
        await self._session.run(insert(tally_day).from_select([each.name for each in tally_day.columns], hours))

    async def everything(self) -> tuple[dict[Key, Tally], dict[Answer, int]]:
        """All that is counted; what came to nothing is left out."""
        width = len(Key._fields)
        tallies = {Key(*row[:width]): Tally(*row[width:]) for row in await self._session.all(select(tally))}
        answers = {Answer(*row[:-1]): row[-1] for row in await self._session.all(select(answer_hour))}
        return {key: what for key, what in tallies.items() if any(what)}, {key: n for key, n in answers.items() if n}

    async def waiting(self, since: datetime) -> int:
        """How many mentions `rebuild` would count."""
        written = mention.c.written_at >= since.replace(minute=0, second=0, microsecond=0)
        return int(await self._session.scalar(select(func.count()).select_from(mention).where(written)))

    async def forget(self, before: datetime, limit: int) -> int:
        """Remove up to `limit` hours that began before, and the days that have none left. Returns how many hours went."""
        end = hour_of(before)
        hours = select(tally.c.hour).where(tally.c.hour < end).distinct().order_by(tally.c.hour).limit(limit)
        gone = [row.hour for row in await self._session.all(hours)]
        for table in (answer_hour, tally) if gone else ():
            await self._session.run(delete(table).where(table.c.hour.in_(gone)))
        if gone:
            gone_until = gone[-1] + 1 if len(gone) == limit else end
            await self._session.run(delete(tally_day).where(tally_day.c.day < gone_until // _HOURS))
        return len(gone)


def _by_day(hours: Mapping[Key, Sequence[int]]) -> list[tuple[str | int, ...]]:
    """The same added up by day, in the order of the keys."""
    days: dict[tuple[str, str, int, str], list[int]] = defaultdict(lambda: [0] * len(Tally._fields))
    for (subject, topic, hour, network), what in hours.items():
        key = subject, topic, hour // _HOURS, network
        days[key] = list(map(add, days[key], what))
    return [(*key, *what) for key, what in sorted(days.items()) if any(what)]


def _page(further: Any) -> Select[*tuple[Any, ...]]:
    return _COUNTED.where(further).order_by(mention.c.written_at, mention.c.id).limit(_PAGE)


def _after(last: Row[*tuple[Any, ...]]) -> Any:
    same = and_(mention.c.written_at == last.written_at, mention.c.id > last.id)
    return and_(mention.c.written_at >= last.written_at, or_(mention.c.written_at > last.written_at, same))


def _counted(row: Sequence[Any]) -> Counted:
    """A row of `_COUNTED`."""
    return Counted(*(*row[1:-1], row[-1] is not None))
