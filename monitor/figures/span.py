"""A stretch of time as its reader's calendar has it: whole days of their zone, whose hours shift twice a year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.domain.tally import hour_of, moment_of

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_EPOCH = date(1970, 1, 1)
_LONG = 62  # days, beyond which they are those of UTC: a twentieth of the rows, and nobody sees the difference in a line


_LATELY = timedelta(days=2)  # of a long span, hour by hour: west of Greenwich an evening is a day of UTC that is yet to come


class Piece(NamedTuple):
    """Hours from `since` to before `until` (numbers since 1970), in which the zone's clock is `offset` hours ahead of UTC.

    `daily`: whole days of UTC, which are read as such.
    """

    since: int
    until: int
    offset: int
    daily: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """From the first day to before `until`, in an IANA zone.

    In zones with half hours, what is said in the half hour before midnight counts to the next day. In spans of more than
    two months figures are by the days of UTC, but for the last two: what was said this evening is in them.
    """

    first: date
    until: date
    zone: str

    @classmethod
    def last(cls, days: int, now: datetime, zone: str) -> Span:
        """So many days up to the one of `now`, that one included."""
        until = now.astimezone(ZoneInfo(zone)).date() + _DAY
        return cls(until - days * _DAY, until, zone)

    @property
    def begins(self) -> datetime:
        """Its first moment, in UTC."""
        return self._midnight(self.first)

    @property
    def ends(self) -> datetime:
        """The first moment after it, in UTC."""
        return self._midnight(self.until)

    @property
    def days(self) -> list[date]:
        """Its days, in order."""
        return [self.first + number * _DAY for number in range((self.until - self.first).days)]

    @property
    def before(self) -> Span:
        """As many days before it: what it is compared with."""
        return Span(self.first - (self.until - self.first), self.first, self.zone)

    def end(self, days: int) -> Span:
        """Its last days, so many at most."""
        return Span(max(self.first, self.until - days * _DAY), self.until, self.zone)

    def pieces(self) -> Iterator[Piece]:
        """Its hours, cut where the clocks change."""
        if len(self.days) > _LONG:
            since, until = ((day - _EPOCH).days * 24 for day in (self.first, self.until - _LATELY))
            yield Piece(since, until, 0, daily=True)
            yield from self._hours(until)
            return
        yield from self.hours()

    def hours(self) -> Iterator[Piece]:
        """Likewise, however long it is."""
        yield from self._hours(hour_of(self.begins))

    def _hours(self, since: int) -> Iterator[Piece]:
        end = hour_of(self.ends)
        while since < end:
            offset, until = self._offset(since), min(end, since + 24)
            while until < end and self._offset(until - 1) == offset:
                until = min(end, until + 24)
            while self._offset(until - 1) != offset:
                until -= 1
            yield Piece(since, until, offset)
            since = until

    def _offset(self, hour: int) -> int:
        ahead = moment_of(hour).astimezone(ZoneInfo(self.zone)).utcoffset()
        assert ahead is not None
        return -(-ahead // _HOUR)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)
