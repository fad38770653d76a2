"""How the team handles mentions: what holds of each, changed only by whoever saw it as it is, and every deed in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, func, select, update

from monitor.domain.handling import Deed, Handling, HandlingState, Verb
from monitor.domain.plan import TOCSIN
from monitor.storage.session import Repository, Session, chunks
from monitor.storage.tables import mention, mention_deed
from monitor.storage.tables import mention_handling as table
from monitor.storage.tallies import Tallies

_BATCH = 500


class Handled(Repository):
    """A mention that nobody has touched has no row: it is new, in version 0."""

    def __init__(self, session: Session, tallies: Tallies) -> None:
        super().__init__(session)
        self._tallies = tallies

    async def of(self, mentions: Collection[int]) -> dict[int, Handling]:
        """How each of these is handled."""
        found = {number: Handling(number) for number in mentions}
        for chunk in chunks(sorted(found), _BATCH):
            rows = await self._session.rows(select(table).where(table.c.mention_id.in_(chunk)))
            found |= {row["mention_id"]: _handling(row) for row in rows}
        return found

    async def save(self, known: Handling, now: Handling) -> bool:
        """Store what became of `known`. False: it is not that any more."""
        values = {"state": now.state, "assignee": now.assignee, "version": now.version, "at": now.at, "by": now.by}
        if known.version == 0:
            add = self._session.insert(table).values(mention_id=now.mention, **values)
            written = await self._session.changed(add.on_conflict_do_nothing(index_elements=[table.c.mention_id]))
        else:
            seen = (table.c.mention_id == now.mention, table.c.version == known.version)
            written = await self._session.changed(update(table).where(*seen).values(values))
        return bool(written)

    async def add(self, deeds: Sequence[Deed]) -> list[int]:
        """Keep what was done. Returns the numbers, which grow in the order of commits: whoever watches misses none."""
        await self._session.lock("deeds")
        add = self._session.insert(mention_deed).returning(mention_deed.c.id)
        return [int(await self._session.scalar(add.values(_row(deed)))) for deed in deeds]

    async def note_answer(self, number: int, at: datetime) -> None:
        """A mention counts as answered from now on, unless it did before: rules that wait for an answer wait no more."""
        unanswered = update(mention).where(mention.c.id == number, mention.c.answered_at.is_(None))
        async with self._tallies.changing([number]):
            await self._session.run(unanswered.values(answered_at=at))

    async def take_back_answer(self, number: int) -> None:
        """A mention does not count as answered any more, if it did by what a person said and nothing else."""
        deed = (mention_deed.c.mention_id == number, mention_deed.c.verb == Verb.ANSWER, mention_deed.c.by != TOCSIN)
        by_hand = update(mention).where(mention.c.id == number, mention.c.answered_at.in_(select(mention_deed.c.at).where(*deed)))
        async with self._tallies.changing([number]):
            await self._session.run(by_hand.values(answered_at=None))

    async def answered(self, mentions: Collection[int], by: str, through: str) -> None:
        """Note of these, whose answers by our own accounts were seen, that they are answered."""
        for known in (await self.of(mentions)).values():
            when = await self._session.scalar(select(mention.c.answered_at).where(mention.c.id == known.mention))
            if known.state in {HandlingState.NEW, HandlingState.ASSIGNED} and when is not None:
                now = replace(known, state=HandlingState.ANSWERED, version=known.version + 1, at=when, by=by)
                if not await self.save(known, now):
                    continue  # a person was faster
                await self.add([Deed(known.mention, Verb.ANSWER, by, through, when, now.state, now.assignee)])

    async def history(self, number: int) -> list[Deed]:
        """All that was done with one mention, in order."""
        query = select(mention_deed).where(mention_deed.c.mention_id == number).order_by(mention_deed.c.id)
        return [_deed(row) for row in await self._session.rows(query)]

    async def after(self, number: int, limit: int) -> list[Deed]:
        """What was done after deed `number`, on any mention, in order."""
        query = select(mention_deed).where(mention_deed.c.id > number).order_by(mention_deed.c.id).limit(limit)
        return [_deed(row) for row in await self._session.rows(query)]

    async def newest(self) -> int:
        """The greatest number of a deed; 0 before the first."""
        return int(await self._session.scalar(select(func.coalesce(func.max(mention_deed.c.id), 0))))

    async def counts(self, *, up_to: int = 1000) -> Mapping[HandlingState, int]:
        """How many of all mentions stand in each state, counted no further than `up_to`: who sees a thousand counts no more.

        Of those that pass filters: `Feed.counts`.
        """
        counts: dict[HandlingState, int] = {}
        for state in HandlingState:
            some = select(table.c.mention_id).where(table.c.state == state)
            if state is HandlingState.NEW:
                some = select(mention.c.id).where(is_new()).order_by(mention.c.id.desc())
            counts[state] = int(await self._session.scalar(select(func.count()).select_from(some.limit(up_to).subquery())))
        return counts


def is_new() -> ColumnElement[bool]:
    """Whether nobody has touched a mention, or it was put back."""
    touched = (table.c.mention_id == mention.c.id, table.c.state != HandlingState.NEW)
    return ~select(table.c.mention_id).where(*touched).exists()


def _handling(row: RowMapping) -> Handling:
    return Handling(row["mention_id"], HandlingState(row["state"]), row["assignee"], row["version"], row["at"], row["by"])


def _deed(row: RowMapping) -> Deed:
    said = {name: row[name] for name in ("by", "through", "at", "assignee", "note", "id")}
    return Deed(mention=row["mention_id"], verb=Verb(row["verb"]), state=HandlingState(row["state"]), **said)


def _row(deed: Deed) -> dict[str, object]:
    return {
        "mention_id": deed.mention,
        "verb": deed.verb,
        "by": deed.by,
        "through": deed.through,
        "at": deed.at,
        "state": deed.state,
        "assignee": deed.assignee,
        "note": deed.note,
    }
