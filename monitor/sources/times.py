"""Moments as data sources write them, understood as aware datetimes in UTC."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

_MILLISECONDS, _MICROSECONDS = 10**11, 10**14
_UNIX = re.compile(r"\s*\d{9,20}(\.\d{1,9})?\s*")
_SPACED_OFFSET = re.compile(r"\s+([+-]\d\d:?\d\d)$")
_TWITTER = "%a %b %d %H:%M:%S %z %Y"
_FIRST_YEAR, _LAST_YEAR = 1990, 2200  # what is dated outside was dated by a program that did not know
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(value: object, zone: tzinfo = UTC, form: str | None = None) -> datetime:
    """A moment in UTC, from 1990 to 2200. Raises ValueError, saying what was not understood or lies outside.

    Understands ISO-8601 with or without a zone (`zone` is assumed), a space before the offset, RFC 5322 dates, the old
    Twitter form, and numbers as Unix time in seconds, milliseconds or microseconds. `form` is a strptime pattern for all else.
    """
    moment = _moment(value, zone, form)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"the time {str(value)[:40]!r} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment


def _moment(value: object, zone: tzinfo, form: str | None) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float | str | datetime):
        raise ValueError("the time is neither text nor a number")  # noqa: TRY004 - callers catch one error
    try:
        if isinstance(value, datetime):
            return _utc(value, zone)
        return _utc(datetime.strptime(str(value), form), zone) if form else _guess(value, zone)  # noqa: DTZ007 - `zone` fills it
    except (ValueError, OverflowError, OSError):
        hint = "the pattern in `time_format`" if form else "ISO-8601, RFC 5322 or Unix time; set `time_format` for others"
        raise ValueError(f"the time {str(value)[:40]!r} is not understood (expected {hint})") from None


def _guess(value: float | str, zone: tzinfo) -> datetime:
    number = _number(value)
    return _unix(number) if number is not None else _utc(_words(str(value).strip()), zone)


def _number(value: float | str) -> float | None:
    if isinstance(value, str) and not _UNIX.fullmatch(value):
        return None  # short digits are a year or a compact date
    return float(value)


def _unix(number: float) -> datetime:
    if not math.isfinite(number):
        raise ValueError
    if abs(number) >= _MICROSECONDS:
        number /= 1_000_000
    elif abs(number) >= _MILLISECONDS:
        number /= 1000
    return _EPOCH + timedelta(seconds=number)


def _words(text: str) -> datetime:
    text = _SPACED_OFFSET.sub(r"\1", text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.strptime(text, _TWITTER)  # noqa: DTZ007 - the pattern has %z
    except ValueError:
        return parsedate_to_datetime(text)


def _utc(moment: datetime, zone: tzinfo) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
