"""A source that answers, and brings nothing against its own habit, raises an alert: once, to ops, until it brings again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.errors import SourceError, Trouble
from monitor.pipeline.habits import Habits
from monitor.pipeline.source_standing import standings
from notifiers import wording
from notifiers.message import Message

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)
SOURCE = {"kind": "feed", "url": "https://news.example/feed.xml", "every": "30m"}


async def past(house: House, *, weeks: int = 4, an_hour: int = 6) -> datetime:
    """The source has brought so much every hour for weeks, until now: what is stored are those of a day from this hour on."""
    now = house.clock.now()
    hours = [now - week * WEEK + number * HOUR for week in range(weeks, 0, -1) for number in range(26)]
    async with house.store.begin() as tx:
        for at in [*hours, now]:
            await tx.sources.succeeded("net", cursor=None, watermark=None, at=at, brought=an_hour)
        await tx.commit()
    return now


async def quiet(house: House, hours: int) -> None:
    """It answers, and brings nothing."""
    await house.wait(hours * HOUR, step=timedelta(minutes=30))


async def stands(house: House) -> str:
    """In which condition the source is."""
    async with house.store.read() as tx:
        (found,) = await standings(tx, house.settings.sources, house.clock)
    return found.condition


async def test_a_source_that_answers_and_brings_nothing_rings_once(house: Build) -> None:
    """Told to ops with observed against expected, and not again; when it brings again, the end is told."""
    home = house(sources={"net": SOURCE})
    brought = await past(home)
    await quiet(home, 2)
    assert await home.alerts() == []
    await quiet(home, 2)
    alert = await home.alert()
    assert (alert.rule, alert.kind, alert.severity) == ("source-quiet", "source_quiet", "warning")
    assert (alert.key, alert.observed, alert.expected, alert.window) == ({"source": "net"}, 0, 18.0, 3 * HOUR)
    assert f"brought nothing since {brought.isoformat()}, in 3 hours" in alert.reasons[0]
    assert "it brought 18, 18, 18, 18" in alert.reasons[0]
    await quiet(home, 8)
    assert home.kinds("tech") == ["first"]
    assert await stands(home) == "quiet"
    await home.hears("Acme at last")
    await home.wait(HOUR)
    assert (await home.alert()).resolved_reason == "it brings something again"
    assert home.kinds("tech") == ["first", "resolved"]
    assert home.kinds("desk") == []
    assert await stands(home) == "well"


async def test_it_stays_open_for_as_long_as_nothing_comes(hut: Build) -> None:
    """A silence of weeks, in which nothing becomes usual, ends no alert; nor does a restart."""
    home = hut(sources={"net": SOURCE})
    await past(home)
    await quiet(home, 5)
    home.clock.advance(9 * WEEK)
    home.restart()
    await quiet(home, 1)
    assert (await home.alert("source-quiet")).state == "open"
    assert home.kinds("tech") == ["first"]


async def test_before_its_habit_is_known_nothing_rings(hut: Build) -> None:
    """A source of one week may be silent."""
    home = hut(sources={"net": SOURCE})
    await past(home, weeks=1)
    await quiet(home, 24)
    assert await home.alerts() == []


async def test_what_seldom_brings_may_be_silent(hut: Build) -> None:
    """A source that brings one mention a day is never reported."""
    home = hut(sources={"net": SOURCE})
    await past(home, an_hour=0)
    async with home.store.begin() as tx:
        for week in range(5):
            await tx.sources.succeeded("net", cursor=None, watermark=None, at=home.clock.now() - week * WEEK, brought=1)
        await tx.commit()
    await quiet(home, 25)
    assert await home.alerts() == []


async def test_it_can_be_switched_off_for_a_source(hut: Build) -> None:
    """Nothing rings, and what rang ends."""
    home = hut(sources={"net": SOURCE})
    await past(home)
    await quiet(home, 5)
    off = home.settings.sources["net"].model_copy(update={"notice_quiet": False})
    home.restart(home.settings.model_copy(update={"sources": {"net": off}}))
    await quiet(home, 3)
    assert (await home.alert()).resolved_reason == "nobody asks for it any more"


async def test_more_surprise_is_asked_for_by_a_setting(hut: Build) -> None:
    """A higher `quiet_surprise` waits for longer."""
    home = hut(sources={"net": SOURCE | {"quiet_surprise": 8}})
    await past(home)
    await quiet(home, 4)
    assert await home.alerts() == []
    await quiet(home, 2)
    assert (await home.alert()).window == 4 * HOUR


async def test_a_source_that_does_not_answer_is_told_as_such_alone(hut: Build) -> None:
    """What it may have brought is not known: `source-health` rings, and its silence says nothing."""
    home = hut(sources={"net": SOURCE})
    await past(home)
    home.source.script = [SourceError(Trouble.UNAVAILABLE, "503", retry_after=0)] * 100
    await quiet(home, 12)
    assert [alert.kind for alert in await home.alerts()] == ["source_health"]


async def test_a_source_that_is_no_longer_asked_is_no_longer_told(hut: Build) -> None:
    """Switched off, its alert ends, and says so."""
    home = hut(sources={"net": SOURCE})
    await past(home)
    await quiet(home, 5)
    off = home.settings.sources["net"].model_copy(update={"enabled": False})
    home.restart(home.settings.model_copy(update={"sources": {"net": off}}))
    await home.stages.evaluate.tick()
    assert (await home.alert()).resolved_reason == "it is no longer asked"


async def test_the_store_is_asked_once_an_hour(hut: Build) -> None:
    """Between two hours that are over nothing can have changed."""
    home = hut(sources={"net": SOURCE})
    await past(home)
    habits, asked = Habits("UTC"), []
    async with home.store.read() as tx:
        state, hours = await tx.sources.get("net"), tx.sources.hours

        async def counted(*args: Any) -> Any:
            asked.append(args)
            return await hours(*args)

        vars(tx.sources)["hours"] = counted
        for minutes in (30, 70, 130, 160, 170, 190):
            await habits.quiet(tx, state, home.clock.now() + timedelta(minutes=minutes))
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "La source net répond, mais n’apporte rien depuis 3 h : 18 publications d’habitude"),
        ("en", "Source net answers, and has brought nothing for 3 hours: usually 18 posts"),
    ],
)
async def test_the_message_says_what_was_expected(hut: Build, language: Any, said: str) -> None:
    """In both languages, with what to do and why it matters."""
    home = hut(sources={"net": SOURCE})
    await past(home)
    await quiet(home, 4)
    (message,) = home.told("tech")
    told: Message = replace(message, language=language)
    assert said in " ".join(wording.headline(told).split())
    assert wording.next_step(told)[1] == "tocsin sources try net"
    assert "why" not in wording.why(told)
