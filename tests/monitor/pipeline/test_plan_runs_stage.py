"""Plan runs as people live them, through all stages: chased, taken, escalated, approved, published, undone, rehearsed, closed."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.errors import UsageError
from monitor.domain.plan import StatementStep
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from monitor.pipeline.places import known_places
from monitor.plans import Act, RefusedError
from notifiers import DeliveryError, Reason
from rules.figures import Figures
from tests.monitor.pipeline.conftest import CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ZOE = Actor("zoe", "cli")

PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"en": "Storm plan", "fr": "Plan tempête"},
    "notify": ["room"],
    "window": "1h",
    "severity": [
        {"level": 3, "name": {"en": "crisis"}, "ack_within": "20m", "approver": "ben", "when": {"authors": {"gte": 8}}},
        {"level": 1, "name": {"en": "vigilance"}, "ack_within": "60m"},
    ],
    "activation": {"mode": "automatic"},
    "steps": [
        {"id": "pause", "action": "webhook", "receiver": "queue", "undo": {"receiver": "tech"}},
        {"id": "evidence", "action": "capture"},
        {"id": "facts", "action": "checklist", "role": "ana", "items": [{"en": "True?"}, {"en": "Who?"}], "deadline": "30m"},
        {
            "id": "answer",
            "action": "statement",
            "statement": "answer",
            "needs": ["facts"],
            "publish": "queue",
            "approval": {"role": "ben", "within": "20m"},
        },
        {"id": "board", "action": "notify", "receiver": "desk", "every": "2h"},
    ],
    "escalation": [
        {"at": 0.5, "unless": "acknowledged", "notify": ["ana"]},
        {"at": 1, "unless": "acknowledged", "notify": ["ben"]},
    ],
    "statements": [{"id": "answer", "text": {"en": "{{brand}} looks into it. More at {{next_update}}."}, "status": "approved"}],
}


def housed(build: Build, **changes: Any) -> House:
    """A house with the crisis rule and the plan; Ana has `phone`, Ben `backup-phone`."""
    return build(rules=[CRISIS | {"plan": "storm", "notify": "room"}], plans=[PLAN | changes])


async def test_whoever_does_not_answer_is_followed_by_the_next(house: Build) -> None:
    """At half of the time Ana, at its end Ben, each once; then somebody takes the run, and nobody more is called."""
    home = housed(house)
    await home.storm()
    await home.act()
    assert home.kinds("room") == ["plan"]
    await home.wait(31 * MINUTE, step=MINUTE)
    assert home.kinds("backup-phone") == []
    assert {message.plan.why for message in home.told("phone") if message.plan} == {"ready", "untaken", "late"}
    await home.wait(31 * MINUTE, step=MINUTE)
    assert [message.plan.why for message in home.told("backup-phone") if message.plan] == ["untaken"]
    await home.do("acknowledge", by="ben")
    (run,) = await home.runs()
    assert (run.acknowledged_by, run.lead) == ("ben", "ben")
    assert [event.actor for event in await home.timeline("plan.acknowledged")] == ["ben"]


async def test_the_runner_knows_when_it_is_needed_next(hut: Build) -> None:
    """While a run is due it is needed now; else at the moment of the run that is due next."""
    home = housed(hut)
    await home.storm()
    assert await home.stages.plans.step() > 0
    assert home.stages.plans.wakes_at is None, "it may be due again"
    while await home.stages.plans.step():
        pass
    (run,) = await home.runs()
    assert home.stages.plans.wakes_at == run.wake_at


async def test_a_restart_forgets_no_deadline_and_repeats_none(house: Build) -> None:
    """What fell due while nobody ran is told once, when somebody runs again; what was told is not told again."""
    home = housed(house)
    await home.storm()
    await home.act()
    before = len(home.told("phone"))
    home.clock.advance(5 * HOUR)
    home.restart()
    await home.act()
    home.restart()
    await home.act()
    whys = [message.plan.why for message in home.told("phone")[before:] if message.plan]
    assert sorted(filter(None, whys)) == ["late", "untaken"]
    assert home.kinds("desk").count("step") == 2, "the situation report: at the beginning, and once after the five hours"


async def test_nothing_is_published_without_a_recorded_yes(house: Build) -> None:
    """The facts first, then Ben, who is asked; only his word sends the words, once, with their places filled in."""
    home = housed(house)
    await home.storm()
    await home.act()
    assert home.kinds("queue") == ["step"], "the queue is paused"
    for item in (0, 1):
        await home.do("check", by="ana", step="facts", item=item)
    await home.act()
    asked = home.told("backup-phone")[-1]
    assert asked.plan is not None
    assert (asked.kind, asked.plan.why, asked.plan.step) == ("call", "approval", "answer")
    shown = next(step for step in asked.plan.steps if step.id == "answer")
    assert shown.text.startswith("Acme looks into it. More at ")
    assert "{{" not in shown.text
    with pytest.raises(RefusedError, match="ana may not approve"):
        await home.do("approve", by="ana", step="answer")
    await home.wait(2 * HOUR, step=10 * MINUTE)
    assert home.kinds("queue") == ["step"], "time approves nothing"
    await home.do("approve", by="ben", step="answer")
    await home.act()
    await home.act()
    assert home.kinds("queue") == ["step", "step"]
    assert (await home.steps())["answer"] == "done"


async def test_who_changes_the_words_does_not_approve_them(hut: Build) -> None:
    """Two people, whatever their names: Ben changed them, so Ben is not asked to agree with himself."""
    home = housed(hut)
    await home.storm()
    await home.act()
    await home.do("done", by="ana", step="facts")
    await home.act()
    run = await home.do("edit", by="ben", step="answer", words={"en": "All is well."})
    answer = run.definition.step("answer")
    assert isinstance(answer, StatementStep)
    with pytest.raises(RefusedError, match="you changed the words"):
        await home.do("approve", by="ben", step="answer", fingerprint=run.fingerprint(answer))


async def test_the_level_rises_with_the_figures_and_opens_the_chase_anew(house: Build) -> None:
    """Eight people are a crisis: everybody of the plan hears, the time to take it is shorter, and who had it is asked again."""
    home = housed(house)
    await home.storm()
    await home.act()
    await home.do("acknowledge", by="ana")
    assert [run.level for run in await home.runs()] == [1]
    await home.storm(people=9)
    await home.wait(2 * MINUTE, step=MINUTE)
    (run,) = await home.runs()
    assert (run.level, run.acknowledged_at) == (3, None)
    assert [message.plan.why for message in home.told("room") if message.plan][-1] == "level"
    (event,) = await home.timeline("plan.level.raised")
    assert event.detail is not None
    assert (event.detail["level"], event.detail["authors"]) == (3, 9)


async def test_the_end_takes_back_what_was_changed(house: Build) -> None:
    """The queue goes on, the people hear that it is over, and the situation report ends."""
    home = housed(house)
    await home.storm()
    await home.act()
    await home.do("stand_down", text="calm again")
    await home.act()
    assert [message.plan.why for message in home.told("tech") if message.plan] == ["undo"]
    assert home.kinds("room")[-1] == "over"
    reports = home.kinds("desk").count("step")
    await home.wait(5 * HOUR)
    assert home.kinds("desk").count("step") == reports
    assert [run.wake_at for run in await home.runs()] == [None], "what is closed sleeps"


async def test_a_false_alarm_needs_its_reason(hut: Build) -> None:
    """The rule learns from it: nothing is closed in silence."""
    home = housed(hut)
    await home.storm()
    with pytest.raises(RefusedError, match="say what made it look"):
        await home.do("false_alarm")
    await home.do("false_alarm", text="a film by that name came out")
    assert [run.state for run in await home.runs()] == ["closed"]


async def test_evidence_is_captured_with_its_hashes(hut: Build) -> None:
    """What stood there can be proved later, also when a post has vanished."""
    home = housed(hut)
    await home.storm()
    await home.act()
    (event,) = await home.timeline("plan.captured")
    assert event.detail is not None
    hashes = event.detail["sha256"]
    assert isinstance(hashes, dict)
    assert (event.detail["posts"], len(hashes)) == (3, 3)
    assert all(len(digest) == 64 for digest in hashes.values())


async def test_two_who_open_a_plan_at_one_moment_open_one(house: Build) -> None:
    """The second one is told that it is open: one crisis, one room, and its people are called once."""
    home = housed(house)
    plan, now = home.settings.plans["storm"], home.clock.now()
    opening = (operations.open_plan_by_hand(home.store, plan, "acme", ZOE, now, why="they called") for _ in range(4))
    came = await asyncio.gather(*opening, return_exceptions=True)
    assert sorted(type(each).__name__ for each in came) == ["PlanRun", "UsageError", "UsageError", "UsageError"]
    assert len(await home.runs()) == 1


async def test_a_plan_is_opened_by_hand(house: Build) -> None:
    """For what no rule sees: with its reason in the timeline, its people told, its steps begun, and no alert."""
    home = housed(house)
    now = home.clock.now()
    plan = home.settings.plans["storm"]
    with pytest.raises(UsageError, match="say why"):
        await operations.open_plan_by_hand(home.store, plan, "acme", ZOE, now, why=" ")
    run = await operations.open_plan_by_hand(home.store, plan, "acme", ZOE, now, why="the authority called")
    await home.act()
    (message,) = home.told("room")
    assert message.plan is not None
    assert (message.kind, message.severity, message.subject, message.alerts) == ("plan", "critical", "Acme", ())
    assert home.kinds("queue") == ["step"]
    (event,) = await home.timeline("plan.opened")
    assert (event.actor, event.detail) == ("zoe", {"plan": "storm", "why": "the authority called", "mode": "by hand"})
    assert (run.state, await home.alerts()) == ("running", [])
    await home.do("stand_down")
    await home.act()
    assert home.kinds("room") == ["plan", "over"]


async def test_a_drill_reaches_people_and_changes_nothing_outside(house: Build) -> None:
    """Each message says that it is a drill; the queue is not paused, nothing is published, nothing is taken back."""
    home = housed(house)
    plan = home.settings.plans["storm"]
    await operations.open_plan_by_hand(home.store, plan, "acme", ZOE, home.clock.now(), why="rehearsal", drill=True)
    await home.act()
    await home.do("done", by="ana", step="facts")
    await home.act()
    await home.do("approve", by="ben", step="answer")
    await home.do("stand_down")
    await home.act()
    assert home.kinds("queue") == []
    assert home.kinds("tech") == ["over"]  # who answered, told to ops: the plan is nobody's
    told = [message for name in ("room", "phone", "backup-phone", "desk", "tech") for message in home.told(name)]
    assert told
    assert {message.plan.drill for message in told if message.plan} == {"[EXERCICE]"}


async def test_what_is_only_observed_tells_nobody(hut: Build) -> None:
    """The timeline says what would have been done; the alert itself is told as if there were no plan."""
    home = housed(hut, activation={"mode": "observe"})
    await home.storm()
    await home.act()
    await home.wait(2 * HOUR, step=10 * MINUTE)
    assert "plan" not in home.kinds("room")
    assert home.kinds("queue") == home.kinds("phone") == []
    assert len(await home.timeline("plan.would_tell")) >= 3


async def test_a_failed_step_is_told_to_who_is_next(hut: Build) -> None:
    """A queue that refuses is no silence: whoever is next on the ladder does it by hand."""
    home = housed(hut)
    home.doors["queue"].troubles = [DeliveryError(Reason.REJECTED, "400 Bad Request")]
    await home.storm()
    await home.act()
    failed = next(message for message in home.told("phone") if message.plan and message.plan.why == "failed")
    assert failed.plan is not None
    assert failed.plan.step == "pause"


async def test_two_people_at_one_moment_make_one_event(house: Build) -> None:
    """Both are told that it is taken; one of them has it."""
    home = housed(house)
    await home.storm()
    for by in ("ana", "ben"):
        await home.do("acknowledge", by=by)
    assert [event.actor for event in await home.timeline("plan.acknowledged")] == ["ana"]


async def test_a_wait_takes_its_time(house: Build) -> None:
    """It has no messages that could arrive or fail: what needs it begins when its time is over, not at the next look."""
    steps = [
        {"id": "rest", "action": "wait", "for": "2h"},
        {"id": "after", "action": "notify", "receiver": "desk", "needs": ["rest"]},
    ]
    home = housed(house, steps=steps)
    await home.storm()
    await home.act()
    await home.wait(110 * MINUTE)
    assert await home.steps() == {"rest": "running", "after": "waiting"}
    await home.wait(20 * MINUTE)
    assert await home.steps() == {"rest": "done", "after": "done"}


async def test_what_was_approved_and_did_not_arrive_is_not_published_after_the_end(hut: Build) -> None:
    """Its place was down, somebody said that it was a false alarm: an hour later the words would be wrong."""
    home = housed(hut)
    await home.storm()
    await home.act()
    await home.do("done", by="ana", step="facts")
    await home.act()
    home.doors["queue"].troubles = [DeliveryError(Reason.UNAVAILABLE, "503")]
    await home.do("approve", by="ben", step="answer")
    await home.act()
    with pytest.raises(RefusedError, match="on its way already"):
        await home.do("skip", by="ana", step="answer", text="not needed")
    await home.do("false_alarm", text="a film by that name came out")
    await home.wait(2 * HOUR, step=10 * MINUTE)
    assert home.kinds("queue") == ["step"], "the pause of the beginning, and nothing more"


@pytest.mark.parametrize("unread", [False, True])
async def test_what_was_approved_a_moment_before_the_end_leaves_no_more(hut: Build, unread: bool) -> None:
    """Also where another version of Tocsin opened the run, and a person closes it without reading it."""
    home = housed(hut)
    await home.storm()
    await home.act()
    await home.do("done", by="ana", step="facts")
    await home.act()
    await home.do("approve", by="ben", step="answer")
    assert "step" in {each["why"] for each in (await home.runs())[0].owed}
    if unread:
        await operations.close_unread(home.store, 1, ZOE, home.clock.now())
    else:
        await home.do("false_alarm", text="a film by that name came out")
    assert "step" not in {each["why"] for each in (await home.runs())[0].owed}


async def test_a_crisis_that_rings_on_does_not_reopen_what_somebody_closed(hut: Build) -> None:
    """A reminder is no new crisis: whoever said that it was a false alarm is not woken by the same alert."""
    home = hut(rules=[CRISIS | {"plan": "storm", "realert": "1h"}], plans=[PLAN])
    await home.storm()
    await home.act()
    await home.do("false_alarm", text="a film by that name came out")
    for _ in range(4):
        await home.storm()
        await home.wait(30 * MINUTE, step=10 * MINUTE)
    assert [run.state for run in await home.runs()] == ["closed"]


async def test_a_role_is_nobodys_name(hut: Build) -> None:
    """Whoever types a role must have it: the second pair of eyes is a person's."""
    home = housed(hut)
    await home.storm()
    await home.act()
    await home.do("done", by="ana", step="facts")
    await home.act()
    (run,) = await home.runs()
    typed = Act("approve", "ben", home.clock.now(), (), step="answer")
    with pytest.raises(RefusedError, match="may not approve"):
        await operations.act_in_plan(home.store, run.id, typed, "cli")


async def test_words_for_everybody_hold_no_place_that_may_stay_open(hut: Build) -> None:
    """Nobody reads `{{lead}}` on the web site."""
    home = housed(hut)
    await home.storm()
    await home.act()
    await home.do("done", by="ana", step="facts")
    await home.act()
    with pytest.raises(RefusedError, match=r"nothing is sure to fill in `\{\{lead\}\}`"):
        await home.do("edit", by="ana", step="answer", words={"en": "{{lead}} looks into it."})


async def test_words_whose_place_is_gone_are_not_taken_for_published(hut: Build) -> None:
    """The receiver was renamed since: an e-mail to somebody is no page on which words stand."""
    home = housed(hut)
    await home.storm()
    await home.act()
    await home.do("done", by="ana", step="facts")
    await home.act()
    rest = {name: each for name, each in home.settings.receivers.items() if name != "queue"}
    home.restart(home.settings.model_copy(update={"receivers": rest}))
    await home.do("approve", by="ben", step="answer")
    await home.act()
    assert (await home.steps())["answer"] == "failed"


def test_a_promise_of_news_is_for_a_quarter_of_an_hour(moment: datetime) -> None:
    """Nobody promises news at 14:07; in French hours are written as French people write them."""
    from monitor.domain.plan import Language, PlanRun, RunState  # noqa: PLC0415 for this test alone

    snapshot = {"id": "p", "title": {"en": "P"}, "notify": ["room"], "steps": [{"id": "a", "action": "capture"}]}
    run = PlanRun(1, "p", 1, RunState.RUNNING, snapshot, moment)
    hours: list[tuple[datetime, Language, str]] = [(moment, "en", "10:00"), (moment + 7 * MINUTE, "fr", "10 h 15")]
    for at, language, said in hours:
        known = known_places(
            run, Figures(mentions=3), brand="Acme", subject=None, lead="", language=language, zone="Europe/Paris", now=at
        )
        assert known["next_update"] == said
        assert (known["mentions"], known["subject"]) == ("3", "Acme")
        assert {"lead", "authors", "level"} & {*known} == set()
