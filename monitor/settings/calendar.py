"""Days as people write them in contacts.yaml: one, or several in a row."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

from rules.holidays import day_as_text, one_day

_SPAN = re.compile(r"(?P<first>\S+)(?: +to +(?P<last>\S+))?")


class Span(NamedTuple):
    """Days in a row, both ends included."""

    first: date
    last: date

    def covers(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last


def _span(written: Any) -> Any:
    expected = "write a day as 2026-07-14, or several in a row as `2026-07-14 to 2026-07-31`"
    if isinstance(written, Span):
        return written
    found = _SPAN.fullmatch(day_as_text(written))
    if not found:
        raise ValueError(expected)
    try:
        first, last = date.fromisoformat(found["first"]), date.fromisoformat(found["last"] or found["first"])
    except ValueError:
        raise ValueError(expected) from None
    if last < first:
        raise ValueError(f"{last} is before {first}: write the first day first")
    return Span(first, last)


Days = Annotated[Span, BeforeValidator(_span, json_schema_input_type=str)]
Spans = Annotated[tuple[Days, ...], BeforeValidator(one_day, json_schema_input_type=str | list[str])]
"""Several of them, or one without brackets."""
