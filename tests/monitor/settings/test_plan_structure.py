"""What a plan cannot mean: every fault is found wherever it stands, and what is called a fault is one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.plan import Plan
from monitor.settings.plan_structure import impossible
from monitor.settings.reading import Document
from rules.figures import Figures

STEP = {"action": "capture"}


def _plan(**settings: Any) -> tuple[Document, Plan]:
    data = {"id": "storm", "title": {"fr": "Tempête"}, "notify": "lea", "steps": [{"id": "evidence", **STEP}], **settings}
    return Document("plans/storm.yaml", json.loads(json.dumps({"plan": data}))), Plan.model_validate(data)


def _faults(**settings: Any) -> list[tuple[str, str]]:
    """The faults of a plan: where each stands, and what it is."""
    return [(problem.field, problem.what) for problem in impossible(*_plan(**settings))]


def _steps(**needs: str | list[str]) -> list[dict[str, Any]]:
    return [{"id": id_, **STEP, "needs": needed} for id_, needed in needs.items()]


def _levels(*levels: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": {"fr": "niveau"}, **level} for level in levels]


def test_a_plan_of_one_step_has_no_fault() -> None:
    """All else may be left out."""
    assert _faults() == []


# --- steps ---------------------------------------------------------------------------------------------------------------


def test_every_circle_is_told_once_in_the_order_of_the_needs() -> None:
    """Whoever mends one does not find the next one at the next start."""
    told = _faults(steps=_steps(facts="answer", answer="approval", approval="facts", hold="hold", pause=[]))
    assert told == [
        ("plan.steps[0].needs", "these steps wait for each other: `facts` → `answer` → `approval` → `facts`."),
        ("plan.steps[3].needs", "the step waits for itself: `hold` → `hold`."),
    ]


def test_steps_may_stand_above_what_they_need() -> None:
    """The order of the file is that of reading, not of doing."""
    assert _faults(steps=_steps(answer=["facts", "hold"], facts=[], hold="facts")) == []


def test_an_unknown_need_is_no_circle() -> None:
    """That it is unknown is told where names are looked at."""
    assert _faults(steps=_steps(answer="fatcs")) == []


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3), min_size=1))
def test_without_a_circle_every_step_can_be_done(needs: dict[str, list[str]]) -> None:
    """Doing whatever may begin ends with every step done, or a circle was told."""
    told = _faults(steps=_steps(**needs))
    done: set[str] = set()
    for _ in needs:
        done |= {step for step, needed in needs.items() if {*needed} & needs.keys() <= done}
    assert (done == needs.keys()) is (told == [])


def test_a_step_above_every_level_takes_those_behind_it_along() -> None:
    """Also those that stand above it, and those behind these."""
    steps = [{"id": "inform", **STEP, "needs": "answer"}, {"id": "facts", **STEP, "min_level": 3}, *_steps(answer="facts")]
    assert _faults(severity=_levels({"level": 1}), steps=steps) == [
        (
            "plan.steps[1].min_level",
            "this plan has no level 3: the step never begins, and nothing that waits for it does: `answer` and `inform`.",
        )
    ]


def test_level_nought_is_no_level_that_is_waited_for() -> None:
    """A plan without levels has steps all the same."""
    assert _faults(steps=[{"id": "facts", **STEP, "min_level": 0}]) == []


# --- levels --------------------------------------------------------------------------------------------------------------

_SHARES = st.sampled_from([-0.5, 0.0, 0.3, 0.5, 1.0, 2.0])
_FLAG = st.booleans() | st.fixed_dictionaries({"not": st.booleans()}) | st.fixed_dictionaries({"exists": st.booleans()})
_NUMBER = _SHARES | st.dictionaries(st.sampled_from(["lt", "lte", "gt", "gte", "is"]), _SHARES, min_size=1, max_size=2)
_ASKED = st.fixed_dictionaries({"authors": _NUMBER}, optional={"negative_share": _NUMBER, "safety_risk": _FLAG})
_WHEN = st.recursive(
    _ASKED,
    lambda inner: (
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=2)}, optional={"negative_share": _NUMBER})
        | st.fixed_dictionaries({"not": inner}, optional={"safety_risk": _FLAG})
    ),
    max_leaves=4,
)
_FIGURES = st.builds(
    Figures,
    negative_share=st.none() | st.sampled_from([0.0, 0.2, 0.3, 0.4, 0.5, 1.0]),
    authors=st.none() | st.integers(0, 3),
    safety_risk=st.none() | st.booleans(),
)


@given(st.lists(st.none() | _WHEN, min_size=1, max_size=3), _FIGURES)
def test_what_is_said_never_to_be_asked_for_never_is(conditions: list[dict[str, Any] | None], figures: Figures) -> None:
    """Whatever the figures: a level that is told as a fault is not the first that holds."""
    levels = [{"level": 9 - n, **({"when": when} if when is not None else {})} for n, when in enumerate(conditions)]
    document, plan = _plan(severity=_levels(*levels))
    told = {problem.field for problem in impossible(document, plan)}
    first = next((n for n, each in enumerate(plan.severity) if each.when is None or each.when.holds(figures)), None)
    assert f"plan.severity[{first}]" not in told


def test_a_level_that_asks_for_less_than_a_graver_one_may_be_asked_for() -> None:
    """The usual matrix: the higher, the more is asked."""
    levels = _levels({"level": 3, "when": {"authors": {"gte": 50}}}, {"level": 2, "when": {"authors": {"gte": 20}}}, {"level": 1})
    assert _faults(severity=levels) == []


def test_levels_are_judged_by_their_first_fault() -> None:
    """Levels upside down are told as that, and not as levels that nothing asks for."""
    levels = _levels({"level": 1}, {"level": 2, "when": {"firing": True}})
    assert [field for field, _ in _faults(severity=levels)] == ["plan.severity[1].level"]


def test_a_level_falls_only_to_a_lower_one() -> None:
    """Below the lowest there is none."""
    levels = _levels({"level": 2, "when": {"firing": True}}, {"level": 1})
    assert _faults(severity=levels, deescalate={"below_level": 2, "for": "6h"}) == []
    assert [field for field, _ in _faults(severity=levels, deescalate={"below_level": 1, "for": "6h"})] == [
        "plan.deescalate.below_level"
    ]
    assert [what for _, what in _faults(deescalate={"below_level": 1, "for": "6h"})] == ["this plan has no level 1."]


# --- conditions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "place"),
    [
        ({"authors": {"gte": 20, "lt": 20}}, "when.authors"),
        ({"any": [{"firing": True}, {"negative_share": {"gt": 1}}]}, "when.any[1].negative_share"),
        ({"all": [{"firing": True}, {"firing": False}]}, "when.all[1].firing"),
        ({"not": {"any": [{"mentions": {"gte": 0}}]}}, "when.not.any[0].mentions"),
        ({"reach": {"between": [0.2, 0.8]}}, "when.reach"),
        ({"any": [{"level": {"gte": 4}}, {"firing": True}]}, "when.any[0].level"),
    ],
)
def test_conditions_that_never_hold_are_found_wherever_they_stand(when: dict[str, Any], place: str) -> None:
    """In levels, in steps and in the closure, alternatives included."""
    levels = _levels({"level": 2, "when": {"firing": True}}, {"level": 1})
    steps = [{"id": "evidence", **STEP, "when": when}]
    assert [field for field, _ in _faults(severity=levels, steps=steps)] == [f"plan.steps[0].{place}"]
    assert [field for field, _ in _faults(severity=levels, closure={"when": when})] == [f"plan.closure.{place}"]


def test_a_step_is_asked_at_the_levels_that_it_waits_for() -> None:
    """It begins at level 2: a lower one is not there to be asked for."""
    levels = _levels({"level": 2, "when": {"firing": True}}, {"level": 1})
    step = {"id": "evidence", **STEP, "when": {"level": {"lte": 1}}}
    assert _faults(severity=levels, steps=[step]) == []
    assert [field for field, _ in _faults(severity=levels, steps=[{**step, "min_level": 2}])] == ["plan.steps[0].when.level"]


# --- the ladder ----------------------------------------------------------------------------------------------------------

RUNG = {"at": 1, "notify": "lea"}


@pytest.mark.parametrize(
    ("ladder", "place"),
    [
        ([RUNG, RUNG], None),
        ([RUNG, {"repeat_from": 0}], None),
        ([{**RUNG, "at": 2}, RUNG], "[1].at"),
        ([RUNG, {"repeat_from": 1}], "[1].repeat_from"),
        ([{"repeat_from": 0}], "[0].repeat_from"),
        ([RUNG, {"repeat_from": 0}, RUNG], "[1].repeat_from"),
        ([RUNG, {"repeat_from": 0}, {"repeat_from": 0}], "[1].repeat_from"),
        ([{**RUNG, "max": 3}], "[0].max"),
    ],
)
def test_a_ladder_is_climbed_from_rung_to_rung(ladder: list[dict[str, Any]], place: str | None) -> None:
    """In the order of time, and anew only from a rung that there is."""
    assert [field for field, _ in _faults(escalation=ladder)] == ([f"plan.escalation{place}"] if place else [])


# --- words ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"title": {"fr": "Crise {{brnd}}"}}, "title.fr"),
        ({"severity": _levels({"level": 1, "name": {"en": "{{nom}}"}})}, "severity[0].name.en"),
        ({"steps": [{"id": "a", **STEP, "title": {"en": "Since {{depuis}}"}}]}, "steps[0].title.en"),
        ({"steps": [{"id": "a", "action": "checklist", "items": [{"fr": "Un"}, {"fr": "{{ }}"}]}]}, "steps[0].items[1].fr"),
        ({"statements": [{"id": "hold", "text": {"fr": "{{brand}} {{brand.__class__}}"}}]}, "statements[0].text.fr"),
        ({"never": [{"fr": "Se taire }}"}]}, "never[0].fr"),
    ],
)
def test_a_place_that_nobody_fills_in_is_found_in_all_words(settings: dict[str, Any], place: str) -> None:
    """In a crisis, the public would read the braces."""
    assert [field for field, _ in _faults(**settings)] == [f"plan.{place}"]


def test_known_places_may_be_written_with_room() -> None:
    """And as often as one likes."""
    assert _faults(title={"fr": "{{brand}}, {{ brand }} : {{  since\n}}"}) == []


def test_words_that_a_machine_publishes_have_only_places_that_are_sure_to_be_filled_in() -> None:
    """A person who copies the words sees what is missing."""
    step = {"id": "a", "action": "statement", "statement": "hold", "approval": {"role": "me"}}
    words = {"statements": [{"id": "hold", "text": {"en": "{{brand}} knows, {{lead}} answers."}}]}
    assert _faults(steps=[step], **words) == []
    assert [field for field, _ in _faults(steps=[{**step, "publish": "hook"}], **words)] == ["plan.statements[0].text.en"]
