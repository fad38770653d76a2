"""Durations as people write them in a receiver's settings: 10s, 2m, 1h."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

_WRITTEN = re.compile(r"(\d+)(s|m|h)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


def _read(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = _WRITTEN.fullmatch(value.strip())
    if not found:
        raise ValueError("write a duration like 10s, 2m or 1h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


Duration = Annotated[
    timedelta,
    BeforeValidator(_read),
    Field(gt=timedelta(0), le=timedelta(hours=1)),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+(s|m|h)$", "examples": ["10s", "2m"]}),
]
