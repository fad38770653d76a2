"""Intake: what a poll brings is committed together with its cursor, and trouble is recorded, never raised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from structlog.testing import capture_logs

from monitor.domain.clock import ManualClock
from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Enriched, Mention
from monitor.domain.source import SourceState
from monitor.pipeline.enrich import Enricher
from monitor.pipeline.health import silent_for
from monitor.pipeline.intake import (
    ENRICHED_AT_ONCE,
    FIRST_BACKOFF,
    FIRST_LOOKS,
    LONGEST_BACKOFF,
    LONGEST_OBEDIENCE,
    TOLD,
    Polled,
    backoff,
)
from monitor.sentiment import Scorer, SentimentSettings
from monitor.sentiment.away import Away
from monitor.sources import Batch, Deleted, Rejected
from monitor.sources.budget import Budget, Purse
from monitor.storage import Store
from monitor.storage.tables import mention as stored
from monitor.testing import AtOnce, ScriptedSource

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, FragileStore, House


async def state(house: House) -> SourceState:
    """How the source stands."""
    async with house.store.read() as tx:
        return await tx.sources.get("net")


async def count(house: House) -> int:
    """How many mentions are stored."""
    async with house.store.read() as tx:
        return await tx.mentions.count()


async def test_a_poll_stores_what_it_brought_and_where_it_stopped(house: Build, moment: datetime) -> None:
    """Mentions, cursor, watermark and success stand in the store after one poll; the next poll is given the cursor."""
    home = house()
    same = home.mention("Acme again")
    home.source.script = [Batch([home.mention("Acme"), same, same], cursor="c1", more=True, rejected=[Rejected("line 3", "odd")])]
    assert await home.stages.intake.poll("net") == Polled(read=3, stored=2, duplicates=1, rejected=1, more=True)
    now = await state(home)
    assert (now.cursor, now.watermark, now.last_success_at) == ("c1", moment, moment)
    assert await home.stages.intake.poll("net") == Polled()
    assert home.source.asked == [None, "c1"]


async def test_a_source_knows_how_far_it_has_seen(hut: Build, moment: datetime) -> None:
    """The watermark is the source's own where it gives one."""
    home = hut()
    home.source.script = [Batch(cursor="c", watermark=moment - timedelta(hours=1))]
    await home.stages.intake.poll("net")
    assert (await state(home)).watermark == moment - timedelta(hours=1)


async def test_mentions_and_cursor_commit_together(house: Build, fragile: tuple[FragileStore, Store]) -> None:
    """When the commit fails neither is there, and the next poll asks for the same again."""
    flaky, as_store = fragile
    home = house(store=as_store)
    mention = home.mention("Acme")
    home.source.script = [Batch([mention], cursor="c1"), Batch([mention], cursor="c1")]
    flaky.before = 1
    assert (await home.stages.intake.poll("net")).stored == 0
    failed = await state(home)
    assert (await count(home), failed.cursor, failed.trouble) == (0, None, "internal")
    home.clock.advance(LONGEST_BACKOFF)
    assert (await home.stages.intake.poll("net")).stored == 1
    assert home.source.asked == [None, None]


@pytest.mark.parametrize(
    ("error", "trouble", "stopped"),
    [
        (SourceError(Trouble.UNAVAILABLE, "503"), "unavailable", False),
        (SourceError(Trouble.CREDENTIALS, "401"), "credentials", True),
        (SourceError(Trouble.GONE, "410"), "gone", True),
        (TimeoutError(), "timeout", False),
        (ZeroDivisionError("secret"), "internal", False),
    ],
)
async def test_trouble_is_recorded_and_never_raised(hut: Build, error: Exception, trouble: str, stopped: bool) -> None:
    """Any failure of a source leaves a reason and a backoff; credentials and a gone address stop it."""
    home = hut()
    home.source.script = [error]
    polled = await home.stages.intake.poll("net")
    now = await state(home)
    assert (now.trouble, now.stopped, now.failures) == (trouble, stopped, 1)
    assert now.backoff_until is not None
    rests = None if stopped else now.backoff_until - home.clock.now()
    assert polled == Polled(again_after=rests), "whoever polls knows when to ask again"
    assert "secret" not in str(now.detail)
    await home.stages.intake.poll("net")
    assert len(home.source.asked) == 1, "neither a stopped source nor one that rests is asked"
    home.clock.advance(LONGEST_BACKOFF)
    await home.stages.intake.poll("net")
    assert len(home.source.asked) == (1 if stopped else 2)


async def test_a_poll_that_takes_too_long_is_ended(hut: Build) -> None:
    """`timeout` bounds a poll, whatever the source does."""
    home = hut()
    hasty = home.settings.sources["net"].model_copy(update={"timeout": timedelta(milliseconds=1)})
    home.restart(home.settings.model_copy(update={"sources": {"net": hasty}}))

    async def for_ever(cursor: str | None) -> Batch:
        await asyncio.Event().wait()
        raise AssertionError(cursor)

    vars(home.source)["poll"] = for_ever
    await home.stages.intake.poll("net")
    assert (await state(home)).trouble == "timeout"


async def test_the_rest_begins_when_the_poll_has_failed(hut: Build, clock: ManualClock, moment: datetime) -> None:
    """A server that asks for 30 s after answering for 40 s is left alone for 30 s from then."""
    home = hut()

    async def slow(cursor: str | None) -> Batch:
        clock.advance(timedelta(seconds=40))
        raise SourceError(Trouble.THROTTLED, "429", retry_after=30)

    vars(home.source)["poll"] = slow
    await home.stages.intake.poll("net")
    assert (await state(home)).backoff_until == moment + timedelta(seconds=70)


async def test_a_source_that_rests_says_for_how_long_still(hut: Build, clock: ManualClock) -> None:
    """Asked too early, as after a restart, it is left alone for what remains."""
    home = hut()
    home.source.script = [SourceError(Trouble.THROTTLED, "429", retry_after=30)]
    await home.stages.intake.poll("net")
    clock.advance(timedelta(seconds=10))
    assert await home.stages.intake.poll("net") == Polled(again_after=timedelta(seconds=20))
    assert len(home.source.asked) == 1


async def test_a_large_page_lets_others_work_in_between(hut: Build) -> None:
    """While hundreds of mentions are enriched every other task has its turn, every fifty."""
    home = hut()
    home.source.script = [Batch([home.mention("Acme") for _ in range(2 * ENRICHED_AT_ONCE + 1)], cursor="c")]
    sizes, turns = [], 0
    enrich_apart = Enricher.enrich_apart

    async def watched(self: Enricher, raws: Sequence[Mention], **how: Any) -> list[Enriched]:
        sizes.append((len(raws), turns))
        return await enrich_apart(self, raws, **how)

    async def somebody_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(somebody_else())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Enricher, "enrich_apart", watched)
        assert (await home.stages.intake.poll("net")).stored == 2 * ENRICHED_AT_ONCE + 1
    other.cancel()
    assert [size for size, _ in sizes] == [ENRICHED_AT_ONCE, ENRICHED_AT_ONCE, 1]
    assert len({turn for _, turn in sizes}) == 3


class Unequal(AtOnce):
    """Two workers, of which the first needs longer."""

    def __init__(self) -> None:
        super().__init__(2)
        self.second = asyncio.Event()
        self.asked = 0

    async def run(self, function: Callable[..., Any], *args: Any, within: timedelta, again: bool = True) -> Any:
        """Answer the first call after the second."""
        self.asked += 1
        if self.asked == 1:
            await self.second.wait()
        self.second.set()
        return await super().run(function, *args, within=within, again=again)


async def test_lots_that_are_scored_side_by_side_keep_their_order(hut: Build) -> None:
    """A page is stored as the source brought it, whichever worker is done first."""
    home, workers, settings = hut(), Unequal(), SentimentSettings(workers=2)
    home.stages.intake._enricher = Enricher(home.settings.subjects, Scorer(settings), away=Away(settings, workers))
    moods = ("I really love this phone, it is great. ", "I really hate this phone, it is awful. ")
    brought = [home.mention(f"{number} {moods[number % 2] * 3}") for number in range(2 * ENRICHED_AT_ONCE)]
    home.source.script = [Batch(brought, cursor="c")]
    await home.stages.intake.poll("net")
    async with home.store.read() as tx:
        stored = await tx.mentions.after(0, 1_000)
    assert [each.text for each in stored] == [each.text for each in brought]
    assert [(each.sentiment or 0) > 0 for each in stored] == [True, False] * ENRICHED_AT_ONCE
    assert workers.asked == 2


async def test_a_success_forgets_the_failures(hut: Build) -> None:
    """After one good poll the next failure is the first again."""
    home = hut()
    home.source.script = [SourceError(Trouble.MALFORMED, "x"), Batch(cursor="c")]
    await home.stages.intake.poll("net")
    home.clock.advance(FIRST_BACKOFF)
    await home.stages.intake.poll("net")
    now = await state(home)
    assert (now.failures, now.trouble, now.backoff_until) == (0, None, None)


async def test_a_replay_sees_mentions_when_they_were_written(hut: Build, clock: ManualClock, moment: datetime) -> None:
    """What is years old in a recording is news; the clock waits for judging, which has things to do on the way."""
    home = hut(drive=True)
    later = home.mention("Acme", written_at=moment + timedelta(days=3))
    await home.brings(later, home.mention("Acme", written_at=moment + timedelta(days=2)))
    assert clock.now() == moment
    async with home.store.read() as tx:
        seen = await tx.mentions.after(0, 10)
    assert {each.seen_at for each in seen} == {moment + timedelta(days=2)}


@given(failures=st.integers(0, 10_000), asked=st.none() | st.floats())
def test_a_rest_is_never_absurd(failures: int, asked: float | None) -> None:
    """Whatever a server asks for, not a number included: never a loop, never more than six hours."""
    rest = backoff(failures, asked)
    assert FIRST_BACKOFF / 2 <= rest <= LONGEST_OBEDIENCE
    if asked is None:
        assert rest <= LONGEST_BACKOFF


@given(asked=st.floats(0, 3600))
def test_a_server_that_says_how_long_is_obeyed(asked: float) -> None:
    """It is left alone for as long as it asked, and longer where we would have been more patient."""
    assert backoff(0, asked) >= timedelta(seconds=asked)
    if asked > FIRST_BACKOFF.total_seconds():
        assert backoff(0, asked) == timedelta(seconds=asked)


async def test_a_flood_of_rubbish_does_not_fill_the_log(hut: Build) -> None:
    """The first of the rejected are told one by one, the others counted."""
    home = hut()
    home.source.script = [Batch(cursor="c1", rejected=[Rejected(f"line {n}", "odd") for n in range(TOLD + 100)])]
    with capture_logs() as told:
        assert (await home.stages.intake.poll("net")).rejected == TOLD + 100
    assert [line["event"] for line in told] == ["mention.rejected"] * TOLD + ["mentions.rejected"]
    assert told[-1]["others"] == 100


class Saver(ScriptedSource):
    """A source with a purse: each poll costs one call of two a day."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.purse = Purse([Budget(amount=2, per="day")], clock)

    async def poll(self, cursor: str | None) -> Batch:
        """Pay first."""
        self.purse.spend()
        return await super().poll(cursor)


async def test_a_spent_budget_survives_a_restart(hut: Build, clock: ManualClock) -> None:
    """What failed polls spent counts; when it is used up nobody is asked until the day is over, and ops are told at once."""
    first, second = hut(source=Saver(clock)), Saver(clock)
    first.source.script = [SourceError(Trouble.UNAVAILABLE, "down")]
    await first.stages.intake.poll("net")
    clock.advance(LONGEST_BACKOFF)
    again = hut(source=second)
    await again.stages.intake.poll("net")
    await again.stages.intake.poll("net")
    now = await state(again)
    assert (now.trouble, now.stopped, len(second.asked)) == ("spent", False, 1)
    assert silent_for(now, again.settings.sources["net"], clock.now(), clock.now(), known=False) is not None
    clock.advance(timedelta(days=1))
    await again.stages.intake.poll("net")
    assert (await state(again)).trouble is None


async def test_a_network_that_asks_to_be_left_alone_is(hut: Build, moment: datetime) -> None:
    """Although all is well, and although there is more."""
    home = hut()
    home.source.script = [Batch(cursor="c", more=True, rest=timedelta(seconds=50))]
    assert await home.stages.intake.poll("net") == Polled(again_after=timedelta(seconds=50))
    assert await home.stages.intake.poll("net") == Polled(again_after=timedelta(seconds=50))
    assert ((await state(home)).failures, len(home.source.asked)) == (0, 1)


async def test_deletions_are_stored_with_the_cursor(hut: Build) -> None:
    """What a network says is gone is marked."""
    home = hut()
    mention = home.mention("Acme")
    assert mention.uri is not None
    home.source.script = [Batch([mention], cursor="1"), Batch(deleted=[Deleted(mention.network, mention.uri)], cursor="2")]
    for _ in range(2):
        await home.stages.intake.poll("net")
    async with home.store.read() as tx:
        (row,) = await tx.mentions._session.rows(select(stored.c.deleted_at))
    assert row["deleted_at"] == home.clock.now()


class Crowded(ScriptedSource):
    """Counts who is inside at the same time, and lets them out when all who may have come."""

    def __init__(self, all_of: int) -> None:
        super().__init__()
        self.inside, self.most, self.all_of = 0, 0, all_of
        self.full = asyncio.Event()

    async def poll(self, cursor: str | None) -> Batch:
        """Wait inside."""
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside == self.all_of:
            self.full.set()
        await self.full.wait()
        self.inside -= 1
        return await super().poll(cursor)


async def test_new_sources_take_turns(hut: Build) -> None:
    """What all of many new ones bring at first would fill the memory; known ones never wait for another."""
    many = FIRST_LOOKS + 3
    home = hut(source=(source := Crowded(FIRST_LOOKS)))
    await asyncio.gather(*(home.stages.intake.poll("net") for _ in range(many)))
    assert source.most == FIRST_LOOKS
    source.all_of, source.full = many, asyncio.Event()
    await asyncio.gather(*(home.stages.intake.poll("net") for _ in range(many)))
    assert source.most == many


class Attending(ScriptedSource):
    """A source that can listen, or says why it cannot."""

    def __init__(self, trouble: SourceError | None = None) -> None:
        super().__init__()
        self.trouble = trouble
        self.rings: list[Callable[[], None]] = []

    async def listen(self, ring: Callable[[], None]) -> None:
        """Remember who is to be rung."""
        if self.trouble:
            raise self.trouble
        self.rings.append(ring)

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_source_that_can_is_asked_to_ring(hut: Build) -> None:
    """One that cannot is left alone; and where listening fails, that is told and stops nothing."""

    def ring() -> None:
        raise AssertionError

    await hut().stages.intake.listen("net", ring)
    able = Attending()
    await hut(source=able).stages.intake.listen("net", ring)
    assert able.rings == [ring]
    with capture_logs() as lines:
        await hut(source=Attending(SourceError(Trouble.UNAVAILABLE, "hung up"))).stages.intake.listen("net", ring)
    assert [(line["event"], line["detail"]) for line in lines] == [("source.not_listening", "hung up")]


async def test_only_who_has_read_all_may_be_rung(hut: Build) -> None:
    """Not one with more, nor one that rests after a failure: what it left unread would ring at once, for ever."""
    home = hut()
    home.source.script = [Batch(cursor="1", more=True), Batch(cursor="2"), SourceError(Trouble.UNAVAILABLE, "down")]
    assert [(await home.stages.intake.poll("net")).settled for _ in range(4)] == [False, True, False, False]


async def test_what_comes_again_to_the_letter_is_not_scored_again(hut: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as seen before; what has other words or figures now is looked at, and stored."""
    home = hut()
    first, second = home.mention("Acme"), home.mention("Acme, too")
    edited = replace(second, text="Acme, three")
    home.source.script = [Batch([first, second], cursor="1"), Batch([first, edited], cursor="2")]
    looked_at: list[str] = []
    apart = Enricher.enrich_apart

    async def watched(self: Enricher, raws: Sequence[Mention], **more: Any) -> list[Enriched]:
        looked_at.extend(raw.text for raw in raws)
        return await apart(self, raws, **more)

    monkeypatch.setattr(Enricher, "enrich_apart", watched)
    await home.stages.intake.poll("net")
    again = await home.stages.intake.poll("net")
    assert looked_at == ["Acme", "Acme, too", "Acme, three"]
    assert (again.read, again.stored, again.duplicates) == (2, 0, 2)
    assert await count(home) == 2


async def test_what_was_deleted_and_is_shown_again_is_there_again(hut: Build) -> None:
    """A deletion is no reason to forget for ever: the same words, shown anew, are looked at anew."""
    home = hut()
    said = home.mention("Acme")
    gone = Batch(cursor="2", deleted=[Deleted(said.network, said.key)])
    home.source.script = [Batch([said], cursor="1"), gone, Batch([said], cursor="3")]
    for _ in range(3):
        await home.stages.intake.poll("net")
    async with home.store._engines.reader.connect() as connection:
        assert (await connection.execute(select(stored.c.deleted_at))).scalars().all() == [None]


async def test_a_source_may_put_its_mentions_together_as_it_likes(hut: Build) -> None:
    """What cannot be known again by a number is looked at each time, and stored once."""
    home = hut()
    odd = replace(home.mention("Acme"), subjects=["acme"])  # type: ignore[arg-type]  # a package may be written without types
    home.source.script = [Batch([odd], cursor="1"), Batch([odd], cursor="2")]
    assert (await home.stages.intake.poll("net")).stored == 1
    assert (await home.stages.intake.poll("net")).duplicates == 1
