"""Old news: told gently and together, never to nobody, and never as an emergency."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.monitor.pipeline.conftest import CALL_PLAN

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
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


async def test_windows_that_filled_up_long_ago_are_told_gently(house: Build) -> None:
    """A storm that came and went while nobody listened opens no plan, and is told once, with its figures."""
    home = house(rules=[CRISIS | {"severity": "critical", "plan": "storm"}], plans=[CALL_PLAN])
    await home.brings(*(home.mention("Acme fire", by=f"p{n}", ago=3 * DAY) for n in range(9)))
    await home.judge()
    alert = await home.alert()
    assert (alert.kind, alert.severity, alert.key, alert.plan) == ("window", "info", {"catch_up": "net"}, None)
    assert (alert.observed, alert.measure, alert.labels["catch_up"]) == (9, "mentions", "net")
    assert "before we were looking" in alert.reasons[-1]
    assert await home.runs() == []
    await home.act()
    assert home.kinds("desk") == ["first"]


@pytest.mark.parametrize("edit", [{}, {"window": "50m"}])
async def test_an_old_window_ends_by_its_time(hut: Build, configure: Configure, edit: dict[str, Any]) -> None:
    """Nobody is told of its end; until then it is open, though its rule looks at now, and also when that is edited."""
    home = hut(rules=[CRISIS])
    await home.brings(*(home.mention("Acme fire", by=f"p{n}", ago=3 * DAY) for n in range(9)))
    await home.judge()
    home.restart(configure(rules=[CRISIS | edit]))
    await home.judge()
    await home.wait(DAY - HOUR, step=HOUR)
    assert (await home.alert()).state == "open"
    await home.wait(2 * HOUR, step=HOUR)
    assert (await home.alert()).resolved_reason == "its time is over"
    assert home.kinds("desk") == ["first", "more"]


async def test_an_old_window_ends_with_its_rule(hut: Build, configure: Configure) -> None:
    """Nobody would ever end it."""
    home = hut(rules=[CRISIS])
    await home.brings(*(home.mention("Acme fire", by=f"p{n}", ago=3 * DAY) for n in range(3)))
    await home.judge()
    home.restart(configure(rules=[COMPLAINT | {"plan": None}]))
    await home.wait(HOUR)
    assert (await home.alert()).resolved_reason == "the rule is gone"


async def test_an_old_storm_and_one_of_now_are_two(hut: Build) -> None:
    """What rings now rings as it is."""
    home = hut(rules=[CRISIS])
    await home.brings(*(home.mention("Acme fire", by=f"p{n}", ago=3 * DAY) for n in range(3)))
    await home.storm(text="Acme fire")
    assert [dict(alert.key) for alert in await home.alerts()] == [{"catch_up": "net"}, {"subject": "acme"}]


async def test_mentions_of_a_source_that_is_gone_ring_as_they_are(hut: Build) -> None:
    """Nobody knows any more how old is old: better told."""
    home = hut(rules=[COMPLAINT | {"plan": None}])
    await home.brings(home.mention("Acme broken", ago=3 * DAY))
    home.restart(home.settings.model_copy(update={"sources": {}}))
    await home.judge()
    assert (await home.alert()).severity == "critical"
