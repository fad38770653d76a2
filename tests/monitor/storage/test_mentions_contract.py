"""Mentions, once by (network, address), on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from monitor.domain.errors import StorageError
from monitor.domain.mention import Author, Clustered, Engagement, Enriched, Form, Scores
from monitor.storage import Store
from monitor.storage.holds import fingerprint
from monitor.storage.tables import author, mention

Said = Callable[..., Enriched]

LATER = timedelta(minutes=5)


async def test_a_mention_comes_back_as_it_was_said(store: Store, said: Said, now: datetime) -> None:
    """Every field that rules read survives the store."""
    item = said(
        "https://m.example/1",
        by=Author("7", handle="ada", name="Ada", reach=12, verified=True, own=True),
        title="Kettle",
        text="Cassée 😡",
        form=Form.REPLY,
        parent="https://m.example/0",
        engagement=Engagement(1, 2, 3),
        hashtags=frozenset({"kettle", "fire"}),
        subjects=("brand", "kettle"),
        written_at=now - LATER,
        scores=Scores(
            language="fr",
            sentiment=-0.25,
            confidence=0.5,
            complaint=0.75,
            safety_risk=0.125,
            sensitive=False,
            topics=frozenset({"safety"}),
            intents=frozenset({"refund"}),
            scorer="x/1",
        ),
    )
    async with store.begin() as tx:
        added = await tx.mentions.add([item], source="feed", seen_at=now)
        await tx.commit()
    assert (len(added.new), added.duplicates, added.kept_out) == (1, 0, 0)
    async with store.read() as tx:
        (seen,) = await tx.mentions.after(0, 10)
    assert (seen.id, seen.network, seen.source, seen.form) == (added.new[0], "mastodon", "feed", "reply")
    assert (seen.title, seen.text, seen.url, seen.language) == ("Kettle", "Cassée 😡", "https://m.example/1", "fr")
    assert (seen.written_at, seen.seen_at) == (now - LATER, now)
    assert (seen.written_at.tzinfo, seen.seen_at.tzinfo) == (now.tzinfo, now.tzinfo)
    assert seen.subjects == {"brand", "kettle"}
    assert seen.hashtags == {"kettle", "fire"}
    assert seen.topics | seen.intents == {"safety", "refund"}
    assert (seen.sentiment, seen.confidence, seen.complaint, seen.safety_risk, seen.sensitive) == (-0.25, 0.5, 0.75, 0.125, False)
    assert (seen.in_thread, seen.answered, seen.is_own) == (True, None, True)
    assert seen.engagement == Engagement(1, 2, 3)
    assert (seen.author.handle, seen.author.name, seen.author.reach, seen.author.verified) == ("ada", "Ada", 12, True)
    assert seen.author.prior_mentions == 0


async def test_who_answers_whom_is_known_by_address(store: Store, said: Said, now: datetime) -> None:
    """An answer knows what it answers and what began its thread; what is answered knows it when an account of ours did that."""
    question, thanks = "https://m.example/" + "q" * 2_000, "https://m.example/2"
    ours = Author("acme", own=True)
    await _stored(store, now, said(question), said("https://m.example/1", by=ours, parent=question, thread=question))
    await _stored(
        store, now, said(thanks, parent="https://m.example/1", thread=question), said("https://m.example/3", parent=thanks)
    )
    await _stored(store, now, said("https://m.example/4", parent="https://m.example/unknown"))
    async with store.read() as tx:
        asked, answer, grateful, stranger, lost = await tx.mentions.after(0, 10)
    assert (asked.answered, answer.answered, grateful.answered) == (True, None, None)  # another customer is no account of ours
    assert (answer.replies_to, answer.began_by) == (asked.id, asked.id)
    assert (grateful.replies_to, grateful.began_by) == (answer.id, asked.id)
    assert (stranger.replies_to, stranger.began_by) == (grateful.id, None)
    assert (lost.replies_to, lost.in_thread) == (None, True)


async def test_the_thread_around_a_mention_is_what_is_stored_of_it(store: Store, said: Said, now: datetime) -> None:
    """Up to its beginning and down to the last answer, without its neighbours; rings end, and so many posts are enough."""
    await _stored(store, now, *(said(str(number), parent=None if above is None else str(above)) for number, above in
        ((0, None), (1, 0), (2, 1), (3, 2), (4, 2), (5, 4), (6, 0), (7, None), (8, 9), (9, 8)))
    )  # fmt: skip
    async with store.read() as tx:
        number = {each.url: each.id for each in await tx.mentions.after(0, 20)}

        async def around(post: str, above: int = 50, below: int = 50) -> list[tuple[str, str | None]]:
            found = await tx.mentions.thread(number[post], above=above, below=below)
            return sorted((each.key, each.parent) for each in found)

        assert await around("2") == [("0", None), ("1", "0"), ("2", "1"), ("3", "2"), ("4", "2"), ("5", "4")]
        assert await around("8") == [("8", "9"), ("9", "8")]
        assert [key for key, _ in await around("2", above=1, below=1)] == ["1", "2", "3"]
        assert await tx.mentions.thread(99, above=1, below=1) == []


async def test_an_answer_may_be_seen_before_what_it_answers(store: Store, said: Said, now: datetime) -> None:
    """Sources are asked one after the other: our own may be the first."""
    await _stored(store, now, said("https://m.example/2", by=Author("acme", own=True), parent="https://m.example/1"))
    await _stored(store, now, said("https://m.example/1"))
    async with store.read() as tx:
        (_, asked) = await tx.mentions.after(0, 10)
    assert asked.answered is True


async def _stored(store: Store, now: datetime, *items: Enriched) -> None:
    async with store.begin() as tx:
        await tx.mentions.add(items, source="feed", seen_at=now)
        await tx.commit()


async def test_what_is_unknown_stays_unknown(store: Store, said: Said, now: datetime) -> None:
    """No author, no scores, no language: None, and never a zero."""
    async with store.begin() as tx:
        await tx.mentions.add([said("https://m.example/1", by=None, scores=Scores())], source="feed", seen_at=now)
        await tx.commit()
    async with store.read() as tx:
        (seen,) = await tx.mentions.after(0, 10)
    assert (seen.language, seen.sentiment, seen.complaint, seen.sensitive) == (None, None, None, None)
    assert (seen.author.id, seen.author.reach, seen.is_own, seen.author.prior_mentions) == (None, None, None, None)
    assert seen.engagement == Engagement()
    assert seen.in_thread is False


async def test_any_number_of_sources_make_one_mention(store: Store, said: Said, now: datetime) -> None:
    """The second source that sees a mention adds a sighting, and nothing else."""
    items = [said("https://m.example/1"), said("https://m.example/2")]
    async with store.begin() as tx:
        first = await tx.mentions.add(items, source="feed", seen_at=now)
        second = await tx.mentions.add(list(reversed(items)), source="hashtag", seen_at=now + LATER)
        again = await tx.mentions.add(items, source="hashtag", seen_at=now + LATER)
        await tx.commit()
    assert len(first.new) == 2
    assert (second.new, second.duplicates) == ([], 2)
    assert (again.new, again.duplicates) == ([], 2)
    async with store.read() as tx:
        assert await tx.mentions.count() == 2
        assert [seen.source for seen in await tx.mentions.after(0, 10)] == ["feed", "feed"]
        export = await tx.access.export("mastodon", "ada")
    assert [[each["source"] for each in mention["sightings"]] for mention in export["mentions"]] == [["feed", "hashtag"]] * 2


async def test_duplicates_in_one_batch_are_one_mention(store: Store, said: Said, now: datetime) -> None:
    """The last word of two in a batch counts, as a file or a page may hold a post and its edit; both count as read."""
    async with store.begin() as tx:
        items = [said("https://m.example/1", text="one"), said("https://m.example/1", text="two"), said("https://m.example/2")]
        added = await tx.mentions.add(items, source="feed", seen_at=now)
        assert (len(added.new), added.duplicates) == (2, 1)
        assert [seen.text for seen in await tx.mentions.after(0, 10)] == ["two", "The kettle is broken"]


async def test_without_an_address_author_time_and_text_are_the_identity(store: Store, said: Said, now: datetime) -> None:
    """The same words by another author, or at another moment, are another mention."""
    items = [said(None), said(None), said(None, by="grace"), said(None, written_at=now - LATER), said(None, text="other")]
    async with store.begin() as tx:
        added = await tx.mentions.add(items, source="file", seen_at=now)
    assert (len(added.new), added.duplicates) == (4, 1)


async def test_networks_do_not_share_addresses(store: Store, said: Said, now: datetime) -> None:
    """The same address on two networks is two mentions, by two authors."""
    async with store.begin() as tx:
        items = [said("1", network="bluesky"), said("1", network="mastodon")]
        assert len((await tx.mentions.add(items, source="file", seen_at=now)).new) == 2
        assert len({seen.author.id for seen in await tx.mentions.after(0, 10)}) == 2


async def test_an_address_longer_than_an_index_entry_is_known_by_its_hash(store: Store, said: Said, now: datetime) -> None:
    """An absurd address, or author id, is stored once and whole, instead of stopping its source for ever."""
    long = "https://m.example/" + "".join(f"{n:04x}" for n in range(5000))
    async with store.begin() as tx:
        assert len((await tx.mentions.add([said(long, by=long)], source="feed", seen_at=now)).new) == 1
        assert (await tx.mentions.add([said(long, by=long)], source="feed", seen_at=now)).duplicates == 1
        (seen,) = await tx.mentions.after(0, 10)
    assert seen.url == long


async def test_a_batch_of_many_is_stored_whole_and_in_order(store: Store, said: Said, now: datetime) -> None:
    """1,203 mentions by 40 authors, in one call: ids ascend in the order given."""
    items = [said(f"https://m.example/{n}", by=f"a{n % 40}", text=str(n)) for n in range(1203)]
    async with store.begin() as tx:
        added = await tx.mentions.add(items, source="file", seen_at=now)
        await tx.commit()
    assert added.new == sorted(set(added.new))
    async with store.read() as tx:
        read, offset = [], 0
        while page := await tx.mentions.after(offset, 500):
            read += page
            offset = page[-1].id
        assert [seen.text for seen in read] == [str(n) for n in range(1203)]
        assert await tx.mentions.behind(added.new[99]) == 1103
        assert await tx.mentions.newest_id() == added.new[-1]
        assert read[-1].author.prior_mentions == 30
        assert [seen.id for seen in await tx.mentions.get([added.new[7], 10**9, added.new[3]])] == [added.new[7], added.new[3]]


async def test_an_empty_batch_is_nothing(store: Store, now: datetime) -> None:
    """A poll that brings nothing stores nothing."""
    async with store.begin() as tx:
        added = await tx.mentions.add([], source="feed", seen_at=now)
        assert (added.new, added.duplicates, added.kept_out) == ([], 0, 0)
        assert (await tx.mentions.newest_id(), await tx.mentions.count(), await tx.mentions.get([])) == (0, 0, [])


async def test_what_a_network_says_anew_about_an_author_replaces_the_old(store: Store, said: Said, now: datetime) -> None:
    """The newest handle, name and reach count; silence about them changes nothing."""
    async with store.begin() as tx:
        await tx.mentions.add([said("1", by=Author("7", "ada", "Ada", 5, True))], source="feed", seen_at=now)
        await tx.mentions.add([said("2", by=Author("7", "countess", reach=9))], source="feed", seen_at=now)
        first, second = await tx.mentions.after(0, 10)
    assert first.author.id == second.author.id
    assert (first.author.handle, first.author.name, first.author.reach, first.author.verified) == ("countess", "Ada", 9, True)


async def test_when_an_author_was_last_seen_is_known_to_the_day(store: Store, said: Said, now: datetime) -> None:
    """Nothing is written about a person of whom nothing new is known, until another day."""
    ada = Author("7", "ada")
    noon = now.replace(hour=12)

    async def last_seen() -> datetime:
        async with store.read() as tx:
            found = await tx._session.scalar(select(author.c.last_seen_at))
        assert isinstance(found, datetime)
        return found

    for number, (hours, known) in enumerate([(0, 0), (1, 0), (30, 30), (31, 30)]):
        async with store.begin() as tx:
            await tx.mentions.add([said(str(number), by=ada)], source="feed", seen_at=noon + timedelta(hours=hours))
            await tx.commit()
        assert await last_seen() == noon + timedelta(hours=known)


async def test_what_others_said_about_a_subject_is_read_within_a_time(store: Store, said: Said, now: datetime) -> None:
    """Neither our own posts nor sensitive ones, nor those about something else, from before or after; the newest first."""
    brand: dict[str, object] = {"subjects": ("brand",), "title": ""}
    items = [
        said("m:early", **brand, written_at=now - 3 * LATER),
        said("m:first", **brand, written_at=now - 2 * LATER, text="first"),
        said("m:second", **brand | {"title": "News"}, written_at=now - LATER, text="second", by=None),
        said("m:late", **brand, written_at=now),
        said("m:other", subjects=("kettle",), written_at=now - LATER),
        said("m:own", **brand, written_at=now - LATER, by=Author("us", own=True)),
        said("m:sick", **brand, written_at=now - LATER, scores=Scores(sensitive=True)),
    ]
    async with store.begin() as tx:
        await tx.mentions.add(items, source="feed", seen_at=now)
        await tx.commit()
    async with store.read() as tx:
        ada = (await tx.mentions.after(0, 1))[0].author.id
        assert await tx.mentions.said("brand", now - 2 * LATER, now, 10, characters=99) == [
            (None, "News\nsecond"),
            (ada, "first"),
        ]
        cut = [text for _, text in await tx.mentions.said("brand", now - 2 * LATER, now, 10, characters=6)]
        assert cut == ["News\ns", "first"]
        assert await tx.mentions.said("brand", now, now - LATER, 10, characters=99) == []


async def test_what_is_said_about_others_takes_no_room_from_a_subject(store: Store, said: Said, now: datetime) -> None:
    """The limit counts the texts about the subject alone: of two brands, the loud one does not silence the other."""
    quiet = [said(f"m:{n}", subjects=('a"b', "brand"), title="", text=str(n), written_at=now - n * LATER) for n in (5, 6, 7)]
    loud = [
        said(f"m:{n}", subjects=subjects, written_at=now - LATER) for n, subjects in enumerate([("brand-2",), ("rival",), ()])
    ]
    async with store.begin() as tx:
        await tx.mentions.add([*quiet, *loud], source="feed", seen_at=now)
        await tx.commit()
    async with store.read() as tx:
        for subject in ("brand", 'a"b'):
            assert [text for _, text in await tx.mentions.said(subject, now - 9 * LATER, now, 2, characters=99)] == ["5", "6"]


async def test_a_rollback_loses_mentions_and_cursor_together(store: Store, said: Said, now: datetime) -> None:
    """Leaving a unit of work without commit forgets all of it, and the ids are not promised to anybody."""
    async with store.begin() as tx:
        await tx.mentions.add([said("1")], source="feed", seen_at=now)
        await tx.sources.succeeded("feed", cursor="c1", watermark=None, at=now)
    async with store.read() as tx:
        assert await tx.mentions.count() == 0
        assert (await tx.sources.get("feed")).cursor is None
    async with store.begin() as tx:
        await tx.mentions.add([said("1")], source="feed", seen_at=now)
        await tx.sources.succeeded("feed", cursor="c1", watermark=now - LATER, at=now)
        await tx.commit()
    async with store.read() as tx:
        assert await tx.mentions.count() == 1
        state = await tx.sources.get("feed")
    assert (state.cursor, state.watermark) == ("c1", now - LATER)


@pytest.mark.parametrize(
    ("field", "value"),
    [("text", "a\x00b"), ("text", "lone \ud800 surrogate"), ("title", "\x00"), ("uri", "https://m.example/\udfff")],
)
async def test_text_that_a_database_refuses_is_refused_in_words(
    store: Store, said: Said, now: datetime, field: str, value: str
) -> None:
    """Sanitising is intake's business; what slips through stops with words, the same on both databases."""
    item = said(value) if field == "uri" else said("1", **{field: value})
    async with store.begin() as tx:
        with pytest.raises(StorageError, match="sanitise it at intake"):
            await tx.mentions.add([item], source="feed", seen_at=now)
    async with store.begin() as tx:
        assert len((await tx.mentions.add([said("1")], source="feed", seen_at=now)).new) == 1


@pytest.mark.parametrize("author", [Author("a\x00"), Author("\ud800"), Author("1", reach=2**63)])
async def test_authors_that_a_database_refuses_are_refused_in_words(
    store: Store, said: Said, now: datetime, author: Author
) -> None:
    """Likewise for who said it."""
    async with store.begin() as tx:
        with pytest.raises(StorageError):
            await tx.mentions.add([said("1", by=author)], source="feed", seen_at=now)


async def test_a_score_that_is_no_number_is_refused(store: Store, said: Said, now: datetime) -> None:
    """NaN would be NULL on one database and a value on the other."""
    async with store.begin() as tx:
        with pytest.raises(StorageError, match="no number"):
            await tx.mentions.add([said("1", scores=Scores(sentiment=float("nan")))], source="feed", seen_at=now)


async def test_a_network_with_an_endless_name_is_refused(store: Store, said: Said, now: datetime) -> None:
    """Names of networks are ours to give, and short."""
    async with store.begin() as tx:
        with pytest.raises(StorageError, match="64 characters"):
            await tx.mentions.add([said("1", network="n" * 65)], source="feed", seen_at=now)


async def test_a_time_without_a_zone_raises(store: Store, said: Said, now: datetime) -> None:
    """A naive time is a bug of ours: it never becomes somebody's local time."""
    async with store.begin() as tx:
        with pytest.raises(ValueError, match="without a zone"):
            await tx.mentions.add([said("1", written_at=now.replace(tzinfo=None))], source="feed", seen_at=now)
    async with store.begin() as tx:
        with pytest.raises(ValueError, match="without a zone"):
            await tx.sources.succeeded("feed", cursor=None, watermark=None, at=now.replace(tzinfo=None))


async def test_concurrent_batches_commit_their_ids_in_order(store: Store, said: Said, now: datetime) -> None:
    """Whoever reads after an offset never finds a smaller id later: 6 tasks write, one reads."""
    seen: list[int] = []

    async def write(task: int) -> None:
        for n in range(8):
            async with store.begin() as tx:
                items = [said(f"https://m.example/{task}/{n}/{i}", by=f"a{i % 3}") for i in range(5)]
                await tx.mentions.add(items, source=f"s{task}", seen_at=now)
                await asyncio.sleep(0)
                await tx.commit()

    async def read() -> None:
        while len(seen) < 6 * 8 * 5:
            async with store.read() as tx:
                seen.extend(mention.id for mention in await tx.mentions.after(seen[-1] if seen else 0, 100))
            await asyncio.sleep(0)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(read())
        for task in range(6):
            tasks.create_task(write(task))
    assert seen == sorted(set(seen))


async def test_copies_are_marked_and_read_back(store: Store, said: Said, now: datetime) -> None:
    """The last ones with their texts, cut; of each cluster the first that is still there; what is gone is no error."""
    items = [said(f"https://m.example/{n}", title="Read" if n == 2 else "", text=f"text {n}") for n in range(4)]
    async with store.begin() as tx:
        ids = (await tx.mentions.add(items, source="feed", seen_at=now)).new
        await tx.mentions.mark([])
        await tx.mentions.mark([Clustered(ids[1], 2**52 - 1, 0), Clustered(ids[2], 2**52 - 1, 1), Clustered(10_000, 7, 1)])
        await tx.commit()
    async with store.read() as tx:
        found = await tx.mentions.after(0, 10)
        recent = await tx.mentions.recent(ids[2], 2, characters=6)
        began = await tx.mentions.began([2**52 - 1, 7], characters=100)
    assert [(each.cluster, each.copies) for each in found] == [(None, 0), (2**52 - 1, 0), (2**52 - 1, 1), (None, 0)]
    assert recent == [(ids[1], now, "text 1", 2**52 - 1), (ids[2], now, "Read\nt", 2**52 - 1)]
    assert began == {2**52 - 1: "text 1"}


async def test_a_mention_that_is_read_to_be_judged_is_placed(store: Store, said: Said, now: datetime) -> None:
    """Whoever judges is asked where it belongs, in order."""
    asked: list[tuple[int, datetime, str, str]] = []

    def place(*mention: Any) -> tuple[int | None, int]:
        asked.append(mention)
        return 7, len(asked)

    async with store.begin() as tx:
        items = [said(f"https://m.example/{n}", title="T", text=f"{n}") for n in range(2)]
        ids = (await tx.mentions.add(items, source="feed", seen_at=now)).new
        await tx.commit()
    async with store.read() as tx:
        found = await tx.mentions.after(0, 10, place)
    assert asked == [(ids[0], now, "T", "0"), (ids[1], now, "T", "1")]
    assert [(each.cluster, each.copies) for each in found] == [(7, 1), (7, 2)]


async def test_nothing_that_was_written_since_a_moment_stands_before_the_first(store: Store, said: Said, now: datetime) -> None:
    """Where to begin reading, of three lots; the last that was seen before the moment may hold some of a recording."""
    ids: list[list[int]] = []
    async with store.begin() as tx:
        assert await tx.mentions.first_since(now) is None
        for lot in range(3):
            items = [said(f"https://m.example/{lot}/{number}", written_at=now + lot * LATER) for number in range(2)]
            ids.append((await tx.mentions.add(items, source="feed", seen_at=now + lot * LATER)).new)
        await tx.commit()
    async with store.read() as tx:
        moments = (now - LATER, now, now + LATER, now + 2 * LATER, now + 9 * LATER)
        found = [await tx.mentions.first_since(moment) for moment in moments]
    assert found == [ids[0][0], ids[0][0], ids[0][0], ids[1][0], ids[2][0]]


async def test_what_a_network_says_anew_takes_the_place_of_the_old(store: Store, said: Said, now: datetime) -> None:
    """An edited text with its scores, and what the public did since; what is not said anew stays."""
    first = said("https://m.example/1", text="fine", engagement=Engagement(1, 2, 3), scores=Scores(sentiment=0.5, scorer="x/1"))
    anew = said(
        "https://m.example/1", text="broken", engagement=Engagement(None, 4, 3), scores=Scores(sentiment=-0.5, scorer="x/1")
    )
    async with store.begin() as tx:
        await tx.mentions.add([first, said("https://m.example/2")], source="feed", seen_at=now)
        added = await tx.mentions.add([anew, said("https://m.example/2")], source="feed", seen_at=now + LATER)
        await tx.commit()
    assert (added.new, added.duplicates, added.changed) == ([], 2, 1)
    async with store.read() as tx:
        (seen, _) = await tx.mentions.after(0, 10)
        (edited,) = await tx.mentions._session.rows(select(mention.c.edited_at).where(mention.c.id == seen.id))
    assert (seen.text, seen.sentiment, seen.engagement, seen.seen_at) == ("broken", -0.5, Engagement(1, 4, 3), now)
    assert edited["edited_at"] == now + LATER


async def test_another_source_changes_figures_and_no_words(store: Store, said: Said, now: datetime) -> None:
    """It may know only a piece of the text: that of the source that brought it first stays."""
    async with store.begin() as tx:
        await tx.mentions.add([said("https://m.example/1", text="the whole text")], source="feed", seen_at=now)
        excerpt = said("https://m.example/1", text="the whole …", engagement=Engagement(likes=9))
        assert (await tx.mentions.add([excerpt], source="search", seen_at=now)).changed == 1
        assert (await tx.mentions.add([excerpt], source="search", seen_at=now)).changed == 0
        await tx.commit()
    async with store.read() as tx:
        (seen,) = await tx.mentions.after(0, 10)
    assert (seen.text, seen.engagement.likes) == ("the whole text", 9)


async def test_an_edit_waits_until_it_is_judged_as_it_was_read(store: Store, said: Said, now: datetime) -> None:
    """One that was edited again meanwhile waits still; what rang meanwhile is not judged again; other figures are no edit."""
    one, other = said("https://m.example/1", text="fine"), said("https://m.example/2", text="fine")
    await _stored(store, now, one, other)

    async def says(text: str, at: datetime, uri: str = "https://m.example/1", **more: Any) -> None:
        await _stored(store, at, said(uri, text=text, **more))

    async with store.begin() as tx:
        assert await tx.mentions.edited(9) is None
    await says("fine", now + LATER, engagement=Engagement(1, 2, 3))
    await says("it leaks", now + LATER)
    async with store.read() as tx:
        assert await tx.mentions.edited(0) is None
        read = await tx.mentions.edited(9)
    assert read is not None
    assert (read.text, read.edited_at) == ("it leaks", now + LATER)
    await says("it burns", now + 2 * LATER)
    async with store.begin() as tx:
        assert await tx.mentions.judged_again(read)
        again = await tx.mentions.edited(9)
        assert again is not None
        assert again.text == "it burns"
        assert await tx.mentions.judged_again(again)
        assert await tx.mentions.edited(9) is None
        await tx.commit()


async def test_what_is_deleted_is_marked_until_it_comes_back(store: Store, said: Said, now: datetime) -> None:
    """Its words stay, as evidence; of what nobody has stored nothing is marked."""
    item = said("https://m.example/1", text="gone")
    deleted = select(mention.c.deleted_at)
    async with store.begin() as tx:
        await tx.mentions.add([item], source="feed", seen_at=now)
        await tx.mentions.deleted([("mastodon", "https://m.example/1"), ("mastodon", "https://m.example/7")], at=now)
        await tx.mentions.deleted([("mastodon", "https://m.example/1")], at=now + LATER)
        assert [row["deleted_at"] for row in await tx.mentions._session.rows(deleted)] == [now]
        assert (await tx.mentions.add([item], source="feed", seen_at=now)).changed == 1
        assert [row["deleted_at"] for row in await tx.mentions._session.rows(deleted)] == [None]


async def test_an_edit_changes_no_evidence(store: Store, said: Said, now: datetime) -> None:
    """What a legal hold keeps stays as it was said, to the hash; that it was edited is noted, once."""
    async with store.begin() as tx:
        (number,) = (await tx.mentions.add([said("https://m.example/1", text="before")], source="feed", seen_at=now)).new
        hold = await tx.holds.place("mention", number, reason="claim", by="ops", at=now)
        for later in (1, 2):
            edit = said("https://m.example/1", text="after", engagement=Engagement(likes=9))
            added = await tx.mentions.add([edit], source="feed", seen_at=now + later * LATER)
            assert added.changed == (1 if later == 1 else 0)
        await tx.commit()
    async with store.read() as tx:
        (seen,) = await tx.mentions.get([number])
        (row,) = await tx.mentions._session.rows(select(mention.c.edited_at))
        assert fingerprint(await tx.holds.evidence(hold)) == hold.evidence_hash
    assert (seen.text, seen.engagement.likes, row["edited_at"]) == ("before", 9, now + LATER)


async def test_what_a_source_had_not_seen_is_counted_whoever_else_had(store: Store, said: Said, now: datetime) -> None:
    """A source that brings what another brought before is no silent one; one that repeats itself brings nothing."""
    async with store.begin() as tx:
        first = await tx.mentions.add([said("https://m.example/1"), said("https://m.example/2")], source="feed", seen_at=now)
        other = await tx.mentions.add([said("https://m.example/1"), said("https://m.example/3")], source="hook", seen_at=now)
        again = await tx.mentions.add([said("https://m.example/1"), said("https://m.example/3")], source="hook", seen_at=now)
        await tx.commit()
    assert [(len(each.new), each.first_seen) for each in (first, other, again)] == [(2, 2), (1, 2), (0, 0)]
