"""How many messages people would have had: what would have been said, gathered as conversations gather it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.domain.alert import AlertEvent
from monitor.pipeline.quiet_hours import Quiet

_NIGHT, _MORNING = time(22), time(7)


@dataclass(frozen=True, slots=True)
class Said:
    """Something that one receiver would have been told at a moment, in one conversation.

    `share` is the alert's part in it; None: a plan says it, which waits for nothing.
    """

    at: datetime
    receiver: str
    about: Hashable
    share: AlertEvent | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many messages that would have been, and how many of them between ten in the evening and seven in the morning."""

    messages: int = 0
    by_night: int = 0


def messages(said: Iterable[Said], quiet: Quiet, interval: timedelta) -> Iterator[tuple[str, datetime]]:
    """Each message, with its receiver and its moment.

    The first of a conversation leaves at once, of the others one in `interval`; what quiet hours hold leaves in one at their
    end, and what a plan says by itself. Reminders are none of them: whoever takes an alert in hand is not reminded.
    """
    last: dict[tuple[str, Hashable], datetime] = {}
    held: set[tuple[str, datetime]] = set()
    for each in sorted(said, key=lambda each: each.at):
        if each.share is None:
            yield each.receiver, each.at
            continue
        until = quiet.until(each.receiver, each.share, each.at)
        if until is not None:
            if (each.receiver, until) not in held:
                held.add((each.receiver, until))
                yield each.receiver, until
            continue
        before = last.get((each.receiver, each.about))
        if before is not None and each.at <= before:
            continue  # it joins the message that waits
        due = each.at if before is None else max(each.at, before + interval)
        last[each.receiver, each.about] = due
        yield each.receiver, due


def counted(moments: Iterable[datetime], zone: str) -> Counted:
    """How many, and how many by night, by the clock of `zone`."""
    hours = [moment.astimezone(ZoneInfo(zone)).time() for moment in moments]
    return Counted(len(hours), sum(hour >= _NIGHT or hour < _MORNING for hour in hours))
