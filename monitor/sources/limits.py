"""How long a server asks us to wait, in any of the forms that servers use."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 6 * 3600.0  # a server that says "come back next year" is asked again after six hours
_EPOCH = 10**9  # larger numbers are moments, smaller ones seconds left
_MILLISECONDS = 10**11
_FAR = 10.0**15  # milliseconds until long after us: what is larger, infinity among it, means the same
_RESETS = ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset")
_DRAFT = re.compile(r"(?:^|[;,\s])(?:t|reset)=(\d+)")  # RateLimit: "default";r=0;t=30


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, in [0, LONGEST], or None when no header says so in words we understand.

    Read in this order: Retry-After (seconds or HTTP-date), X-RateLimit-Reset and its spellings (epoch, ISO-8601 or seconds
    left), RateLimit (`t=`). Header names may be in any case.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    said = [lower[name] for name in ("retry-after", *_RESETS) if name in lower]
    if draft := _DRAFT.search(lower.get("ratelimit", "")):
        said.append(draft[1])
    for value in said:
        seconds = _seconds(value, now)
        if seconds is not None:
            return min(max(seconds, 0.0), LONGEST)
    return None


def _seconds(value: str, now: datetime) -> float | None:
    number = _number(value)
    if number is None:
        moment = _moment(value)
        return (moment - now).total_seconds() if moment else None
    if number >= _MILLISECONDS:
        number /= 1000
    return number - now.timestamp() if number >= _EPOCH else number


def _number(value: str) -> float | None:
    try:
        number = float(value if value.isascii() else "")
    except ValueError:
        return None
    if math.isnan(number):
        return None
    return min(max(number, -LONGEST), _FAR)


def _moment(value: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(value)
        except (ValueError, OverflowError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
