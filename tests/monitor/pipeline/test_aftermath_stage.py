"""When a crisis is over: its author is asked for the report until it is signed, actions are noted, the report reads the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.errors import UsageError
from monitor.pipeline import aftermath, operations
from monitor.pipeline.aftermath import NewAction
from monitor.pipeline.operations import Actor
from monitor.plans import Act
from monitor.report import Report, build, read
from monitor.report.evidence import Exhibit, as_csv, as_jsonl, exhibits
from tests.monitor.pipeline.conftest import CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, Configure, House

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ZOE = Actor("zoe", "cli")
DRILL = NewAction("Rehearse in June", "ben", date(2026, 6, 1))
PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"en": "Storm plan"},
    "notify": ["room"],
    "activation": {"mode": "automatic"},
    "steps": [
        {"id": "evidence", "action": "capture"},
        {"id": "say", "action": "statement", "statement": "holding"},
    ],
    "statements": [{"id": "holding", "text": {"en": "We know."}, "status": "approved"}],
    "after_action": {"owner": "ben", "due": "2d"},
}
RULES = [CRISIS | {"plan": "storm", "notify": "room", "realert": "1d"}]


def housed(build_: Build) -> House:
    """A house with the crisis rule and the plan; Ben, who writes the reports, has `backup-phone`."""
    return build_(rules=RULES, plans=[PLAN])


async def made(home: House, run: int = 1) -> Report:
    """The report as it is now."""
    async with home.store.read() as tx:
        seen = await read(tx, run, home.clock.now())
    return build(seen, home.settings.contacts, "UTC", subject="Acme", rules={})


async def closed(home: House) -> None:
    """A crisis that came and went."""
    await home.storm()
    await home.act()
    await home.do("acknowledge", by="ana")
    home.clock.advance(HOUR)
    await home.do("done", by="ana", step="say")
    await home.do("stand_down", by="ana")
    await home.act()


def whys(home: House) -> list[str | None]:
    """What Ben was called to."""
    return [message.plan.why for message in home.told("backup-phone") if message.plan and message.kind == "call"]


async def test_the_author_is_asked_until_somebody_signs(house: Build) -> None:
    """At the end with the day, each day that it is overdue, and no more once it is signed."""
    home = housed(house)
    await closed(home)
    assert whys(home) == ["report"]
    (asked,) = home.told("backup-phone")
    assert asked.plan is not None
    assert asked.plan.deadline == home.clock.now() + 2 * DAY
    home.clock.advance(2 * DAY)
    await home.act()
    await home.act()
    home.clock.advance(DAY)
    home.restart()
    await home.act()
    assert whys(home) == ["report", "unsigned", "unsigned"]
    assert await aftermath.sign_report(home.store, 1, ZOE, home.clock.now())
    assert not await aftermath.sign_report(home.store, 1, ZOE, home.clock.now())
    home.clock.advance(30 * DAY)
    await home.act()
    assert whys(home) == ["report", "unsigned", "unsigned"]
    assert [run.wake_at for run in await home.runs()] == [None]
    assert [event.actor for event in await home.timeline("plan.report.signed")] == ["zoe"]


async def test_a_signature_counts_though_the_clock_was_set_back(hut: Build) -> None:
    """It is stamped no earlier than the end that it is about, and nobody is reminded any more."""
    home = housed(hut)
    await closed(home)
    end = home.clock.now()
    assert await aftermath.sign_report(home.store, 1, ZOE, end - HOUR)
    assert not await aftermath.sign_report(home.store, 1, ZOE, end - HOUR)
    assert [event.at for event in await home.timeline("plan.report.signed")] == [end]
    home.clock.advance(30 * DAY)
    await home.act()
    assert whys(home) == ["report"]


async def test_a_false_alarm_owes_no_report(hut: Build) -> None:
    """Though its plan names an author."""
    home = housed(hut)
    await home.storm()
    await home.do("false_alarm", text="a film")
    await home.act()
    home.clock.advance(30 * DAY)
    await home.act()
    assert whys(home) == []


async def test_what_was_carried_out_is_no_trial(hut: Build, configure: Configure) -> None:
    """The plan was set to `observe` after its run was closed: that stays closed when the crisis comes back, its report owed."""
    home = housed(hut)
    await closed(home)
    assert whys(home) == ["report"]
    home.restart(configure(rules=RULES, plans=[PLAN | {"activation": {"mode": "observe"}}]))
    await home.wait(HOUR)
    await home.storm()
    await home.act()
    assert [run.state for run in await home.runs()] == ["closed"]
    await home.wait(2 * DAY, step=DAY)
    assert whys(home) == ["report", "unsigned"]
    assert not (await made(home)).observed


async def test_what_was_only_observed_owes_no_report(hut: Build) -> None:
    """A person closed it, or its crisis was over."""
    home = hut(rules=RULES, plans=[PLAN | {"activation": {"mode": "observe"}}])
    await home.storm()
    await home.do("stand_down", by="ana")
    await home.wait(10 * DAY, step=DAY)
    assert whys(home) == []
    assert (await made(home)).observed


@pytest.mark.fault("time", "the clock is set back between a plan's trial and its first crisis in earnest")
async def test_what_was_carried_out_by_a_clock_that_was_set_back_owes_its_report(hut: Build, configure: Configure) -> None:
    """It passes for no trial, though that ended later by the clock; its author is reminded."""
    home = hut(rules=RULES, plans=[PLAN | {"activation": {"mode": "observe"}}])
    home.clock.advance(6 * HOUR)
    await home.stages.intake.poll("net")
    await home.storm()
    await home.wait(2 * HOUR)
    await home.do("stand_down")
    home.clock.advance(-5 * HOUR)
    home.restart(configure(rules=RULES, plans=[PLAN]))
    await home.storm()
    await home.wait(2 * HOUR)
    number = max(run.id for run in await home.runs())
    done = Act("stand_down", "zoe", home.clock.now(), {"zoe"}, text="over")
    await operations.act_in_plan(home.store, number, done, "cli")
    await home.wait(6 * DAY, step=12 * HOUR)
    assert "unsigned" in whys(home)


async def test_what_a_person_opens_in_earnest_owes_a_report(hut: Build) -> None:
    """Though its plan is only observed when a rule opens it."""
    home = hut(rules=RULES, plans=[PLAN | {"activation": {"mode": "observe"}}])
    await operations.open_plan_by_hand(home.store, home.settings.plans["storm"], "acme", ZOE, home.clock.now(), why="a call")
    await home.act()
    await home.do("stand_down", by="ana")
    await home.wait(2 * DAY, step=DAY)
    assert whys(home) == ["report", "unsigned"]


async def test_the_report_on_an_open_run_cannot_be_signed(hut: Build) -> None:
    """It still changes."""
    home = housed(hut)
    await home.storm()
    with pytest.raises(UsageError, match="goes on"):
        await aftermath.sign_report(home.store, 1, ZOE, home.clock.now())
    with pytest.raises(UsageError, match="no plan run 9"):
        await aftermath.sign_report(home.store, 9, ZOE, home.clock.now())


async def test_actions_are_noted_numbered_and_done(hut: Build) -> None:
    """During the run and after it, in the timeline: no table of their own."""
    home = housed(hut)
    await home.storm()
    assert await aftermath.add_action(home.store, 1, DRILL, ZOE, home.clock.now()) == 1
    await closed(home)
    assert await aftermath.add_action(home.store, 1, DRILL, ZOE, home.clock.now()) == 2
    assert await aftermath.end_action(home.store, 1, 1, ZOE, home.clock.now())
    assert not await aftermath.end_action(home.store, 1, 1, ZOE, home.clock.now())
    assert [(each.number, each.owner, each.done_at is not None) for each in (await made(home)).actions] == [
        (1, "ben", True),
        (2, "ben", False),
    ]
    with pytest.raises(UsageError, match="no action 3"):
        await aftermath.end_action(home.store, 1, 3, ZOE, home.clock.now())
    with pytest.raises(UsageError, match="say what"):
        await aftermath.add_action(home.store, 1, NewAction(" ", "ben", DRILL.due), ZOE, home.clock.now())


async def test_the_report_is_read_off_the_store(house: Build) -> None:
    """What was said is counted by stretches around the incident, on both databases."""
    home = housed(house)
    await home.hears("Acme is on fire", by="early")
    home.clock.advance(timedelta(minutes=20))
    await closed(home)
    report = await made(home)
    times = {span.name: span.length for span in report.spans}
    assert times["detect"] == timedelta(minutes=20)
    assert (times["acknowledge"], times["statement"]) == (timedelta(0), HOUR)
    assert sum(column.mentions for column in report.course.columns) == 4
    assert report.course.since <= home.clock.now() - 2 * HOUR
    assert (report.posts, report.over, report.owner) == (4, True, "ben")
    assert [each.who for each in report.asked] == ["room"]


async def test_a_run_that_is_left_open_stretches_no_chart_over_weeks(hut: Build) -> None:
    """All was calm on the first evening."""
    home = housed(hut)
    await home.storm()
    await home.wait(3 * HOUR)
    assert [alert.resolved_at is not None for alert in await home.alerts()] == [True]
    home.clock.advance(30 * DAY)
    report = await made(home)
    assert report.course.until - report.course.since < 2 * DAY
    assert not report.over


async def test_a_run_without_an_alert_has_a_report(hut: Build) -> None:
    """Opened by hand: nothing rang, and nothing is behind it."""
    home = housed(hut)
    await operations.open_plan_by_hand(home.store, home.settings.plans["storm"], "acme", ZOE, home.clock.now(), why="a call")
    await home.act()
    report = await made(home)
    assert (report.why, report.posts, report.loudest, report.over) == ("a call", 0, None, False)
    async with home.store.read() as tx:
        with pytest.raises(UsageError, match="no plan run 7"):
            await read(tx, 7, home.clock.now())


# --- the evidence --------------------------------------------------------------------------------------------------------


async def shown(home: House, *, with_sensitive: bool = False) -> dict[str, Exhibit]:
    """The evidence, by author (those without by number)."""
    async with home.store.read() as tx:
        found = await exhibits(tx, 1, with_sensitive=with_sensitive)
    return {each.author or str(each.mention): each for each in found}


async def test_evidence_is_held_against_what_was_captured(house: Build) -> None:
    """What came later was not captured; what is erased stays erased; what is not kept any more is named."""
    home = housed(house)
    await home.storm()
    await home.act()
    await home.hears("Acme is on fire, still", by="late")
    await operations.erase(home.store, "mastodon", "person0", ZOE, home.clock.now())
    found = await shown(home)
    assert {name: each.verdict for name, each in found.items()} == {
        "1": "erased",
        "person1": "unchanged",
        "person2": "unchanged",
        "late": "not captured",
    }
    assert found["person1"].text == "Acme is on fire"
    assert found["person1"].sha256 == found["person1"].captured_sha256
    assert (found["1"].text, found["1"].uri, found["1"].sha256) == ("", "", "")


async def test_a_post_that_says_something_else_now_is_found_out(hut: Build) -> None:
    """Whoever was named in it was erased since, or somebody touched the store."""
    home = housed(hut)
    await home.brings(*(home.mention(f"Acme is on fire, says @victim@social.example {n}", by=f"person{n}") for n in range(3)))
    await home.hears("hello", by="victim", author=None)
    await home.judge()
    await home.act()
    story = await home.timeline("plan.captured")
    assert story
    found = await shown(home)
    assert {each.verdict for each in found.values()} == {"unchanged"}


async def test_sensitive_posts_are_masked_unless_asked_for(hut: Build) -> None:
    """Their hash and moment stand there all the same."""
    home = housed(hut)
    await home.brings(
        home.mention("Acme is on fire", by="ill", sensitive=True),
        *(home.mention("Acme is on fire", by=f"p{n}") for n in range(3)),
    )
    await home.judge()
    await home.act()
    (masked,) = [each for each in (await shown(home)).values() if each.masked]
    assert (masked.author, masked.text, masked.uri) == ("", "", "")
    assert masked.sha256 == masked.captured_sha256 != ""
    plain = await shown(home, with_sensitive=True)
    assert plain["ill"].text == "Acme is on fire"


def exhibit(**changes: Any) -> Exhibit:
    """A post in an export."""
    known: Mapping[str, Any] = {"mention": 1, "verdict": "unchanged", "network": "mastodon", "text": "é"}
    return Exhibit(**{**known, **changes})


def test_a_spreadsheet_takes_no_text_for_a_formula() -> None:
    """And reads accents: it begins with the mark that says UTF-8."""
    written = as_csv([exhibit(text='=HYPERLINK("http://evil.example")', author="@ada", title="a\nb")])
    assert written.startswith("\ufeffmention,verdict,")
    assert "\"'=HYPERLINK(" in written
    assert ",'@ada," in written


def test_json_lines_hold_the_raw_text() -> None:
    """One object a line, whatever stands in it."""
    (line,) = as_jsonl([exhibit(text="=1\n\u2028é")]).split("\n")[:-1]
    assert json.loads(line)["text"] == "=1\n\u2028é"
