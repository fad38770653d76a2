"""What is under legal hold is kept as it is, on both databases."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg  # type: ignore[import-untyped]
import pytest

from monitor.domain.alert import Alert
from monitor.domain.errors import UsageError
from monitor.domain.mention import Author, Enriched
from monitor.domain.plan import TimelineEvent
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.storage import Retention, StorageSettings, Store
from monitor.storage.holds import What, fingerprint

Said = Callable[..., Enriched]
Ring = Callable[..., Awaitable[Alert]]
DAY = timedelta(days=1)
LAWYER = Actor("lawyer", "cli")


async def _say(store: Store, *items: Enriched, at: datetime) -> list[int]:
    async with store.begin() as tx:
        added = await tx.mentions.add(items, source="feed", seen_at=at)
        await tx.commit()
    return added.new


async def _hold(store: Store, what: What, number: int, at: datetime, until: datetime | None = None) -> int:
    placed = await operations.place_hold(store, what, number, reason="defamation", actor=LAWYER, at=at, until=until)
    return placed.id


async def _forget_all(store: Store, now: datetime) -> None:
    while await store.forget(Retention(), now, 100):
        pass


async def _texts(store: Store) -> list[str]:
    async with store.read() as tx:
        return [each.text for each in await tx.mentions.after(0, 100)]


@pytest.mark.fault("respect", "retention is over for what a legal claim needs")
async def test_what_is_held_outlives_retention(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """A held author, mention or incident stays, with its evidence and its story, until the hold is released."""
    author_said, single, behind, _ = await _say(
        store,
        said("1", by="a", text="one"),
        said("2", by="b", text="two"),
        said("3", text="three"),
        said("4", text="four"),
        at=now,
    )
    alert = await ring(evidence=(behind,))
    async with store.begin() as tx:
        await tx.alerts.resolve(alert.id, now, "calm")
        await tx.incidents.resolve(alert.incident_id, now)
        number = (await tx.authors.find("mastodon", "a"))["id"]
        await tx.commit()
    assert author_said != single
    holds = [
        await _hold(store, "author", number, now),
        await _hold(store, "mention", single, now),
        await _hold(store, "incident", alert.incident_id, now),
    ]
    await _forget_all(store, now + 1000 * DAY)
    assert await _texts(store) == ["one", "two", "three"]
    async with store.read() as tx:
        assert await tx.alerts.get(alert.id) is not None
        assert await tx.authors.known("mastodon", "a")
        story = [event.kind for event in await tx.timeline.of_incident(alert.incident_id)]
    assert story == ["hold.placed"]
    for hold in holds:
        await operations.release_hold(store, hold, LAWYER, now + 1000 * DAY)
    await _forget_all(store, now + 2001 * DAY)
    assert await _texts(store) == []
    async with store.read() as tx:
        assert (await tx.alerts.get(alert.id), await tx.incidents.get(alert.incident_id)) == (None, None)
        assert not await tx.authors.known("mastodon", "a")
        assert await tx.holds.all(everything=True) == []


@pytest.mark.fault("respect", "somebody under legal hold asks to be forgotten")
async def test_erasure_waits_for_the_hold_and_is_then_carried_out(store: Store, said: Said, now: datetime) -> None:
    """Nothing of theirs changes, the request is recorded, and releasing the hold erases them without anybody asking again."""
    await _say(store, said("1", text="held words"), at=now)
    async with store.read() as tx:
        number = (await tx.authors.find("mastodon", "ada"))["id"]
    hold = await _hold(store, "author", number, now)
    erased, _ = await operations.erase(store, "mastodon", "ada", LAWYER, now)
    assert (erased.pending, erased.mentions, erased.kept, [each.id for each in erased.holds]) == (True, 0, 1, [hold])
    assert await _texts(store) == ["held words"]
    assert await _say(store, said("2", text="more of them"), at=now)  # a held person's words are still evidence
    async with store.read() as tx:
        assert await tx.erasures.waiting() == 1
    (done,) = await operations.release_hold(store, hold, LAWYER, now + DAY)
    assert (done.mentions, done.pending) == (2, False)
    assert await _texts(store) == ["", ""]
    async with store.read() as tx:
        assert await tx.erasures.waiting() == 0
    assert await _say(store, said("3"), at=now) == []


@pytest.mark.fault("respect", "somebody asks to be forgotten who is named in what is held about somebody else")
async def test_what_is_held_about_another_stays_as_it_is(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """Nothing in the held incident changes; once the hold is released, the name goes from there, too, and the erasure is done."""
    bob = Author("7", handle="@bob@social.example", name="Bob")
    (held, _) = await _say(store, said("1", text="ask @bob@social.example"), said("2", by=bob, text="me?"), at=now)
    reason = ("broken, says @bob@social.example",)
    kept = await ring(evidence=(held,), reasons=reason)
    other = await ring("calm", subject="rival", reasons=reason)
    async with store.begin() as tx:
        for each in (kept, other):
            event = TimelineEvent(at=now, kind="note", detail={"note": "@bob@social.example rang"}, incident_id=each.incident_id)
            await tx.timeline.add(event)
        await tx.commit()
    hold = await _hold(store, "incident", kept.incident_id, now)

    async def written(alert: Alert) -> list[object]:
        async with store.read() as tx:
            found = await tx.alerts.get(alert.id)
            notes = [event.detail for event in await tx.timeline.of_incident(alert.incident_id) if event.kind == "note"]
        assert found is not None
        return [*found.reasons, *(str((note or {})["note"]) for note in notes)]

    erased, _ = await operations.erase(store, "mastodon", "7", LAWYER, now)
    assert (erased.pending, erased.mentions, erased.kept, [each.id for each in erased.holds]) == (True, 1, 0, [hold])
    assert await written(kept) == [*reason, "@bob@social.example rang"]
    assert await written(other) == ["broken, says @[erased]", "@[erased] rang"]
    assert await _texts(store) == ["ask @bob@social.example", ""]
    await _forget_all(store, now + DAY)  # and nobody looks again before the hold ends
    async with store.read() as tx:
        assert await tx.erasures.waiting() == 1
        assert len([each for each in await tx.timeline.list(100) if each.kind == "author.erased"]) == 1
    (done,) = await operations.release_hold(store, hold, LAWYER, now + DAY)
    assert (done.pending, done.mentions) == (False, 0)
    assert await written(kept) == ["broken, says @[erased]", "@[erased] rang"]
    assert await _texts(store) == ["ask @[erased]", ""]
    async with store.read() as tx:
        assert await tx.erasures.waiting() == 0


async def test_the_erasure_of_another_ends_no_wait_unheard(store: Store, said: Said, now: datetime) -> None:
    """Whoever waited for a hold whose time is over is erased, although its end was noticed while somebody else was."""
    await _say(store, said("1", text="held words"), said("2", by="bob", text="other words"), at=now)
    async with store.read() as tx:
        number = (await tx.authors.find("mastodon", "ada"))["id"]
    await _hold(store, "author", number, now, until=now + DAY)
    await operations.erase(store, "mastodon", "ada", LAWYER, now)
    await operations.erase(store, "mastodon", "bob", LAWYER, now + 2 * DAY)
    await _forget_all(store, now + 2 * DAY)
    assert await _texts(store) == ["", ""]
    async with store.read() as tx:
        assert await tx.erasures.waiting() == 0


@pytest.mark.parametrize("storage", ["postgresql"], indirect=True)
async def test_a_hold_that_is_placed_during_an_erasure_is_of_what_is_left(
    storage: StorageSettings, postgresql: str, said: Said, now: datetime
) -> None:
    """On PostgreSQL it waits for the erasure: what it says it covers is there, and as it says."""
    store = await Store.open(storage)
    server = await asyncpg.connect(postgresql)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    try:
        (one,) = await _say(store, said("1", text="what was said"), at=now)
        async with store.begin() as tx:
            await tx.erasures.erase("mastodon", "ada", now)
            placing = asyncio.ensure_future(_hold(store, "mention", one, now))
            while not placing.done() and not await server.fetchval(waiting):
                pass
            await tx.commit()
        placed = await placing
        async with store.read() as tx:
            hold = await tx.holds.get(placed)
            assert hold is not None
            assert fingerprint(await tx.holds.evidence(hold)) == hold.evidence_hash
    finally:
        await server.close()
        await store.close()


async def test_what_no_hold_covers_is_erased_at_once(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """A hold on one post, or on an incident, keeps that alone; the person is kept out from then on."""
    one, two, _ = await _say(store, said("1", text="one"), said("2", text="two"), said("3", text="three"), at=now)
    alert = await ring(evidence=(two,), kind="mention", reasons=("text “two”",))
    holds = [await _hold(store, "mention", one, now), await _hold(store, "incident", alert.incident_id, now)]
    erased, _ = await operations.erase(store, "mastodon", "ada", LAWYER, now)
    assert (erased.pending, erased.mentions, erased.kept) == (True, 1, 2)
    assert await _texts(store) == ["one", "two", ""]
    assert await _say(store, said("4"), at=now) == []
    assert await operations.release_hold(store, holds[0], LAWYER, now) == []
    assert await _texts(store) == ["one", "two", ""]  # the other hold still needs to know who it was
    (done,) = await operations.release_hold(store, holds[1], LAWYER, now)
    assert await _texts(store) == ["", "", ""]
    assert not done.pending
    async with store.read() as tx:
        kept = await tx.alerts.get(alert.id)
    assert kept is not None
    assert tuple(kept.reasons) == ("[erased]",)


async def test_a_hold_ends_on_its_day_and_the_erasure_follows(store: Store, said: Said, now: datetime) -> None:
    """Nobody need remember to release it; the next forgetting does."""
    (one,) = await _say(store, said("1", text="held words"), at=now)
    await _hold(store, "mention", one, now, until=now + DAY)
    erased, _ = await operations.erase(store, "mastodon", "ada", LAWYER, now)
    assert erased.pending
    assert await store.forget(Retention(), now + DAY / 2, 10) == 0
    assert await store.forget(Retention(), now + DAY, 10) == 1
    assert await _texts(store) == [""]
    if store.erased_list.path is not None:
        for file in store.erased_list.path.parent.glob("*.db*"):  # nothing on PostgreSQL
            assert b"held words" not in file.read_bytes()
    async with store.read() as tx:
        (hold,) = await tx.holds.all(everything=True)
        listed = await store.erased_list.read()
    assert (hold.released_at, hold.released_by) == (now + DAY, "tocsin")
    if store.erased_list.path is not None:
        assert len({each.hash for each in listed}) == 2


async def test_the_hash_of_the_evidence_is_that_of_what_is_printed(store: Store, said: Said, ring: Ring, now: datetime) -> None:
    """`sha256sum` of the printed lines is the recorded hash, and stays so when others are erased or more is said."""
    ids = await _say(store, said("1", by="a"), said("2", by="b", text="hears @a"), at=now)
    alert = await ring(evidence=tuple(ids))
    hold = await operations.place_hold(store, "incident", alert.incident_id, reason="x", actor=LAWYER, at=now, until=None)
    await operations.erase(store, "mastodon", "a", LAWYER, now)
    async with store.read() as tx:
        lines = await tx.holds.evidence(hold)
    assert list(hold.covers) == ids
    assert hold.evidence_hash == fingerprint(lines)
    assert hold.evidence_hash == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


async def test_what_does_not_exist_cannot_be_held_or_released(store: Store, now: datetime) -> None:
    """The error says so."""
    with pytest.raises(UsageError, match="there is no incident 7"):
        await operations.place_hold(store, "incident", 7, reason="x", actor=LAWYER, at=now, until=None)
    with pytest.raises(UsageError, match="hold 7 is not in force"):
        await operations.release_hold(store, 7, LAWYER, now)
