"""Whatever happens to mentions, what was counted per hour is what counting them all anew gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from monitor.domain.mention import Author, Engagement, Enriched, Scores
from monitor.domain.tally import Answer, Key, Tally, answer_step, hour_of, step_seconds
from monitor.storage import Retention, StorageSettings, Store, UnitOfWork
from monitor.storage import migrate as migrations

Said = Callable[..., Enriched]
SUBJECTS, TOPICS = ("", "acme", "rival"), ("", "price")


async def counted(tx: UnitOfWork) -> tuple[dict[Key, Tally], dict[Answer, int]]:
    """All that is counted."""
    return await tx.tallies.everything()


async def days_are_their_hours(tx: UnitOfWork) -> None:
    """What is read of days is what their hours come to."""
    asked: dict[str, Any] = {"by": ("subject", "topic", "network", "day"), "subjects": SUBJECTS, "topics": TOPICS}
    hours, days = [await tx.figures.sums(0, 24 * 100_000, daily=daily, **asked) for daily in (False, True)]
    assert [each for each in days if any(each.tally)] == [each for each in hours if any(each.tally)]


async def add(store: Store, items: list[Enriched], at: datetime) -> list[int]:
    """Their numbers."""
    async with store.begin() as tx:
        added = await tx.mentions.add(items, source="feed", seen_at=at)
        await tx.commit()
    return added.new


async def test_a_mention_counts_once_for_all_and_for_each_subject(store: Store, said: Said, now: datetime) -> None:
    """In the hour in which it was written, however late it comes; with its network, and with its topics."""
    scores = Scores(sentiment=-0.5, complaint=0.8, topics=frozenset({"price"}))
    loud = Engagement(replies=1, likes=2)
    before = now - timedelta(days=3)
    by = Author("ada", reach=70)
    await add(store, [said("1", by=by, subjects=("acme",), written_at=before, scores=scores, engagement=loud)], now)
    what = Tally(1, 1, 0, 0, -500, 1, 70, 3)
    places = [("", "", "mastodon"), ("", "price", ""), ("acme", "", "mastodon"), ("acme", "price", "")]
    async with store.read() as tx:
        assert await counted(tx) == (
            {Key(subject, topic, hour_of(before), network): what for subject, topic, network in places},
            {},
        )


async def test_what_is_ours_counts_apart(store: Store, said: Said, now: datetime) -> None:
    """And is counted as somebody's again once the account is not ours any more; nobody's engagement is lost."""
    ours = Author("us", own=True)
    await add(store, [said("1", by=ours, engagement=Engagement(likes=5))], now)
    key = Key("", "", hour_of(now), "mastodon")
    async with store.read() as tx:
        assert (await counted(tx))[0] == {key: Tally(own_posts=1, own_engagement=5)}
    await add(store, [said("2", by=Author("us"), scores=Scores())], now)
    async with store.read() as tx:
        assert (await counted(tx))[0] == {key: Tally(mentions=2, negative=1, sentiment=-500, engagement=5)}


async def test_figures_outlive_mentions_and_end(store: Store, said: Said, now: datetime) -> None:
    """A year later the mention is gone, and how much was said is known; after three, that is gone, too."""
    await add(store, [said("1")], now)
    for days, known in ((365, 1), (1200, 0)):
        while await store.forget(Retention(), now + timedelta(days=days), 500):
            pass
        async with store.read() as tx:
            assert await tx.mentions.count() == 0
            assert len((await counted(tx))[0]) == known
            await days_are_their_hours(tx)


async def test_what_was_counted_before_what_is_kept_stays(store: Store, said: Said, now: datetime) -> None:
    """A rebuild leaves the hours before `since` as they are: their mentions may be gone."""
    await add(store, [said("1", written_at=now - timedelta(days=30)), said("2")], now)
    heard: list[int] = []
    async with store.begin() as tx:
        before = await counted(tx)
        since = now - timedelta(days=1)
        assert (await tx.tallies.waiting(since), await tx.tallies.rebuild(since, heard.append), heard) == (1, 1, [1])
        assert await counted(tx) == before
        await days_are_their_hours(tx)


@pytest.mark.parametrize("seconds", [0, 59, 60, 3600, 86400, 5_000_000])
def test_a_step_stands_for_its_seconds_to_a_tenth(seconds: int) -> None:
    """What is below a minute is half of one."""
    assert step_seconds(answer_step(seconds)) == pytest.approx(seconds, rel=0.1, abs=30)


_ACTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("say"),
            st.integers(0, 5),
            st.fixed_dictionaries(
                {
                    "text": st.sampled_from(["a", "b"]),
                    "likes": st.integers(0, 3),
                    "own": st.booleans(),
                    "hours": st.integers(0, 2),
                    "feels": st.sampled_from([None, -0.7, 0.0005, 0.3]),
                    "subjects": st.sets(st.sampled_from(["acme", "rival"])),
                    "topic": st.sampled_from(["", "price"]),
                }
            ),
        ),
        st.tuples(st.sampled_from(["delete", "not about", "answer"]), st.integers(0, 5), st.just({})),
    ),
    max_size=12,
)


async def _act(tx: UnitOfWork, act: str, which: int, fields: dict[str, Any], said: Said, now: datetime) -> None:
    ids = [each.id for each in await tx.mentions.at(str(which))]
    if act == "delete":
        await tx.mentions.deleted([("mastodon", str(which))], at=now)
    elif act == "say":
        topics = frozenset({fields["topic"]} - {""})
        item = said(
            str(which),
            by=Author(f"who{which % 2}", own=fields["own"], reach=fields["likes"]),
            text=fields["text"],
            subjects=tuple(fields["subjects"]),
            written_at=now - timedelta(hours=fields["hours"]),
            parent=str((which + 1) % 6),
            engagement=Engagement(likes=fields["likes"]),
            scores=Scores(sentiment=fields["feels"], complaint=0.9, topics=topics),
        )
        await tx.mentions.add([item], source="feed", seen_at=now)
    elif act == "not about" and ids:
        await tx.feedback.remove_subject(ids[0], "acme")
    elif ids:
        await tx.mentions.answer(ids[0])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
async def test_what_was_counted_is_what_counting_gives(store: Store, said: Said, now: datetime, acts: Any) -> None:
    """Said, edited, answered, deleted, there again, not about us, ours or not: in whatever order."""
    for act, which, fields in acts:
        async with store.begin() as tx:
            await _act(tx, act, which, fields, said, now)
            await tx.commit()
    async with store.begin() as tx:
        before = await counted(tx)
        await days_are_their_hours(tx)
        await tx.tallies.rebuild(now - timedelta(days=1), lambda _: None)
        assert await counted(tx) == before
        await days_are_their_hours(tx)


async def test_what_was_stored_before_is_counted(store: Store, storage: StorageSettings, said: Said, now: datetime) -> None:
    """The migration counts what an older version has stored."""
    loud = Engagement(likes=3)
    await add(
        store, [said("1", subjects=("acme",), by=Author("ada", reach=9), engagement=loud), said("2", by="bob", parent="1")], now
    )
    async with store.begin() as tx:
        reply = (await tx.mentions.at("2"))[0].id
        await tx.mentions.answer(reply)
        await tx.commit()
    async with store.read() as tx:
        before = await counted(tx)
    assert before[1]
    await store.close()

    def down_and_up(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).with_name("migrations")))
        config.attributes["connection"] = connection
        command.downgrade(config, "0014")
        migrations.upgrade(connection)

    engine = create_async_engine(storage.parsed())
    async with engine.begin() as connection:
        await connection.run_sync(down_and_up)
    await engine.dispose()
    again = await Store.open(storage)
    async with again.read() as tx:
        assert await counted(tx) == before
        await days_are_their_hours(tx)
    await again.close()
