"""Forgets a person on request: empties what they said and what we wrote about it, and keeps them out from then on."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    RowMapping,
    Select,
    Table,
    Text,
    and_,
    cast,
    delete,
    false,
    func,
    literal,
    or_,
    select,
    update,
)

from monitor.domain.alert import PERSONAL, DeliveryState
from monitor.storage.authors import Authors, SentMessage
from monitor.storage.bulk import among
from monitor.storage.evaluator import Evaluator
from monitor.storage.holds import Hold, Holds, covering, held_incident, held_mention, in_force
from monitor.storage.mention_rows import short_key
from monitor.storage.names import ERASED, SHORTEST_NAME, address_of, finder, names_of, without
from monitor.storage.rule_states import RuleStates
from monitor.storage.session import Repository, chunks
from monitor.storage.tables import (
    alert,
    author,
    delivery,
    erasure,
    feedback,
    inbox,
    incident,
    legal_hold,
    mention,
    mention_deed,
    notification,
    plan_run,
    plan_step,
    silence,
    source_state,
    timeline,
    tombstone,
)
from monitor.storage.tombstones import Buried, handle_hash, tombstone_hash
from rules.forgetting import Person, terms_of

_BATCH = 500
_LEFT = {DeliveryState.DELIVERED, DeliveryState.SENDING}  # what is being sent at this moment may have arrived


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did, or would do.

    `author` is the pseudonym. `sent` are the messages that cannot be recalled. `holds` kept `kept` mentions: while there are
    any, the rest of the erasure waits. `buried` are the hashes by which the person is kept out. `already`: it had been done.
    """

    author: int | None
    erased_at: datetime
    mentions: int = 0
    alerts: int = 0
    kept: int = 0
    sent: Sequence[SentMessage] = ()
    holds: Sequence[Hold] = ()
    buried: Sequence[Buried] = field(default=(), repr=False)
    already: bool = False

    @property
    def pending(self) -> bool:
        """Whether something waits for a hold to be released."""
        return bool(self.holds)

    @property
    def told(self) -> int:
        """How many messages cannot be recalled."""
        return len(self.sent)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What an erasure is about. Under a hold on the person nothing is touched; else whatever no hold covers."""

    person: RowMapping
    holds: Sequence[Hold]
    mentions: Sequence[int]
    kept: int
    alerts: Sequence[RowMapping]
    sent: Sequence[SentMessage]

    @property
    def frozen(self) -> bool:
        return any(hold.what == "author" for hold in self.holds)


class Erasures(Repository):
    """`who` is the network's own id of a person, or their handle, with or without the @."""

    async def preview(self, network: str, who: str, at: datetime) -> Erased:
        """What `erase` would do now. Changes nothing. Raises `UsageError` as it does."""
        already = await self._already(network, who)
        if already is not None:
            return already
        scope = await self._scope(await Authors(self._session).find(network, who))
        return _outcome(scope, at, ())

    async def erase(self, network: str, who: str, at: datetime, by: str = "tocsin") -> Erased:
        """Empty all that is known of a person and what they said, and keep them out from now on.

        The numbers stay: how many spoke, about which subject, how it was scored. What a legal hold covers stays as it is, and
        is erased when the hold is released. Raises `UsageError` when nobody, or more than one, is known by that name.
        """
        await self._alone()
        already = await self._already(network, who)
        if already is not None:
            return already
        await Holds(self._session).expire(at)
        return await self._erase(await Authors(self._session).find(network, who), at, by)

    async def carry_out(self, at: datetime) -> list[Erased]:
        """Erase whom a legal hold kept and keeps no more. Returns what was done."""
        waiting = select(erasure.c.author_id, erasure.c.requested_by).where(erasure.c.done_at.is_(None))
        rows = await self._session.rows(waiting.where(erasure.c.author_id.is_not(None)).distinct())
        done: list[Erased] = []
        for row in rows:
            person = await self._session.row(select(author).where(author.c.id == row["author_id"]))
            assert person is not None
            if not await self._holds(person):
                await self._alone()
                done.append(await self._erase(person, at, row["requested_by"]))
        return done

    async def bury_again(self, missing: Sequence[Buried]) -> list[Erased]:
        """Keep these out, and erase those who are known all the same: the store was put back from a backup made before."""
        await self._alone()
        await self._bury(missing)
        since = {each.hash: each.erased_at for each in missing}
        people = [(person, since.keys() & self._certain(person)) for person in await self._session.rows(_KNOWN)]
        return [await self._erase(person, min(since[each] for each in found), "tocsin") for person, found in people if found]

    def _certain(self, person: RowMapping) -> set[str]:
        """By what somebody who is known is surely the one who was erased: not by a handle that is beside an id of their own."""
        by_id, by_handle = self._hashes_of(person)
        named = handle_hash(self._session.installation.tombstone_key, person["network"], person["external_id"])
        return {by_id, by_handle} if named == by_handle else {by_id}

    async def buried(self) -> list[Buried]:
        """All hashes by which people are kept out."""
        return [Buried(row["hash"], row["erased_at"]) for row in await self._session.rows(select(tombstone))]

    async def waiting(self) -> int:
        """How many erasures wait for a legal hold to be released."""
        return int(await self._session.scalar(select(func.count()).select_from(erasure).where(erasure.c.done_at.is_(None))))

    async def _alone(self) -> None:
        """Whoever is storing or judging mentions at this moment would bring the person back."""
        await self._session.lock("mentions")
        await Evaluator(self._session).dispossess()

    async def _already(self, network: str, who: str) -> Erased | None:
        """When this id was erased; a handle that was borne by several cannot be recognised any more."""
        if await Authors(self._session).known(network, who):
            return None
        key = self._session.installation.tombstone_key
        hashes = [tombstone_hash(key, network, short_key(who)), handle_hash(key, network, who)]
        at = await self._session.scalar(select(func.min(tombstone.c.erased_at)).where(tombstone.c.hash.in_(hashes)))
        return Erased(None, at, already=True) if at is not None else None

    async def _holds(self, person: RowMapping) -> Sequence[Hold]:
        """Those in force that keep something of a person's, or their address in what is about somebody else."""
        own = await Holds(self._session).of_author(person["id"])
        address, known = address_of(person), {hold.id for hold in own}
        others = [hold for hold in await Holds(self._session).all() if hold.id not in known] if address is not None else []
        return [*own, *[hold for hold in others if await self._keeps(hold, person, str(address))]]

    async def _keeps(self, hold: Hold, person: RowMapping, address: str) -> bool:
        """Whether an address stands in what a hold covers."""
        names = finder(address)
        for column, ours in _written_under(hold):
            for row in await self._session.rows(select(column.label("said")).where(ours, _quoting(column, address))):
                if without(row["said"], names) != row["said"]:
                    return True
        named = mention.c.id.in_(covering(hold.what, hold.number)), mention.c.network == person["network"], _naming(address)
        words = await self._session.rows(select(*_WORDS).where(*named))
        return any(without(said, names) != said for row in words for said in row.values())

    async def _scope(self, person: RowMapping) -> _Scope:
        holds = await self._holds(person)
        of_person = and_(mention.c.author_id == person["id"], ~mention.c.key.startswith("erased:"))
        free = await self._session.rows(select(mention.c.id).where(of_person, ~held_mention()))
        said = int(await self._session.scalar(select(func.count()).select_from(mention).where(of_person)))
        alerts = await Authors(self._session).alerts_of(person["id"])
        held = {row["id"] for row in await self._session.rows(select(incident.c.id).where(held_incident()))}
        frozen = any(hold.what == "author" for hold in holds)
        return _Scope(
            person,
            holds,
            mentions=[row["id"] for row in free],
            kept=said - len(free),
            alerts=[] if frozen else [row for row in alerts if row["incident_id"] not in held],
            sent=[message for message in await Authors(self._session).messages_about(alerts) if message.state in _LEFT],
        )

    async def _erase(self, person: RowMapping, at: datetime, by: str) -> Erased:
        scope = await self._scope(person)
        buried: list[Buried] = []
        if not scope.frozen:
            buried = await self._buried(person, at)
            await self._bury(buried)
            await RuleStates(self._session).forget(await self._as_rules_know(person), at)  # while their words are there
            await self._empty_mentions(scope.mentions)
            await self._clean(scope)
        if not scope.holds:
            await self._empty_author(person, at)
        outcome = _outcome(scope, at, buried)
        await self._record(outcome, at, by)
        return outcome

    async def _record(self, outcome: Erased, at: datetime, by: str) -> None:
        """One row a person, however often they are erased while a hold lasts."""
        done = None if outcome.pending else at
        open_ = and_(erasure.c.author_id == outcome.author, erasure.c.done_at.is_(None))
        more = {"mentions": erasure.c.mentions + outcome.mentions, "alerts": outcome.alerts, "told": outcome.told}
        if not await self._session.changed(update(erasure).where(open_).values(done_at=done, **more)):
            made = {"author_id": outcome.author, "requested_at": at, "requested_by": by, "done_at": done}
            counts = {"mentions": outcome.mentions, "alerts": outcome.alerts, "told": outcome.told}
            await self._session.run(self._session.insert(erasure), made | counts)

    def _hashes_of(self, person: RowMapping) -> tuple[str, str]:
        key, network = self._session.installation.tombstone_key, person["network"]
        called = handle_hash(key, network, person["handle"] or person["external_id"])
        return tombstone_hash(key, network, person["external_id"]), called

    async def _buried(self, person: RowMapping, at: datetime) -> list[Buried]:
        """The hash of the id, and of the handle, unless others bear it too: they did not ask to be forgotten."""
        by_id, by_handle = self._hashes_of(person)
        handle = (person["handle"] or person["external_id"]).removeprefix("@").lower()
        same = func.lower(author.c.handle).in_([handle, f"@{handle}"])
        others = select(author.c.id).where(author.c.network == person["network"], author.c.id != person["id"], same).limit(1)
        shared = await self._session.scalar(others) is not None
        return [Buried(by_id, at)] if shared else [Buried(by_id, at), Buried(by_handle, at)]

    async def _bury(self, buried: Sequence[Buried]) -> None:
        rows = [{"hash": each.hash, "erased_at": each.erased_at} for each in buried]
        if rows:
            await self._session.run(self._session.insert(tombstone).on_conflict_do_nothing(), rows)

    async def _as_rules_know(self, person: RowMapping) -> Person:
        """Rules for new terms know the words of the person, and what others called them by."""
        address = address_of(person)
        called = terms_of("", address, ()) if address is not None else set()
        naming = and_(mention.c.network == person["network"], _naming(address)) if address is not None else false()
        words = select(mention.c.id, mention.c.author_id, mention.c.title, mention.c.text, mention.c.hashtags, mention.c.topics)
        own: set[int] = set()
        terms: defaultdict[str, set[int]] = defaultdict(set)
        for row in await self._session.rows(words.where(or_(mention.c.author_id == person["id"], naming))):
            theirs = row["author_id"] == person["id"]
            own |= {row["id"]} if theirs else set()
            for term in terms_of(row["title"], row["text"], {*row["hashtags"], *row["topics"]}) if theirs else called:
                terms[term].add(row["id"])
        return Person(person["id"], own, terms)

    async def _empty_mentions(self, ids: Sequence[int]) -> None:
        """Addresses go, too: most contain the handle. So does the cluster: others in it still say nearly the same."""
        nothing: dict[str, Any] = {
            "key": literal("erased:") + cast(mention.c.id, Text),
            "uri": None,
            "title": "",
            "text": "",
            "parent": None,
            "thread": None,
            "hashtags": [],
            "cluster": None,
            "copies": 0,
        }
        for chunk in chunks(ids, _BATCH):
            await self._cut_off(chunk)
            for said_of_them in (feedback.c.mention_id, mention_deed.c.mention_id):
                await self._session.run(delete(said_of_them.table).where(said_of_them.in_(chunk)))
            await self._session.run(update(mention).where(mention.c.id.in_(chunk)).values(nothing))

    async def _cut_off(self, ids: Sequence[int]) -> None:
        """Answers to what the person said hold its address; in a thread they stay together all the same."""
        said = select(mention.c.id, mention.c.uri).where(mention.c.id.in_(ids), mention.c.uri.is_not(None))
        addresses = {row["uri"]: f"erased:{row['id']}" for row in await self._session.rows(said)}
        for column in (mention.c.parent, mention.c.thread):
            answers = among(column, addresses, postgresql=self._session.postgresql)
            for row in await self._session.rows(select(mention.c.id, column.label("to")).where(answers)):
                other = update(mention).where(mention.c.id == row["id"])
                await self._session.run(other.values({column.name: addresses[row["to"]]}))

    async def _empty_author(self, person: RowMapping, at: datetime) -> None:
        nothing = {"handle": "", "name": "", "reach": None, "verified": None, "erased_at": at}
        emptied = update(author).where(author.c.id == person["id"])
        await self._session.run(emptied.values(external_id=f"erased:{person['id']}", **nothing))

    async def _clean(self, scope: _Scope) -> None:
        """What quotes the person goes where the person was the matter; their handle goes wherever it stands."""
        await self._unquote([row["id"] for row in scope.alerts if row["kind"] in PERSONAL])
        names = names_of(scope.person)
        if names is not None:
            for column, concerned in _within(_of(incident.c.id.in_({row["incident_id"] for row in scope.alerts}))):
                await self._without(column, concerned, names)
        address = address_of(scope.person)
        if address is not None:
            await self._without_address(scope, address)
        await self._empty_bodies(scope.person)

    async def _unquote(self, alerts: Sequence[int]) -> None:
        """The reasons of an alert about one mention quote it."""
        for chunk in chunks(alerts, _BATCH):
            await self._session.run(update(alert).where(alert.c.id.in_(chunk)).values(reasons=[ERASED]))
            for event in await self._session.rows(select(timeline).where(timeline.c.alert_id.in_(chunk))):
                if "reasons" in (event["detail"] or {}):
                    quiet = update(timeline).where(timeline.c.id == event["id"])
                    await self._session.run(quiet.values(detail={**event["detail"], "reasons": [ERASED]}))

    async def _without_address(self, scope: _Scope, address: str) -> None:
        for column, held in _QUOTING:
            await self._without(column, and_(_quoting(column, address), ~held), finder(address))
        await self._out_of_others_words(scope.person["network"], address)

    async def _out_of_others_words(self, network: str, address: str) -> None:
        """One look at all mentions of the network: there may be a million."""
        query = select(mention.c.id, *_WORDS).where(mention.c.network == network, _naming(address), ~held_mention())
        for row in await self._session.rows(query):
            clean = {column.name: without(row[column.name], finder(address)) for column in _WORDS}
            await self._session.run(update(mention).where(mention.c.id == row["id"]).values(clean))

    async def _without(self, column: Column[Any], where: ColumnElement[bool], names: re.Pattern[str]) -> None:
        table, key = column.table, list(column.table.primary_key)
        for row in await self._session.rows(select(*key, column.label("said")).where(where)):
            clean = without(row["said"], names)
            if clean != row["said"]:
                same = [part == row[part.name] for part in key]
                await self._session.run(update(_table(table)).where(*same).values({column.name: clean}))

    async def _empty_bodies(self, person: RowMapping) -> None:
        """Pushed calls that were not understood are kept to look at: not those that name the person."""
        kept = select(inbox.c.id, inbox.c.body).where(inbox.c.processed_at.is_not(None), func.length(inbox.c.body) > 0)
        called = {person["external_id"], person["handle"].removeprefix("@"), person["name"]}
        words = [word.lower().encode() for word in called if len(word) >= SHORTEST_NAME]
        for row in await self._session.rows(kept):
            if any(word in row["body"].lower() for word in words):
                await self._session.run(update(inbox).where(inbox.c.id == row["id"]).values(body=b""))


_KNOWN = select(author).where(author.c.erased_at.is_(None))
# Where people name one another.
_WORDS = (mention.c.text, mention.c.title, mention.c.parent, mention.c.thread)


def _naming(address: str) -> ColumnElement[bool]:
    return or_(*(column.icontains(address, autoescape=True) for column in _WORDS))


def _quoting(column: Column[Any], address: str) -> ColumnElement[bool]:
    """Whether an address may stand in a text, or in a JSON that holds texts."""
    return cast(column, Text).icontains(json.dumps(address, ensure_ascii=False)[1:-1], autoescape=True)


def _of(incidents: ColumnElement[bool]) -> Select[tuple[int]]:
    return select(incident.c.id).where(incidents)


def _within(incidents: Select[tuple[int]]) -> list[tuple[Column[Any], ColumnElement[bool]]]:
    """The words that we, or people, wrote about these incidents."""
    told = select(notification.c.id).where(notification.c.incident_id.in_(incidents))
    runs = select(plan_run.c.id).where(plan_run.c.incident_id.in_(incidents))
    return [
        (alert.c.reasons, alert.c.incident_id.in_(incidents)),
        (timeline.c.detail, func.coalesce(timeline.c.incident_id.in_(incidents), False)),
        (notification.c.events, func.coalesce(notification.c.incident_id.in_(incidents), False)),
        (delivery.c.detail, delivery.c.notification_id.in_(told)),
        (plan_step.c.detail, plan_step.c.run_id.in_(runs)),
        (plan_step.c.words, plan_step.c.run_id.in_(runs)),
    ]


def _written_under(hold: Hold) -> list[tuple[Column[Any], ColumnElement[bool]]]:
    """The words that a hold keeps as they are, and which rows of theirs: its own reason, and all about its incident."""
    itself = (legal_hold.c.reason, legal_hold.c.id == hold.id)
    return [itself, *(_within(_of(incident.c.id == hold.number)) if hold.what == "incident" else ())]


# Where people, or servers, write words into our records, and what of it a legal hold keeps as it is.
_QUOTING: tuple[tuple[Column[Any], ColumnElement[bool]], ...] = (
    *_within(_of(held_incident())),
    (legal_hold.c.reason, in_force()),
    (silence.c.reason, false()),
    (feedback.c.note, false()),
    (mention_deed.c.note, false()),
    (inbox.c.error, false()),
    (source_state.c.detail, false()),
)


def _table(found: Any) -> Table:
    assert isinstance(found, Table)
    return found


def _outcome(scope: _Scope, at: datetime, buried: Sequence[Buried]) -> Erased:
    return Erased(
        scope.person["id"],
        at,
        mentions=len(scope.mentions),
        alerts=len(scope.alerts),
        kept=scope.kept,
        sent=scope.sent,
        holds=scope.holds,
        buried=buried,
    )
