"""`tocsin alert show`: who was told of an alert, who was not, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.cli import told
from monitor.cli.act import _state
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from tests.monitor.pipeline.conftest import CRISIS, configure, hut, lite

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

__all__ = ["configure", "hut", "lite"]  # fixtures
HOUR = timedelta(hours=1)
ZOE = Actor("zoe", "cli")
COMPLAINT: dict[str, Any] = {
    "id": "complaint",
    "kind": "mention",
    "where": {"text": {"any_of": ["broken"]}},
    "notify": ["desk", "room"],
}
ROUTING: dict[str, Any] = {"default": "desk", "ops": "tech"}


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    """The commands look at the clock of the story."""
    monkeypatch.setattr(told, "clock", clock)


async def missing(home: House, rule: str) -> list[str]:
    """Who was not told of the only alert of a rule."""
    alert = await home.alert(rule)
    async with home.store.read() as tx:
        found = await told.Told.of(tx, alert, await tx.timeline.of_incident(alert.incident_id))
    return list(found.missing(home.settings))


async def lines(home: House, rule: str) -> list[str]:
    """Who was told of it."""
    alert = await home.alert(rule)
    async with home.store.read() as tx:
        found = await told.Told.of(tx, alert, await tx.timeline.of_incident(alert.incident_id))
    return list(found.lines(home.settings))


async def test_what_quiet_hours_hold(hut: Build) -> None:
    """Until when, and for whom; once they are over, in which message it was told."""
    begins = {"from": "00:00", "to": "23:59", "for": "room"}
    home = hut(rules=[COMPLAINT], routing=ROUTING | {"quiet_hours": begins})
    end = home.clock.now().replace(hour=23, minute=59)
    await home.hears("Acme is broken")
    await home.act()
    assert await missing(home, "complaint") == [f"room: quiet hours hold it until {end:%Y-%m-%d} 23:59"]
    assert [line.split(",")[0] for line in await lines(home, "complaint")] == ["desk: first"]
    await home.wait(end - home.clock.now(), step=HOUR)
    assert await missing(home, "complaint") == []
    assert f"room: held, delivered after 1 attempt, {end:%Y-%m-%d} 23:59" in await lines(home, "complaint")


async def test_what_another_alert_keeps_quiet(hut: Build) -> None:
    """By which alert, and for whom."""
    entry = {"source": {"rule": "crisis"}, "target": {"rule": "complaint"}, "for": "room"}
    home = hut(rules=[COMPLAINT, CRISIS], routing=ROUTING | {"inhibit": entry})
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    assert await missing(home, "complaint") == ["room: alert 1 keeps it quiet"]
    await home.wait(2 * HOUR)
    assert await missing(home, "complaint") == []


async def test_what_a_silence_covers(hut: Build) -> None:
    """Which one, until when, whose and why."""
    home = hut(rules=[COMPLAINT])
    at = home.clock.now()
    await operations.silence(home.store, {"rule": "complaint"}, lasting=HOUR, reason="known", actor=ZOE, at=at)
    await home.hears("Acme is broken")
    assert await missing(home, "complaint") == [f"nobody: silence 1 covers it until {at + HOUR:%Y-%m-%d %H:%M} (known, zoe)"]
    assert _state(await home.alert()) == "silenced"


async def test_what_is_only_observed(hut: Build) -> None:
    """Nobody is told, and the list of alerts says so, too."""
    home = hut(rules=[COMPLAINT | {"mode": "observe"}])
    await home.hears("Acme is broken")
    assert await missing(home, "complaint") == ["nobody: its rule is only observed (mode: observe)"]
    assert _state(await home.alert()) == "observed"


async def test_what_a_limit_sent_to_the_digest(hut: Build) -> None:
    """It was told in a digest, which is among the messages, and why."""
    home = hut(rules=[COMPLAINT | {"limit": {"max": 1}, "notify": "desk"}])
    await home.hears("Acme is broken", by="ada")
    await home.hears("Acme is broken", by="bob")
    await home.wait(HOUR)
    alert = (await home.alerts())[1]
    async with home.store.read() as tx:
        found = await told.Told.of(tx, alert, await tx.timeline.of_incident(alert.incident_id))
    assert list(found.missing(home.settings)) == ["on its own: nobody, only in a digest: the `limit` of its rule was reached"]
    assert [line.split(",")[0] for line in found.lines(home.settings)] == ["desk: first"]


async def test_what_somebody_acknowledged(hut: Build) -> None:
    """No reminder comes, and who is on it."""
    home = hut(rules=[COMPLAINT])
    await home.hears("Acme is broken")
    await operations.acknowledge(home.store, 1, ZOE, home.clock.now())
    assert await missing(home, "complaint") == ["again: nobody, since zoe has acknowledged it"]
