"""Durations as people write them in configuration: `90s`, `5m`, `2h`, `1d`, `1w`, and together: `1h30m`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}  # seconds, largest first
_WHOLE = r"(?=\d)(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?"
_TEXT = re.compile(_WHOLE)
_PART = re.compile(r"(\d+)([wdhms])")
LONGEST = timedelta(days=3650)
"""No duration is longer."""


def parse_duration(value: Any) -> timedelta:
    """`1h30m` as a timedelta; a timedelta as it is. Raises ValueError in words a person can act on."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"{value} needs a unit: write {value}s, {value}m, {value}h or {value}d")  # noqa: TRY004
    if not isinstance(value, str) or not _TEXT.fullmatch(value.strip()):
        raise ValueError(f"{value!r} is not a duration: write it like 90s, 5m, 2h, 1d, 1w or 1h30m (largest unit first)")
    total = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    if total > LONGEST.total_seconds():
        raise ValueError(f"{value} is too long: ten years (3650d) at most")
    return timedelta(seconds=total)


def format_duration(value: timedelta) -> str:
    """The shortest way to write it: `1h30m`; weeks only where they are whole (`180d`). Fractions of a second are dropped."""
    left = int(value.total_seconds())
    parts = []
    for unit, seconds in _UNITS.items():
        if unit == "w" and left % seconds:
            continue
        number, left = divmod(left, seconds)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def format_hours(value: timedelta) -> str:
    """The same in hours and minutes alone, `45h`: a day of work has no twenty-four of them."""
    hours, minutes = divmod(int(value.total_seconds()) // 60, 60)
    return "".join(f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m")) if number) or "0m"


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError(f"{format_duration(value)} is no time at all: write at least 1s")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(
        parse_duration, json_schema_input_type=Annotated[str, Field(pattern=f"^{_WHOLE}$", examples=["90s", "1h30m"])]
    ),
    PlainSerializer(format_duration, return_type=str),
]
"""A duration of nought or more, written `90s`, `5m`, `2h`, `1d`, `1w`, `1h30m`."""

PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
"""A duration longer than nought."""
