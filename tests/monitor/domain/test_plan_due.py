"""What a plan asks for in calm weather, day by day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.plan import Due, Plan, dues
from tests.monitor.plans.walking import plan

READ = date(2026, 1, 1)
DAYS = timedelta(days=1)


def _plan(**more: Any) -> Plan:
    return plan(reviewed_on=READ, review_every="100d", drill={"every": "50d"}, **more)


def _due(today: date, drilled_on: date | None = None, expires: str | None = None) -> list[Due]:
    words = {"statements": [{"id": "holding", "text": {"en": "We look into it."}, "expires": expires}]}
    return list(dues(_plan(**(words if expires else {})), drilled_on, today))


def test_a_drill_is_due_the_day_after_its_time() -> None:
    """Counted from the last one, or from the day on which somebody read the plan."""
    assert _due(READ + 50 * DAYS) == []
    assert _due(READ + 51 * DAYS) == [Due("drill", READ + 50 * DAYS)]
    assert _due(READ + 51 * DAYS, drilled_on=READ + 2 * DAYS) == []


def test_a_review_is_due_beside_it() -> None:
    """Each by its own time."""
    assert [each.what for each in _due(READ + 101 * DAYS, drilled_on=READ + 60 * DAYS)] == ["review"]


def test_a_plan_that_nobody_has_read_or_rehearsed_is_not_late() -> None:
    """That nobody noted a day is said by `tocsin check`; there is nothing to count from."""
    assert list(dues(plan(drill={"every": "50d"}), None, date(2036, 1, 1))) == []


def test_words_are_due_a_fortnight_before_their_last_day() -> None:
    """And stay so after it: they are still there to be used."""
    last = date(2026, 2, 1)
    said = Due("statement", last, "holding")
    assert _due(last - 15 * DAYS, expires="2026-02-01") == []
    assert _due(last - 14 * DAYS, expires="2026-02-01") == [said]
    assert said in _due(last + 5 * DAYS, expires="2026-02-01")


@given(waited=st.integers(51, 2000))
def test_what_nobody_does_is_due_anew_once_a_period(waited: int) -> None:
    """Its day is a whole number of periods after the last drill, and no more than one period ago: one notice in each."""
    (drill,) = (each for each in _due(READ + waited * DAYS) if each.what == "drill")
    since = (drill.on - READ).days
    assert since % 50 == 0
    assert 0 < waited - since <= 50
