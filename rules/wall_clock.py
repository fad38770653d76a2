"""The clock on the wall: how times of day and time zones are written, and when a clock shows them, also where it is set.

A time that the clock skips is the moment at which it is set; of one that it shows twice, the first is meant.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from rules.base import nearest

_WRITTEN = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def parse_time_of_day(written: Any) -> time:
    """`22:00` as a time of day; what is one already as it is. Raises ValueError in words to act on."""
    if isinstance(written, time):
        return written
    if not isinstance(written, str) or not _WRITTEN.fullmatch(written.strip()):
        raise ValueError('write a time of day as "22:00", in quotes, from "00:00" to "23:59"')
    return time.fromisoformat(written.strip())


TimeOfDay = Annotated[
    time,
    BeforeValidator(parse_time_of_day, json_schema_input_type=Annotated[str, Field(pattern=f"^({_WRITTEN.pattern})$")]),
    PlainSerializer(lambda clock: f"{clock:%H:%M}", return_type=str),
]
"""A time of day, as it is written in a file."""


@cache
def _zones() -> frozenset[str]:
    """Asking the system opens each of six hundred files; what it knows does not change while we run."""
    return frozenset(available_timezones())


def parse_zone(name: str) -> str:
    """`name`, when it is a time zone. Raises ValueError with the nearest one otherwise."""
    if name in _zones():
        return name
    near = nearest(name, _zones())
    hint = f"did you mean `{near}`?" if near else "write an IANA name such as Europe/Paris"
    raise ValueError(f"`{name}` is not a time zone; {hint}")


Zone = Annotated[str, AfterValidator(parse_zone)]
"""The IANA name of a time zone."""


def shown(day: date, since_midnight: timedelta, zone: ZoneInfo) -> datetime:
    """When the clock on the wall shows so much after midnight, in UTC; where it never does, when it is set past it."""
    wall = datetime.combine(day, time()) + since_midnight
    first = wall.replace(tzinfo=zone)  # of a time that is shown twice
    moment = first.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    before, after = int(first.replace(fold=1).timestamp()), int(moment.timestamp())
    new = moment.astimezone(zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return datetime.fromtimestamp(after, UTC)


def since_midnight(clock: time) -> timedelta:
    """How long after midnight a clock shows it that is not set meanwhile."""
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)
