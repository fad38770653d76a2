"""Messages: the figures of the moment they were decided, and what is still open of the incident when they are sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.alert import AlertEvent, NotificationKind
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from notifiers.email import subject
from notifiers.render import payload
from notifiers.wording import headline, next_action
from tests.monitor.pipeline.conftest import CHECK_PLAN, CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
ZOE = Actor("zoe", "cli")
STORM = CRISIS | {"plan": "storm"}
TALK: dict[str, Any] = STORM | {
    "id": "talk",
    "title": {"en": "Everybody talks"},
    "where": {"text": {"any_of": ["hello"]}},
    "window": "10m",
    "keep_firing_for": "10m",
    "severity": "warning",
    "plan": None,
}
DANGER: dict[str, Any] = {
    "id": "danger",
    "title": {"en": "Possible danger"},
    "kind": "mention",
    "where": {"text": {"any_of": ["injured"]}},
    "severity": "critical",
    "notify": "desk",
}


def rules(*given: dict[str, Any]) -> list[dict[str, Any]]:
    """The rules, without what is None."""
    return [{name: value for name, value in rule.items() if value is not None} for rule in given]


async def storm(home: House) -> None:
    """A crisis opens, with its plan, and everybody talks."""
    await home.storm(text="hello Acme, fire")
    await home.act()


async def test_the_figures_of_a_message_are_those_of_one_moment(house: Build) -> None:
    """What comes between the decision and the sending changes neither the figures nor the reasons that hold them."""
    home = house()
    await home.storm()
    await home.storm(people=7)
    await home.act()
    (facts,) = home.told("room")[0].alerts
    assert (facts.observed, facts.learning) == (3, True)
    assert facts.reasons[0] == "3 authors within 1h"
    (alert,) = [each for each in await home.alerts() if each.rule == "crisis"]
    assert alert.observed == 7
    sent: dict[str, Any] = payload(home.told("room")[0])["data"]["alerts"][0]
    assert repr(sent["observed"]) == "3.0"


async def test_one_end_in_a_running_crisis_is_no_calm(house: Build) -> None:
    """Until nothing of the incident is open, no message says that it is over: neither the alerts, nor a danger, nor the plan."""
    home = house(rules=rules(STORM, TALK, DANGER), plans=[CHECK_PLAN])
    await storm(home)
    await home.hears("Acme: somebody was injured")
    await home.wait(timedelta(minutes=40))
    over = home.told("room")[-1]
    assert (over.kind, [facts.rule for facts in over.alerts]) == ("resolved", ["talk"])
    assert headline(over) == (
        "Over: “Everybody talks”. Still going on: “Possible danger”, “crisis” (3 people), plan “Storm plan” (0 of 1 steps done)"
    )
    crisis, danger = await home.alert("crisis"), await home.alert("danger")
    assert next_action(over).endswith(f": tocsin ack {crisis.id} {danger.id}")
    await operations.acknowledge(home.store, danger.id, ZOE, home.clock.now())
    await home.wait(3 * HOUR)
    over = [message for message in home.told("room") if message.kind == "resolved"][-1]
    assert [facts.rule for facts in over.alerts] == ["crisis"]
    assert headline(over) == "Over: “crisis”. Still going on: plan “Storm plan” (0 of 1 steps done)"
    (run,) = await home.runs()
    assert next_action(over) == f"Finish the plan, or close it: tocsin plan show {run.id}"


async def test_calm_is_told_when_nothing_is_open(hut: Build) -> None:
    """The plan closed, the last alert over: now there is nothing to do."""
    home = hut(rules=rules(STORM), plans=[CHECK_PLAN])
    await storm(home)
    await home.do("stand_down")
    await home.wait(3 * HOUR)
    over = home.told("room")[-1]
    assert (over.kind, over.still_open, over.plan) == ("resolved", (), None)
    assert headline(over).startswith("Back to calm for Acme, after ")


async def test_a_conversation_keeps_its_topic_when_its_plan_is_confirmed(hut: Build) -> None:
    """What the first message said of the plan names all of them, however the plan stands since."""
    home = hut(rules=rules(STORM, TALK), plans=[CHECK_PLAN])
    await storm(home)
    await home.do("confirm")
    await home.storm(people=9)
    await home.wait(4 * HOUR)
    (topic,) = {message.topic for message in home.told("room")}
    assert topic == "Emergency plan “Storm plan” to confirm: 3 people complain about Acme within 60 minutes (still learning)"


@pytest.mark.parametrize("also_more", [False, True])
async def test_a_conversation_keeps_its_topic_when_its_author_is_erased(hut: Build, also_more: bool) -> None:
    """The topic names nobody: whom it would name can be erased, or become better known, while the conversation goes on."""
    home = hut(rules=[DANGER | {"realert": "1h"}])
    await home.hears("injured by an Acme", by="mallory")
    await home.act()
    home.clock.advance(2 * HOUR)
    if also_more:
        await home.hears("still injured by an Acme", by="mallory")
        await home.act()
        home.clock.advance(2 * HOUR)
    async with home.store.begin() as tx:
        incident = (await tx.incidents.list())[0]
        await tx.erasures.erase("mastodon", "mallory", home.clock.now())
        alert = (await tx.alerts.of_incident(incident.id))[0]
        await tx.notifications.add(
            incident_id=incident.id,
            receiver="desk",
            kind=NotificationKind.REMINDER,
            events=[AlertEvent.of(alert, NotificationKind.REMINDER)],
            created_at=home.clock.now(),
            due_at=home.clock.now(),
        )
        await tx.commit()
    await home.act()
    assert home.kinds("desk") == ["first", *["reminder"] * (1 + also_more)]
    assert len({message.topic for message in home.told("desk")}) == 1
    assert "mallory" not in subject(home.told("desk")[0])
    assert "mallory" in headline(home.told("desk")[0])
    assert "mallory" not in repr(home.told("desk")[-1])
