"""What a source may spend (calls, units or money, in a minute, an hour, a day or a month), and what it has left of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Protocol, runtime_checkable
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.domain.clock import Clock
from monitor.domain.errors import SourceError, Trouble

Per = Literal["minute", "hour", "day", "month"]
Spent = Mapping[str, tuple[str, float]]
"""By what is counted and the period's kind: which period it is (when it began), and what was spent in it. JSON can hold it."""
Amount = float | Mapping[str, float]
"""How much; or how much of each thing that is counted."""

_PACE = frozenset({"minute", "hour"})  # these end soon: nobody need be told that one is used up
_ROUNDING = 1e-9


def _zone_exists(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone is called {name!r}; use an IANA name such as America/Los_Angeles")
    return name


class Budget(BaseModel):
    """So much in a period of the calendar. When it is spent, nothing is asked until the next one begins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: float = Field(gt=0, description="how much may be spent")
    per: Per = Field("day", description="in a minute, hour, day or month of the calendar")
    zone: Annotated[str, AfterValidator(_zone_exists)] = Field("UTC", description="where days and months begin: an IANA name")

    def counts(self) -> str:
        """What is counted, where a source counts several things; else nothing."""
        return ""

    def begun(self, now: datetime) -> datetime:
        """When the period began that `now` lies in. Aware, in the budget's zone."""
        local = now.astimezone(ZoneInfo(self.zone))
        return local.replace(
            day=1 if self.per == "month" else local.day,
            hour=0 if self.per in {"day", "month"} else local.hour,
            minute=0 if self.per != "minute" else local.minute,
            second=0,
            microsecond=0,
        )

    def ends(self, now: datetime) -> datetime:
        """When the next period begins. Aware, in UTC."""
        begun = self.begun(now)
        if self.per in _PACE:
            longest = timedelta(hours=1) if self.per == "hour" else timedelta(minutes=1)
            return begun.astimezone(UTC) + longest
        later = begun.replace(day=28) + timedelta(days=4) if self.per == "month" else begun + timedelta(days=1)
        return self.begun(later + timedelta(hours=12) if self.per == "day" else later).astimezone(UTC)


def affordable(calls: int, every: timedelta, budgets: Sequence[Budget], what: str = "calls") -> None:
    """Raises ValueError where looks of so many calls use up a day's budget early: the source would be deaf every evening."""
    for budget in budgets:
        cost = calls * (timedelta(days=1) / every)
        if budget.per == "day" and cost > budget.amount:
            least = math.ceil(1440 * calls / budget.amount)
            raise ValueError(
                f"its looks cost {cost:.0f} {what} a day, and its budget is {budget.amount:.0f}; ask less often, with"
                f" `every: {least}m`, or watch less"
            )


@dataclass(slots=True)
class Purse:
    """What a source may still spend. The stage that polls it fills it before a poll, and keeps what was spent after it."""

    budgets: Sequence[Budget]
    clock: Clock
    what: str = "calls"
    _spent: dict[str, tuple[str, float]] = field(default_factory=dict)

    def restore(self, spent: Spent) -> None:
        """What was spent up to now, as `spent` gave it."""
        self._spent = {str(per): (str(period), float(amount)) for per, (period, amount) in spent.items()}

    @property
    def spent(self) -> Spent:
        """What was spent, to be kept."""
        return dict(self._spent)

    def left(self) -> list[tuple[Budget, float]]:
        """Of each budget what is left of it now."""
        now = self.clock.wall()
        return [(budget, max(0.0, budget.amount - self._of(budget, now))) for budget in self.budgets]

    def spend(self, amount: Amount = 1) -> None:
        """Take it out of every budget, before the call that costs it. Raises `SourceError` when one holds no more.

        A minute or an hour is waited for (`THROTTLED`); that a day or a month is used up is something to tell (`SPENT`).
        """
        now = self.clock.wall()
        for budget in self.budgets:
            if self._of(budget, now) + _part(amount, budget) > budget.amount + _ROUNDING:
                raise self._exhausted(budget, now)
        self.correct(amount)

    def correct(self, amount: Amount) -> None:
        """The call that has been made cost so much more, or less, than was thought."""
        now = self.clock.wall()
        for budget in self.budgets:
            self._spent[_key(budget)] = (_name(budget, now), max(0.0, self._of(budget, now) + _part(amount, budget)))

    def _of(self, budget: Budget, now: datetime) -> float:
        period, amount = self._spent.get(_key(budget), ("", 0.0))
        return amount if period == _name(budget, now) else 0.0

    def _exhausted(self, budget: Budget, now: datetime) -> SourceError:
        ends = budget.ends(now)
        trouble = Trouble.THROTTLED if budget.per in _PACE else Trouble.SPENT
        return SourceError(
            trouble,
            f"its budget of {budget.amount:g} {budget.counts() or self.what} a {budget.per} is used up; it is asked again at"
            f" {ends:%Y-%m-%d %H:%M} UTC, or after you raise `budget`",
            retry_after=(ends - now).total_seconds(),
        )


def _key(budget: Budget) -> str:
    return f"{budget.counts()} {budget.per}".strip()


def _part(amount: Amount, budget: Budget) -> float:
    """What of an amount a budget counts."""
    return amount.get(budget.counts(), 0.0) if isinstance(amount, Mapping) else amount


def _name(budget: Budget, now: datetime) -> str:
    return budget.begun(now).isoformat(timespec="minutes")


@runtime_checkable
class Frugal(Protocol):
    """A source that has a purse."""

    purse: Purse
