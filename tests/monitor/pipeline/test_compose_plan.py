"""What a message says of a plan run: taken from how the run stands, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from monitor.domain.plan import Language, Plan, PlanRun, RunState, StepRun
from monitor.domain.plan.run import StepState
from monitor.pipeline.compose import plan_facts
from monitor.plans import Why
from monitor.plans.steps import NOT_REACHED
from notifiers.message import PlanStepFacts

OPENED = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"fr": "Tempête", "en": "Storm"},
    "notify": ["desk"],
    "remind_every": "30m",
    "severity": [
        {"level": 2, "name": {"fr": "crise", "en": "crisis"}, "ack_within": "10m"},
        {"level": 1, "name": {"fr": "vigilance", "en": "watch"}},
    ],
    "escalation": [{"at": 0, "notify": "desk"}, {"at": 1, "unless": "acknowledged", "notify": "desk"}],
    "steps": [
        {"id": "evidence", "action": "capture"},
        {"id": "facts", "action": "checklist", "role": "lead", "items": [{"fr": "Un"}, {"fr": "Deux"}]},
        {"id": "hold", "action": "statement", "statement": "holding"},
        {"id": "answer", "action": "statement", "statement": "answer", "approval": {"role": "legal"}},
    ],
    "statements": [
        {"id": "holding", "text": {"fr": "Nous savons.", "en": "We know."}, "status": "approved"},
        {"id": "answer", "text": {"fr": "Voici.", "en": "Here it is."}, "status": "approved"},
    ],
    "drill": {"prefix": "[EXERCICE]"},
}
OWNERS = {"lea": "Léa", "lead": "Léa, lead"}


def run(**changes: Any) -> PlanRun:
    """A run of the plan that opened at five."""
    plan = Plan.model_validate(PLAN)
    steps = tuple(StepRun(each.id, place, StepState.WAITING) for place, each in enumerate(plan.steps))
    snapshot = plan.model_dump(mode="json")
    opened = PlanRun(4, "storm", 3, RunState.RUNNING, snapshot, OPENED, steps, level=1, level_since=OPENED)
    return replace(opened, **changes)


def told(of: str, **changes: Any) -> PlanStepFacts:
    """One step as it is told in French, when it stands so."""
    stands = replace(run().step(of), **changes)
    return next(each for each in plan_facts(run().with_step(stands), "fr", None, OWNERS).steps if each.id == of)


def test_the_level_and_who_leads_are_named() -> None:
    """As people call them; a name that contacts.yaml does not know stands as it is."""
    facts = plan_facts(run(level=2, lead="lea", acknowledged_at=OPENED), "fr", None, OWNERS)
    assert (facts.level, facts.lead, facts.acknowledged) == ("crise", "Léa", True)
    bare = plan_facts(run(level=None, lead="zoe"), "en", None, OWNERS)
    assert (bare.level, bare.lead, bare.acknowledged, bare.drill, bare.page) == ("", "zoe", False, "", "")


def test_a_level_has_risen_when_the_figures_asked_for_it_just_then() -> None:
    """Whoever sets another, and the rule that lets it fall, change it at another moment than the figures."""
    at = OPENED + 5 * MINUTE
    assert plan_facts(run(level=2, level_since=at, asked_level=2, asked_since=at), "fr", None, {}).risen
    assert not plan_facts(run(level=2, level_since=at, asked_level=1, asked_since=OPENED), "fr", None, {}).risen
    assert not plan_facts(run(level=1, level_since=at, asked_level=1, asked_since=OPENED), "fr", None, {}).risen


def test_what_the_level_may_fall_to_is_named_with_its_rank() -> None:
    """Since the figures have asked for it."""
    asked = run(level=2, proposed_level=1, asked_level=1, asked_since=OPENED + MINUTE)
    facts = plan_facts(asked, "en", None, {}, why=Why.LEVEL)
    assert (facts.proposed, facts.since) == ((1, "watch"), OPENED + MINUTE)
    assert plan_facts(run(), "en", None, {}, why=Why.LEVEL).since == OPENED


def test_a_drill_has_the_prefix_of_its_plan() -> None:
    """And the page of a run is passed on."""
    facts = plan_facts(run(drill=True), "en", None, {}, page="https://t.example/plan/4")
    assert (facts.drill, facts.page) == ("[EXERCICE]", "https://t.example/plan/4")


@pytest.mark.parametrize(
    ("changes", "step", "why", "since", "deadline"),
    [
        ({}, None, None, OPENED, None),
        ({"state": RunState.AWAITING_CONFIRMATION, "confirm_by": OPENED + MINUTE}, None, None, OPENED, OPENED + MINUTE),
        ({"rung": 1, "level": 2}, None, Why.UNTAKEN, OPENED, OPENED + 10 * MINUTE),
        ({"rung": 2}, None, Why.UNTAKEN, OPENED, OPENED + 15 * MINUTE),
        ({"rung": 2, "acknowledged_at": OPENED}, None, Why.UNTAKEN, OPENED, None),
        ({"touched_at": OPENED + 90 * MINUTE}, None, Why.QUIET, OPENED + 60 * MINUTE, None),
        ({}, None, Why.QUIET, None, None),
        ({}, "answer", Why.APPROVAL, OPENED + MINUTE, OPENED + 20 * MINUTE),
        ({}, "answer", Why.LATE, OPENED + MINUTE, OPENED + 40 * MINUTE),
    ],
)
def test_since_when_and_until_when(
    changes: dict[str, Any], step: str | None, why: str | None, since: datetime | None, deadline: datetime | None
) -> None:
    """Of the step that the message is about, or of the run: until the next people are told."""
    given = run(**changes)
    at = replace(
        given.step("answer"), ready_at=OPENED + MINUTE, approval_by=OPENED + 20 * MINUTE, deadline_at=OPENED + 40 * MINUTE
    )
    facts = plan_facts(given.with_step(at), "fr", step, {}, why=why)
    assert (facts.since, facts.deadline, facts.why) == (since, deadline, why)


def test_a_step_is_told_as_it_stands() -> None:
    """Whose it is by now, what is ticked, until when, and whether that has passed."""
    late = {"state": StepState.OVERDUE, "checked": (1,), "late": True, "deadline_at": OPENED}
    facts = told("facts", **late)
    assert (facts.owner, facts.checked, facts.late, facts.deadline) == ("Léa, lead", (1,), True, OPENED)
    assert told("facts", owner="lea").owner == "Léa"
    assert told("evidence").automatic
    assert not told("facts").automatic


def test_words_are_those_that_stand_now() -> None:
    """Edited ones in their language; and nothing is called approved that needs a word nobody has given in this run."""
    assert (told("hold").text, told("hold").approved) == ("Nous savons.", True)
    assert (told("answer").text, told("answer").approved) == ("Voici.", False)
    assert told("answer", approved_at=OPENED).approved
    edited = told("hold", words={"fr": "Nous ne savons rien."}, edited_by="lea")
    assert (edited.text, edited.approved) == ("Nous ne savons rien.", False)
    assert told("hold", words={"en": "We know nothing."}, edited_by="lea").text == "Nous savons."


def test_words_past_their_last_day_are_not_approved() -> None:
    """Until somebody says so in this run; each language has its own way to write what fills it."""
    expiring = {"id": "holding", "text": {"fr": "Suite à {{now}}.", "en": "More at {{now}}."}, "status": "approved"}
    statements = [{**expiring, "expires": "2026-03-01"}, PLAN["statements"][1]]
    given = run(snapshot={**run().snapshot, "statements": statements})
    known: Mapping[Language, Mapping[str, str]] = {"fr": {"now": "18 h 00"}, "en": {"now": "18:00"}}

    def hold(of: PlanRun, day: int) -> PlanStepFacts:
        facts = plan_facts(of, "fr", None, {}, known=known, day=date(2026, 3, day))
        assert facts.statements[0].approved is (day == 1)
        return next(each for each in facts.steps if each.id == "hold")

    assert (hold(given, 1).approved, hold(given, 1).expired) == (True, None)
    assert (hold(given, 2).approved, hold(given, 2).expired) == (False, date(2026, 3, 1))
    assert hold(given, 2).words == {"fr": "Suite à 18 h 00.", "en": "More at 18:00."}
    yes = given.with_step(replace(given.step("hold"), approved_at=OPENED))
    assert (hold(yes, 2).approved, hold(yes, 2).expired) == (True, None)


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"state": StepState.FAILED, "detail": "hub: no answer"}, "hub: no answer"),
        ({"state": StepState.SKIPPED, "detail": "not needed"}, "not needed"),
        ({"state": StepState.SKIPPED, "detail": NOT_REACHED}, ""),
        ({"state": StepState.READY, "detail": "too soft"}, "too soft"),
        ({"state": StepState.READY, "detail": "too soft", "approved_at": OPENED}, ""),
        ({"state": StepState.DONE, "detail": "by lea"}, ""),
        ({"state": StepState.FAILED}, ""),
    ],
)
def test_a_note_says_why_a_step_went_otherwise(changes: dict[str, Any], note: str) -> None:
    """How it went well is no news."""
    assert told("answer", **changes).note == note
