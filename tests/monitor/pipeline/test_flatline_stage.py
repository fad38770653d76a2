"""Silence in the whole way: it rings when every source has spoken, and means nothing while one has not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.clock import ReplayClock

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FLAT: dict[str, Any] = {
    "id": "flat",
    "title": {"en": "Nobody answers any more", "fr": "Plus personne ne répond"},
    "kind": "flatline",
    "window": "1h",
    "fire": {"at_most_expected": 0.2},
    "baseline": {"min_history": "8h"},
    "notify": "room",
}


async def busy(home: House, hours: int = 10) -> None:
    """Every ten minutes somebody says something."""
    home.clock.advance(hours * HOUR)
    said = range(hours * 6)
    await home.brings(*(home.mention("Acme!", by=f"p{n}", ago=(len(said) - 1 - n) * 10 * MINUTE) for n in said))
    await home.judge()
    await home.stages.evaluate.tick()


async def unheard(home: House, passing: timedelta) -> None:
    """Time passes in which no source answers."""
    end = home.clock.now() + passing
    while home.clock.now() < end:
        home.clock.advance(10 * MINUTE)
        await home.stages.evaluate.tick()


async def test_silence_rings_and_resolves_when_talk_is_back(house: Build) -> None:
    """The alert says how little came and how much usually does; it ends by itself."""
    home = house(rules=[FLAT])
    await busy(home)
    assert await home.alerts() == []
    await home.wait(2 * HOUR)
    alert = await home.alert("flat")
    assert (alert.kind, alert.key, alert.state) == ("flatline", {"subject": "acme"}, "open")
    assert (alert.measure, alert.window) == ("mentions", HOUR)
    assert alert.observed < 2
    assert alert.expected == pytest.approx(6, abs=0.5)
    assert home.kinds("room") == ["first"]
    await busy(home, 2)
    await home.wait(10 * MINUTE)
    assert (await home.alert("flat")).state == "resolved"
    assert home.kinds("room") == ["first", "resolved"]


async def test_a_source_that_is_ill_rings_for_itself_and_for_nothing_else(house: Build) -> None:
    """What did not come may be said there. Once it has answered, silence is silence."""
    home = house(rules=[FLAT])
    await busy(home)
    await unheard(home, 2 * HOUR)
    assert [alert.kind for alert in await home.alerts()] == ["source_health"]
    await home.wait(10 * MINUTE)
    assert [(alert.kind, alert.state) for alert in await home.alerts()] == [("source_health", "resolved"), ("flatline", "open")]


async def test_a_source_that_brings_what_was_missed_rings_for_nothing(house: Build) -> None:
    """What was said while it was ill counts where it was said."""
    home = house(rules=[FLAT])
    await busy(home)
    await unheard(home, 5 * HOUR)
    await home.brings(*(home.mention("Acme!", ago=(29 - n) * 10 * MINUTE) for n in range(30)))
    await home.stages.evaluate.tick()  # before it is judged
    await home.judge()
    await home.wait(MINUTE, step=MINUTE)
    assert [alert.kind for alert in await home.alerts()] == ["source_health"]


async def test_an_alert_neither_ends_nor_teaches_while_a_source_is_ill(hut: Build) -> None:
    """Unknown is unknown: hours of it leave the alert open, and the usual level as it was."""
    home = hut(rules=[FLAT | {"baseline": {"min_history": "8h", "level": "1h"}}])
    await busy(home)
    await home.wait(80 * MINUTE)
    assert (await home.alert("flat")).state == "open"
    await unheard(home, 8 * HOUR)
    home.restart()
    await unheard(home, HOUR)
    assert (await home.alert("flat")).state == "open"
    await busy(home, 1)
    assert (await home.alert("flat")).state == "resolved"


async def test_an_edited_rule_ends_no_alert_while_a_source_is_ill(hut: Build, configure: Configure) -> None:
    """What it remembers is built anew, and goes no further than what its source has brought."""
    fading = FLAT | {"baseline": {"min_history": "2h", "level": "3h"}}
    home = hut(rules=[fading])
    await busy(home)
    await home.wait(80 * MINUTE)
    await unheard(home, 7 * HOUR)
    home.restart(configure(rules=[fading | {"where": {"text": {"any_of": ["Acme"]}}}]))
    await home.judge()
    assert (await home.alert("flat")).state == "open"
    await busy(home, 1)
    assert (await home.alert("flat")).state == "resolved"


async def test_a_source_that_has_never_answered_leaves_everything_unknown(hut: Build) -> None:
    """It stops answering before it began: nobody knows what is said there."""
    sources = {name: {"kind": "feed", "url": f"https://{name}.example/feed.xml"} for name in ("net", "new")}
    home = hut(rules=[FLAT], sources=sources)
    await busy(home)
    await home.wait(3 * HOUR)
    assert "flatline" not in {alert.kind for alert in await home.alerts()}
    async with home.store.begin() as tx:
        await tx.sources.succeeded("new", cursor=None, watermark=None, at=home.clock.now())
        await tx.commit()
    await home.stages.evaluate.tick()
    assert (await home.alert("flat")).state == "open"


async def test_a_restart_at_any_point_rings_once(hut: Build) -> None:
    """Stopped and started between every two looks, it learns, rings and ends as if it had never stopped."""
    home = hut(rules=[FLAT])
    for _ in range(5):
        await busy(home, 2)
        home.restart()
    for _ in range(9):
        await home.wait(10 * MINUTE)
        home.restart()
    assert (await home.alert("flat")).occurrences > 1
    assert home.kinds("room") == ["first"]


async def test_in_a_recording_nothing_is_on_its_way(hut: Build, moment: datetime) -> None:
    """Silence between two mentions is silence, and rings at its own moment."""
    home = hut(rules=[FLAT], drive=True, clock=ReplayClock(moment))
    talk = [home.mention("Acme!", by=f"p{n}", written_at=moment + n * 10 * MINUTE) for n in range(60)]
    await home.brings(*talk, home.mention("Acme?", written_at=moment + 13 * HOUR))
    await home.judge()
    assert moment + 10 * HOUR < (await home.alert("flat")).opened_at < moment + 11 * HOUR


async def test_the_end_of_a_recording_is_no_silence(hut: Build, moment: datetime) -> None:
    """What was said after it, nobody knows."""
    home = hut(rules=[FLAT], drive=True, clock=ReplayClock(moment))
    await home.brings(*(home.mention("Acme!", by=f"p{n}", written_at=moment + n * 10 * MINUTE) for n in range(60)))
    await home.judge()
    for _ in range(12):
        home.clock.advance(10 * MINUTE)
        await home.stages.evaluate.tick()
    assert await home.alerts() == []
