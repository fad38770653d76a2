"""Days on which nobody works, as people write them: one, or one that comes again every year."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, PlainSerializer

_YEARLY = re.compile(r"(?P<month>\d\d)-(?P<day>\d\d)")
_LEAP = 2024  # a year that has every day


class Holiday(NamedTuple):
    """A day on which nobody works: of one year, or (None) of every year."""

    month: int
    day: int
    year: int | None = None

    def falls_on(self, day: date) -> bool:
        """Whether it is this day."""
        return (self.month, self.day) == (day.month, day.day) and self.year in {None, day.year}

    def __str__(self) -> str:
        year = "" if self.year is None else f"{self.year}-"
        return f"{year}{self.month:02}-{self.day:02}"


def day_as_text(written: Any) -> str:
    """A day as it was written: YAML understands some days by itself."""
    return written.isoformat() if isinstance(written, date) and not isinstance(written, datetime) else str(written)


def one_day(written: Any) -> Any:
    """Several days, or one without brackets."""
    return [written] if isinstance(written, str | date) else written


def _holiday(written: Any) -> Any:
    expected = "write a day as 2026-04-06, or 07-14 for one that comes again every year"
    if isinstance(written, Holiday):
        return written
    text = day_as_text(written)
    try:
        if yearly := _YEARLY.fullmatch(text):
            day = date(_LEAP, int(yearly["month"]), int(yearly["day"]))
            return Holiday(day.month, day.day)
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(expected) from None
    return Holiday(day.month, day.day, day.year)


HolidayDay = Annotated[
    Holiday, BeforeValidator(_holiday, json_schema_input_type=str), PlainSerializer(str, return_type=str, when_used="json")
]
Holidays = Annotated[tuple[HolidayDay, ...], BeforeValidator(one_day, json_schema_input_type=str | list[str])]
"""Several days on which nobody works, or one without brackets."""
