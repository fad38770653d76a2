"""What was said: stored once by (network, address), however many sources saw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, delete, exists, func, select

from monitor.domain.alert import AlertState
from monitor.domain.mention import Author, Enriched, Observed
from monitor.storage.mention_rows import OBSERVED, PersonKey, author_row, identity, mention_row, observed, person
from monitor.storage.session import Repository, chunks
from monitor.storage.tables import alert, author, evidence, mention, sighting, tombstone
from monitor.storage.tombstones import tombstone_hash

# Rows per statement: few round trips, and far below either database's limit of parameters.
_BATCH = 500

MentionKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Added:
    """`new` holds the ids of what was stored now, ascending. `kept_out`: their authors asked to be forgotten."""

    new: list[int]
    duplicates: int = 0
    kept_out: int = 0


class Mentions(Repository):
    """The mentions, in the order in which the evaluator reads them: by id."""

    async def add(self, items: Sequence[Enriched], *, source: str, seen_at: datetime) -> Added:
        """Store what is new, and that `source` saw all of it. `seen_at` is aware.

        Raises `StorageError` for a text that the databases cannot keep; nothing is stored then.
        """
        # Ids are given when rows are written, but seen when they are committed: without the lock a slow transaction could
        # commit smaller ids after the evaluator has passed them (docs/decisions/0003-storage.md).
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
        key = self._session.installation.tombstone_key
        hashes = {known: tombstone_hash(key, *known) for known in {person(item.mention) for item in items} if known}
        found = await self._session.rows(select(tombstone.c.hash).where(tombstone.c.hash.in_(hashes.values())))
        erased = {row["hash"] for row in found}
        if not erased:
            return items
        return [item for item in items if hashes.get(person(item.mention) or ("", "")) not in erased]

    async def _store(self, items: Sequence[Enriched], source: str, seen_at: datetime) -> list[int]:
        if not items:
            return []
        people = await self._know_authors(items, seen_at)
        rows: dict[MentionKey, dict[str, Any]] = {}
        for item in items:
            known = person(item.mention)
            rows.setdefault(
                identity(item.mention),
                mention_row(item, source=source, seen_at=seen_at, author_id=people[known] if known else None),
            )
        new = await self._insert(list(rows.values()))
        ids = new | await self._ids(rows.keys() - new.keys())
        await self._sight([(ids[key], rows[key]["written_at"]) for key in rows], source, seen_at)
        return list(new.values())

    async def _know_authors(self, items: Sequence[Enriched], seen_at: datetime) -> dict[PersonKey, int]:
        """Each author's pseudonym; what a network says anew about a person replaces the old, unless it says nothing."""
        people: dict[PersonKey, Author] = {}
        for item in items:
            known = person(item.mention)
            if known and item.mention.author:
                people[known] = item.mention.author
        if not people:
            return {}
        add = self._session.insert(author)
        said = add.excluded
        statement = add.on_conflict_do_update(
            index_elements=[author.c.network, author.c.external_id],
            set_={
                "handle": case((said.handle != "", said.handle), else_=author.c.handle),
                "name": case((said.name != "", said.name), else_=author.c.name),
                "reach": func.coalesce(said.reach, author.c.reach),
                "verified": func.coalesce(said.verified, author.c.verified),
                "own": said.own,
                "last_seen_at": said.last_seen_at,
            },
        ).returning(author.c.id, author.c.network, author.c.external_id)
        found = await self._session.rows(statement, [author_row(key, who, seen_at) for key, who in people.items()])
        return {(row["network"], row["external_id"]): row["id"] for row in found}

    async def _insert(self, rows: Sequence[Mapping[str, Any]]) -> dict[MentionKey, int]:
        statement = (
            self._session.insert(mention)
            .on_conflict_do_nothing(index_elements=[mention.c.network, mention.c.key])
            .returning(mention.c.id, mention.c.network, mention.c.key)
        )
        return {(row["network"], row["key"]): row["id"] for row in await self._session.rows(statement, rows)}

    async def _ids(self, keys: set[MentionKey]) -> dict[MentionKey, int]:
        found: dict[MentionKey, int] = {}
        for network in {network for network, _ in keys}:
            wanted = [key for of, key in keys if of == network]
            query = select(mention.c.id, mention.c.key).where(mention.c.network == network, mention.c.key.in_(wanted))
            found |= {(network, row["key"]): row["id"] for row in await self._session.rows(query)}
        return found

    async def _sight(self, seen: Sequence[tuple[int, datetime]], source: str, seen_at: datetime) -> None:
        await self._session.run(
            self._session.insert(sighting).on_conflict_do_nothing(),
            [
                {"source": source, "mention_id": id_, "seen_at": seen_at, "delay_seconds": (seen_at - written_at).total_seconds()}
                for id_, written_at in seen
            ],
        )

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
