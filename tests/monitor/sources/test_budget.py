"""What a source may spend, and when it may again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import SourceError, Trouble
from monitor.sources.budget import Budget, Per, Purse

PACIFIC = "America/Los_Angeles"


def refused(purse: Purse, amount: float = 1) -> SourceError:
    """How a purse says no."""
    with pytest.raises(SourceError) as caught:
        purse.spend(amount)
    return caught.value


def test_a_spent_day_ends_at_its_zones_midnight(clock: ManualClock) -> None:
    """10,000 units a day, until midnight Pacific: 08:00 UTC in winter."""
    clock.current = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)
    purse = Purse([Budget(amount=10_000, per="day", zone=PACIFIC)], clock, "units")
    purse.spend(9_999)
    error = refused(purse, 2)
    assert (error.trouble, error.retry_after) == (Trouble.SPENT, 12 * 3600)
    assert "10000 units a day" in error.detail
    assert "2026-01-06 08:00 UTC" in error.detail
    purse.spend(1)
    clock.advance(timedelta(hours=12))
    purse.spend(10_000)


def test_a_spent_minute_is_only_waited_for(clock: ManualClock) -> None:
    """A pace is no news to anybody."""
    clock.advance(timedelta(seconds=20))
    purse = Purse([Budget(amount=2, per="minute")], clock)
    purse.spend(2)
    assert (refused(purse).trouble, refused(purse).retry_after) == (Trouble.THROTTLED, 40)


def test_what_is_refused_costs_nothing_of_the_others(clock: ManualClock) -> None:
    """All budgets hold, or none is touched."""
    purse = Purse([Budget(amount=100, per="month"), Budget(amount=3, per="day")], clock)
    purse.spend(3)
    refused(purse)
    assert [left for _, left in purse.left()] == [97, 0]


def test_a_restart_forgets_nothing(clock: ManualClock) -> None:
    """What is kept as JSON is what was spent."""
    budgets = [Budget(amount=5, per="day")]
    before = Purse(budgets, clock)
    before.spend(4)
    before.correct(-1)
    after = Purse(budgets, clock)
    after.restore(json.loads(json.dumps(before.spent)))
    assert [left for _, left in after.left()] == [2]


@given(
    per=st.sampled_from(["minute", "hour", "day", "month"]),
    zone=st.sampled_from(["UTC", PACIFIC, "Europe/Paris", "Asia/Kathmandu", "America/Sao_Paulo"]),
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - `timezones` says it
)
def test_periods_follow_one_another(per: Per, zone: str, moment: datetime) -> None:
    """Every moment lies in one period, whose end begins the next, also where clocks are changed."""
    budget = Budget(amount=1, per=per, zone=zone)
    begun, ends = budget.begun(moment), budget.ends(moment)
    assert begun.astimezone(UTC) <= moment < ends
    assert budget.begun(ends - timedelta(seconds=1)).isoformat()[:16] == begun.isoformat()[:16]
    assert budget.begun(ends).astimezone(UTC) == ends


def test_a_zone_that_does_not_exist_is_an_error() -> None:
    """The message says what to write."""
    with pytest.raises(ValidationError, match="IANA"):
        Budget(amount=1, zone="Pacific")


class Counted(Budget):
    """One that says what it counts."""

    of: str

    def counts(self) -> str:
        """That."""
        return self.of


def test_several_things_are_counted_each_for_itself(clock: ManualClock) -> None:
    """Posts and money, say: a call takes of both or of none, and what is short is named."""
    budgets = [Counted(amount=100, per="day", of="posts"), Counted(amount=1, per="day", of="dollars")]
    purse = Purse(budgets, clock)
    purse.spend({"posts": 10, "dollars": 0.9})
    with pytest.raises(SourceError, match="its budget of 1 dollars a day is used up"):
        purse.spend({"posts": 10, "dollars": 0.2})
    purse.correct({"dollars": -0.5})
    again = Purse(budgets, clock)
    again.restore(json.loads(json.dumps(purse.spent)))
    assert [round(left, 6) for _, left in again.left()] == [90, 0.6]
