"""What was said: stored once by (network, address), however many sources saw it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, and_, delete, exists, func, literal_column, select
from sqlalchemy.dialects.postgresql import Insert

from monitor.domain.alert import AlertState
from monitor.domain.mention import Author, Enriched, Observed
from monitor.storage.bulk import Bulk, among
from monitor.storage.mention_rows import (
    AUTHOR_COLUMNS,
    MENTION_COLUMNS,
    OBSERVED,
    PersonKey,
    author_row,
    check,
    identity,
    mention_row,
    observed,
    person,
)
from monitor.storage.session import Repository, chunks
from monitor.storage.tables import alert, author, evidence, mention, sighting, tombstone
from monitor.storage.tombstones import tombstone_hash

# Rows per statement: few round trips, and a row lock of PostgreSQL is never held for long.
_BATCH = 500

Name = tuple[str, str]  # (network, key of a mention or id of an author)

_NOBODY: Name = ("", "")


@dataclass(frozen=True, slots=True)
class Added:
    """`new` holds the ids of what was stored now, ascending. `kept_out`: their authors asked to be forgotten."""

    new: list[int]
    duplicates: int = 0
    kept_out: int = 0


def _refresh(add: Insert) -> Insert:
    """What a network says anew about a person replaces the old, unless it says nothing."""
    said = add.excluded
    return add.on_conflict_do_update(
        index_elements=[author.c.network, author.c.external_id],
        set_={
            "handle": func.coalesce(func.nullif(said.handle, _EMPTY), author.c.handle),
            "name": func.coalesce(func.nullif(said.name, _EMPTY), author.c.name),
            "reach": func.coalesce(said.reach, author.c.reach),
            "verified": func.coalesce(said.verified, author.c.verified),
            "own": said.own,
            "last_seen_at": said.last_seen_at,
        },
    )


_EMPTY: ColumnElement[str] = literal_column("''")

_AUTHORS = Bulk(author, AUTHOR_COLUMNS, _refresh)
_MENTIONS = Bulk(mention, MENTION_COLUMNS, lambda add: add.on_conflict_do_nothing(index_elements=["network", "key"]))
_SIGHTINGS = Bulk(sighting, ("source", "mention_id", "seen_at", "delay_seconds"), lambda add: add.on_conflict_do_nothing())


class Mentions(Repository):
    """The mentions, in the order in which the evaluator reads them: by id."""

    async def add(self, items: Sequence[Enriched], *, source: str, seen_at: datetime) -> Added:
        """Store what is new, and that `source` saw all of it. `seen_at` is aware.

        Raises `StorageError` for a text that the databases cannot keep; nothing is stored then.
        """
        # Ids are given when rows are written, but seen when they are committed: without the lock a slow transaction could
        # commit smaller ids after the evaluator has passed them (docs/decisions/0006-storage.md).
        await self._session.lock("mentions")
        new: list[int] = []
        kept_out = 0
        for chunk in chunks(items, _BATCH):
            welcome = await self._welcome(chunk)
            kept_out += len(chunk) - len(welcome)
            new += await self._store(welcome, source, seen_at)
        return Added(sorted(new), duplicates=len(items) - kept_out - len(new), kept_out=kept_out)

    async def _welcome(self, items: Sequence[Enriched]) -> Sequence[Enriched]:
        """All but those whose authors were erased."""
        if await self._session.scalar(select(tombstone.c.hash).limit(1)) is None:
            return items
        key = self._session.installation.tombstone_key
        hashes = {known: tombstone_hash(key, *known) for known in {person(item.mention) for item in items} if known}
        buried = among(tombstone.c.hash, hashes.values(), postgresql=self._session.postgresql)
        erased = {row["hash"] for row in await self._session.rows(select(tombstone.c.hash).where(buried))}
        return [item for item in items if hashes.get(person(item.mention) or _NOBODY) not in erased]

    async def _store(self, items: Sequence[Enriched], source: str, seen_at: datetime) -> list[int]:
        for item in items:
            check(item)
        people = await self._know_authors(items, seen_at)
        once: dict[Name, Enriched] = {}
        for item in items:
            once.setdefault(identity(item.mention), item)
        newest = await self.newest_id()
        rows = [
            mention_row(name, item, source=source, seen_at=seen_at, author_id=people.get(person(item.mention) or _NOBODY))
            for name, item in once.items()
        ]
        await _MENTIONS.insert(self._session, rows)
        ids = await self._numbers(mention.c.id, mention.c.key, once)
        seen = [(source, ids[name], seen_at, (seen_at - item.mention.written_at).total_seconds()) for name, item in once.items()]
        await _SIGHTINGS.insert(self._session, seen)
        return [id_ for id_ in ids.values() if id_ > newest]

    async def _know_authors(self, items: Sequence[Enriched], seen_at: datetime) -> dict[PersonKey, int]:
        """Each author's pseudonym."""
        people: dict[PersonKey, Author] = {}
        for item in items:
            known = person(item.mention)
            if known and item.mention.author:
                people[known] = item.mention.author
        await _AUTHORS.insert(self._session, [author_row(key, who, seen_at) for key, who in people.items()])
        return await self._numbers(author.c.id, author.c.external_id, people)

    async def _numbers(self, id_: Column[int], key: Column[str], wanted: Collection[Name]) -> dict[Name, int]:
        """The ids of mentions by key, or of authors by external id."""
        found: dict[Name, int] = {}
        for network in {network for network, _ in wanted}:
            keys = among(key, [each for of, each in wanted if of == network], postgresql=self._session.postgresql)
            rows = await self._session.run(select(key, id_).where(id_.table.c.network == network, keys))
            found |= {(network, row[0]): row[1] for row in rows.all()}
        return found

    async def after(self, offset: int, limit: int) -> list[Observed]:
        """The mentions that come after `offset`, in order."""
        query = OBSERVED.where(mention.c.id > offset).order_by(mention.c.id).limit(limit)
        return [observed(row) for row in await self._session.rows(query)]

    async def get(self, ids: Sequence[int]) -> list[Observed]:
        """Those of `ids` that still exist, in the order of `ids`."""
        found: dict[int, Observed] = {}
        for chunk in chunks(ids, _BATCH):
            rows = await self._session.rows(OBSERVED.where(mention.c.id.in_(chunk)))
            found |= {row["id"]: observed(row) for row in rows}
        return [found[id_] for id_ in ids if id_ in found]

    async def count(self) -> int:
        """How many mentions are stored."""
        return int(await self._session.scalar(select(func.count()).select_from(mention)))

    async def behind(self, offset: int) -> int:
        """How many mentions come after `offset`."""
        return int(await self._session.scalar(select(func.count()).select_from(mention).where(mention.c.id > offset)))

    async def newest_id(self) -> int:
        """The greatest id; 0 in an empty store."""
        return int(await self._session.scalar(select(func.coalesce(func.max(mention.c.id), 0))))

    async def forget_before(self, moment: datetime, limit: int) -> int:
        """Forget up to `limit` mentions seen before `moment`, and the authors of whom nothing else is kept.

        The evidence of open alerts stays, and so does what was said by people under legal hold. Returns how many mentions
        went; fewer than `limit` means that nothing is left to forget.
        """
        # Whoever is storing mentions at this moment may be storing one of an author who is about to go.
        await self._session.lock("mentions")
        needed = exists().where(
            evidence.c.mention_id == mention.c.id, evidence.c.alert_id == alert.c.id, alert.c.state == AlertState.OPEN
        )
        held = exists().where(author.c.id == mention.c.author_id, author.c.legal_hold)
        old = select(mention.c.id).where(mention.c.seen_at < moment, ~needed, ~held).order_by(mention.c.seen_at).limit(limit)
        gone = await self._session.rows(delete(mention).where(mention.c.id.in_(old)).returning(mention.c.author_id))
        await self._forget_authors({row["author_id"] for row in gone if row["author_id"] is not None}, moment)
        return len(gone)

    async def _forget_authors(self, ids: set[int], moment: datetime) -> None:
        """An author is personal data without a purpose once nothing they said is kept."""
        speaks = exists().where(mention.c.author_id == author.c.id)
        for chunk in chunks(sorted(ids), _BATCH):
            forgotten = and_(author.c.id.in_(chunk), author.c.last_seen_at < moment, ~author.c.legal_hold, ~speaks)
            await self._session.run(delete(author).where(forgotten))
