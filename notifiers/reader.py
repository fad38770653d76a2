"""Numbers, times and durations as one reader writes them: their language, their time zone."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from notifiers.message import Language

_LOCALES = {"fr": "fr_FR", "en": "en_GB"}
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_Form = Literal["short", "long"]
_SMALLER = {"day": (3600, "hour"), "hour": (60, "minute")}
_FIRST = re.compile(r"^1(?=\s)")


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    """The zone, or UTC when the name is unknown: a message with odd hours is better than none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: `language` and IANA `timezone`."""

    language: Language
    timezone: str

    @property
    def locale(self) -> Locale:
        return Locale.parse(_LOCALES[self.language])

    @property
    def zone_info(self) -> tzinfo:
        """The zone the times are in."""
        return _zone(self.timezone)

    @property
    def zone(self) -> str:
        """The name of the zone the times are in."""
        return str(_zone(self.timezone))

    def number(self, value: float) -> str:
        """A count or an average: one decimal below ten, none above."""
        if not math.isfinite(value):
            return "?"
        digits = 1 if abs(value) < 10 else 0  # noqa: PLR2004 the sentence above says it
        return format_decimal(round(value, digits), format="#,##0.#", locale=self.locale)

    def decimal(self, value: float) -> str:
        """A figure of a rule: two decimals at most, none dropped that says something; nought has no sign."""
        return format_decimal(round(value, 2) + 0.0, format="#,##0.##", locale=self.locale)

    def count(self, value: float) -> str:
        """How many people or posts: nobody pictures a tenth of one."""
        return self.number(round(value)) if math.isfinite(value) else "?"

    def percent(self, share: float) -> str:
        """A share of one, as a percentage."""
        if not math.isfinite(share):
            return "?"
        return format_percent(share, locale=self.locale)

    def moment(self, at: datetime, now: datetime) -> str:
        """The hour alone for today (as of `now`), the day and the hour for another day."""
        zone: tzinfo = _zone(self.timezone)
        try:
            at.astimezone(zone)
        except OverflowError:  # a post "written" on the last day of year 9999
            zone = UTC
        hour = format_time(at, "HH:mm", tzinfo=zone, locale=self.locale)
        here = at.astimezone(zone)
        today = now.astimezone(zone)
        if here.date() == today.date():
            return hour
        skeleton = "MMMd" if here.year == today.year else "yMMMd"
        return f"{self.dated(skeleton, at, zone)}, {hour}"

    def dated(self, skeleton: str, at: datetime, zone: tzinfo) -> str:
        """The parts of a date that the skeleton names: « 1er mai » of `MMMd`."""
        return self._first(format_skeleton(skeleton, at, tzinfo=zone, locale=self.locale))

    def day(self, day: date, form: Literal["medium", "long"] = "long") -> str:
        """« 1er mai 2026 »."""
        return self._first(format_date(day, format=form, locale=self.locale))

    def _first(self, said: str) -> str:
        """French days are numbered but for the first of a month, which babel does not know."""
        return _FIRST.sub("1er", said) if self.language == "fr" else said

    def day_written(self, written: str) -> str:
        """A date (ISO 8601) as one reads it; as it was written where it is none."""
        try:
            return self.day(date.fromisoformat(written))
        except ValueError:
            return written

    def span(self, length: timedelta, *, short: bool = False) -> str:
        """A duration, in the largest unit that gives a whole number; long ones are rounded to two units."""
        seconds = max(int(length.total_seconds()), 0)
        form: _Form = "short" if short else "long"
        if seconds <= 7200 and seconds % 60 == 0 and seconds:  # noqa: PLR2004 people say "60 minutes" of a window, not "1 hour"
            return self._unit(seconds // 60, "minute", form)
        if seconds <= 172800 and seconds % 3600 == 0 and seconds:  # noqa: PLR2004 and "24 hours", not "1 day"
            return self._unit(seconds // 3600, "hour", form)
        for size, unit in _UNITS:
            if seconds >= size:
                return self._two_units(seconds, size, unit, form)
        return self._unit(0, "second", form)

    def _two_units(self, seconds: int, size: int, unit: str, form: _Form) -> str:
        count, rest = divmod(seconds, size)
        said = self._unit(count, unit, form)
        smaller = _SMALLER.get(unit)
        if smaller and rest >= smaller[0]:
            said += " " + self._unit(rest // smaller[0], smaller[1], form)
        return said

    def _unit(self, count: int, unit: str, form: _Form) -> str:
        said = format_unit(count, f"duration-{unit}", length=form, locale=self.locale)
        return said.replace(" ", "\u00a0") if self.language == "fr" else said

    def of(self, name: str) -> str:
        """« de Free », « d’Acme » ; English never elides."""
        if self.language == "en":
            return f"of {name}"
        return f"d’{name}" if _elides(name) else f"de {name}"

    def plural(self, count: float) -> str:
        """The plural form of a count, `one` or `other`: in French nought and one and a half are singular too."""
        return "one" if math.isfinite(count) and self.locale.plural_form(count) == "one" else "other"


def _elides(name: str) -> bool:
    """Whether « de » loses its e before this name: a vowel, or a y that sounds like one (Yves, not Yoplait)."""
    letters = [unicodedata.normalize("NFD", letter)[0].lower() for letter in name[:2]]
    if not letters:
        return False
    if letters[0] == "y":
        return len(letters) > 1 and letters[1] not in "aeiou"
    return letters[0] in "aeiouœæ"
