"""Each question is answered from the store alike by both databases, and none reads all mentions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

from monitor.domain.mention import Author, Engagement, Enriched, Mention, Scores
from monitor.figures.answers import speeds
from monitor.figures.course import course, net
from monitor.figures.engagement import own_posts, top_authors, top_posts
from monitor.figures.span import Span
from monitor.figures.terms import terms
from monitor.figures.voice import share_of_voice
from monitor.figures.week import week
from monitor.storage import Store
from monitor.storage.tables import metadata

NOW = datetime(2026, 3, 30, 20, tzinfo=UTC)
SPAN = Span.last(7, NOW, "Europe/Paris")  # the clocks go forward on its sixth day
YEAR = Span.last(365, NOW, "Europe/Paris")
US = Author("us", handle="@us", own=True)


def said(n: int, **more: Any) -> Enriched:
    """A mention with a number."""
    subjects = frozenset(more.pop("subjects", ()))
    scores = Scores(sentiment=more.pop("sentiment", None), topics=frozenset(more.pop("topics", ())))
    fields: dict[str, Any] = {
        "text": f"Text {n}",
        "written_at": NOW,
        "author": Author(f"a{n}", handle=f"@a{n}"),
        "network": "mastodon",
    } | more
    return Enriched(Mention(uri=f"https://social.example/{n}", **fields), subjects, frozenset(), scores)


async def add(store: Store, items: list[Enriched]) -> list[int]:
    """Their numbers."""
    async with store.begin() as tx:
        added = await tx.mentions.add(items, source="feed", seen_at=NOW)
        await tx.commit()
    return added.new


async def test_a_course_is_by_the_readers_days(store: Store) -> None:
    """What was said at 23:30 in London was said tomorrow in Paris; of topics only those asked for are told."""
    late = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    await add(store, [said(1, written_at=late, sentiment=0.5, topics=["price"]), said(2, network="x", topics=["taste"])])
    async with store.read() as tx:
        networks = await course(tx, SPAN, "network")
        topics = await course(tx, SPAN, "topic", topics=["price"])
    assert {(each.day, each.of) for each in networks if each.tally.mentions} == {
        (date(2026, 3, 29), "mastodon"),
        (date(2026, 3, 30), "x"),
    }
    assert {each.of for each in topics} == {"price"}
    assert [net(each.tally) for each in topics if each.tally.mentions] == [1.0]


async def test_a_year_is_read_by_days(store: Store) -> None:
    """Those of UTC, and of nothing but what is asked; topics are known by name, and of the week the last twelve count."""
    long_ago = NOW - timedelta(days=200)
    await add(store, [said(1, topics=["price"], sentiment=0.5), said(2, written_at=long_ago, topics=["taste"])])
    async with store.read() as tx:
        (all_of_it,) = {each.of for each in await course(tx, YEAR, "network")}
        days = {each.day: each.tally.mentions for each in await course(tx, YEAR, "network") if each.tally.mentions}
        pieces = list(YEAR.pieces())
        assert await tx.figures.topics(pieces[0].since, pieces[-1].until) == ["price", "taste"]
        assert await tx.figures.topics(pieces[-1].until - 48, pieces[-1].until) == ["price"]
        assert sum(map(sum, (await week(tx, YEAR))["mastodon"])) == pytest.approx(1 / 12)
    assert (all_of_it, days) == ("mastodon", {NOW.date(): 1, long_ago.date(): 1})
    assert [piece.daily for piece in pieces] == [True, False, False]  # the clocks change on the last day but one


async def test_a_year_ends_with_this_evening(store: Store) -> None:
    """West of Greenwich an evening belongs to a day of UTC that is yet to come; it is counted, and counts to its own day."""
    evening = datetime(2026, 3, 31, 4, tzinfo=UTC)
    await add(store, [said(1, written_at=evening), said(2, written_at=evening - timedelta(days=2))])
    async with store.read() as tx:
        found = await course(tx, Span.last(365, evening, "America/Los_Angeles"), "network")
    assert {each.day: each.tally.mentions for each in found if each.tally.mentions} == {
        date(2026, 3, 28): 1,
        date(2026, 3, 30): 1,
    }


async def test_voices_hours_and_answers(store: Store) -> None:
    """Share of voice counts subjects; an hour of the week is the reader's, on both sides of the change of the clocks."""
    before, after = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (27, 30))
    items = [
        said(1, subjects=["us"], written_at=before),
        said(2, subjects=["us", "them"], written_at=after),
        *(said(n, parent="https://social.example/2", written_at=after + timedelta(hours=1), author=US) for n in (3, 4)),
    ]
    await add(store, items)
    asked = [said(n, written_at=after) for n in range(10, 16)]
    await add(store, asked)
    answers = [
        said(n + 10, parent=f"https://social.example/{n}", written_at=after + timedelta(hours=1), author=US)
        for n in range(10, 16)
    ]
    async with store.begin() as tx:
        for number in (await tx.mentions.add(answers, source="feed", seen_at=NOW)).new:
            await tx.mentions.answer(number)
        await tx.commit()
    async with store.read() as tx:
        assert [(each.subject, each.mentions) for each in await share_of_voice(tx, SPAN, ["us", "them"])] == [
            ("us", 2),
            ("them", 1),
        ]
        hours = (await week(tx, SPAN))["mastodon"]
        (speed,) = await speeds(tx, SPAN)
    assert (hours[4][13], hours[0][14], sum(map(sum, hours))) == (1.0, 7.0, 8.0)
    assert speed.answers == 6
    assert speed.median is not None
    assert speed.median.total_seconds() == pytest.approx(3600, rel=0.1)


async def test_what_drew_most_comes_first(store: Store) -> None:
    """Ten reactions at least; ours are apart, what is deleted is not shown, and what is sensitive says nothing of its author."""
    loud = [Engagement(likes=n) for n in (5, 10, 300, 40, 99, 70)]
    await add(store, [
        said(1, engagement=loud[0]), said(2, engagement=loud[1], subjects=["us"]), said(3, engagement=loud[2], sensitive=True),
        said(4, engagement=loud[3], author=Author("a2", handle="@a2")),
        said(5, engagement=loud[4], author=US), said(6, engagement=loud[5]),
    ])  # fmt: skip
    async with store.begin() as tx:
        await tx.mentions.deleted([("mastodon", "https://social.example/6")], at=NOW)
        await tx.commit()
    async with store.read() as tx:
        assert [each.text for each in await top_posts(tx, SPAN)] == ["Text 3", "Text 4", "Text 2"]
        assert [each.text for each in await top_posts(tx, SPAN, "us")] == ["Text 2"]
        voices = await top_authors(tx, SPAN)
        assert [(each.handle, each.posts, each.engagement) for each in voices if each.handle == "@a2"] == [("@a2", 2, 50)]
        assert [each.post.text for each in await own_posts(tx, SPAN)] == ["Text 5"]


async def test_terms_are_of_the_subject(store: Store) -> None:
    """Compared with the week before."""
    week_before = NOW - timedelta(days=3)
    usual = [said(n, subjects=["us"], text=f"Kettle {n} is fine", written_at=week_before) for n in range(30)]
    new = [said(100 + n, subjects=["us"], text="Kettle with a burning battery") for n in range(6)]
    other = [said(200 + n, text="Kettle of another kind") for n in range(6)]
    await add(store, usual + new + other)
    found = await terms(store, "us", NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    assert {each.now for each in found} == {6}
    assert not any("kind" in each.term for each in found)


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
async def test_no_figure_reads_a_whole_table(store: Store) -> None:
    """SQLite's plan of every statement that a figure makes looks tables up by an index."""
    plans: list[str] = []

    def explain(connection: Connection, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT") and not getattr(explain, "busy", False):
            explain.busy = True  # type: ignore[attr-defined]
            found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            plans.extend(row[-1] for row in found)
            explain.busy = False  # type: ignore[attr-defined]

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        async with store.read() as tx:
            await course(tx, SPAN, "network")
            await course(tx, SPAN, "topic", subjects=["us"], topics=["price", "taste"])
            await course(tx, YEAR, "subject", subjects=["us", "them"])
            await tx.figures.topics(0, 10_000, "us")
            await share_of_voice(tx, SPAN, ["us", "them"])
            await week(tx, SPAN)
            await speeds(tx, SPAN)
            await top_posts(tx, SPAN, "us")
            await top_authors(tx, SPAN)
            await own_posts(tx, SPAN)
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
    assert plans
    stored = {f"SCAN {name}" for name in metadata.tables}
    assert [each for each in plans if each in stored] == []
    assert any("ix_mention_loud" in each for each in plans)
    assert any("ix_author_own" in each for each in plans)
    assert (
        sum(
            "SEARCH tally USING INDEX sqlite_autoindex_tally_1 (subject=? AND topic=? AND hour>? AND hour<?)" in each
            for each in plans
        )
        >= 4
    )
    assert any("sqlite_autoindex_tally_day_1 (subject=? AND topic=? AND day>? AND day<?)" in each for each in plans)
