"""Days as people write them in contacts.yaml: one, several in a row, or one that comes again every year."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

_SPAN = re.compile(r"(?P<first>\S+)(?: +to +(?P<last>\S+))?")
_YEARLY = re.compile(r"(?P<month>\d\d)-(?P<day>\d\d)")
_LEAP = 2024  # a year that has every day


class Span(NamedTuple):
    """Days in a row, both ends included."""

    first: date
    last: date

    def covers(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last


class Holiday(NamedTuple):
    """A day on which nobody works: of one year, or (None) of every year."""

    month: int
    day: int
    year: int | None = None

    def falls_on(self, day: date) -> bool:
        """Whether it is this day."""
        return (self.month, self.day) == (day.month, day.day) and self.year in {None, day.year}


def _span(written: Any) -> Any:
    expected = "write a day as 2026-07-14, or several in a row as `2026-07-14 to 2026-07-31`"
    if isinstance(written, Span):
        return written
    found = _SPAN.fullmatch(_text(written))
    if not found:
        raise ValueError(expected)
    try:
        first, last = date.fromisoformat(found["first"]), date.fromisoformat(found["last"] or found["first"])
    except ValueError:
        raise ValueError(expected) from None
    if last < first:
        raise ValueError(f"{last} is before {first}: write the first day first")
    return Span(first, last)


def _holiday(written: Any) -> Any:
    expected = "write a day as 2026-04-06, or 07-14 for one that comes again every year"
    if isinstance(written, Holiday):
        return written
    text = _text(written)
    try:
        if yearly := _YEARLY.fullmatch(text):
            day = date(_LEAP, int(yearly["month"]), int(yearly["day"]))
            return Holiday(day.month, day.day)
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(expected) from None
    return Holiday(day.month, day.day, day.year)


def _text(written: Any) -> str:
    """YAML understands some days by itself."""
    return written.isoformat() if isinstance(written, date) and not isinstance(written, datetime) else str(written)


Days = Annotated[Span, BeforeValidator(_span, json_schema_input_type=str)]
HolidayDay = Annotated[Holiday, BeforeValidator(_holiday, json_schema_input_type=str)]
