"""Silences: what they hold back is told once at their end, each time they come, and what they never hold back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from monitor.domain.alert import Silence
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.pipeline.silencing import in_force, next_period, quiet_until
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ZOE = Actor("zoe", "cli")
LONG: dict[str, Any] = CRISIS | {"keep_firing_for": "4d", "realert": "30d", "severity": "warning"}


async def quiet(home: House, lasting: timedelta, *every: str, starting: timedelta = timedelta(0), **matcher: object) -> int:
    """Silence what matches, from some time on."""
    now = home.clock.now()
    return await operations.silence(
        home.store, matcher, lasting=lasting, reason="known", actor=ZOE, at=now, starts_at=now + starting, every=every,
        timezone="UTC" if every else None,
    )  # fmt: skip


def clock(moment: datetime, *, after: timedelta) -> str:
    """The time of day so long after a moment."""
    return f"{moment + after:%H:%M}"


@pytest.mark.parametrize("restarts", [False, True])
async def test_each_end_of_a_silence_that_comes_again_tells_once(house: Build, moment: datetime, restarts: bool) -> None:
    """What rings for days is told when the quiet hours are over, each day once, whoever is at work by then."""
    home = house(rules=[LONG])
    await quiet(home, timedelta(days=30), f"{clock(moment, after=HOUR)}-{clock(moment, after=3 * HOUR)}", rule="crisis")
    await home.wait(HOUR, step=HOUR)
    await home.storm()
    for day in range(1, 4):
        await home.wait(2 * HOUR - MINUTE, step=HOUR)
        assert len(home.kinds("room")) == day - 1
        if restarts:
            home.restart()
        await home.wait(10 * MINUTE, step=5 * MINUTE)
        assert home.kinds("room") == ["first", "reminder", "reminder"][:day]
        await home.wait(22 * HOUR - 9 * MINUTE, step=timedelta(minutes=111))
        assert len(home.kinds("room")) == day
    silenced = [event.detail for event in await home.timeline("alert.silenced")]
    assert [detail["silence"] for detail in silenced if detail] == [1] * len(silenced)


async def test_a_silence_that_is_ended_early_tells_what_it_held(hut: Build) -> None:
    """Once, and in time: nobody waits for the end that was planned."""
    home = hut(rules=[LONG])
    number = await quiet(home, timedelta(days=1), rule="crisis")
    await home.storm()
    await home.wait(HOUR)
    assert home.kinds("room") == []
    await operations.end_silence(home.store, number, ZOE, home.clock.now())
    await home.wait(HOUR)
    assert home.kinds("room") == ["first"]


async def test_what_got_worse_under_a_silence_is_told_as_worse(hut: Build) -> None:
    """Without another word from anybody; until then, whoever looks sees how bad it is."""
    home = hut(rules=[LONG | {"raise": [{"at_least": 5, "severity": "critical"}]}])
    await home.storm(people=3)
    await home.act()
    await quiet(home, 2 * HOUR, rule="crisis")
    await home.storm(people=7)
    await home.wait(HOUR)
    alert = await home.alert()
    assert (home.kinds("room"), alert.severity, alert.told_severity, alert.silenced_by) == (["first"], "critical", "warning", "1")
    await home.wait(2 * HOUR)
    assert home.kinds("room") == ["first", "worse"]
    alert = await home.alert()
    assert (alert.told_severity, alert.silenced_by) == (None, None)


async def test_the_end_of_what_was_told_before_a_silence_is_told_within_it(hut: Build) -> None:
    """Whoever knows that it rings must know that it is over."""
    home = hut()
    await home.storm()
    await home.act()
    await quiet(home, 12 * HOUR, rule="crisis")
    await home.wait(3 * HOUR)
    assert home.kinds("room") == ["first", "resolved"]


async def test_what_began_and_ended_within_a_silence_is_found_and_told_to_nobody(hut: Build) -> None:
    """It stands among the alerts and in the timeline, with the silence that covered it."""
    home = hut()
    await quiet(home, 12 * HOUR, rule="crisis")
    await home.storm()
    await home.wait(14 * HOUR, step=HOUR)
    alert = await home.alert()
    assert (home.kinds("room"), alert.state, alert.told_at, alert.silenced_by) == ([], "resolved", None, "1")
    assert [event.kind for event in await home.timeline("alert.")] == ["alert.silenced", "alert.resolved"]


async def test_a_silence_that_follows_another_covers_what_it_covered(hut: Build) -> None:
    """Nothing is told between the two, and it is known which one holds it."""
    home = hut(rules=[LONG])
    await quiet(home, HOUR, rule="crisis")
    await quiet(home, 2 * HOUR, starting=HOUR, subject="acme")
    await home.storm()
    await home.wait(2 * HOUR)
    assert (home.kinds("room"), (await home.alert()).silenced_by) == ([], "2")
    await home.wait(2 * HOUR)
    assert home.kinds("room") == ["first"]


async def test_who_has_taken_it_is_not_reminded_at_the_end_of_a_silence(hut: Build) -> None:
    """An acknowledged alert is told again only when it is worse."""
    home = hut(rules=[LONG])
    await home.storm()
    await home.act()
    await quiet(home, HOUR, rule="crisis")
    await home.wait(30 * MINUTE)
    await operations.acknowledge(home.store, (await home.alert()).id, ZOE, home.clock.now())
    await home.wait(2 * HOUR)
    assert (home.kinds("room"), (await home.alert()).silenced_by) == (["first"], None)


async def test_who_has_taken_it_under_a_silence_is_not_told_first_of_it(hut: Build) -> None:
    """Nobody was told; somebody saw it, and has it: only that it is graver would be news."""
    home = hut(rules=[LONG])
    await quiet(home, HOUR, rule="crisis")
    await home.storm()
    await operations.acknowledge(home.store, (await home.alert()).id, ZOE, home.clock.now())
    await home.wait(2 * HOUR)
    await home.storm(people=5)
    await home.act()
    assert (home.kinds("room"), (await home.alert()).silenced_by) == ([], None)


async def test_what_became_graver_after_it_was_taken_under_a_silence_is_told(hut: Build) -> None:
    """Whoever took it saw something milder: nobody else knows of it at all."""
    home = hut(rules=[LONG | {"raise": [{"at_least": 5, "severity": "critical"}]}])
    await quiet(home, HOUR, rule="crisis")
    await home.storm()
    await operations.acknowledge(home.store, (await home.alert()).id, ZOE, home.clock.now())
    await home.storm(people=5)
    assert (await home.alert()).severity == "critical"
    await home.wait(2 * HOUR)
    assert home.kinds("room") == ["first"]


async def test_a_complaint_of_which_nothing_was_held_back_is_not_told_again(hut: Build) -> None:
    """It waits for an answer; the nights of a week must not remind of each that ever came."""
    home = hut(rules=[COMPLAINT | {"resolve": {"after": "7d"}}])
    await home.hears("my Acme is broken")
    await home.act()
    await quiet(home, HOUR, subject="acme")
    await home.wait(3 * HOUR)
    assert home.kinds("desk") == ["first"]
    await quiet(home, HOUR, subject="acme")
    await home.hears("my Acme is still broken")
    await home.wait(3 * HOUR)
    assert home.kinds("desk") == ["first", "reminder"]


async def test_a_silence_that_is_planned_begins_when_it_is_planned(hut: Build) -> None:
    """What rings before is told; and it may be called off before it begins."""
    home = hut(rules=[COMPLAINT])
    number = await quiet(home, 2 * HOUR, starting=HOUR, rule="complaint")
    await home.hears("my Acme is broken", by="ada")
    await home.wait(HOUR + MINUTE)
    await home.hears("my Acme is broken", by="bob")
    await home.act()
    assert home.kinds("desk") == ["first"]
    await operations.end_silence(home.store, number, ZOE, home.clock.now())
    await home.wait(10 * MINUTE)
    later = await quiet(home, 2 * HOUR, starting=HOUR, rule="complaint")
    await operations.end_silence(home.store, later, ZOE, home.clock.now())
    await home.wait(90 * MINUTE)
    await home.hears("my Acme is broken", by="eve")
    await home.act()
    assert home.kinds("desk") == ["first", "first", "first"]


@pytest.mark.parametrize(
    ("night", "until"),
    [("2026-03-28", "2026-03-29 07:00+02:00"), ("2026-10-24", "2026-10-25 07:00+01:00")],
)
def test_a_silenced_night_ends_by_the_clock_on_the_wall(night: str, until: str) -> None:
    """Though the clock was set meanwhile; and it never lasts beyond the silence."""
    paris = ZoneInfo("Europe/Paris")
    begin, end = (datetime.fromisoformat(each).replace(tzinfo=paris) for each in ("2026-03-01", "2026-11-01"))
    silence = Silence(1, {"rule": "x"}, "ana", "", begin, begin, end, ["22:00-07:00"], "Europe/Paris")
    at = datetime.fromisoformat(f"{night} 23:30").replace(tzinfo=paris)
    assert in_force(silence, at)
    assert quiet_until(silence, at) == datetime.fromisoformat(until)
    assert not in_force(silence, datetime.fromisoformat(until))
    assert next_period(silence, at) == at.replace(hour=22, minute=0) + timedelta(days=1)
    assert next_period(silence, end - timedelta(hours=1)) is None
    assert quiet_until(silence, end - timedelta(minutes=1)) == end
    assert next_period(silence, begin - timedelta(days=1)) == begin


async def test_a_silence_of_the_configuration_is_one_like_any_other(hut: Build, moment: datetime) -> None:
    """It holds, comes again, and tells at its end; and it goes with its lines in the file."""
    hours = f"{clock(moment, after=HOUR)}-{clock(moment, after=3 * HOUR)}"
    nights = {"where": {"rule": "crisis", "severity": {"lte": "warning"}}, "reason": "nights", "every": hours}
    home = hut(rules=[LONG], silences={"nights": nights})
    await home.wait(HOUR, step=HOUR)
    await home.storm()
    await home.wait(HOUR)
    assert (home.kinds("room"), (await home.alert()).silenced_by) == ([], "nights")
    await home.wait(HOUR + 10 * MINUTE)
    assert home.kinds("room") == ["first"]
    await home.wait(22 * HOUR)
    assert home.kinds("room") == ["first"]
    home.restart(home.settings.model_copy(update={"silences": {}}))
    await home.wait(20 * MINUTE)
    assert (home.kinds("room"), (await home.alert()).silenced_by) == (["first", "reminder"], None)


async def test_what_is_graver_than_a_silence_says_breaks_through_it(hut: Build) -> None:
    """A silence of what is mild ends for an alert that becomes critical."""
    home = hut(rules=[LONG | {"raise": [{"at_least": 5, "severity": "critical"}]}])
    await quiet(home, 12 * HOUR, where={"severity": {"lte": "warning"}})
    await home.storm(people=3)
    await home.wait(HOUR)
    assert home.kinds("room") == []
    await home.storm(people=7)
    await home.act()
    assert [(each.kind, each.severity) for each in home.told("room")] == [("first", "critical")]


async def test_a_silence_that_nobody_understands_silences_nothing(hut: Build) -> None:
    """A newer version wrote it, or its list is gone."""
    home = hut(rules=[COMPLAINT])
    await quiet(home, 12 * HOUR, where={"mood": "bad"})
    await quiet(home, 12 * HOUR, where={"rule": {"in_list": "gone"}})
    await quiet(home, 12 * HOUR, rule="complaint", planet="mars")
    await home.hears("my Acme is broken")
    await home.act()
    assert home.kinds("desk") == ["first"]


async def test_a_replay_tells_the_end_of_a_silence_at_its_moment(hut: Build, moment: datetime) -> None:
    """Nothing more is said until much later: the recording passes the end all the same."""
    hours = f"{clock(moment, after=HOUR)}-{clock(moment, after=3 * HOUR)}"
    nights = {"where": {"rule": "complaint"}, "reason": "nights", "every": hours}
    home = hut(rules=[COMPLAINT], silences={"nights": nights}, drive=True)
    for who, hours_later in (("ada", 2), ("bob", 9)):
        await home.brings(home.mention("my Acme is broken", by=who, written_at=moment + hours_later * HOUR))
        await home.judge()
    first, last = await home.alerts()
    assert (first.told_at, last.told_at) == (moment + 3 * HOUR, moment + 9 * HOUR)
