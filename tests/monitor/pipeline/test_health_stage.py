"""Health: a source that stops answering and a receiver that stops taking raise alerts themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.errors import SourceError, Trouble
from monitor.pipeline import operations
from monitor.pipeline.health import HORIZON_PATIENCE
from monitor.pipeline.operations import Actor
from notifiers import DeliveryError, Reason
from notifiers.wording import TROUBLES

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DOWN = SourceError(Trouble.UNAVAILABLE, "503", retry_after=0)


async def outage(house: House, lasting: timedelta, step: timedelta = 5 * MINUTE) -> None:
    """The source fails for a while."""
    house.source.script = [DOWN] * 1000
    await house.wait(lasting, step=step)
    house.source.script = []


async def test_a_source_that_stops_answering_raises_an_alert(house: Build) -> None:
    """Told to ops with the reason, once; when it answers again, the end is told."""
    home = house()
    await home.brings()
    await outage(home, 10 * MINUTE)
    assert await home.alerts() == []
    await outage(home, 30 * MINUTE)
    alert = await home.alert()
    assert (alert.rule, alert.kind, alert.severity, alert.key) == ("source-health", "source_health", "warning", {"source": "net"})
    assert "unavailable: 503" in alert.reasons[0]
    assert home.kinds("tech") == ["first"]
    await home.wait(40 * MINUTE)  # its rest may last a quarter of an hour
    assert (await home.alert()).resolved_reason == "it answers again"
    assert home.kinds("tech") == ["first", "resolved"]
    assert home.kinds("desk") == []


async def test_a_source_that_never_answered_is_ill_too(hut: Build) -> None:
    """A source that fails from the beginning is no peace either."""
    home = hut()
    await outage(home, 30 * MINUTE)
    assert (await home.alert()).labels["last_success"] == "never"
    assert home.kinds("tech") == ["first"]


async def test_a_stopped_source_is_critical_at_once(house: Build) -> None:
    """Refused credentials need a person: nobody waits for three polls."""
    home = house()
    home.source.script = [SourceError(Trouble.CREDENTIALS, "401")]
    await home.wait(MINUTE, step=MINUTE)
    assert [(message.kind, message.severity) for message in home.told("tech")] == [("first", "critical")]


async def test_a_source_that_is_ill_and_then_stopped_is_worse(hut: Build) -> None:
    """From a warning to critical: told at once."""
    home = hut()
    await outage(home, 30 * MINUTE)
    home.source.script = [SourceError(Trouble.GONE, "410")]
    await home.wait(20 * MINUTE)  # its rest may last a quarter of an hour
    assert home.kinds("tech") == ["first", "worse"]


async def test_a_restart_does_not_heal_a_source(hut: Build) -> None:
    """Time in which we did not run is not a new source's fault, but one known to be ill is ill until it answers."""
    home = hut()
    await home.brings()
    await outage(home, 30 * MINUTE)
    home.restart()
    await outage(home, 30 * MINUTE)
    assert (await home.alert()).state == "open"
    assert home.kinds("tech") == ["first"]


async def test_a_pause_of_ours_is_not_a_sources_illness(hut: Build) -> None:
    """After a night in which we did not run every source gets its time to answer."""
    home = hut()
    await home.brings()
    home.clock.advance(12 * HOUR)
    home.restart()
    await home.stages.evaluate.tick()
    assert await home.alerts() == []


async def test_a_sleep_in_the_middle_of_a_look_is_not_a_sources_illness(hut: Build) -> None:
    """The machine sleeps between asking for a look at the time and looking: that is noticed before anybody is blamed."""
    home = hut()
    await home.brings()
    trouble = home.store.trouble

    async def sleeps() -> Any:
        home.clock.advance(8 * HOUR)
        return await trouble()

    vars(home.store)["trouble"] = sleeps
    home.stages.evaluate.watch_clocks(home.stages.evaluate.resumed)
    await home.stages.evaluate.tick()
    vars(home.store).pop("trouble")
    assert await home.alerts() == []


async def test_a_source_that_is_no_longer_asked_is_no_trouble(hut: Build) -> None:
    """Switching an ill source off ends its alert, and says so."""
    home = hut()
    await outage(home, 30 * MINUTE)
    off = home.settings.sources["net"].model_copy(update={"enabled": False})
    home.restart(home.settings.model_copy(update={"sources": {"net": off}}))
    await home.stages.evaluate.tick()
    assert (await home.alert()).resolved_reason == "it is no longer asked"


async def test_an_outage_that_is_known_can_be_silenced(hut: Build) -> None:
    """Planned maintenance of a source: told to nobody until the silence is over."""
    home = hut()
    zoe = Actor("zoe", "cli")
    await operations.silence(home.store, {"rule": "source-health"}, lasting=HOUR, reason="moving", actor=zoe, at=home.clock.now())
    await outage(home, 50 * MINUTE)
    assert ((await home.alert()).told_at, home.kinds("tech")) == (None, [])
    await outage(home, 20 * MINUTE)
    assert home.kinds("tech") == ["first"]


async def test_a_dead_receiver_is_told_to_others(house: Build) -> None:
    """Three failures in a row are told to ops; when the receiver is ops itself, to everybody else."""
    home = house(routing={"default": "desk", "ops": "desk"})
    home.doors["desk"].troubles = [DeliveryError(Reason.UNAVAILABLE, "503")] * 3
    await home.hears("Acme broken")
    await home.wait(2 * MINUTE, step=MINUTE / 6)
    alert = await home.alert("receiver-health")
    assert (alert.key, alert.severity) == ({"receiver": "desk"}, "critical")
    assert "first" in home.kinds("room")
    await home.wait(20 * MINUTE)
    assert (await home.alert("receiver-health")).resolved_reason == "it takes messages again"
    assert {message.alerts[0].rule for message in home.told("desk")} == {"complaint"}


async def test_a_dead_receiver_among_several_of_ops(hut: Build) -> None:
    """The other receivers of ops are told of it and of what it missed, and nobody else."""
    home = hut(routing={"default": "desk", "ops": ["tech", "desk"]})
    home.doors["desk"].troubles = [DeliveryError(Reason.GONE, "410")]
    await home.hears("Acme broken")
    await home.wait(20 * MINUTE)
    assert "410" in (await home.alert("receiver-health")).reasons[0]
    assert sorted(facts.rule for message in home.told("tech") for facts in message.alerts) == ["complaint", "receiver-health"]
    assert home.kinds("room") == []


async def test_the_illness_of_what_left_the_configuration_is_over(hut: Build) -> None:
    """A receiver that was removed is nobody's trouble any more; nor is a source."""
    home = hut()
    home.doors["desk"].troubles = [DeliveryError(Reason.GONE, "410")]
    await home.hears("Acme broken")
    await home.wait(20 * MINUTE)
    left = {name: each for name, each in home.settings.receivers.items() if name != "desk"}
    home.restart(home.settings.model_copy(update={"receivers": left, "sources": {}}))
    await home.stages.evaluate.tick()
    assert (await home.alert("receiver-health")).state == "resolved"


@pytest.mark.parametrize("outlasts", [False, True])
async def test_missing_data_delays_an_end_for_a_while(house: Build, outlasts: bool) -> None:
    """While a source is down a window stays open, however calm the rest; not for ever, and a firing is never delayed."""
    home = house()
    await home.brings()
    await home.storm()
    assert (await home.alert()).rule == "crisis"
    await outage(home, HORIZON_PATIENCE + HOUR if outlasts else 3 * HOUR, step=20 * MINUTE)
    assert (await home.alert("crisis")).state == ("resolved" if outlasts else "open")
    await home.wait(HOUR)
    assert (await home.alert("crisis")).state == "resolved"


async def test_while_nothing_can_be_judged_no_alarm_is_called_over_and_health_rings(hut: Build) -> None:
    """What waits may contradict the all-clear, so only our own health is looked at until it is judged."""
    home = hut()
    await home.storm()
    home.clock.advance(3 * HOUR)
    home.source.script = [SourceError(Trouble.CREDENTIALS, "401")]
    await home.stages.intake.poll("net")
    await home.stages.evaluate.tick_behind()
    assert {(alert.rule, alert.state) for alert in await home.alerts()} == {("crisis", "open"), ("source-health", "open")}
    await home.stages.evaluate.tick()
    assert {(alert.rule, alert.state) for alert in await home.alerts()} == {("crisis", "resolved"), ("source-health", "open")}


WATCHED: dict[str, Any] = {
    "id": "press-silent",
    "kind": "source_health",
    "silent_for": "2h",
    "severity": "info",
    "notify": "room",
}


async def test_a_rule_says_how_a_silent_source_is_told(hut: Build, configure: Configure) -> None:
    """After its own time, as loud as it says, to whom it says; the first that covers the source counts."""
    elsewhere = {"id": "elsewhere", "kind": "source_health", "sources": ["other"], "silent_for": "1m", "severity": "critical"}
    sources = {name: {"kind": "feed", "url": f"https://{name}.example/feed.xml"} for name in ("net", "other")}
    later = {"id": "later", "kind": "source_health", "severity": "critical"}
    home = hut(configure(rules=[elsewhere, WATCHED, later], sources={**sources, "other": {**sources["other"], "enabled": False}}))
    await home.brings()
    await outage(home, HOUR)
    assert await home.alerts() == []
    await outage(home, 2 * HOUR)
    alert = await home.alert()
    assert (alert.rule, alert.kind, alert.severity, alert.key) == ("press-silent", "source_health", "info", {"source": "net"})
    assert (home.kinds("room"), home.kinds("tech")) == (["first"], [])
    await home.wait(40 * MINUTE)
    assert home.kinds("room") == ["first", "resolved"]


async def test_a_stopped_source_rings_as_its_rule_says(hut: Build, configure: Configure) -> None:
    """Critical by itself, or less where it matters less."""
    home = hut(configure(rules=[{**WATCHED, "stopped": "warning"}]))
    home.source.script = [SourceError(Trouble.CREDENTIALS, "401")]
    await home.wait(MINUTE, step=MINUTE)
    assert (await home.alert()).severity == "warning"


async def test_a_new_rule_takes_over_what_rings(hut: Build, configure: Configure) -> None:
    """The alert of the old one ends, and nobody is told that anything was well."""
    home = hut()
    await home.brings()
    await outage(home, 40 * MINUTE)
    home.restart(configure(rules=[{**WATCHED, "silent_for": "10m"}]))
    await outage(home, 10 * MINUTE)
    old, new = await home.alerts()
    assert (old.rule, old.resolved_reason) == ("source-health", "another rule watches it")
    assert (new.rule, new.resolved_at) == ("press-silent", None)
    assert (home.kinds("tech"), home.kinds("room")) == (["first"], ["first"])


def test_messages_have_words_for_every_trouble() -> None:
    """Of a source that does not answer, whoever reads it is told why."""
    assert {str(trouble) for trouble in Trouble} == TROUBLES
