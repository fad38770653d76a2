"""Times that come again every week, by the clock on the wall: `sat-sun`, `22:00-07:00`, `mon-fri 12:00-14:00`.

Silences, campaigns, hours of work and quiet hours are made of them. Where the clock is set, such a time is an hour shorter or
longer; its edges are those of `wall_clock`, so it never begins after its end, and never comes twice in one night.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer

from rules.base import suggest
from rules.wall_clock import shown, since_midnight

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY_DAY = tuple(range(len(_DAYS)))
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_MIDNIGHT = 24 * 60  # the end of a day, in minutes
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_EXPECTED = "write days, hours or both: `sat-sun`, `22:00-07:00`, `mon,wed 12:00-14:00`"
_WITHOUT_A_BREAK = timedelta(days=8)  # what lasts for longer than a week comes again before it has ended

Period = tuple[datetime, datetime]
"""From the first (included) to the second (not included), in UTC."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """One time of the week. `begin` and `end` are minutes after midnight; an `end` that is not after `begin`: on the next day.

    So `sat 08:00-08:00` lasts from Saturday to Sunday, twenty-four hours by the clock on the wall.
    """

    days: tuple[int, ...]  # on which it begins, in order; 0 is Monday
    begin: int
    end: int

    @classmethod
    def daily(cls, begin: time, end: time) -> Weekly:
        """On every day, from one time of day until another."""
        return cls(_EVERY_DAY, _minutes(begin), _minutes(end))

    @property
    def past_midnight(self) -> bool:
        """Whether it ends on the day after that on which it begins."""
        return self.end <= self.begin

    @property
    def lasting(self) -> timedelta:
        """How long it is, unless the clock is set meanwhile."""
        return timedelta(minutes=self.end - self.begin) + _DAY * self.past_midnight

    def period(self, day: date, zone: ZoneInfo) -> Period | None:
        """When it is, of the day on which it begins; None on days without it, and where the clock skips all of it."""
        if day.weekday() not in self.days:
            return None
        begin = shown(day, timedelta(minutes=self.begin), zone)
        end = shown(day + _DAY * self.past_midnight, timedelta(minutes=self.end), zone)
        return (begin, end) if begin < end else None

    def day_of(self, at: datetime, zone: ZoneInfo) -> date | None:
        """The day on which it began, if it is now: hours past midnight belong to the day before."""
        today = at.astimezone(zone).date()
        for day in (today, today - _DAY, today + _DAY):  # tomorrow: a clock that is set back past midnight shows today again
            period = self.period(day, zone)
            if period is not None and period[0] <= at < period[1]:
                return day
        return None

    def __str__(self) -> str:
        days = "" if self.days == _EVERY_DAY else ",".join(_DAYS[day] for day in self.days)
        hours = "" if (self.begin, self.end) == (0, _MIDNIGHT) and days else f"{clock(self.begin)}-{clock(self.end)}"
        return f"{days} {hours}".strip()


def parse_weekly(written: Any) -> Weekly:
    """`mon-fri 22:00-07:00` as a time of the week; what is one already as it is. Raises ValueError in words to act on."""
    if isinstance(written, Weekly):
        return written
    if not isinstance(written, str) or not written.strip():
        raise ValueError(_EXPECTED)
    words = written.lower().replace(", ", ",").split()
    hours = words.pop() if ":" in words[-1] else ""
    if len(words) > 1:
        raise ValueError(f"`{written}` is not understood: {_EXPECTED}")
    begin, end = _hours(hours) if hours else (0, _MIDNIGHT)
    if begin == end and not words:
        raise ValueError(f"{hours} lasts no time at all, or for ever: write two different times, or 00:00-24:00 for a whole day")
    return Weekly(_days(words[0]) if words else _EVERY_DAY, begin, end)


WeeklyField = Annotated[Weekly, BeforeValidator(parse_weekly, json_schema_input_type=str), PlainSerializer(str, return_type=str)]
"""A time of the week, as it is written in a file."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Times of the week together, in one time zone."""

    times: tuple[Weekly, ...]
    zone: ZoneInfo

    def covers(self, at: datetime) -> bool:
        """Whether one of them is now."""
        return any(each.day_of(at, self.zone) is not None for each in self.times)

    def end(self, at: datetime) -> datetime | None:
        """When that is over what is now, those that follow without a break included; None: never.

        What is not now ends at once.
        """
        end = at
        while end - at < _WITHOUT_A_BREAK:
            later = max((until for begin, until in self._around(end, 0) if begin <= end < until), default=None)
            if later is None:
                return end
            end = later
        return None

    def next(self, after: datetime) -> datetime | None:
        """When one begins that is not now; None: they never end, or the clock skips them."""
        end = self.end(after)
        if end is None:
            return None
        # In two weeks even a time that the clock skips comes again.
        return min((begin for begin, _ in self._around(end, 15) if begin >= end and begin > after), default=None)

    def between(self, begin: datetime, end: datetime) -> Iterator[Period]:
        """Every period within two moments, oldest first; they may overlap."""
        found = ((max(start, begin), min(until, end)) for start, until in self._around(begin, (end - begin).days + 1))
        yield from sorted(each for each in found if each[0] < each[1])

    def _around(self, at: datetime, days_ahead: int) -> Iterator[Period]:
        today = at.astimezone(self.zone).date()
        for offset in range(-2, days_ahead + 2):
            for each in self.times:
                if period := each.period(today + _DAY * offset, self.zone):
                    yield period

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.times))} ({self.zone.key})"


def recurrence(times: Sequence[str | Weekly], zone: str) -> Recurrence | None:
    """Times of the week as they are written; None for none: always. Raises ValueError."""
    return Recurrence(tuple(map(parse_weekly, times)), ZoneInfo(zone)) if times else None


def _days(written: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in written.split(","):
        first, _, last = part.partition("-")
        begin, end = _day(first), _day(last or first)
        found |= {(begin + offset) % len(_DAYS) for offset in range((end - begin) % len(_DAYS) + 1)}
    return tuple(sorted(found))


def _day(written: str) -> int:
    if written not in _DAYS:
        raise ValueError(f"`{written}` is not a day ({suggest(written, _DAYS)}): {_EXPECTED}")
    return _DAYS.index(written)


def _hours(written: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(written)
    if not found:
        raise ValueError(f"`{written}` is not understood: write hours as 22:00-07:00, from 00:00 to 24:00")
    from_hour, from_minute, to_hour, to_minute = found.groups()
    begin = int(from_hour) * 60 + int(from_minute)
    end = _MIDNIGHT if to_hour is None else int(to_hour) * 60 + int(to_minute)
    return begin, end


def clock(minutes: int) -> str:
    """Minutes after midnight as a clock shows them; the end of a day is 24:00."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _minutes(shown_at: time) -> int:
    return since_midnight(shown_at) // _MINUTE
