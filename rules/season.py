"""What is usual, learnt from what was: as one level, or as one for each hour of the week where people live."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

HOURS = 168
"""Of a week, from Monday at midnight."""

MEMORY = timedelta(weeks=4)
"""The levels of the hours of the week forget no faster than by half in this time: each hour comes but once a week."""

_STEP = 900.0  # no time zone is off by anything but quarters of an hour
_MOST = 8 * 7 * 86_400.0  # of one stretch teaches: what lasted for longer says no more
_DIGITS = 6  # of a level that are kept: what is stored and what is in memory are the same number


def hour_of_week(moment: float, zone: ZoneInfo) -> int:
    """The hour of the week at this moment (epoch seconds) on the clocks of a time zone: 0 is Monday from midnight to one.

    An hour that the clocks go through twice is the same hour both times; one that they skip does not come.
    """
    there = datetime.fromtimestamp(moment, zone)
    return there.weekday() * 24 + there.hour


class Usual(Protocol):
    """What is usual. Moments are epoch seconds."""

    def learn(self, value: float, begin: float, end: float) -> None:
        """Take in that there was so much between two moments."""

    def at(self, moment: float) -> float | None:
        """What is usual just before this moment; None where that is not known."""

    @property
    def highest(self) -> float:
        """The most that is usual at any time."""

    def dump(self) -> Any:
        """The whole state, ready for JSON."""

    def load(self, saved: Any) -> Self:
        """Take back what `dump` gave."""


class Level:
    """One level, whose past weighs half as much after `half_life` seconds."""

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life
        self._level = 0.0
        self._learnt = 0.0  # seconds

    def learn(self, value: float, begin: float, end: float) -> None:
        self._level = _moved(self._level, value, end - begin, self._learnt, self._half_life)
        self._learnt += end - begin

    def at(self, moment: float) -> float | None:  # noqa: ARG002  it is the same at any time
        return self._level if self._learnt else None

    @property
    def highest(self) -> float:
        return self._level

    def dump(self) -> Any:
        return [self._level, self._learnt]

    def load(self, saved: Any) -> Self:
        self._level, self._learnt = saved
        return self


class HourOfWeek:
    """A level for each hour of the week, on the clocks of `zone`."""

    def __init__(self, half_life: float, zone: str) -> None:
        # Of each hour one in a week is learnt: its own time goes so much slower.
        self._half_life = max(half_life, MEMORY.total_seconds()) / HOURS
        self._zone = ZoneInfo(zone)
        self._levels = [0.0] * HOURS
        self._learnt = [0.0] * HOURS  # seconds

    def learn(self, value: float, begin: float, end: float) -> None:
        for hour, seconds in self._hours(max(begin, end - _MOST), end):
            self._levels[hour] = _moved(self._levels[hour], value, seconds, self._learnt[hour], self._half_life)
            self._learnt[hour] += seconds

    def at(self, moment: float) -> float | None:
        hour = hour_of_week(moment - 1, self._zone)
        return self._levels[hour] if self._learnt[hour] else None

    def _hours(self, begin: float, end: float) -> Iterator[tuple[int, float]]:
        """The hours of the week between two moments, and how many seconds of each."""
        while begin < end:
            until = min((begin // _STEP + 1) * _STEP, end)
            yield hour_of_week(begin, self._zone), until - begin
            begin = until

    @property
    def highest(self) -> float:
        return max(self._levels)

    def dump(self) -> Any:
        return [self._levels, self._learnt]

    def load(self, saved: Any) -> Self:
        self._levels, self._learnt = map(list, saved)
        return self


def _moved(level: float, value: float, seconds: float, learnt: float, half_life: float) -> float:
    """A level after it showed `value` for so long: at first the mean of what was seen, then a fading one."""
    rate = max(1 - 2 ** (-seconds / half_life), seconds / (learnt + seconds))
    return round(level + rate * (value - level), _DIGITS)


def usual(half_life: timedelta, zone: str | None) -> Usual:
    """What learns: one level, or, where a time zone is given, one for each hour of the week."""
    seconds = half_life.total_seconds()
    return Level(seconds) if zone is None else HourOfWeek(seconds, zone)
