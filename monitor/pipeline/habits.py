"""Whether a source that answers should have brought something by now: its silence against the same hours of the weeks before.

Silence is counted in whole hours in which the source answered; others are unknown, and say nothing. What the same hours of the
week brought before, on the clocks of the configuration, says how likely such a silence is: for counts that come by chance, the
chance of none after so many in so many weeks is that of a negative binomial, as in a `flatline`. Posts that bring posts along
make few chances of many posts: by how much more the hours vary than chance would have it, so much less do they count. Why not
a `flatline` itself: docs/decisions/0059-a-source-against-its-own-habit.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.domain.source import Hour, SourceState
from monitor.storage import UnitOfWork
from rules.chance import scarcity

HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)
WEEKS = 4
"""A silence is compared with so many weeks before it."""
LEARNING = 2
"""So long ago it must have answered first."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A silence of so many whole hours since `since`, in which the source answered.

    `before` is what the same hours brought in the weeks before, the latest first; `expected` is their mean. `surprise` is -log10
    of the chance of such a silence.
    """

    since: datetime
    hours: int
    before: tuple[int, ...]
    expected: float
    surprise: float


def quiet(hours: Sequence[Hour], brought_at: datetime, now: datetime, zone: ZoneInfo) -> Quiet | None:
    """The silence after `brought_at`, no longer than its first week. None: its habit is not known, or allows for it.

    `hours` are those of the source in the four weeks before the silence, and since.
    """
    since = _hour(brought_at) + HOUR
    answered = {each.hour: each for each in hours if each.answered}
    silent = [hour for hour in _hours(since, min(_hour(now), since + WEEK)) if hour in answered]
    past = {hour: each.brought for hour, each in answered.items() if hour < since}
    if min(past, default=since) > since - LEARNING * WEEK:
        return None
    weeks = [[past.get(_weeks_before(hour, week, zone)) for hour in silent] for week in range(1, WEEKS + 1)]
    if any(not sum(filter(None, week)) for week in weeks if None not in week):  # it was as silent then: that is its habit
        return None
    before = tuple(sum(filter(None, week)) for week in weeks if any(brought is not None for brought in week))
    by_hour = [[brought for brought in same if brought is not None] for same in zip(*weeks, strict=True)]
    expected, total = sum(sum(same) / len(same) for same in by_hour if same), sum(before)
    bunch = _bunch(past, zone)
    return Quiet(since, len(silent), before, expected, scarcity(0, expected / bunch, total / bunch))


def _bunch(past: Mapping[datetime, int], zone: ZoneInfo) -> float:
    """How many mentions come together: by how much more the same hour of each week varies than chance alone would have it."""
    hours: dict[tuple[int, int], list[int]] = {}
    for hour, brought in past.items():
        there = hour.astimezone(zone)
        hours.setdefault((there.weekday(), there.hour), []).append(brought)
    variance = mean = 0.0
    for counts in hours.values():
        if len(counts) > 1:
            usual = sum(counts) / len(counts)
            variance += sum((count - usual) ** 2 for count in counts) / (len(counts) - 1)
            mean += usual
    return max(1.0, variance / mean) if mean else 1.0


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hours(begin: datetime, end: datetime) -> Iterator[datetime]:
    """The hours that begin between two moments."""
    while begin < end:
        yield begin
        begin += HOUR


def _weeks_before(hour: datetime, weeks: int, zone: ZoneInfo) -> datetime:
    """The same hour on the same clocks so many weeks earlier: people keep to theirs when they are changed."""
    return _hour(hour.astimezone(zone) - weeks * WEEK)


class Habits:
    """Looks at each source anew when another hour is over, or when it has brought something: the store is asked no more often."""

    def __init__(self, timezone: str) -> None:
        self._zone = ZoneInfo(timezone)
        self._known: dict[str, tuple[tuple[datetime, datetime], Quiet | None]] = {}

    async def quiet(self, tx: UnitOfWork, state: SourceState, now: datetime) -> Quiet | None:
        """The silence of a source, if it has brought anything yet, and its habit is known and does not allow for it."""
        if state.brought_at is None:
            return None
        since = _hour(state.brought_at) + HOUR
        looked = (since, min(_hour(now), since + WEEK))
        known = self._known.get(state.source)
        if known is None or known[0] != looked:
            hours = await tx.sources.hours(state.source, since - (WEEKS * WEEK + HOUR), looked[1]) if looked[1] > since else []
            known = self._known[state.source] = (looked, quiet(hours, state.brought_at, now, self._zone))
        return known[1]
