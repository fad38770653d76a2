"""What was said: stored once by (network, address), however many sources saw it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Row, Text, bindparam, case, func, literal_column, null, select, text, update
from sqlalchemy.dialects.postgresql import Insert

from monitor.domain.mention import (
    NEGATIVE,
    RISKY,
    Author,
    Clustered,
    Crowd,
    Enriched,
    InThread,
    Mention,
    Observed,
    Recent,
    Utterance,
)
from monitor.storage.bulk import Bulk, BulkUpdate, among, holds
from monitor.storage.holds import held_mention
from monitor.storage.mention_rows import (
    AUTHOR_COLUMNS,
    MENTION_COLUMNS,
    OBSERVED,
    PersonKey,
    Place,
    author_row,
    check,
    edited_row,
    identity,
    mention_row,
    observed,
    person,
    short_key,
)
from monitor.storage.session import Repository, Session, chunks
from monitor.storage.tables import author, evidence, mention, sighting, tombstone
from monitor.storage.tallies import Tallies, counted
from monitor.storage.tombstones import handle_hash, tombstone_hash

# Rows per statement: few round trips, and a row lock of PostgreSQL is never held for long.
_BATCH = 500

T = TypeVar("T")

Name = tuple[str, str]  # (network, key of a mention or id of an author)

_NOBODY: Name = ("", "")


@dataclass(frozen=True, slots=True)
class Added:
    """`new` holds the ids of what was stored now, ascending. `kept_out`: their authors asked to be forgotten.

    Of the `duplicates` so many were `changed`: another text, or other figures. `first_seen` by this source are so many, whether
    or not another had seen them before.
    """

    new: list[int]
    duplicates: int = 0
    kept_out: int = 0
    changed: int = 0
    first_seen: int = 0


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


def _says_more(who: Author, known: Row[*tuple[Any, ...]], seen_at: datetime) -> bool:
    """Whether a person's row must be written: something of it is new, or they are seen on another day."""
    said = ((who.handle or None, known.handle), (who.name or None, known.name), (who.reach, known.reach))
    new = any(now is not None and now != before for now, before in (*said, (who.verified, known.verified)))
    return new or who.own != known.own or seen_at.date() != known.last_seen_at.date()


_EMPTY: ColumnElement[str] = literal_column("''")
_EDIT_WAITS = text("mention.edit_waits")  # as its index has it: with `= 1` SQLite reads all mentions
_NEW_LINE: ColumnElement[str] = bindparam(None, "\n", type_=Text)

_AUTHORS = Bulk(author, AUTHOR_COLUMNS, _refresh, tells=(author.c.network, author.c.external_id, author.c.id))
_MENTIONS = Bulk(
    mention,
    MENTION_COLUMNS,
    lambda add: add.on_conflict_do_nothing(index_elements=["network", "key"]),
    tells=(mention.c.network, mention.c.key, mention.c.id),
)
_SIGHTINGS = Bulk(sighting, ("source", "mention_id", "seen_at", "delay_seconds"), lambda add: add.on_conflict_do_nothing())


_FIGURES = (mention.c.replies, mention.c.shares, mention.c.likes)
_TOLD_ANEW = (mention.c.uri, mention.c.source, mention.c.title, mention.c.text, mention.c.deleted_at, *_FIGURES)
_ENGAGED = BulkUpdate(
    update(mention)
    .where(mention.c.id == bindparam("of"))
    .values(replies=bindparam("its_replies"), shares=bindparam("its_shares"), likes=bindparam("its_likes"), deleted_at=null()),
    ("its_replies", "its_shares", "its_likes", "of"),
)
_CLUSTERED = BulkUpdate(
    update(mention)
    .where(mention.c.id == bindparam("of"))
    .values(cluster=bindparam("its_cluster"), copies=bindparam("its_copies")),
    ("its_cluster", "its_copies", "of"),
)


def _figures(said: Mention, row: Row[*tuple[Any, ...]]) -> tuple[int | None, ...] | None:
    """Replies, shares and likes as they are now, where they are others, or where what was deleted is there again."""
    told = zip((said.engagement.replies, said.engagement.shares, said.engagement.likes), row[-len(_FIGURES) :], strict=True)
    figures = tuple(old if new is None else new for new, old in told)
    return figures if figures != tuple(row[-len(_FIGURES) :]) or row.deleted_at is not None else None


def _ids(told: Sequence[Sequence[Any]]) -> dict[Name, int]:
    """What PostgreSQL told of the rows it wrote."""
    return {(network, key): id_ for network, key, id_ in told}


def _said_first(characters: int) -> ColumnElement[str]:
    """How a mention begins, its title included: the rest stays in the store."""
    whole = case((mention.c.title == _EMPTY, mention.c.text), else_=mention.c.title + _NEW_LINE + mention.c.text)
    return func.substr(whole, 1, characters)


class Mentions(Repository):
    """The mentions, in the order in which the evaluator reads them: by id. Whatever changes of them is counted."""

    def __init__(self, session: Session, tallies: Tallies) -> None:
        super().__init__(session)
        self._tallies = tallies

    async def add(self, items: Sequence[Enriched], *, source: str, seen_at: datetime) -> Added:
        """Store what is new, and that `source` saw all of it. `seen_at` is aware.

        Raises `StorageError` for a text that the databases cannot keep; nothing is stored then.
        """
        # Ids are given when rows are written, but seen when they are committed: without the lock a slow transaction could
        # commit smaller ids after the evaluator has passed them (docs/decisions/0006-storage.md).
        await self._session.lock("mentions")
        new: list[int] = []
        kept_out = changed = first_seen = 0
        for chunk in chunks(items, _BATCH):
            welcome = await self._welcome(chunk)
            kept_out += len(chunk) - len(welcome)
            added, anew, first = await self._store(welcome, source, seen_at)
            new += added
            changed += anew
            first_seen += first
        duplicates = len(items) - kept_out - len(new)
        return Added(sorted(new), duplicates=duplicates, kept_out=kept_out, changed=changed, first_seen=first_seen)

    async def deleted(self, gone: Sequence[tuple[str, str]], *, at: datetime) -> None:
        """Note that the networks say that these (network, address) are no longer there. What they said stays, as evidence."""
        for network, uri in gone:
            there = (mention.c.network == network, mention.c.key == short_key(uri), mention.c.deleted_at.is_(None))
            found = [row.id for row in await self._session.all(select(mention.c.id).where(*there))]
            async with self._tallies.changing(found):
                await self._session.run(update(mention).where(*there).values(deleted_at=at))

    async def _welcome(self, items: Sequence[Enriched]) -> Sequence[Enriched]:
        """All but those whose authors were erased."""
        if await self._session.scalar(select(tombstone.c.hash).limit(1)) is None:
            return items
        hashes = [self._hashes(item.mention) for item in items]
        return await self._not_buried(items, hashes)

    async def welcome(self, mentions: Sequence[Mention]) -> Sequence[Mention]:
        """Mentions that are not stored and may be shown: all but those of authors who were erased."""
        return await self._not_buried(mentions, [self._hashes(each) for each in mentions])

    async def _not_buried(self, items: Sequence[T], hashes: Sequence[tuple[str, ...]]) -> Sequence[T]:
        every = {each for of_item in hashes for each in of_item}
        buried = among(tombstone.c.hash, every, postgresql=self._session.postgresql)
        erased = {row["hash"] for row in await self._session.rows(select(tombstone.c.hash).where(buried))}
        return [item for item, of_item in zip(items, hashes, strict=True) if erased.isdisjoint(of_item)]

    def _hashes(self, said: Mention) -> tuple[str, ...]:
        """By what an erased person would be recognised: their id, and their handle, which may be all that a source knows."""
        known, key = person(said), self._session.installation.tombstone_key
        if known is None or said.author is None:
            return ()
        network, external_id = known
        return tombstone_hash(key, *known), handle_hash(key, network, said.author.handle or external_id)

    async def _store(self, items: Sequence[Enriched], source: str, seen_at: datetime) -> tuple[list[int], int, int]:
        """The ids of what is new, how many of the others say something else than before, and how many `source` had not seen."""
        for item in items:
            check(item)
        people = await self._know_authors(items, seen_at)
        once: dict[Name, Enriched] = {}
        for item in items:  # the last word counts
            once[identity(item.mention)] = item
        newest = 0 if self._session.postgresql else await self.newest_id()
        rows = [
            mention_row(name, item, source=source, seen_at=seen_at, author_id=people.get(person(item.mention) or _NOBODY))
            for name, item in once.items()
        ]
        new = _ids(await _MENTIONS.insert(self._session, rows))
        found = await self._find(mention.c.id, mention.c.key, once.keys() - new.keys())
        ids = new | {name: row[1] for name, row in found.items()}
        seen = [(source, ids[name], seen_at, (seen_at - item.mention.written_at).total_seconds()) for name, item in once.items()]
        before = {name: id_ for name, id_ in ids.items() if name not in new and (self._session.postgresql or id_ <= newest)}
        first_seen = len(once) - await self._seen_before(source, before.values())
        await _SIGHTINGS.insert(self._session, seen)
        self._tallies.count(counted(item) for name, item in once.items() if name not in before)
        changed = await self._refresh({name: once[name] for name in before}, source, seen_at)
        return [id_ for name, id_ in ids.items() if name not in before], changed, first_seen

    async def _seen_before(self, source: str, ids: Collection[int]) -> int:
        """How many of these a source has brought before."""
        if not ids:
            return 0
        there = (sighting.c.source == source, sighting.c.mention_id.in_(ids))
        return int(await self._session.scalar(select(func.count()).select_from(sighting).where(*there)))

    async def _refresh(self, known: Mapping[Name, Enriched], source: str, seen_at: datetime) -> int:
        """What a network says anew about what is stored; how much of it was something else."""
        stored = await self._find(mention.c.id, mention.c.key, known, *_TOLD_ANEW)
        engaged = {row[1]: figures for name, row in stored.items() if (figures := _figures(known[name].mention, row))}
        async with self._tallies.changing(engaged):
            await _ENGAGED.run(self._session, [(*figures, id_) for id_, figures in engaged.items()])
        edited = {row[1] for name, row in stored.items() if row.source == source and await self._edit(row, known[name], seen_at)}
        return len(edited | engaged.keys())

    async def _edit(self, row: Row[*tuple[Any, ...]], item: Enriched, seen_at: datetime) -> bool:
        """Whether the text of the source that brought it first is another now: a second one may know only a piece of it.

        What is evidence, under a hold or of an alert, stays as it was said: it is only noted that it was edited.
        """
        erased = not (row.uri or row.title or row.text)
        if erased or (item.mention.title, item.mention.text) == (row.title, row.text):
            return False
        this = update(mention).where(mention.c.id == row[1])
        free = ~held_mention(), mention.c.id.not_in(select(evidence.c.mention_id))
        async with self._tallies.changing([row[1]]):
            edited = await self._session.changed(this.where(*free).values(edited_row(item, seen_at)))
        if edited:
            return True
        return bool(await self._session.changed(this.where(mention.c.edited_at.is_(None)).values(edited_at=seen_at)))

    async def _know_authors(self, items: Sequence[Enriched], seen_at: datetime) -> dict[PersonKey, int]:
        """Each author's pseudonym."""
        people: dict[PersonKey, Author] = {}
        for item in items:
            known = person(item.mention)
            if known and item.mention.author:
                people[known] = item.mention.author
        wanted = (author.c.handle, author.c.name, author.c.reach, author.c.verified, author.c.own, author.c.last_seen_at)
        stored = await self._find(author.c.id, author.c.external_id, people, *wanted)
        fresh = {key: who for key, who in people.items() if key not in stored or _says_more(who, stored[key], seen_at)}
        turned = [stored[key][1] for key, who in fresh.items() if key in stored and stored[key].own != who.own]
        async with self._tallies.changing(await self._tallies.of_authors(turned)):
            written = _ids(await _AUTHORS.insert(self._session, [author_row(key, who, seen_at) for key, who in fresh.items()]))
        added = await self._find(author.c.id, author.c.external_id, fresh.keys() - stored.keys() - written.keys())
        return {key: row[1] for key, row in {**stored, **added}.items()} | written

    async def _find(
        self, id_: Column[int], key: Column[str], wanted: Collection[Name], *more: Column[Any]
    ) -> dict[Name, Row[*tuple[Any, ...]]]:
        """Those that are there: mentions by key, or authors by external id, each with its id and `more`."""
        found: dict[Name, Row[*tuple[Any, ...]]] = {}
        for network in {network for network, _ in wanted}:
            keys = among(key, [each for of, each in wanted if of == network], postgresql=self._session.postgresql)
            rows = await self._session.all(select(key, id_, *more).where(id_.table.c.network == network, keys))
            found |= {(network, row[0]): row for row in rows}
        return found

    async def after(self, offset: int, limit: int, place: Place | None = None) -> list[Observed]:
        """The mentions that come after `offset`, in order. `place` is asked for the cluster of each, which nobody knows yet."""
        query = OBSERVED.where(mention.c.id > offset).order_by(mention.c.id).limit(limit)
        return [observed(row, place) for row in await self._session.all(query)]

    async def get(self, ids: Sequence[int]) -> list[Observed]:
        """Those of `ids` that still exist, in the order of `ids`."""
        found: dict[int, Observed] = {}
        for chunk in chunks(ids, _BATCH):
            rows = await self._session.all(OBSERVED.where(mention.c.id.in_(chunk)))
            found |= {row.id: observed(row) for row in rows}
        return [found[id_] for id_ in ids if id_ in found]

    async def at(self, uri: str) -> list[Observed]:
        """The mentions at this canonical address: more than one where several networks have it."""
        rows = await self._session.all(select(mention.c.id).where(mention.c.key == short_key(uri)))
        return await self.get([row.id for row in rows])

    async def thread(self, number: int, *, above: int, below: int) -> list[InThread]:
        """A mention, those it answers, and those that answer it: as far as they are stored, and so many at most."""
        columns = (mention.c.id, mention.c.network, mention.c.key, mention.c.parent)
        rows = await self._session.all(select(*columns).where(mention.c.id == number))
        if not rows:
            return []
        (found,) = rows
        places, network, at = {found.id: (found.key, found.parent)}, found.network, found
        while at.parent and len(places) <= above:
            there = await self._session.all(select(*columns).where(mention.c.network == network, mention.c.key == at.parent))
            if not there or there[0].id in places:
                break
            (at,) = there
            places[at.id] = at.key, at.parent
        keys, room = [found.key], below
        while keys and room > 0:
            answers = (mention.c.network == network, mention.c.parent.in_(keys[:_BATCH]), mention.c.id.not_in(places))
            new = await self._session.all(select(*columns).where(*answers).order_by(mention.c.id).limit(room))
            places |= {row.id: (row.key, row.parent) for row in new}
            keys, room = [*keys[_BATCH:], *(row.key for row in new)], room - len(new)
        return [InThread(post, *places[post.id]) for post in await self.get(list(places))]

    async def said(self, subject: str, since: datetime, until: datetime, limit: int, *, characters: int) -> list[Utterance]:
        """The newest `limit` texts of others about a subject from `since` to before `until`, cut; nothing sensitive."""
        beginning = func.substr(mention.c.text, 1, characters)  # a week of long texts is megabytes: the rest stays in the store
        columns = (mention.c.author_id, mention.c.title, beginning)
        behind = mention.outerjoin(author, author.c.id == mention.c.author_id)
        wanted = (
            mention.c.written_at >= since,
            mention.c.written_at < until,
            mention.c.sensitive.is_not(True),
            author.c.own.is_not(True),
            holds(mention.c.subjects, subject, postgresql=self._session.postgresql),
        )
        query = select(*columns).select_from(behind).where(*wanted).order_by(mention.c.written_at.desc()).limit(limit)
        rows = await self._session.all(query)
        return [Utterance(who, f"{title}\n{text}".strip()[:characters]) for who, title, text in rows]

    async def crowd(self, subject: str | None, since: datetime, until: datetime) -> Crowd:
        """How many spoke of a subject (None: of anything) after `since`, up to `until`; our own accounts left out."""
        behind = mention.outerjoin(author, author.c.id == mention.c.author_id)
        negative, risky = mention.c.sentiment <= NEGATIVE, mention.c.safety_risk >= RISKY
        counted = select(
            func.count(),
            func.count(mention.c.author_id.distinct()),
            func.count(mention.c.sentiment),
            func.count(case((negative, 1))),
            func.count(case((risky, 1))),
            func.max(author.c.reach),
        )
        wanted = [mention.c.written_at > since, mention.c.written_at <= until, author.c.own.is_not(True)]
        if subject is not None:
            wanted.append(holds(mention.c.subjects, subject, postgresql=self._session.postgresql))
        (row,) = await self._session.all(counted.select_from(behind).where(*wanted))
        return Crowd(*row)

    async def answer(self, reply: int) -> list[int]:
        """Note that a mention of our own answers those it replies to, or whose thread it stands in. Which those are."""
        said = (mention.c.network, mention.c.parent, mention.c.thread, mention.c.written_at)
        (row,) = await self._session.all(select(*said).where(mention.c.id == reply))
        keys = {short_key(each) for each in (row.parent, row.thread) if each}
        asked = (mention.c.network == row.network, mention.c.key.in_(keys), mention.c.id != reply)
        found = [each.id for each in await self._session.all(select(mention.c.id).where(*asked))] if keys else []
        first = update(mention).where(mention.c.id.in_(found), mention.c.answered_at.is_(None))
        if found:
            async with self._tallies.changing(found):
                await self._session.run(first.values(answered_at=row.written_at))
        return found

    async def answered_first(self, number: int) -> None:
        """Note of a mention that one of our own accounts had answered before the mention itself was stored, when that was."""
        reply = mention.alias("reply")
        ours = (reply.c.network == mention.c.network, reply.c.parent == mention.c.key, author.c.own)
        said = reply.join(author, author.c.id == reply.c.author_id)
        first = select(func.min(reply.c.written_at)).select_from(said).where(*ours)
        this = update(mention).where(mention.c.id == number, mention.c.answered_at.is_(None))
        async with self._tallies.changing([number]):
            await self._session.run(this.values(answered_at=first.correlate(mention).scalar_subquery()))

    async def edited(self, until: int) -> Observed | None:
        """The first mention up to this id that says something else since it was judged; None: there is none."""
        first = select(mention.c.id).where(_EDIT_WAITS, mention.c.id <= until).order_by(mention.c.id).limit(1)
        found = await self.get([id_] if (id_ := await self._session.scalar(first)) is not None else [])
        return found[0] if found else None

    async def judged_again(self, this: Observed) -> bool:
        """A mention is judged as it was read; False: it rang meanwhile, so that its words stay, and it is not judged again."""
        read = update(mention).where(mention.c.id == this.id, mention.c.edited_at == this.edited_at)  # not what was edited since
        await self._session.run(read.values(edit_waits=None))
        return await self._session.scalar(select(evidence.c.mention_id).where(evidence.c.mention_id == this.id).limit(1)) is None

    async def mark(self, clustered: Sequence[Clustered]) -> None:
        """Store to which clusters of nearly the same texts these mentions belong. One that is gone stays so."""
        await _CLUSTERED.run(self._session, [(each.cluster, each.copies, each.mention) for each in clustered])

    async def recent(self, until: int, limit: int, *, characters: int) -> list[Recent]:
        """The last `limit` mentions up to this id, in order, with their texts, cut."""
        columns = (mention.c.id, mention.c.seen_at, _said_first(characters), mention.c.cluster)
        query = select(*columns).where(mention.c.id <= until).order_by(mention.c.id.desc()).limit(limit)
        return [Recent(*row) for row in reversed(await self._session.all(query))]

    async def began(self, clusters: Collection[int], *, characters: int) -> dict[int, str]:
        """By cluster: the text, cut, of its first mention that is still there."""
        found: dict[int, str] = {}
        for chunk in chunks(sorted(clusters), _BATCH):
            firsts = select(func.min(mention.c.id)).where(mention.c.cluster.in_(chunk)).group_by(mention.c.cluster)
            rows = await self._session.all(select(mention.c.cluster, _said_first(characters)).where(mention.c.id.in_(firsts)))
            found |= {row[0]: row[1] for row in rows}
        return found

    async def first_since(self, moment: datetime) -> int | None:
        """An id before which nothing stands that was written at this moment or later; None: the store is empty.

        It was seen later still, or, in a recording, with what was read together: the last lot that was seen before comes first.
        """
        lot = select(func.max(mention.c.seen_at)).where(mention.c.seen_at < moment).scalar_subquery()
        since = mention.c.seen_at >= func.coalesce(lot, moment)
        first = await self._session.scalar(select(mention.c.id).where(since).order_by(mention.c.seen_at, mention.c.id).limit(1))
        return None if first is None else int(first)

    async def count(self) -> int:
        """How many mentions are stored."""
        return int(await self._session.scalar(select(func.count()).select_from(mention)))

    async def seen(self, since: datetime, until: datetime) -> int:
        """How many mentions came from `since` until before `until`."""
        came = (mention.c.seen_at >= since, mention.c.seen_at < until)
        return int(await self._session.scalar(select(func.count()).select_from(mention).where(*came)))

    async def behind(self, offset: int) -> int:
        """How many mentions come after `offset`."""
        return int(await self._session.scalar(select(func.count()).select_from(mention).where(mention.c.id > offset)))

    async def newest_id(self) -> int:
        """The greatest id; 0 in an empty store."""
        return int(await self._session.scalar(select(func.coalesce(func.max(mention.c.id), 0))))
