"""What the list of digests shows, and which day comes before and after one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from monitor.console.tongue import N_
from monitor.digest import Scope, known
from monitor.domain.digest import Owed
from monitor.settings.digests import DigestKind
from monitor.web.desk import Desk
from notifiers.reader import Reader

KINDS: Final[Mapping[DigestKind, str]] = {
    "morning": N_("Morning caucus"),
    "weekly": N_("Weekly report"),
    "monthly": N_("Monthly report"),
}
_DAYS: Final = 5  # of each digest, the newest
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One digest: its newest days, and to whom each of those was sent. `leaves` says whether anybody gets it."""

    name: str
    kind: DigestKind
    leaves: bool
    at: str
    days: Sequence[tuple[str, str, Sequence[str]]]  # as in the address, as one reads it, and who got it


def entries(desk: Desk, reader: Reader, told: Sequence[Owed]) -> list[Entry]:
    """In the order of the configuration."""
    found = []
    for name, digest in known(desk.settings).items():
        days = [digest.last(desk.now(), reader.timezone)[0]]
        while len(days) < _DAYS:
            days.append(digest.before(days[-1]))
        shown = [(day.isoformat(), reader.day(day), _who(desk, name, day, told)) for day in days]
        found.append(Entry(name, digest.kind, name in desk.settings.digests, f"{digest.at:%H:%M}", shown))
    return found


def _who(desk: Desk, name: str, day: date, told: Sequence[Owed]) -> list[str]:
    return [desk.called(each.receiver) for each in told if each.digest == name and each.day == day]


def neighbours(scope: Scope, now: datetime) -> tuple[str, str]:
    """The day on which it left before, and on which it leaves next, unless that is to come; as in the address, or ""."""
    ahead = (scope.day + _DAY * number for number in range(1, 32))
    later = next((day for day in ahead if scope.digest.leaves_on(day)), None)
    there = later is not None and scope.digest.moment(later, scope.zone) <= now
    return scope.digest.before(scope.day).isoformat(), later.isoformat() if later is not None and there else ""
