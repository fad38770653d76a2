"""Who answered when a plan rang, told from what was owed to them and from the timeline."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.domain.plan import PlanRun, TimelineEvent
from monitor.plans.answers import Answer, Pace, Told, answers, pace, silent_roles
from tests.monitor.plans.walking import OPENED, minutes, opened, plan

_ANA = Told("ana", "ana-sms", OPENED, arrived=True, roles=("cm",))
_BOB = Told("bob", "bob", OPENED + minutes(15), arrived=True, roles=("head",))


def _run() -> PlanRun:
    return replace(opened(plan()), drill=True)


def _did(actor: str, kind: str, minute: float, run: int = 1) -> TimelineEvent:
    return TimelineEvent(OPENED + minutes(minute), f"plan.{kind}", actor, "cli", plan_run_id=run)


def _found(told: list[Told], *events: TimelineEvent) -> list[Answer]:
    return answers(_run(), told, events)


def test_an_answer_is_the_first_thing_that_somebody_does() -> None:
    """It counts from the moment at which they were told; later acts change nothing."""
    (ana,) = _found([_ANA], _did("ana", "acknowledged", 3), _did("ana", "step.done", 9))
    assert (ana.who, ana.told_at, ana.through, ana.after) == ("ana", OPENED, ("ana-sms",), minutes(3))


def test_who_did_nothing_has_not_answered() -> None:
    """Nor has anybody by an act in another run, by what Tocsin does, or by opening and ending the drill."""
    told = _found(
        [_ANA, _BOB],
        _did("bob", "opened", 0),
        _did("bob", "stood_down", 40),
        _did("bob", "closed", 40),
        _did("tocsin", "escalated", 15),
        _did("ana", "acknowledged", 2, run=7),
    )
    assert [each.after for each in told] == [None, None]
    assert silent_roles(told) == ["cm", "head"]


def test_what_is_done_at_the_end_or_after_it_is_no_answer() -> None:
    """Whoever signs the report a day later has not answered; what a drill found does not change any more."""
    closed = replace(_run(), closed_at=OPENED + minutes(40))
    acts = [_did("ana", "answered", 39), _did("bob", "acknowledged", 40), _did("bob", "report.signed", 1500)]
    told = answers(closed, [_ANA, _BOB], acts)
    assert [each.after for each in told] == [minutes(39), None]


def test_several_messages_to_one_person_are_one_line() -> None:
    """From the first on, through whatever arrived; what never did is named apart."""
    mail = Told("ana", "ana", OPENED + minutes(5), arrived=False, roles=("cm",))
    again = Told("ana", "ana-sms", OPENED + minutes(9), arrived=True, roles=("cm",))
    (ana,) = _found([_ANA, mail, again], _did("ana", "answered", 10))
    assert (ana.through, ana.refused, ana.after) == (("ana-sms",), ("ana",), minutes(10))


def test_how_fast_they_were_is_told_of_the_team_alone() -> None:
    """The first answer, whoever gave it; half of them and the last once three can be meant."""
    told = [_ANA, _BOB, replace(_ANA, who="cleo"), replace(_ANA, who="dora")]
    acts = [_did("ana", "acknowledged", 4), _did("bob", "answered", 17), _did("cleo", "answered", 9)]
    assert pace(_found(told)) is None
    assert pace(_found(told, *acts[:2])) == Pace(minutes(2))
    assert pace(_found(told, *acts)) == Pace(minutes(2), minutes(4), minutes(9))


def test_a_role_has_answered_when_one_of_its_people_has() -> None:
    """A backup who takes it is enough."""
    backup = replace(_BOB, roles=("cm", "head"))
    told = _found([_ANA, backup], _did("bob", "acknowledged", 20))
    assert silent_roles(told) == []


def test_who_answers_without_being_told_by_name_is_named() -> None:
    """Somebody in the room to which the message went: how long they took, nobody knows."""
    room = Told("room", "room", OPENED, arrived=True)
    told = _found([room], _did("zoe", "acknowledged", 4))
    assert [(each.who, each.told_at, each.after) for each in told] == [("room", OPENED, None), ("zoe", None, None)]
    assert told[1].answered_at == OPENED + timedelta(minutes=4)
