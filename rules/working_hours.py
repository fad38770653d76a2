"""Hours of work: when so much of them will have passed. Nights, weekends and holidays between them do not count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.holidays import Holiday
from rules.recurrence import Period, Weekly

_DAY = timedelta(days=1)
_YEAR = timedelta(days=366)
_BEFORE = 2  # days on which hours may have begun that go on now


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Times of the week in one time zone, but for those that begin on a holiday.

    An hour is one that passes, not one on the clock: the night in which clocks are set has one more, or one less.
    """

    times: tuple[Weekly, ...]
    zone: ZoneInfo
    holidays: tuple[Holiday, ...] = ()

    def after(self, begin: datetime, length: timedelta) -> datetime:
        """When so much of them has passed since `begin` (aware), in UTC; if that takes longer than a year, a year after it."""
        now, left = begin.astimezone(UTC), length
        for since, until in self._from(begin):
            worked = until - max(now, since)
            if worked >= left:
                return max(now, since) + left
            if worked > timedelta(0):
                now, left = until, left - worked
        return begin.astimezone(UTC) + _YEAR

    def _from(self, begin: datetime) -> Iterator[Period]:
        """The hours of each day, oldest first; they may overlap."""
        today = begin.astimezone(self.zone).date()
        for offset in range(-_BEFORE, _YEAR.days):
            day = today + _DAY * offset
            if not any(each.falls_on(day) for each in self.holidays):
                yield from sorted(period for each in self.times if (period := each.period(day, self.zone)))


def hours_a_week(times: Sequence[Weekly]) -> timedelta:
    """How long they are together; what overlaps counts twice."""
    return sum((each.lasting * len(each.days) for each in times), timedelta(0))
