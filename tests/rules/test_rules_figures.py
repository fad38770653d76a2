"""Conditions on the figures of a crisis: what holds, what does not, what nobody can tell, and how it is said."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.figures import Figures, FiguresWhere, in_words

_STORM = Figures(firing=True, level=2, mentions=120, authors=80, scored=60, negative_share=0.5, times_expected=4.0, reach=9000)
_UNKNOWN = Figures()
_ASKS: list[dict[str, Any]] = [
    {"firing": True}, {"level": 2}, {"mentions": {"gte": 100}}, {"authors": {"gt": 79}}, {"scored": {"between": [30, 60]}},
    {"negative_share": {"gte": 0.5}}, {"times_expected": {"gte": 3, "lt": 5}}, {"reach": {"exists": True}},
    {"any": [{"mentions": 1}, {"firing": True}]}, {"all": [{"level": 2}, {"firing": True}]}, {"not": {"mentions": {"lt": 100}}},
]  # fmt: skip


def _where(**asked: Any) -> FiguresWhere:
    return FiguresWhere.model_validate(asked)


@pytest.mark.parametrize("asked", _ASKS)
def test_what_holds(asked: dict[str, Any]) -> None:
    """Each figure has the tests of its kind; blocks combine them."""
    assert _where(**asked).holds(_STORM) is True


@pytest.mark.parametrize("asked", _ASKS)
def test_its_contrary_does_not_hold(asked: dict[str, Any]) -> None:
    """What is known is one or the other."""
    assert FiguresWhere.model_validate({"not": asked}).holds(_STORM) is False


@pytest.mark.parametrize("asked", [each for each in _ASKS if each != {"reach": {"exists": True}}])
def test_what_nobody_knows_holds_neither_way(asked: dict[str, Any]) -> None:
    """Under `not` as little as without: missing figures grade no crisis."""
    assert _where(**asked).holds(_UNKNOWN) is None
    assert FiguresWhere.model_validate({"not": asked}).holds(_UNKNOWN) is None


def test_that_a_figure_is_missing_can_be_asked() -> None:
    """`exists` is answered in any case."""
    assert _where(reach={"exists": False}).holds(_UNKNOWN) is True
    assert _where(reach={"exists": True}).holds(_UNKNOWN) is False


def test_all_that_stands_side_by_side_must_hold() -> None:
    """One that does not hold decides, whatever is unknown; without it the unknown does."""
    assert _where(mentions={"gte": 100}, firing=True).holds(_STORM) is True
    assert _where(mentions={"gte": 100}, safety_risk=True).holds(_STORM) is None
    assert _where(mentions={"gte": 900}, safety_risk=True).holds(_STORM) is False


def test_one_of_several_is_enough() -> None:
    """The unknown hinders none that holds."""
    assert _where(any=[{"safety_risk": True}, {"firing": True}]).holds(_STORM) is True
    assert _where(any=[{"safety_risk": True}, {"firing": False}]).holds(_STORM) is None


def test_a_risk_for_people_is_a_level_of_its_own() -> None:
    """A flag, written bare."""
    asked = _where(any=[{"negative_share": {"gte": 0.4}, "scored": {"gte": 30}}, {"safety_risk": True}])
    assert asked.holds(Figures(safety_risk=True)) is True
    assert asked.holds(Figures(negative_share=0.9, scored=3, safety_risk=False)) is False


@pytest.mark.parametrize("where", [{}, {"any": [{}]}, {"not": {}}])
def test_a_condition_that_asks_nothing_is_refused(where: dict[str, Any]) -> None:
    """It would hold always, and make every day a crisis."""
    with pytest.raises(ValidationError, match="an empty condition asks nothing, and would always hold"):
        FiguresWhere.model_validate(where)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"any": []}, "the list is empty"),
        ({"mentions": None}, "there is no value here"),
        ({"mentions": "many"}, "is not known here|valid number"),
        ({"mention": 3}, "did you mean `mentions`"),
        ({"firing": 1}, "valid boolean"),
        ({"mentions": {}}, "an empty test asks nothing"),
    ],
)
def test_what_is_written_wrongly_is_refused(where: dict[str, Any], said: str) -> None:
    """As in rules, with what was probably meant."""
    with pytest.raises(ValidationError, match=said):
        FiguresWhere.model_validate(where)


def test_the_figures_that_were_asked_are_said() -> None:
    """Each once, in the order of the file, blocks included: what a level rose for."""
    asked = _where(
        mentions={"gte": 10}, any=[{"authors": 3}, {"mentions": {"gte": 100}}], all=[{"reach": 1}], **{"not": {"level": 1}}
    )
    assert asked.said(_STORM) == {"mentions": 120, "authors": 80, "reach": 9000, "level": 2}


def test_conditions_are_said_in_words() -> None:
    """As people would write them; blocks in brackets."""
    asked = _where(
        mentions={"gte": 10}, any=[{"firing": True}, {"level": 3}], all=[{"reach": 1}], **{"not": {"authors": {"lt": 5}}}
    )
    assert in_words(asked) == "mentions gte 10, (firing is true or level is 3), reach is 1, not (authors lt 5)"


def test_every_figure_can_be_asked() -> None:
    """Conditions and figures name the same things."""
    asked = {name for name, field in FiguresWhere.model_fields.items() if field.alias is None}
    assert asked == {field.name for field in fields(Figures)}


@given(share=st.floats(0, 1), asked=st.floats(0, 1), more=st.floats(0, 1))
def test_a_worse_figure_never_grades_lower(share: float, asked: float, more: float) -> None:
    """What holds of a share holds of a greater one."""
    where = _where(negative_share={"gte": asked})
    worse = replace(_STORM, negative_share=max(share, more))
    assert where.holds(worse) or not where.holds(replace(_STORM, negative_share=share))
