"""Times that come again every week, by the clock on the wall: `sat-sun`, `22:00-07:00`, `mon-fri 12:00-14:00`.

Where the clock is set, such a time is an hour shorter or longer. An edge that the clock skips is the moment at which it is set;
of one that it shows twice, the first is meant. So a time never begins after its end, and never comes twice in one night.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer

from rules.base import suggest

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_MIDNIGHT = 24 * 60  # the end of a day, in minutes
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_EXPECTED = "write days, hours or both: `sat-sun`, `22:00-07:00`, `mon,wed 12:00-14:00`"
_WITHOUT_A_BREAK = timedelta(days=8)  # what lasts for longer than a week comes again before it has ended

Period = tuple[datetime, datetime]
"""From the first (included) to the second (not included), in UTC."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """One time of the week. `begin` and `end` are minutes after midnight; an `end` that is not after `begin`: on the next day."""

    days: tuple[int, ...]  # on which it begins, in order; 0 is Monday
    begin: int
    end: int

    def period(self, day: date, zone: ZoneInfo) -> Period | None:
        """When it is, of the day on which it begins; None on days without it, and where the clock skips all of it."""
        if day.weekday() not in self.days:
            return None
        begin, end = _moment(day, self.begin, zone), _moment(day + _DAY * (self.end <= self.begin), self.end, zone)
        return (begin, end) if begin < end else None

    def __str__(self) -> str:
        days = "" if len(self.days) == len(_DAYS) else ",".join(_DAYS[day] for day in self.days)
        hours = "" if (self.begin, self.end) == (0, _MIDNIGHT) and days else f"{_clock(self.begin)}-{_clock(self.end)}"
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
    return Weekly(_days(words[0]) if words else tuple(range(len(_DAYS))), begin, end)


WeeklyField = Annotated[Weekly, BeforeValidator(parse_weekly, json_schema_input_type=str), PlainSerializer(str, return_type=str)]
"""A time of the week, as it is written in a file."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Times of the week together, in one time zone."""

    times: tuple[Weekly, ...]
    zone: ZoneInfo

    def covers(self, at: datetime) -> bool:
        """Whether one of them is now."""
        return any(begin <= at < end for begin, end in self._around(at, 0))

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
    if begin == end:
        raise ValueError(f"{written} lasts no time at all: for a whole day leave the hours out, or write 00:00-24:00")
    return begin, end


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """When the clock on the wall shows this, in UTC; where it never does, when it is set past it."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    shown = wall.replace(tzinfo=zone)  # of a time that is shown twice, the first
    moment = shown.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    before, after = int(shown.replace(fold=1).timestamp()), int(moment.timestamp())
    new = moment.astimezone(zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return datetime.fromtimestamp(after, UTC)
