"""When to look at the clock next: some rules ring, and some alerts end, because time has passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rules import Engine, States

# How often, in story time, windows that ring or are about to are looked at without a new mention.
TICK = timedelta(minutes=1)
_EPOCH = datetime.fromtimestamp(0, UTC)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


class Waking:
    """At whole minutes: the same moments, wherever a replay that was interrupted goes on. All times are story time.

    `next` is when to look; None: not until more is said.
    """

    def __init__(self, engine: Engine, now: datetime) -> None:
        self.next: datetime | None = None
        self._engine = engine
        self._watch_for, self._pace = engine.watch_for, engine.pace
        self._watch_until = now

    def by(self, moment: datetime) -> None:
        """Look no later than then."""
        self.next = min(moment, self.next or moment)

    def soon(self, now: datetime) -> None:
        """Look at the next whole minute."""
        self.by(_next_minute(now))

    def at(self, moment: datetime, now: datetime) -> None:
        """Look at the whole minute in which something is due, or at the next one, if that has passed."""
        self.by(max(_next_minute(now), _this_or_next_minute(moment)))

    def heard(self, states: States, now: datetime) -> None:
        """More was said: look for as long as something may ring because of that."""
        if self._watch_for is None or self._watch_for:
            self._watch_until = _FOR_EVER if self._watch_for is None else now + self._watch_for + TICK
        self.again(states, now)

    def looks(self, now: datetime) -> None:
        """This is the look that was waited for."""
        if self.next is not None and self.next <= now:
            self.next = None

    def again(self, states: States, now: datetime) -> None:
        """Look again while anything that was said is watched, and for what is missing: when that is worth it, and no sooner.

        Silence may ring for ever after, and what waits for an answer at its time.
        """
        if now < self._watch_until:
            self.soon(now)
        if self._pace is not None:
            self.by(now + self._pace - (now - _EPOCH) % self._pace)
        due = self._engine.next_due(states)
        if due is not None:
            self.at(due, now)


def _next_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0) + TICK


def _this_or_next_minute(moment: datetime) -> datetime:
    return moment if moment.second == moment.microsecond == 0 else _next_minute(moment)
