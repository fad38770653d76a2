"""Alerting: a finding becomes an alert and an incident, and people are told as often as they can use it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from monitor.domain.alert import Incident, NewAlert, Silence, worse
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.pipeline.silencing import Silencing
from monitor.settings import Settings
from tests.monitor.pipeline.conftest import CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ZOE = Actor("zoe", "cli")


def rule(conftest_rule: dict[str, object], **changes: object) -> dict[str, object]:
    """A rule with some fields changed."""
    return conftest_rule | changes


COMPLAINT: dict[str, object] = {"id": "complaint", "kind": "mention", "where": {"text": {"any_of": ["broken"]}}}


async def incidents(house: House) -> list[Incident]:
    """All incidents, oldest first."""
    async with house.store.read() as tx:
        return list(reversed(await tx.incidents.list()))


async def quiet(house: House, lasting: timedelta, **matcher: object) -> int:
    """Silence what matches from now on."""
    return await operations.silence(house.store, matcher, lasting=lasting, reason="known", actor=ZOE, at=house.clock.now())


async def test_the_first_message_leaves_at_once(house: Build, moment: datetime) -> None:
    """A complaint opens an alert and an incident, and its message is due the same moment."""
    home = house()
    await home.hears("my Acme is broken")
    alert = await home.alert()
    assert (alert.rule, alert.severity, alert.opened_at, alert.told_at) == ("complaint", "warning", moment, moment)
    assert [(each.subject, each.severity) for each in await incidents(home)] == [("acme", "warning")]
    await home.act()
    assert home.kinds("desk") == ["first"]
    opened = (await home.timeline("alert."))[0]
    assert (opened.kind, opened.alert_id, opened.at) == ("alert.opened", alert.id, moment)


async def test_the_same_trouble_is_one_alert(house: Build) -> None:
    """More from the same author joins the open alert; people are not told again."""
    home = house()
    for _ in range(3):
        await home.hears("Acme: broken")
        home.clock.advance(MINUTE)
    alert = await home.alert()
    async with home.store.read() as tx:
        assert await tx.alerts.evidence_count([alert.id]) == 3
    assert alert.occurrences == 3
    assert alert.last_seen_at == home.clock.now() - MINUTE
    await home.act()
    assert home.kinds("desk") == ["first"]


async def test_two_customers_are_two_incidents(hut: Build) -> None:
    """One customer's thread never mixes with another's."""
    home = hut()
    await home.hears("Acme broken", by="ada")
    await home.hears("Acme broken", by="bob")
    assert len(await incidents(home)) == 2
    await home.act()
    assert len({message.conversation for message in home.told("desk")}) == 2


async def test_more_news_of_an_incident_is_gathered(house: Build, moment: datetime) -> None:
    """After the first message, further alerts of the incident wait for `group_wait`, and go out as one."""
    storm = rule(CRISIS, id="storm", where={}, fire={"at_least": 5}, severity="warning", notify="room")
    other = rule(CRISIS, id="wave", where={}, fire={"at_least": 6}, severity="warning", notify="room")
    home = house(rules=[CRISIS, storm, other])
    await home.storm(3)
    await home.act()
    home.clock.advance(MINUTE)
    await home.storm(6, text="what is Acme up to")
    await home.act()
    assert home.kinds("room") == ["first"]
    await home.wait(4 * MINUTE, step=MINUTE)
    assert home.kinds("room") == ["first", "more"]
    more = home.told("room")[1]
    assert {facts.rule for facts in more.alerts} == {"storm", "wave"}
    assert (more.sequence, more.incident_id) == (2, home.told("room")[0].incident_id)
    due = [event.at for event in await home.timeline("delivery.delivered")]
    assert due == [moment, moment + 5 * MINUTE], "group_interval counts from the first message"


async def test_what_is_graver_is_told_at_once(hut: Build) -> None:
    """A critical alert that joins a milder incident does not wait for the gathering."""
    calm = rule(CRISIS, id="talk", where={}, fire={"at_least": 2}, severity="info")
    home = hut(rules=[calm, CRISIS])
    await home.storm(2, text="hello Acme")
    await home.act()
    await home.storm(3)
    await home.act()
    assert home.kinds("room") == ["first", "worse"]
    assert [each.severity for each in await incidents(home)] == ["critical"]


async def test_an_alert_that_becomes_graver_is_told_at_once(hut: Build) -> None:
    """The same alert at a higher severity: told, recorded, and its incident with it."""
    home = hut()
    await home.hears("Acme broken")
    home.restart(_with(home, severity="critical"))
    await home.hears("Acme broken")
    await home.act()
    assert home.kinds("desk") == ["first", "worse"]
    assert (await home.alert()).severity == "critical"
    assert [each.severity for each in await incidents(home)] == ["critical"]
    assert [event.detail for event in await home.timeline("alert.worse")] == [{"rule": "complaint", "severity": "critical"}]


async def test_an_alert_never_becomes_milder(hut: Build) -> None:
    """A later, milder finding leaves the severity that people were told."""
    home = hut(rules=[rule(COMPLAINT, severity="critical")])
    await home.hears("Acme broken")
    home.restart(_with(home, severity="info"))
    await home.hears("Acme broken")
    assert (await home.alert()).severity == "critical"


def _with(house: House, **changes: object) -> Settings:
    rules = tuple(each.model_copy(update=changes) if each.id == "complaint" else each for each in house.settings.rules)
    return house.settings.model_copy(update={"rules": rules})


async def test_a_reminder_comes_after_realert(house: Build) -> None:
    """Trouble that goes on is told again when `realert` has passed, unless somebody took charge of it."""
    home = house(rules=[rule(COMPLAINT, realert="6h")])
    await home.hears("Acme broken")
    await home.act()
    home.clock.advance(6 * HOUR - MINUTE)
    await home.hears("Acme still broken")
    await home.act()
    assert home.kinds("desk") == ["first"]
    home.clock.advance(MINUTE)
    await home.hears("Acme still broken")
    home.clock.advance(MINUTE)
    await home.act()
    assert home.kinds("desk") == ["first", "reminder"]
    alert = await home.alert()
    await operations.acknowledge(home.store, alert.id, ZOE, home.clock.now())
    home.clock.advance(7 * HOUR)
    await home.hears("Acme still broken")
    home.clock.advance(MINUTE)
    await home.act()
    assert home.kinds("desk") == ["first", "reminder"], "an acknowledged alert is not repeated"
    home.restart(_with(home, severity="critical"))
    await home.hears("Acme in flames, broken")
    await home.act()
    assert home.kinds("desk") == ["first", "reminder", "worse"], "but it is told when it is worse"


async def test_the_end_is_told_to_whoever_was_told(house: Build) -> None:
    """A window that is over is told to those who knew of it, and to nobody else; its incident ends with it."""
    home = house()
    await home.storm()
    await home.wait(2 * HOUR)
    alert = await home.alert()
    assert (alert.state, alert.resolved_reason) == ("resolved", "back to normal")
    assert home.kinds("room") == ["first", "resolved"]
    assert home.kinds("desk") == []
    assert all(each.resolved_at for each in await incidents(home))
    assert [event.detail for event in await home.timeline("alert.resolved")] == [{"rule": "crisis", "reason": "back to normal"}]


async def test_the_end_is_not_told_to_those_who_knew_of_another_alert(house: Build) -> None:
    """Two alerts of one incident, told to different people: the end of one is news to its own people only."""
    talk = rule(CRISIS, id="talk", where={"text": {"any_of": ["hello"]}}, keep_firing_for="6h", severity="info", notify="desk")
    home = house(rules=[CRISIS, talk])
    await home.storm(text="hello Acme, fire")
    await home.wait(2 * HOUR)
    assert len(await incidents(home)) == 1
    assert home.kinds("room") == ["first", "resolved"]
    assert home.kinds("desk") == ["first"]


async def test_the_end_of_what_nobody_was_told_is_told_to_nobody(hut: Build) -> None:
    """An alert that rang and ended under a silence stays quiet, whatever else its incident told."""
    talk = rule(CRISIS, id="talk", where={}, severity="info")
    home = hut(rules=[CRISIS, talk])
    await quiet(home, 12 * HOUR, rule="talk")
    await home.storm()
    await home.wait(3 * HOUR)
    assert [facts.rule for message in home.told("room") for facts in message.alerts] == ["crisis", "crisis"]


async def test_a_complaint_joins_the_crisis_of_its_subject(hut: Build) -> None:
    """While the brand is under fire a complaint belongs to that incident, and does not hold it open."""
    home = hut()
    await home.storm()
    await home.hears("my Acme is broken", by="late")
    assert len(await incidents(home)) == 1
    await home.wait(2 * HOUR)
    (incident,) = await incidents(home)
    assert incident.resolved_at is not None
    complaint = await home.alert("complaint")
    assert complaint.state == "open"
    await home.wait(24 * HOUR, step=HOUR)
    assert (await home.alert("complaint")).state == "resolved"


async def test_a_complaint_that_returns_does_not_reopen_the_crisis(house: Build) -> None:
    """A customer who complained during a crisis, and again after it, is an incident of their own."""
    home = house(rules=[rule(COMPLAINT, resolve={"after": "1h"}, realert="12h"), CRISIS])
    await home.storm()
    await home.hears("my Acme is broken", by="late")
    await home.wait(3 * HOUR)
    assert all(each.resolved_at for each in await incidents(home))
    await home.hears("my Acme is broken again", by="late")
    crisis, own = await incidents(home)
    assert crisis.resolved_at is not None
    assert own.resolved_at is None
    assert (await home.alert("complaint")).incident_id == own.id


async def test_a_complaint_ends_by_its_time_and_nobody_is_told(hut: Build, moment: datetime) -> None:
    """`resolve.after` counts from the last mention that rang it."""
    home = hut()
    await home.hears("Acme broken")
    home.clock.advance(5 * HOUR)
    await home.hears("Acme broken")
    await home.wait(24 * HOUR - MINUTE, step=HOUR)
    assert (await home.alert()).state == "open"
    await home.wait(MINUTE)
    alert = await home.alert()
    assert (alert.resolved_at, alert.resolved_reason) == (moment + 29 * HOUR, "its time is over")
    assert home.kinds("desk") == ["first"]


async def test_a_complaint_seen_late_lasts_as_long_as_any(hut: Build) -> None:
    """The time of a complaint counts from when people were told, not only from when it was written."""
    home = hut()
    await home.hears("Acme broken", ago=23 * HOUR)
    await home.act()
    await home.wait(20 * HOUR, step=HOUR)
    assert (await home.alert()).state == "open"
    await home.wait(4 * HOUR, step=HOUR)
    assert (await home.alert()).state == "resolved"


async def test_what_returns_within_realert_is_the_same_trouble(house: Build) -> None:
    """A window that rings again soon reopens its alert and incident; people hear of it in the same conversation."""
    home = house(rules=[rule(CRISIS, severity="warning")])
    await home.storm()
    await home.wait(2 * HOUR)
    first = await home.alert()
    await operations.acknowledge(home.store, first.id, ZOE, home.clock.now())
    await home.storm()
    again = await home.alert()
    assert (again.id, again.incident_id, again.state) == (first.id, first.incident_id, "open")
    assert again.acknowledged_at is None
    assert len(await incidents(home)) == 1
    await home.wait(MINUTE)
    assert home.kinds("room") == ["first", "resolved", "more"]
    assert [message.sequence for message in home.told("room")] == [1, 2, 3]
    assert [event.kind for event in await home.timeline("alert.")] == ["alert.opened", "alert.resolved", "alert.reopened"]


async def test_what_returns_later_is_new(hut: Build) -> None:
    """After `realert` the same rule and key make another alert and another incident."""
    home = hut(rules=[rule(CRISIS, realert="1h45m")])
    await home.storm()
    await home.wait(2 * HOUR)
    await home.storm()
    await home.act()
    assert len(await home.alerts()) == 2
    assert len(await incidents(home)) == 2
    assert home.kinds("room") == ["first", "resolved", "first"]


@pytest.mark.parametrize("kind", ["complaint", "crisis"])
async def test_what_rings_under_a_silence_is_told_once_after_it(house: Build, kind: str) -> None:
    """A silenced alert is opened and kept; if it still rings when the silence ends, it is told once."""
    home = house(rules=[COMPLAINT, rule(CRISIS, keep_firing_for="6h")])
    await quiet(home, 2 * HOUR, rule=kind)
    await home.storm(text="Acme on fire") if kind == "crisis" else await home.hears("Acme broken")
    who = "room" if kind == "crisis" else "desk"
    await home.wait(2 * HOUR - MINUTE)
    alert = await home.alert()
    assert (alert.state, alert.told_at, home.kinds(who)) == ("open", None, [])
    assert [event.kind for event in await home.timeline("alert.")] == ["alert.silenced"]
    await home.wait(10 * MINUTE)
    assert home.kinds(who) == ["first"]
    assert (await home.alert()).told_at is not None


async def test_a_mention_after_a_silence_tells_what_the_silence_covered(hut: Build) -> None:
    """Whichever comes first after the silence, a mention or a look at the clock, tells it once."""
    home = hut()
    await quiet(home, HOUR, rule="complaint")
    await home.hears("Acme broken")
    home.clock.advance(HOUR)
    await home.hears("Acme broken")
    await home.wait(10 * MINUTE)
    assert home.kinds("desk") == ["first"]


async def test_an_ongoing_silence_keeps_quiet_whatever_comes(hut: Build) -> None:
    """Neither repetition nor a higher severity is told while the silence lasts; afterwards the worse is."""
    home = hut()
    await home.hears("Acme broken")
    await home.act()
    await quiet(home, 8 * HOUR, subject="acme")
    home.clock.advance(7 * HOUR)
    home.restart(_with(home, severity="critical"))
    await home.hears("Acme broken")
    await home.wait(10 * MINUTE)
    assert home.kinds("desk") == ["first"]
    home.clock.advance(HOUR)
    await home.hears("Acme broken")
    await home.act()
    assert home.kinds("desk") == ["first", "worse"]
    assert (await home.alert()).severity == "critical"


async def test_a_graver_finding_under_a_silence_counts_when_nobody_was_told_yet(hut: Build) -> None:
    """What was opened mild and grew grave under a silence is told as grave, and so is its incident."""
    home = hut()
    await quiet(home, HOUR, rule="complaint")
    await home.hears("Acme broken")
    home.restart(_with(home, severity="critical"))
    await home.hears("Acme broken")
    await home.wait(HOUR + 10 * MINUTE)
    assert [(message.kind, message.severity) for message in home.told("desk")] == [("first", "critical")]
    assert [each.severity for each in await incidents(home)] == ["critical"]


async def test_what_returns_under_a_silence_is_told_after_it(hut: Build) -> None:
    """A window that rings again within `realert`, but under a silence, is not lost."""
    home = hut(rules=[rule(CRISIS, keep_firing_for="3h", severity="warning")])
    await home.storm()
    await home.wait(5 * HOUR)
    assert home.kinds("room") == ["first", "resolved"]
    await quiet(home, HOUR, rule="crisis")
    await home.storm()
    await home.wait(30 * MINUTE)
    assert home.kinds("room") == ["first", "resolved"]
    await home.wait(HOUR)
    assert home.kinds("room") == ["first", "resolved", "more"]
    assert len(await incidents(home)) == 1


def test_a_silence_covers_what_it_names(moment: datetime) -> None:
    """All that a silence gives must match; what it leaves out covers all; what nobody understands covers nothing."""

    def covers(matcher: dict[str, object]) -> bool:
        silence = Silence(1, matcher, "zoe", "", moment, moment, moment + HOUR)
        labels = {"subject": "acme"}
        alert = NewAlert("crisis", "window", {"subject": "acme", "network": "x"}, "info", moment, 1, 1, "", labels=labels)
        return Silencing({}).covering([silence], alert, moment) is silence

    assert covers({"rule": "crisis"})
    assert covers({"subject": "acme"})
    assert covers({"rule": "crisis", "subject": "acme", "key": {"network": "x"}})
    assert not covers({"rule": "other"})
    assert not covers({"subject": "rival"})
    assert not covers({"rule": "crisis", "key": {"network": "y"}})
    assert not covers({"key": {"author": "7"}})
    assert covers({"everything": True})
    assert covers({"where": {"rule": {"in": ["crisis", "storm"]}, "severity": {"lte": "warning"}, "subjects": "acme"}})
    assert covers({"subject": "acme", "where": {"network": "x"}})
    assert not covers({"where": {"severity": "critical"}})
    assert not covers({"where": {"language": "fr"}})  # of a window, nobody knows
    assert not covers({"where": {"mood": "bad"}})
    assert not covers({"where": {"rule": {"in_list": "gone"}}})
    assert not covers({"where": {}})
    assert not covers({"rule": "crisis", "where": {}})
    assert not covers({"everything": False})
    assert not covers({})
    assert not covers({"rule": "crisis", "mood": "bad"})
    assert not covers({"key": "acme"})


def test_severities_are_ordered() -> None:
    """Info is milder than warning, and warning than critical."""
    assert worse("critical", "warning")
    assert worse("warning", "info")
    assert not worse("info", "info")


async def test_everybody_is_told_once_however_many_names_they_have(hut: Build) -> None:
    """A receiver named directly and through a role gets one message; a backup joins a primary off duty."""
    home = hut(rules=[rule(COMPLAINT, notify=["phone", "lead", "ana"])])
    home.clock.advance(12 * HOUR)
    await home.hears("Acme broken")
    await home.act()
    assert [(name, home.kinds(name)) for name in ("phone", "backup-phone")] == [("phone", ["first"]), ("backup-phone", ["first"])]


async def test_a_rule_that_is_gone_ends_its_alerts(hut: Build) -> None:
    """Alerts of a rule that was removed are resolved, and say why; of windows it is told, and that is no all-clear."""
    home = hut()
    await home.storm()
    await home.hears("Globex broken")
    home.restart(home.settings.model_copy(update={"rules": ()}))
    await home.wait(20 * MINUTE)
    assert {(alert.rule, alert.resolved_reason) for alert in await home.alerts()} == {
        ("crisis", "the rule is gone"),
        ("complaint", "the rule is gone"),
    }
    assert home.kinds("room") == ["first", "resolved"]
    assert [facts.unwatched for facts in home.told("room")[-1].alerts] == [True]


async def test_a_rule_that_changed_its_kind_ends_its_alerts(hut: Build) -> None:
    """A window rule that became a mention rule under the same id stops nothing: its old alert ends."""
    home = hut(rules=[CRISIS])
    await home.storm()
    home.restart(hut(rules=[rule(COMPLAINT, id="crisis")]).settings)
    await home.wait(MINUTE)
    assert (await home.alert()).resolved_reason == "the rule is gone"


async def test_an_alert_outlives_its_plan(hut: Build) -> None:
    """A plan that was removed while its alert was silenced is not opened, and people are told all the same."""
    home = hut(rules=[rule(CRISIS, plan="storm", keep_firing_for="6h")], plans=[_plan()])
    await quiet(home, HOUR, rule="crisis")
    await home.storm()
    home.restart(hut(rules=[rule(CRISIS, keep_firing_for="6h")]).settings)
    await home.wait(HOUR + MINUTE)
    assert home.kinds("room") == ["first"]
    assert await home.runs() == []


def _plan() -> dict[str, object]:
    step = {"id": "call", "action": "notify", "receiver": "desk", "title": {"en": "Call"}}
    return {"id": "storm", "title": {"en": "Storm"}, "notify": ["room"], "steps": [step]}
