"""The one place that reads the time; everything else is given a `Clock`.

Two times exist. *Story time* (`Clock.now`) drives windows, grouping, reminders and retries; in production it is the wall
clock, in the demo it runs faster, in a replay the file drives it. *Real time* (`Clock.wall`) is used only for leases
and time-outs, which guard against processes that really died.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime:
        """Story time."""
        ...

    def wall(self) -> datetime:
        """Real time: for leases and time-outs only."""
        ...

    def real_seconds(self, story: timedelta) -> float:
        """How many real seconds pass while `story` passes (never negative)."""
        ...


class SystemClock:
    """Production: story time is real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def real_seconds(self, story: timedelta) -> float:
        return max(story.total_seconds(), 0.0)


@dataclass
class AcceleratedClock:
    """The demo: a whole day passes in a minute. `speed` is story seconds per real second."""

    start: datetime
    speed: float
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.start + (datetime.now(UTC) - self._began) * self.speed

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def real_seconds(self, story: timedelta) -> float:
        return max(story.total_seconds(), 0.0) / self.speed


@dataclass
class ManualClock:
    """Tests: time stands still until somebody moves it, and never goes back by `advance_to`."""

    current: datetime

    def now(self) -> datetime:
        return self.current

    def wall(self) -> datetime:
        return self.current

    def real_seconds(self, story: timedelta) -> float:
        """Nobody waits for a clock that is moved by hand."""
        del story
        return 0.0

    def advance(self, by: timedelta) -> None:
        """Move on by a duration."""
        self.current += by

    def advance_to(self, moment: datetime) -> None:
        """Move on to `moment`; a moment that has passed changes nothing."""
        self.current = max(self.current, moment)


class ReplayClock(ManualClock):
    """A replay: the recording moves story time, while leases and time-outs still count real time."""

    def wall(self) -> datetime:
        return datetime.now(UTC)
