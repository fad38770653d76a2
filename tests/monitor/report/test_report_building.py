"""A report says what happened, how long it took, and what the plan lacked, from the timeline alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.domain.alert import NotificationKind
from monitor.domain.plan import EventKind, RunState, StepState
from monitor.report import Report
from monitor.report.value import Asked, Column, Course, Span
from tests.monitor.report.making import (
    MINUTE,
    NINE,
    STORY,
    TOLD,
    alert,
    arrived,
    at,
    called,
    course,
    material,
    report,
    run,
    said,
)


def span(of: Report, name: str) -> Span:
    """One of its times."""
    return next(each for each in of.spans if each.name == name)


def codes(of: Report) -> list[str]:
    """What the plan lacked, by its codes."""
    return [each.code for each in of.lacks]


def test_the_four_times_count_from_the_first_alert() -> None:
    """To detect, from the first post; to take it, to speak and to recover, from the alert."""
    times = {each.name: each.length for each in report().spans}
    assert times == {
        "detect": 7 * MINUTE,
        "acknowledge": 12 * MINUTE,
        "statement": 26 * MINUTE,
        "recovery": 200 * MINUTE,
    }


def test_what_the_plan_gives_stands_beside_them() -> None:
    """`ack_within` of the level at which the run began, not of the one it reached; the deadline of the words that came first."""
    made = report()
    assert (span(made, "acknowledge").within, span(made, "statement").within) == (20 * MINUTE, 20 * MINUTE)
    assert span(made, "recovery").within is None


def test_a_drill_is_held_against_the_level_at_which_it_was_opened() -> None:
    """Its level was said, and no figures set it."""
    story = [said(0, "plan.opened", "leo", mode="drill", level=3), *STORY[4:]]
    assert span(report(run=run(drill=True), story=story), "acknowledge").within == 15 * MINUTE


def test_a_run_that_a_person_opened_detected_nothing() -> None:
    """Its times count from the opening; it was over when somebody said so."""
    opened = run(opened_at=at(5), stood_down_at=at(100))
    made = report(alerts=(), first_post=None, run=opened, story=[each for each in STORY if each.alert_id is None])
    assert [each.name for each in made.spans] == ["acknowledge", "statement", "recovery"]
    assert (span(made, "acknowledge").since, span(made, "recovery").until) == (at(5), at(100))


def test_what_has_not_happened_has_no_length() -> None:
    """Of an open run that nobody has taken and that said nothing yet."""
    waiting = run(state=RunState.RUNNING, closed_at=None)
    for step in ("hold", "answer"):
        waiting = waiting.with_step(replace(waiting.step(step), state=StepState.READY, ended_at=None, approved_at=None))
    made = report(run=waiting, story=STORY[:3], incident=replace(material().incident, resolved_at=None))
    assert [each.until for each in made.spans[1:]] == [None, None, None]
    assert not made.over
    assert made.due is None


def test_words_count_as_said_once_they_are_approved() -> None:
    """When nobody noted that they were published."""
    silent = run().with_step(replace(run().step("hold"), state=StepState.READY, ended_at=None))
    silent = silent.with_step(replace(silent.step("answer"), state=StepState.READY, ended_at=None))
    assert span(report(run=silent), "statement").until == at(70)


def test_a_post_with_a_wrong_clock_makes_no_time_negative() -> None:
    """It was written after it rang: detected at once."""
    assert span(report(first_post=at(3)), "detect").length == timedelta(0)


def test_the_peaks_are_those_of_stretches_that_have_enough_to_tell() -> None:
    """One angry post of one is no peak of anger."""
    lonely = Course(30 * MINUTE, (Column(at(-90), 1, 1, 1, 1), *course().columns))
    made = report(course=lonely)
    assert made.angriest is not None
    assert made.loudest is not None
    assert made.angriest.since == at(90)
    assert made.angriest.share == pytest.approx(0.702, abs=0.01)
    assert (made.loudest.since, made.loudest.mentions) == (at(90), 84)
    quiet = report(course=Course(30 * MINUTE, (Column(at(0), 2, 1, 2, 2),)))
    assert quiet.angriest is None


def test_what_repeats_is_one_line() -> None:
    """Two items ticked are one line with both moments; what says nothing of its own is left out."""
    made = report()
    (ticked,) = [each for each in made.moments if each.kind == "plan.step.checked"]
    assert (ticked.at, ticked.until, ticked.times, ticked.by) == (at(30), at(34), 2, "community-manager")
    assert "plan.step.started" not in {each.kind for each in made.moments}


def test_complaints_of_one_hour_are_one_line_whatever_came_between() -> None:
    """And those of the next hour are another."""
    rings = [said(minute, "alert.opened", rule="complaint") for minute in (1, 2, 5, 30, 200)]
    made = report(story=sorted([*STORY, *rings], key=lambda each: each.at))
    assert [each.times for each in made.moments if each.said.get("rule") == "complaint" and each.kind == "alert.opened"] == [4, 1]


def test_people_are_their_roles() -> None:
    """As they had them at that moment; whoever has none is somebody of the team, and a login says nothing either."""
    made = report(story=[*STORY, said(250, "plan.noted", "root", text="late word")])
    assert {each.by for each in made.moments} == {"tocsin", "community-manager", "head-of-communication", ""}


def test_what_became_of_single_messages_is_no_line() -> None:
    """There are hundreds in a crisis."""
    sent = replace(said(3, "delivery.delivered"), plan_run_id=4)
    assert report(story=[*STORY, sent]).moments == report().moments


def test_what_happened_after_the_chart_is_not_on_it() -> None:
    """It stands in the story alone."""
    late = said(10_000, "plan.false_alarm", "leo", why="x")
    assert "plan.false_alarm" not in {each.kind for each in report(story=[*STORY, late]).marks}


def test_whoever_waits_for_news_is_named() -> None:
    """The groups of stakeholders, as the plan names them."""
    story = [said(60, "plan.news.late", groups=["press", "staff"]), said(61, "plan.updated", "camille", group="press")]
    assert [{**each.said} for each in report(story=story).moments] == [{"groups": ["press", "staff"]}, {"group": "press"}]


def test_what_another_run_of_the_incident_did_is_left_out() -> None:
    """One incident may have opened two plans."""
    other = replace(said(3, "plan.acknowledged", "leo"), plan_run_id=99)
    assert report(story=[*STORY, other]).moments == report().moments


def test_steps_say_how_late_they_were_and_why_they_were_left_out() -> None:
    """A step that somebody left out is not late; who ticked it off is no reason."""
    steps = {each.step: each for each in report().steps}
    assert (steps["hold"].late_by, steps["hold"].why) == (6 * MINUTE, "")
    assert (steps["facts"].late_by, steps["facts"].owner) == (4 * MINUTE, "community-manager")
    assert (steps["thank"].state, steps["thank"].why, steps["thank"].late_by) == ("skipped", "everybody went home", None)
    assert (steps["pause"].state, steps["pause"].why) == ("failed", "queue: HTTP 503")


def test_a_step_that_nobody_ended_was_not_done() -> None:
    """Once the run is closed; before that it waits."""
    left = run().with_step(replace(run().step("thank"), state=StepState.READY, ended_at=None, deadline_at=at(200)))
    (closed,) = [each for each in report(run=left).steps if each.step == "thank"]
    assert (closed.state, closed.late_by) == ("undone", 40 * MINUTE)
    (open_,) = [each for each in report(run=replace(left, state=RunState.RUNNING, closed_at=None)).steps if each.step == "thank"]
    assert open_.state == "ready"


def test_who_was_called_and_answered() -> None:
    """By role; of a receiver that several read nobody can tell."""
    assert report().asked == [
        Asked("community-manager", 2, answered=True, arrived=True),
        Asked("head-of-communication", 1, answered=True, arrived=True),
        Asked("room", 1, answered=None, arrived=True),
    ]


def test_who_did_nothing_afterwards_did_not_answer() -> None:
    """Those come first."""
    silent = [each for each in STORY if each.actor != "leo"]
    first = report(story=silent, deliveries=arrived(TOLD, 4)).asked[0]
    assert first == Asked("head-of-communication", 1, answered=False, arrived=False)


def test_who_only_acts_afterwards_or_only_ends_a_drill_did_not_answer() -> None:
    """To end a crisis is to take part in it; to end a drill is not."""
    story = [*(each for each in STORY if each.actor != "leo"), said(300, EventKind.REPORT_SIGNED, "leo")]
    assert not report(story=story).asked[0].answered
    story.append(said(240, "plan.stood_down", "leo"))
    assert all(each.answered for each in report(story=story).asked[:-1])
    assert not report(story=story, run=run(drill=True)).asked[0].answered


def test_what_asks_for_nothing_is_no_call() -> None:
    """A step that is delivered, and what comes after the end."""
    others = (called(7, "leo", 5, NotificationKind.STEP, "step"), called(8, "camille", 241, why="report"))
    assert report(told=others, deliveries=arrived(others)).asked == []


def test_what_the_plan_lacked_is_read_off_the_timeline() -> None:
    """In the order of a crisis: who heard, who took it, which words were missing, which steps did not carry."""
    assert codes(report()) == ["edited", "unapproved", "failed", "late", "unowned"]
    assert next(each.about for each in report().lacks if each.code == "unowned") == ("hold", "answer", "thank")


@pytest.mark.parametrize(
    ("code", "events"),
    [
        ("stuck", [said(3, "plan.stuck")]),
        ("unconfirmed", [said(3, "plan.unconfirmed")]),
        ("last_rung", [said(20, "plan.escalated", rung=1, to=["head-of-communication"])]),
        ("asked_for_help", [said(20, "plan.escalated", "camille", to=["head-of-communication"])]),
        ("rejected", [said(60, "plan.step.rejected", "leo", step="answer", why="too long")]),
        ("reopened", [said(60, "plan.reopened")]),
    ],
)
def test_each_thing_that_went_otherwise_is_named(code: str, events: list[Any]) -> None:
    """It is not there without its event, and there with it."""
    assert code not in codes(report())
    assert code in codes(report(story=[*STORY, *events]))


def test_what_never_happened_is_named_too() -> None:
    """Nobody took it, nothing was said, nobody is named to write the report, messages did not arrive."""
    mute = run(snapshot={**run().snapshot, "after_action": {"due": "5d"}})
    for step in ("hold", "answer"):
        mute = mute.with_step(replace(mute.step(step), state=StepState.SKIPPED, approved_at=None))
    made = report(run=mute, story=STORY[:3], deliveries=arrived(TOLD, 1))
    assert codes(made)[:3] == ["undelivered", "untaken", "silent"]
    assert codes(made)[-1] == "unreported"
    assert made.lacks[0].about == ("room",)


def test_a_message_that_the_end_called_off_is_missed_by_nobody() -> None:
    """It is a failed delivery in the store."""
    deliveries = {number: replace(each, ended_at=at(240)) for number, each in arrived(TOLD, 4).items()}
    assert "undelivered" not in codes(report(deliveries=deliveries))


def test_drafts_that_were_used_are_named() -> None:
    """Words that nobody had approved, in calm weather or in the run."""
    used = run().with_step(replace(run().step("answer"), approved_at=None, approved_by=None))
    assert "draft" in codes(report(run=used))


def test_actions_are_what_was_added_and_not_yet_done() -> None:
    """By number; those of another run are not ours."""
    added = said(300, EventKind.ACTION_ADDED, "camille", action=1, text="A second channel", owner="leo", due="2026-03-20")
    more = said(301, EventKind.ACTION_ADDED, "camille", action=2, text="Drill", owner="community-manager", due="2026-03-10")
    foreign = replace(said(302, EventKind.ACTION_ADDED, action=3, text="x", owner="leo", due="2026-03-20"), plan_run_id=99)
    made = report(story=[*STORY, added, more, foreign, said(400, EventKind.ACTION_DONE, "leo", action=1)])
    assert [(each.number, each.done_at) for each in made.actions] == [(1, at(400)), (2, None)]
    assert made.people == {"leo": "Léo Petit"}


def test_the_report_is_due_and_signed() -> None:
    """A signature from before the run was opened again and closed anew does not count."""
    assert report().due == at(240) + timedelta(days=5)
    signed = report(story=[*STORY, said(300, EventKind.REPORT_SIGNED, "camille")])
    assert signed.signed is not None
    assert (signed.signed.by, signed.signed.at) == ("camille", at(300))
    again = [*STORY, said(300, EventKind.REPORT_SIGNED, "camille"), said(180, EventKind.PLAN_REOPENED)]  # by a clock set back
    assert report(story=again, run=run(closed_at=at(200))).signed is None


def test_a_drill_and_a_false_alarm_say_so() -> None:
    """With the prefix of the plan, and from the timeline."""
    assert report(run=run(drill=True)).prefix == "[EXERCICE]"
    assert report(story=[*STORY, said(240, "plan.false_alarm", "leo", why="a film")]).false_alarm
    assert (report().prefix, report().false_alarm) == ("", False)


def test_what_was_only_observed_says_so_after_its_end_too() -> None:
    """By whom its end would have told; like a false alarm, it is nobody's to sign by a day."""
    would_tell = said(240, "plan.would_tell", to=["room"], why="over")
    assert report(run=run(state=RunState.OBSERVING, closed_at=None)).observed
    observed = report(story=[*STORY, would_tell])
    earlier = report(story=[*STORY, would_tell, said(180, EventKind.PLAN_REOPENED)], run=run(closed_at=at(1000)))
    assert (observed.observed, observed.due) == (True, None)
    assert (earlier.observed, earlier.due) == (False, at(1000) + timedelta(days=5))
    assert report(story=[*STORY, said(240, "plan.false_alarm", "leo", why="a film")]).due is None


def test_a_false_alarm_that_became_a_crisis_is_none() -> None:
    """The run was opened again, and what ended it last was no false alarm."""
    story = [*STORY, said(240, "plan.false_alarm", "leo", why="a film"), said(300, "plan.reopened"), said(1000, "plan.closed")]
    assert not report(story=story, run=run(closed_at=at(1000))).false_alarm
    assert not report(story=story[:-1], run=run(state=RunState.RUNNING, closed_at=None)).false_alarm


def test_the_gravest_level_is_named_though_it_fell() -> None:
    """It rose to a crisis and was lowered again."""
    assert report(run=run(level=2)).level == {"fr": "crise", "en": "crisis"}


def test_the_marks_of_the_chart_are_few_and_in_order() -> None:
    """The alert, who took it, the rise, each statement, calm, the end."""
    kinds = [each.kind for each in report().marks]
    assert kinds == [
        "alert.opened",
        "plan.opened",
        "plan.acknowledged",
        "plan.level.raised",
        "plan.step.done",
        "plan.step.done",
        "alert.resolved",
        "plan.stood_down",
        "plan.closed",
    ]
    assert report(course=Course(30 * MINUTE)).marks == []
    assert alert().opened_at == NINE
