"""What people do: each operation is one transaction and one event of the timeline, with who did it and through what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.errors import UsageError
from monitor.pipeline import operations
from monitor.pipeline.delivery import send_now
from monitor.pipeline.inbox import StoredInbox
from monitor.pipeline.operations import Actor
from monitor.pipeline.outcome import Outcome, stage_seconds, tell
from monitor.plans import Act
from monitor.testing import serving
from tests.monitor.pipeline.conftest import CALL_PLAN

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
ZOE = Actor("zoe", "cli")
CRISIS: dict[str, Any] = {
    "id": "crisis",
    "kind": "window",
    "where": {"text": {"any_of": ["fire"]}},
    "window": "60m",
    "fire": {"at_least": 3},
    "plan": "storm",
}


async def by_people(house: House) -> list[tuple[str, str, str]]:
    """What people did: kind, who, through what."""
    return [(each.kind, each.actor, each.through) for each in await house.timeline() if each.through != "daemon"]


async def test_acknowledging_is_recorded_once(house: Build) -> None:
    """« Je prends en charge » holds for the alert and its incident; a second time changes nothing."""
    home = house()
    await home.hears("Acme broken")
    alert = await home.alert()
    await operations.acknowledge(home.store, alert.id, ZOE, home.clock.now(), note="calling them")
    await operations.acknowledge(home.store, alert.id, Actor("max", "mail"), home.clock.now())
    taken = await home.alert()
    assert (taken.acknowledged_by, taken.acknowledged_at) == ("zoe", home.clock.now())
    async with home.store.read() as tx:
        incident = await tx.incidents.get(alert.incident_id)
    assert incident is not None
    assert incident.acknowledged_by == "zoe"
    assert await by_people(home) == [("alert.acknowledged", "zoe", "cli")]
    (event,) = await home.timeline("alert.acknowledged")
    assert event.detail == {"rule": "complaint", "note": "calling them"}


async def test_what_does_not_exist_is_said_in_words(hut: Build) -> None:
    """Every operation on something that is not there is a `UsageError` that names the command to look with."""
    home = hut()
    now = home.clock.now()
    with pytest.raises(UsageError, match="tocsin alerts --all"):
        await operations.acknowledge(home.store, 7, ZOE, now)
    with pytest.raises(UsageError, match="tocsin plan list"):
        await operations.act_in_plan(home.store, 7, Act("confirm", "zoe", now), "cli")
    with pytest.raises(UsageError, match="tocsin silences"):
        await operations.end_silence(home.store, 7, ZOE, now)
    with pytest.raises(UsageError, match="a rule, a subject"):
        await operations.silence(home.store, {}, lasting=HOUR, reason="", actor=ZOE, at=now)
    assert await home.timeline() == []


async def test_a_silence_can_be_ended_early(house: Build) -> None:
    """Its beginning and its end are recorded; ended, it covers nothing any more."""
    home = house()
    now = home.clock.now()
    number = await operations.silence(home.store, {"rule": "complaint"}, lasting=HOUR, reason="known", actor=ZOE, at=now)
    await operations.end_silence(home.store, number, ZOE, now)
    with pytest.raises(UsageError):
        await operations.end_silence(home.store, number, ZOE, now)
    await home.hears("Acme broken")
    await home.act()
    assert home.kinds("desk") == ["first"]
    assert await by_people(home) == [("silence.added", "zoe", "cli"), ("silence.ended", "zoe", "cli")]
    (added,) = await home.timeline("silence.added")
    assert added.detail == {
        "silence": number,
        "matcher": {"rule": "complaint"},
        "reason": "known",
        "until": (now + HOUR).isoformat(),
    }


async def test_a_plan_is_confirmed_and_closed_once(house: Build) -> None:
    """Each is recorded with its actor the first time only."""
    home = house(rules=[CRISIS], plans=[CALL_PLAN])
    await home.storm()
    (run,) = await home.runs()
    for _ in range(2):
        await home.do("confirm")
    assert [each.state for each in await home.runs()] == ["running"]
    for _ in range(2):
        await home.do("stand_down")
    assert [each.state for each in await home.runs()] == ["closed"]
    assert await by_people(home) == [
        ("plan.confirmed", "zoe", "cli"),
        ("plan.acknowledged", "zoe", "cli"),
        ("plan.stood_down", "zoe", "cli"),
        ("plan.closed", "zoe", "cli"),
    ]
    events = await home.timeline("plan.c")
    assert {(each.plan_run_id, each.incident_id) for each in events} == {(run.id, run.incident_id)}


async def test_a_test_rings_end_to_end_and_leaves_nothing_open(house: Build) -> None:
    """The test alert reaches its receiver, says that it is one, and is over at once."""
    home = house()
    await operations.ring_for_test(home.store, "complaint", "room", ZOE, home.clock.now())
    await home.act()
    assert home.kinds("room") == ["test"]
    assert home.told("room")[0].alerts[0].reasons == ("zoe asked for a test",)
    assert (await home.alert()).state == "resolved"
    async with home.store.read() as tx:
        assert await tx.incidents.list(open_only=True) == []
    assert await by_people(home) == [("alert.tested", "zoe", "cli")]
    await home.hears("Acme broken")
    assert len(await home.alerts()) == 2


async def test_a_command_sends_what_is_owed(hut: Build) -> None:
    """`send_now` is the daemon's delivery stage for a moment: over a real connection, all that is due to one receiver."""
    async with serving() as site:
        site.says(204)
        home = hut(
            receivers={"desk": {"kind": "webhook", "url": site.url}},
            routing={"default": "desk"},
            rules=[],
            people={},
            http={"allow": ["127.0.0.1"]},
        )
        for _ in range(2):
            await operations.ring_for_test(home.store, "complaint", "desk", ZOE, home.clock.now())
            home.clock.advance(HOUR)
        await send_now(home.settings, home.store, home.clock, "desk")
        assert len(site.asked) == 2
    assert [each.state for each in await home.deliveries()] == ["delivered", "delivered"]


async def test_the_inbox_is_read_until_it_is_processed(hut: Build) -> None:
    """What was pushed stays pending until somebody says that it was read."""
    home = hut()
    async with home.store.begin() as tx:
        await tx.inbox.put("hook", "d1", b"{}", home.clock.now())
        await tx.commit()
    inbox = StoredInbox(home.store)
    (item,) = await inbox.pending("hook", 10, 2**20)
    assert item.body == b"{}"
    await inbox.processed(item.id, home.clock.now())
    assert await inbox.pending("hook", 10, 2**20) == []


async def test_the_outcome_is_one_object_for_scripts(hut: Build) -> None:
    """What a replay came to, ready for JSON, in the order in which it came about."""
    home = hut(
        rules=[CRISIS, {"id": "complaint", "kind": "mention", "where": {"text": {"any_of": ["broken"]}}}], plans=[CALL_PLAN]
    )
    await home.hears("Acme broken")
    await home.storm()
    await home.act()
    await home.wait(25 * HOUR, step=HOUR)
    outcome = Outcome(seconds=1.23456, read=4, stored=4)
    await tell(outcome, home.store)
    said = outcome.as_json()
    assert (said["seconds"], said["mentions"]) == (1.235, {"read": 4, "stored": 4, "duplicates": 0, "rejected": 0})
    assert [(each["rule"], each["severity"]) for each in said["alerts"]] == [("complaint", "warning"), ("crisis", "warning")]
    assert said["alerts"][1]["resolved_at"] > said["alerts"][1]["fired_at"]
    assert said["deliveries"][0] == {"receiver": "desk", "kind": "first", "state": "delivered", "attempts": 1}
    assert [each["plan"] for each in said["plan_runs"]] == ["storm"]
    assert stage_seconds("evaluate") > 0
    assert stage_seconds("never-heard-of") == 0
