"""Groups that wait for news: whoever leads is reminded, once, and again when as much time has passed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.domain.plan import EventKind, RunState
from monitor.plans import RefusedError, Why
from monitor.plans.moving import with_peak
from rules.figures import Figures
from tests.monitor.plans.walking import OPENED, Walk, minutes, opened, plan

GROUPS: dict[str, Any] = {
    "activation": {"mode": "automatic"},
    "remind_every": "7d",
    "stakeholders": [
        {"group": "customers", "update_every": "2h"},
        {"group": "staff", "update_every": "4h"},
        {"group": "neighbours"},
    ],
}


def walk(**more: Any) -> Walk:
    """A run that began by itself."""
    begun = Walk(plan(**(GROUPS | more)))
    begun.at(0)
    return begun


def test_whoever_leads_is_reminded_once_and_again_after_as_long() -> None:
    """Nobody leads: the people of the plan. A group without `update_every` waits for nothing."""
    run = walk()
    run.at(119)
    assert run.whom(Why.NEWS) == []
    assert run.run.wake_at == OPENED + minutes(120)
    run.at(120)
    run.at(121)
    assert run.whom(Why.NEWS) == [("cm",)]
    assert run.noted[-1].detail == {"groups": ["customers"]}
    run.act("acknowledge")
    run.at(240)
    assert run.whom(Why.NEWS)[1:] == [("ana",)]
    assert run.noted[-1].detail == {"groups": ["customers", "staff"]}


def test_a_group_that_was_told_waits_anew() -> None:
    """Counted from then; the act is one line of the timeline."""
    run = walk()
    run.at(100)
    run.act("updated", to="customers", text="by the page")
    assert run.noted[-1].kind == EventKind.PLAN_UPDATED
    assert run.noted[-1].detail == {"group": "customers", "note": "by the page"}
    run.at(130)
    assert run.whom(Why.NEWS) == []
    run.at(220)
    assert run.whom(Why.NEWS) == [("cm",)]


def test_a_crisis_that_comes_back_gives_each_group_its_time_anew() -> None:
    """What was told, and when it was confirmed, in the crisis before makes nobody late at once."""
    run = walk()
    run.at(100)
    run.act("updated", to="customers")
    run.act("stand_down")
    run.reopen(1000)
    for minute in (1000, 1119):
        run.at(minute)
    assert run.whom(Why.NEWS) == []
    run.at(1120)
    assert run.noted[-1].detail == {"groups": ["customers"]}


def test_a_group_that_the_plan_does_not_name_is_refused() -> None:
    """With the one that was probably meant."""
    run = walk()
    with pytest.raises(RefusedError, match=r"has no stakeholders `costumers`.*customers"):
        run.act("updated", to="costumers")


def test_nobody_is_reminded_before_it_begins_or_after_its_end() -> None:
    """What waits for a confirmation, was stood down or closed owes nobody news."""
    waiting = walk(activation={"mode": "confirm", "confirm_within": "30d"})
    waiting.at(500)
    assert waiting.run.state is RunState.AWAITING_CONFIRMATION
    assert waiting.whom(Why.NEWS) == []
    ended = walk()
    ended.act("stand_down", by="bob")
    ended.at(500)
    assert ended.whom(Why.NEWS) == []


def test_a_clock_that_was_set_back_lets_no_group_wait_longer_than_the_plan_says() -> None:
    """What was told tomorrow, by this clock, counts from now."""
    run = walk()
    run.at(600)
    told = len(run.whom(Why.NEWS))
    run.at(0)
    assert run.run.wake_at is not None
    assert run.run.wake_at <= OPENED + minutes(120)
    run.at(120)
    assert len(run.whom(Why.NEWS)) == told + 1


def test_whoever_hands_over_ends_their_shift() -> None:
    """The next one leads and reads how things stand; a run that nobody had taken is taken by that."""
    run = walk()
    run.act("hand_over", by="bob", to="ana", text="call Lyon back")
    assert (run.run.lead, run.run.acknowledged_by) == ("ana", "bob")
    assert run.whom(Why.HANDOVER) == [("ana",)]
    assert run.noted[-1].detail == {"to": "ana", "note": "call Lyon back"}
    with pytest.raises(RefusedError, match="say to whom"):
        run.act("hand_over", by="ana")


def test_a_run_remembers_its_highest_figures() -> None:
    """Each by itself; what nobody knows changes nothing."""
    seen = opened(plan())
    for figures in (Figures(mentions=10, authors=4), Figures(mentions=7, authors=9, negative_share=0.4), Figures(mentions=0)):
        seen = with_peak(seen, figures)
    assert seen.peak == {"mentions": 10, "authors": 9, "negative_share": 0.4}
    assert with_peak(seen, Figures()) is seen
    assert with_peak(replace(seen, peak=None), Figures()).peak is None


def test_each_report_notes_the_figures_that_it_shows() -> None:
    """The next one is held against them."""
    board = {"id": "board", "action": "notify", "receiver": "head", "every": "2h"}
    run = Walk(plan(board, activation={"mode": "automatic"}))
    run.at(0, mentions=12, negative_share=0.25)
    run.arrives("board")
    run.at(120, mentions=30)
    shown = [each.detail for each in run.noted if each.kind == EventKind.PLAN_SITUATION]
    assert shown == [
        {"step": "board", "mentions": 12, "authors": None, "negative_share": 0.25},
        {"step": "board", "mentions": 30, "authors": None, "negative_share": 0.25},
    ]


def test_a_false_alarm_is_told_as_one() -> None:
    """To everybody whom the plan told of the crisis."""
    run = walk()
    run.act("false_alarm", by="ana", text="an old film")
    assert run.whom(Why.FALSE_ALARM) == [("cm",)]
    assert run.whom(Why.OVER) == []
