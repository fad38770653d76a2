"""Inhibition: while a crisis rings its room is not told of each complaint; whoever answers complaints is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.alert import HEALTH_KINDS
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from tests.monitor.pipeline.conftest import CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

HOUR = timedelta(hours=1)
ZOE = Actor("zoe", "cli")
COMPLAINT: dict[str, Any] = {
    "id": "complaint",
    "kind": "mention",
    "where": {"text": {"any_of": ["broken"]}},
    "notify": ["desk", "room"],
}
ENTRY: dict[str, Any] = {"source": {"rule": "crisis"}, "target": {"rule": "complaint"}, "equal": ["subject"], "for": ["room"]}
ROUTING: dict[str, Any] = {"default": "desk", "ops": "tech", "inhibit": [ENTRY]}


def inhibiting(build: Build, **more: Any) -> House:
    """A house in which a crisis keeps complaints from its room."""
    return build(**{"rules": [COMPLAINT, CRISIS], "routing": ROUTING} | more)


@pytest.mark.parametrize("kind", HEALTH_KINDS)
def test_what_is_about_ourselves_may_be_named(kind: str, configure: Configure) -> None:
    """Each rule of our own, though it stands in no file."""
    about = {"source": {"rule": kind.replace("_", "-")}, "target": {"rule": "complaint"}}
    (entry,) = configure(routing=ROUTING | {"inhibit": [about]}).routing.inhibit
    assert entry.source.rule is not None
    assert entry.source.rule.is_ == kind.replace("_", "-")


def rules_told(home: House, receiver: str) -> list[list[str]]:
    """Of which rules' alerts a receiver was told, message by message, without the ends."""
    return [[alert.rule for alert in message.alerts] for message in home.told(receiver) if message.kind != "resolved"]


async def test_while_the_source_rings_the_target_is_told_to_the_others_alone(house: Build) -> None:
    """The crisis room hears of the crisis, customer care of every complaint."""
    home = inhibiting(house)
    await home.storm()
    for n in range(3):
        await home.hears("Acme is broken", by=f"customer{n}")
    await home.wait(10 * timedelta(minutes=1))
    assert rules_told(home, "room") == [["crisis"]]
    assert sum(map(len, rules_told(home, "desk"))) == 3


async def test_what_is_still_open_when_the_source_is_over_is_told_once(house: Build) -> None:
    """Nothing is lost: the room learns of the complaint that nobody answered, also when we were restarted in between."""
    home = inhibiting(house)
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.wait(HOUR)
    assert rules_told(home, "room") == [["crisis"]]
    home.restart()
    await home.wait(HOUR)
    home.restart()
    await home.wait(HOUR)
    assert rules_told(home, "room") == [["crisis"], ["complaint"]]
    assert rules_told(home, "desk") == [["complaint"]]


async def test_nothing_fires_at_a_restart_while_the_source_rings(house: Build) -> None:
    """What is inhibited stands in the store: another process knows it."""
    home = inhibiting(house)
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    for _ in range(3):
        home.restart()
        await home.wait(timedelta(minutes=10))
    assert rules_told(home, "room") == [["crisis"]]


async def test_it_is_written_down_who_was_not_told_and_because_of_what(house: Build) -> None:
    """The timeline of the alert names the receivers and the alert that kept it quiet, and when that was over."""
    home = inhibiting(house)
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.wait(2 * HOUR)
    crisis, complaint = [(await home.alert(rule)).id for rule in ("crisis", "complaint")]
    (inhibited,), (released,) = await home.timeline("alert.inhibited"), await home.timeline("alert.released")
    assert inhibited.detail == {"rule": "complaint", "receivers": ["room"], "by": [crisis]}
    assert released.detail == {"rule": "complaint", "receivers": ["room"]}
    assert {inhibited.alert_id, released.alert_id} == {complaint}


async def test_what_is_over_before_its_inhibition_is_never_told(hut: Build) -> None:
    """Whoever was not told that it rang is not told that it ended."""
    home = inhibiting(hut, rules=[COMPLAINT | {"resolve": {"after": "10m"}}, CRISIS])
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.wait(3 * HOUR)
    assert rules_told(home, "room") == [["crisis"]]


async def test_another_subject_is_another_matter(hut: Build) -> None:
    """A crisis of the brand keeps no complaint about a rival quiet."""
    home = inhibiting(hut)
    await home.storm()
    await home.hears("Globex is broken", by="customer")
    await home.act()
    # Two incidents are two conversations: their messages leave beside one another, and arrive in either order.
    assert sorted(rules_told(home, "room")) == [["complaint"], ["crisis"]]


async def test_without_names_nobody_is_told(hut: Build) -> None:
    """An inhibition with no `for` is about all receivers of the target."""
    routing = ROUTING | {"inhibit": [{name: value for name, value in ENTRY.items() if name != "for"}]}
    home = inhibiting(hut, routing=routing)
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.act()
    assert (rules_told(home, "room"), rules_told(home, "desk")) == ([["crisis"]], [])
    await home.wait(2 * HOUR)
    assert (rules_told(home, "room"), rules_told(home, "desk")) == ([["crisis"], ["complaint"]], [["complaint"]])


async def test_what_is_exempt_is_never_inhibited(hut: Build) -> None:
    """Danger to people is told to everybody, whatever else rings."""
    home = inhibiting(hut, rules=[COMPLAINT | {"exempt": True}, CRISIS])
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.wait(HOUR / 6)
    assert rules_told(home, "room") == [["crisis"], ["complaint"]]


async def test_a_source_that_nobody_was_told_of_keeps_nobody_quiet(hut: Build) -> None:
    """Under a silence, or while it is only observed, its own alert says nothing in the place of others."""
    home = inhibiting(hut, rules=[COMPLAINT, CRISIS | {"mode": "observe"}])
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.act()
    assert rules_told(home, "room") == [["complaint"]]


async def test_a_silence_outlasts_an_inhibition(hut: Build) -> None:
    """What a silence covers when its inhibition ends waits for the end of the silence, and is told once."""
    home = inhibiting(hut)
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.act()
    at = home.clock.now()
    await operations.silence(home.store, {"rule": "complaint"}, lasting=3 * HOUR, reason="known", actor=ZOE, at=at)
    await home.wait(3 * HOUR - timedelta(minutes=1))
    assert rules_told(home, "room") == [["crisis"]]
    await home.wait(HOUR)
    assert rules_told(home, "room") == [["crisis"], ["complaint"]]


async def test_a_receiver_that_is_gone_when_the_inhibition_ends_is_replaced(hut: Build, configure: Any) -> None:
    """Whom the rule names now is told in its place."""
    home = inhibiting(hut, rules=[COMPLAINT | {"notify": "room"}, CRISIS | {"notify": "desk"}])
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.act()
    receivers = {name: {"kind": "webhook", "url": f"https://hooks.example/{name}"} for name in ("desk", "queue", "tech")}
    routing = {"default": "queue", "ops": "tech"}
    rules = [COMPLAINT | {"notify": "queue"}, CRISIS | {"notify": "desk"}]
    home.restart(configure(rules=rules, people={"people": {}, "roles": {}}, receivers=receivers, routing=routing))
    await home.wait(HOUR)
    home.restart()
    await home.wait(HOUR)
    assert rules_told(home, "queue") == [["complaint"]]


async def test_what_goes_on_is_not_told_among_what_is_over(hut: Build) -> None:
    """The complaint that the crisis kept quiet comes in a message of its own, not in the one that says that it is over."""
    home = inhibiting(hut)
    await home.storm()
    await home.hears("Acme is broken", by="customer")
    await home.wait(3 * HOUR)
    assert home.kinds("room") == ["first", "resolved", "more"]
    assert [[alert.rule for alert in message.alerts] for message in home.told("room")] == [["crisis"], ["crisis"], ["complaint"]]
