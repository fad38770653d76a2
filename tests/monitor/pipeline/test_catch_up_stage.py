"""Old news: told gently and together, never to nobody, and never as an emergency."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.monitor.pipeline.conftest import CALL_PLAN

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
COMPLAINT: dict[str, Any] = {
    "id": "complaint",
    "kind": "mention",
    "where": {"text": {"any_of": ["broken"]}},
    "severity": "critical",
    "plan": "storm",
}
CRISIS: dict[str, Any] = {
    "id": "crisis",
    "kind": "window",
    "where": {"text": {"any_of": ["fire"]}},
    "window": "60m",
    "fire": {"at_least": 3},
}


async def test_old_mentions_are_told_together_and_gently(house: Build) -> None:
    """Past `max_age` everybody's complaints are one alert of low severity, and no plan is opened."""
    home = house(rules=[COMPLAINT], plans=[CALL_PLAN])
    await home.brings(*(home.mention("Acme broken", by=f"p{n}", ago=3 * DAY) for n in range(4)))
    await home.judge()
    alert = await home.alert()
    assert (alert.severity, alert.key, alert.plan, alert.occurrences) == ("info", {"catch_up": "net"}, None, 4)
    assert "before we were looking" in alert.reasons[-1]
    assert await home.runs() == []
    await home.act()
    (message,) = home.told("desk")
    assert (message.kind, len(message.posts)) == ("first", 4)


async def test_a_fresh_mention_rings_beside_them(hut: Build) -> None:
    """What is as old as `max_age` exactly is fresh."""
    home = hut(rules=[COMPLAINT | {"plan": None}])
    await home.hears("Acme broken", by="old", ago=DAY + MINUTE)
    await home.hears("Acme broken", by="new", ago=DAY)
    assert [alert.severity for alert in await home.alerts()] == ["info", "critical"]


async def test_old_mentions_that_follow_are_told_too(house: Build) -> None:
    """A long backlog is told to the end: gathered, not one by one, and not to nobody."""
    home = house(rules=[COMPLAINT | {"plan": None}])
    for n in range(30):
        await home.hears("Acme broken", by=f"p{n}", ago=3 * DAY)
        await home.act()
        home.clock.advance(MINUTE / 10)
    await home.wait(10 * MINUTE)
    assert home.kinds("desk") == ["first", "more"]
    last = home.told("desk")[-1]
    assert len(last.posts) + last.more_posts == 30
    assert len(last.alerts) == 1
    assert len(await home.alerts()) == 1


async def test_windows_that_filled_up_long_ago_are_history(hut: Build) -> None:
    """An old storm rings for nobody."""
    home = hut(rules=[CRISIS])
    await home.brings(*(home.mention("Acme fire", by=f"p{n}", ago=3 * DAY) for n in range(9)))
    await home.judge()
    assert await home.alerts() == []


async def test_mentions_of_a_source_that_is_gone_ring_as_they_are(hut: Build) -> None:
    """Nobody knows any more how old is old: better told."""
    home = hut(rules=[COMPLAINT | {"plan": None}])
    await home.brings(home.mention("Acme broken", ago=3 * DAY))
    home.restart(home.settings.model_copy(update={"sources": {}}))
    await home.judge()
    assert (await home.alert()).severity == "critical"
