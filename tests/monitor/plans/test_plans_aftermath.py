"""When a run is closed somebody owes a report: they are told so, and reminded each day that it is overdue, until it is signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from monitor.domain.plan import EventKind, RunState
from monitor.plans import Facts, Why, move, report_due
from tests.monitor.plans.walking import OPENED, Walk, minutes, plan

DAY = timedelta(days=1)
REPORTED: dict[str, Any] = {"after_action": {"owner": "head", "due": "5d"}}


def _closed(verb: str = "stand_down", **more: Any) -> Walk:
    walk = Walk(plan(**{"activation": {"mode": "automatic"}, **REPORTED, **more}))
    walk.at(0)
    walk.at(30)
    walk.act(verb, text="calm again")
    return walk


def _after(walk: Walk, days: float) -> None:
    walk.at(30 + days * 1440)


def test_the_author_is_told_at_the_end_and_when_it_is_due() -> None:
    """Once, as soon as the run is closed."""
    walk = _closed()
    assert walk.whom(Why.REPORT) == [("head",)]
    assert report_due(walk.run) == OPENED + minutes(30) + 5 * DAY == walk.run.wake_at


def test_until_it_is_due_nobody_is_reminded() -> None:
    """And the run asks to be looked at then, not before."""
    walk = _closed()
    _after(walk, 4.9)
    assert not walk.whom(Why.UNSIGNED)
    assert walk.run.wake_at == report_due(walk.run)


def test_an_overdue_report_is_asked_for_each_day() -> None:
    """Once a day, with one line in the timeline each; a second look at one moment does nothing."""
    walk = _closed()
    for days in (5, 5, 5.9, 6, 7):
        _after(walk, days)
    assert walk.whom(Why.UNSIGNED) == [("head",)] * 3
    assert walk.kinds.count(EventKind.REPORT_OVERDUE) == 3
    assert len({tell.times for tell in walk.told if tell.why is Why.UNSIGNED}) == 3


def test_after_a_downtime_of_weeks_it_is_asked_for_once() -> None:
    """What was missed is not made up for."""
    walk = _closed()
    _after(walk, 30)
    assert walk.whom(Why.UNSIGNED) == [("head",)]


def test_a_signed_report_lets_the_run_sleep() -> None:
    """For good."""
    walk = _closed()
    moved = move(walk.run, Facts(OPENED + 6 * DAY, settled=True))
    assert (moved.run.wake_at, tuple(moved.effects)) == (None, ())


def test_whoever_did_something_yesterday_is_reminded_a_day_later() -> None:
    """A note of an action shows that somebody is at it."""
    walk = _closed()
    walk.run = replace(walk.run, touched_at=OPENED + minutes(30) + 5.5 * DAY)
    _after(walk, 6)
    assert not walk.whom(Why.UNSIGNED)
    _after(walk, 6.5)
    assert walk.whom(Why.UNSIGNED) == [("head",)]


def test_a_clock_that_was_wrong_puts_no_reminder_off() -> None:
    """What was touched in a future that never came was touched now."""
    walk = _closed()
    walk.run = replace(walk.run, touched_at=OPENED + 300 * DAY)
    _after(walk, 6)
    assert walk.run.wake_at == walk.now + DAY


def test_nobody_owes_a_report_on_a_false_alarm() -> None:
    """Its reason is in the timeline already."""
    walk = _closed("false_alarm")
    assert walk.run.state is RunState.CLOSED
    assert (walk.whom(Why.REPORT), walk.run.wake_at) == ([], None)


def test_without_an_author_nobody_is_told() -> None:
    """A plan that names nobody asks for nothing."""
    walk = _closed(after_action={"due": "1d"})
    _after(walk, 30)
    assert not walk.whom(Why.REPORT)
    assert not walk.whom(Why.UNSIGNED)
    assert walk.run.wake_at is None


def test_a_plan_that_was_only_observed_asks_for_no_report() -> None:
    """Nothing leaves the house for it, afterwards too."""
    walk = _closed(activation={"mode": "observe"})
    assert not walk.told
    assert walk.run.wake_at is None


def test_what_counts_is_whether_it_was_observed_when_it_ended() -> None:
    """Not how the plan that was opened first began: a crisis that came back may be carried out as its first time was not."""
    for mode, state, told in (("automatic", RunState.OBSERVING, []), ("observe", RunState.RUNNING, [("head",)])):
        walk = Walk(plan(activation={"mode": mode}, **REPORTED))
        walk.run = replace(walk.run, state=state)
        walk.act("stand_down")
        assert (walk.whom(Why.REPORT), walk.run.wake_at is not None) == (told, bool(told))


def test_a_run_of_another_version_asks_for_none() -> None:
    """It was closed by hand, and nobody knows whom its plan names."""
    walk = _closed()
    unread = replace(walk.run, snapshot={"id": "storm"}, wake_at=walk.now)
    moved = move(unread, Facts(walk.now))
    assert (moved.run.wake_at, tuple(moved.effects)) == (None, ())


def test_the_report_of_an_open_run_is_not_due() -> None:
    """Nobody knows yet when it will be."""
    walk = Walk(plan(**REPORTED))
    assert report_due(walk.run) is None
