"""A digest is owed once for each of its days, to each receiver, whatever restarts or is set meanwhile."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.alert import NotificationKind
from monitor.domain.digest import Owed
from monitor.pipeline import digests
from monitor.pipeline.digests import Digests, due
from monitor.pipeline.recipients import Recipients
from monitor.settings import Settings
from monitor.storage import UnitOfWork
from tests.monitor.pipeline.conftest import Build, Configure, House

HOUR = timedelta(hours=1)
MORNING = {"kind": "morning", "to": ["desk", "phone"], "at": "07:58"}
BEGIN = datetime(2026, 3, 25, 12, tzinfo=UTC)


def house(hut: Build, configure: Configure, **digest: object) -> House:
    """In Paris, in the week in which its clocks are set."""
    home = hut(configure(timezone="Europe/Paris", digests={"dawn": MORNING | digest}))
    home.clock.advance_to(BEGIN)
    return home


async def owed(home: House, receiver: str = "desk") -> list[date]:
    """The days for which a message was owed."""
    async with home.store.read() as tx:
        found = await tx.digests.since(BEGIN - timedelta(days=40), "dawn")
    return sorted(each.day for each in found if each.receiver == receiver and each.notification_id is not None)


async def test_it_begins_with_the_next_one(hut: Build, configure: Configure) -> None:
    """Whoever writes a digest into the configuration at noon is not told of this morning."""
    home = house(hut, configure)
    assert await home.stages.digests.step() == 0
    home.clock.advance(20 * HOUR)
    assert await home.stages.digests.step() == 2
    assert await home.stages.digests.step() == 0
    assert await owed(home) == await owed(home, "phone") == [date(2026, 3, 26)]


async def test_two_processes_owe_one(hut: Build, configure: Configure) -> None:
    """Whoever comes second finds it written."""
    home = house(hut, configure)
    other = Digests(home.settings, home.store, home.clock)
    await other.step()
    home.clock.advance(20 * HOUR)
    assert [await other.step(), await home.stages.digests.step()] == [2, 0]


async def test_two_processes_that_look_at_once_owe_one(hut: Build, configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL the second reads what was before the first has committed: the record itself keeps it from telling again."""
    home = house(hut, configure)
    await home.stages.digests.step()
    async with home.store.read() as tx:
        before = await digests._lately(tx, home.clock.now())

    async def not_yet(tx: UnitOfWork, now: datetime) -> digests.Story:
        return before

    monkeypatch.setattr(digests, "_lately", not_yet)
    home.clock.advance(20 * HOUR)
    assert [await home.stages.digests.step(), await home.stages.digests.step()] == [2, 0]
    await home.stages.act()
    assert len(home.doors["desk"].taken) == 1


async def test_what_was_missed_is_in_the_next_one(hut: Build, configure: Configure) -> None:
    """After three days without a daemon there is one message, and it reaches back to the last one."""
    home = house(hut, configure)
    await home.stages.digests.step()
    home.clock.advance(timedelta(days=3, hours=20))
    home.restart()
    assert await home.stages.digests.step() == 2
    async with home.store.read() as tx:
        newest = next(iter(await tx.digests.since(BEGIN)))
    assert newest.until - newest.since == timedelta(days=4) - HOUR  # the clocks were set forward
    assert await owed(home) == [date(2026, 3, 29)]


async def test_quiet_hours_hold_it(hut: Build, configure: Configure) -> None:
    """It waits for their end, as everything does that is not critical."""
    home = hut(
        configure(
            timezone="Europe/Paris",
            digests={"dawn": MORNING | {"to": "desk"}},
            routing={"default": "desk", "quiet_hours": {"from": "22:00", "to": "09:00"}},
        )
    )
    home.clock.advance_to(BEGIN)
    await home.stages.digests.step()
    home.clock.advance(19 * HOUR + timedelta(minutes=5))
    assert await home.stages.digests.step() == 1
    await home.stages.act()
    assert home.doors["desk"].taken == []
    home.clock.advance(HOUR)
    await home.stages.act()
    assert [message.kind for message in home.doors["desk"].taken] == [NotificationKind.DIGEST]


async def test_without_a_writer_it_is_told_in_plain_words(hut: Build, configure: Configure) -> None:
    """A digest that cannot be written says that it is ready, and where."""
    home = house(hut, configure, to="desk")
    await home.stages.digests.step()
    home.clock.advance(20 * HOUR)
    await home.stages.digests.step()
    await home.stages.act()
    (message,) = home.doors["desk"].taken
    assert (message.kind, message.letter) == ("digest", None)


@given(rests=st.lists(st.integers(-30, 60), min_size=1, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_twice_and_never_forgotten(configure: Configure, rests: list[int]) -> None:
    """However long the rests, and with a clock that is set back: each day once, and the newest one always."""
    known = configured(configure)
    recipients, now, story = Recipients(known), BEGIN, list[Owed]()
    for rest in rests:
        now += rest * HOUR
        story = sorted([*story, *due(known, recipients, {("dawn", "desk"): story}, now)], key=lambda each: each.day, reverse=True)
        reached = known.digests["dawn"].last(now, "Europe/Paris")[0]
        days = [each.day for each in story]
        assert len(days) == len(set(days))
        assert reached in days or any(each.day > reached and each.owed_at <= now for each in story)


@cache
def configured(configure: Configure) -> Settings:
    """One digest, in Paris."""
    return configure(timezone="Europe/Paris", digests={"dawn": MORNING | {"to": "desk"}})
