"""Quiet hours: what they hold is told at their end, once and in one message, and what is grave never waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.clock import ManualClock
from notifiers.wording import headline, next_action
from tests.monitor.pipeline.conftest import CRISIS, PLAN

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NIGHT = {"from": "22:00", "to": "07:00", "timezone": "Europe/Paris"}
ROUTING: dict[str, Any] = {"default": "desk", "ops": "tech", "quiet_hours": NIGHT}
COMPLAINT: dict[str, Any] = {"id": "complaint", "kind": "mention", "where": {"text": {"any_of": ["broken"]}}}
GRAVE: dict[str, Any] = {"id": "grave", "kind": "mention", "where": {"text": {"any_of": ["lawyer"]}}, "severity": "critical"}
TALK = CRISIS | {"id": "talk", "where": {"text": {"any_of": ["hello"]}}, "severity": "warning", "notify": "desk"}
LATE = datetime(2026, 6, 1, 21, 0, tzinfo=UTC)  # 23:00 in Paris
MORNING = datetime(2026, 6, 2, 5, 0, tzinfo=UTC)  # 07:00 in Paris


@pytest.fixture
def clock() -> ManualClock:
    """The stories begin an hour after the quiet hours."""
    return ManualClock(LATE)


def night(build: Build, **more: Any) -> House:
    """A house whose nights are quiet."""
    return build(**{"rules": [COMPLAINT, GRAVE, TALK, CRISIS], "routing": ROUTING} | more)


async def until(home: House, moment: datetime) -> None:
    """Let time pass until then."""
    await home.wait(moment - home.clock.now(), step=HOUR)


async def test_what_is_held_is_told_at_the_end_in_one_message(house: Build) -> None:
    """Fifty complaints of a night are one message at seven, not fifty, and nobody is woken."""
    home = night(house)
    for n in range(50):
        await home.hears("Acme is broken", by=f"customer{n}")
        await home.act()
        home.clock.advance(MINUTE)
    await until(home, MORNING - MINUTE)
    assert home.kinds("desk") == []
    await until(home, MORNING)
    (message,) = home.told("desk")
    assert (message.kind, len(message.alerts), message.incident_id) == ("held", 50, None)
    assert len({alert.id for alert in message.alerts}) == 50
    assert headline(message).startswith("During quiet hours: 50 new complaints about Acme")


async def test_what_is_held_is_written_down(hut: Build) -> None:
    """The timeline of the alert says who was not told, and until when."""
    home = night(hut)
    await home.hears("Acme is broken")
    (event,) = await home.timeline("alert.held")
    assert event.detail == {"rule": "complaint", "receivers": ["desk"], "until": MORNING.isoformat()}
    assert event.alert_id == (await home.alert()).id


async def test_what_is_critical_passes(hut: Build) -> None:
    """Nobody sleeps through what is grave."""
    home = night(hut)
    await home.hears("my lawyer will write to Acme")
    await home.act()
    assert home.kinds("desk") == ["first"]


async def test_what_is_exempt_passes(hut: Build) -> None:
    """A rule that is exempt wakes people, however mild."""
    home = night(hut, rules=[COMPLAINT | {"exempt": True}])
    await home.hears("Acme is broken")
    await home.act()
    assert home.kinds("desk") == ["first"]
    assert [alert.labels["exempt"] for alert in home.told("desk")[0].alerts] == ["always"]


async def test_the_messages_of_a_plan_pass(hut: Build) -> None:
    """A plan is an emergency, whatever the severity of the alert that opened it."""
    home = night(hut, rules=[TALK | {"plan": "storm", "notify": "room"}], plans=[PLAN])
    await home.storm(text="hello Acme")
    await home.act()
    assert home.kinds("room") == ["plan"]
    assert home.kinds("queue") == ["step"]


async def test_severities_that_are_not_held_pass(hut: Build) -> None:
    """`holds` names what waits; the rest is told as by day."""
    home = night(hut, routing=ROUTING | {"quiet_hours": NIGHT | {"holds": "info"}})
    await home.hears("Acme is broken")
    await home.act()
    assert home.kinds("desk") == ["first"]


async def test_by_day_nothing_is_held(hut: Build) -> None:
    """Outside the hours the setting changes nothing."""
    home = night(hut)
    home.clock.advance_to(MORNING)
    await home.hears("Acme is broken")
    await home.act()
    assert home.kinds("desk") == ["first"]


async def test_what_becomes_critical_leaves_at_once_and_is_not_told_again(house: Build) -> None:
    """The message of the morning no longer speaks of what woke somebody; when nothing else was held there is none."""
    louder = COMPLAINT | {"raise": [{"where": {"text": {"any_of": ["lawyer"]}}, "severity": "critical"}]}
    home = night(house, rules=[louder])
    await home.hears("Acme is broken")
    await home.hears("Acme is broken, my lawyer says so")
    await home.act()
    assert home.kinds("desk") == ["worse"]
    await until(home, MORNING + HOUR)
    assert home.kinds("desk") == ["worse"]


async def test_the_rest_stays_held_when_one_becomes_critical(hut: Build) -> None:
    """Only what was told is taken out of the message that waits."""
    louder = COMPLAINT | {"raise": [{"where": {"text": {"any_of": ["lawyer"]}}, "severity": "critical"}]}
    home = night(hut, rules=[louder])
    await home.hears("Acme is broken")
    await home.hears("Acme is broken", by="bob")
    await home.hears("Acme is broken, my lawyer says so", by="bob")
    await until(home, MORNING)
    assert home.kinds("desk") == ["worse", "held"]
    told = [[alert.id for alert in message.alerts] for message in home.told("desk")]
    assert sorted(told[0] + told[1]) == [1, 2]


async def test_what_is_over_by_morning_is_told_in_one_line(house: Build) -> None:
    """It rang and is over: one alert in one message, and nobody is asked to take charge of it."""
    home = night(house)
    await home.storm(text="hello Acme")
    await until(home, MORNING)
    (message,) = home.told("desk")
    assert [alert.event for alert in message.alerts] == ["first"]
    said = "During quiet hours: 3 people talk about Acme within 60 minutes (still learning) (rang, now over)"
    assert headline(message) == said
    assert next_action(message) == "Nothing of this rings any more. Read what happened: tocsin alerts --all"


async def test_what_was_told_before_and_ends_at_night_is_told_in_the_morning(hut: Build) -> None:
    """The end of what people know wakes nobody either."""
    home = night(hut)
    home.clock.current = LATE - 90 * MINUTE
    await home.storm(text="hello Acme")
    await home.act()
    await until(home, MORNING)
    assert home.kinds("desk") == ["first", "held"]
    assert [alert.event for alert in home.told("desk")[1].alerts] == ["resolved"]


async def test_what_would_be_gathered_into_the_night_is_held(hut: Build) -> None:
    """A follow-up that was decided at 21:59 does not ring at 22:04."""
    home = night(hut, rules=[TALK, TALK | {"id": "more-talk", "fire": {"at_least": 4}}])
    home.clock.current = datetime(2026, 6, 1, 19, 59, tzinfo=UTC)
    await home.storm(text="hello Acme")
    await home.act()
    await home.storm(people=5, text="hello Acme")
    await until(home, MORNING - MINUTE)
    assert home.kinds("desk") == ["first"]
    await until(home, MORNING)
    assert home.kinds("desk") == ["first", "held"]


async def test_a_restart_neither_loses_nor_doubles_what_is_held(house: Build) -> None:
    """What waits stands in the store: another process adds to it, and sends it once."""
    home = night(house)
    await home.hears("Acme is broken", by="ada")
    home.restart()
    await home.hears("Acme is broken", by="bob")
    home.restart()
    await until(home, MORNING)
    home.restart()
    await until(home, MORNING + HOUR)
    (message,) = home.told("desk")
    assert len(message.alerts) == 2


async def test_each_receiver_may_have_its_own_hours(hut: Build) -> None:
    """Hours with `for` are those of who is named; the others keep the hours of all."""
    own = {"from": "22:00", "to": "09:00", "timezone": "Europe/Paris", "for": "ana"}
    rules = [COMPLAINT | {"notify": ["desk", "phone"]}]
    home = night(hut, rules=rules, routing=ROUTING | {"quiet_hours": [NIGHT, own]})
    await home.hears("Acme is broken")
    await until(home, MORNING + HOUR)
    assert (home.kinds("desk"), home.kinds("phone")) == (["held"], [])
    await until(home, MORNING + 2 * HOUR)
    assert home.kinds("phone") == ["held"]


@pytest.mark.parametrize(
    ("hours", "hour"),
    [
        (["22:00-07:00", "21:00-09:00"], 9),
        (["22:00-07:00", "06:30-09:00", "09:00-10:00"], 10),
        (["22:00-07:00", "08:00-09:00"], 7),
        (["07:00-22:00", "22:00-07:00"], 22),
    ],
)
async def test_hours_of_one_receiver_add_up(hut: Build, hours: list[str], hour: int) -> None:
    """Nothing leaves at the end of one period that lies in another; whoever is quiet day and night is told once a day."""
    periods = [NIGHT | dict(zip(("from", "to"), each.split("-"), strict=True)) for each in hours]
    home = night(hut, routing=ROUTING | {"quiet_hours": periods})
    await home.hears("Acme is broken")
    told = MORNING + (hour - 7) * HOUR
    await until(home, told - MINUTE)
    assert home.kinds("desk") == []
    await until(home, told)
    assert home.kinds("desk") == ["held"]


async def test_somebody_else_is_told_when_the_message_of_the_morning_cannot_be(hut: Build, configure: Any) -> None:
    """What a night held is not lost with the receiver it was held for."""
    home = night(hut)
    await home.hears("Acme is broken")
    receivers = {name: {"kind": "webhook", "url": f"https://hooks.example/{name}"} for name in ("queue", "room", "tech")}
    people: dict[str, Any] = {"people": {}, "roles": {}}
    home.restart(configure(rules=[COMPLAINT], people=people, receivers=receivers, routing={"default": "room", "ops": "tech"}))
    await until(home, MORNING)
    await home.wait(HOUR, step=MINUTE)
    assert home.kinds("room") == ["held"]


async def test_what_was_held_just_before_the_hours_and_becomes_critical_is_told_once(hut: Build) -> None:
    """Also in the seconds in which the hours have not begun, and what would leave in them waits already."""
    louder = TALK | {"raise": [{"at_least": 6, "severity": "critical"}]}
    home = night(hut, rules=[TALK | {"id": "calm", "fire": {"at_least": 2}}, louder | {"fire": {"at_least": 4}}])
    home.clock.current = datetime(2026, 6, 1, 19, 59, tzinfo=UTC)
    await home.storm(people=2, text="hello Acme")
    await home.storm(people=4, text="hello Acme")
    await home.storm(people=8, text="hello Acme")
    await until(home, MORNING + HOUR)
    talk = (await home.alert("talk")).id
    told = [(message.kind, alert.event) for message in home.told("desk") for alert in message.alerts if alert.id == talk]
    assert told == [("worse", "worse"), ("resolved", "resolved")]
