"""Moments as people write them: a day, a day and a time, a time; by the clock on the wall of some time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules.wall_clock import shown, since_midnight

_DAY = timedelta(days=1)
_WRITTEN = re.compile(r"(?:(?P<day>\d{4}-\d\d-\d\d)(?:[ T]|$))?(?P<time>\d\d:\d\d(?::\d\d)?)?(?P<offset>Z|[+-]\d\d:\d\d)?")
_EXPECTED = "write a day, or a day and a time: 2026-12-24, or 2026-12-24 18:00"


def moment(written: str, zone: ZoneInfo, *, ends: bool = False, now: datetime | None = None) -> datetime:
    """A moment as it is written, in UTC. A day stands for its beginning, or where it `ends` something, for its end.

    With `now`, a time alone may be written: when the clock shows it next. Raises ValueError in words a person can act on.
    """
    found = _WRITTEN.fullmatch(written.strip())
    if not found or not (found["day"] or (found["time"] and now)) or (found["offset"] and not (found["day"] and found["time"])):
        raise ValueError(f"`{written}` is not understood: {_EXPECTED}")
    try:
        if found["offset"]:
            return datetime.fromisoformat(written.strip()).astimezone(UTC)
        clock = since_midnight(time.fromisoformat(found["time"])) if found["time"] else timedelta(0)
        if found["day"]:
            day = date.fromisoformat(found["day"])
            return shown(day + _DAY if ends and not found["time"] else day, clock, zone)
    except (ValueError, OverflowError):
        raise ValueError(f"`{written}` is no day, or no time of a day: {_EXPECTED}") from None
    assert now is not None
    today = now.astimezone(zone).date()
    return next(each for each in (shown(today, clock, zone), shown(today + _DAY, clock, zone)) if each > now)
