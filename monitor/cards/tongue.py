"""How a card says times, days, hours of work and conditions to its reader, who has no computer beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from monitor.cards.words import say
from monitor.domain.plan import localized
from notifiers.catalogue import typeset
from notifiers.reader import Reader
from notifiers.safe import clean, one_line
from rules.figures import FiguresWhere
from rules.recurrence import Weekly, clock

_LINE, _TEXT = 400, 20_000
_FLAGS = frozenset({"firing", "safety_risk"})
_SIGNS = {"gte": "≥", "gt": ">", "lte": "≤", "lt": "<", "is": "="}
_A_DAY = 24 * 60  # minutes
_WHOLE_DAY = (0, 24 * 60)


@dataclass(frozen=True, slots=True)
class Tongue:
    """One reader's language and time zone."""

    reader: Reader

    def say(self, key: str, **values: str) -> str:
        """One phrase of the card."""
        return say(self.reader.language, key, **values)

    def line(self, written: str | Mapping[Any, str], limit: int = _LINE) -> str:
        """What somebody wrote, on one line, in this language or whichever there is."""
        return self._set(one_line(self._chosen(written), limit))

    def text(self, written: str | Mapping[Any, str]) -> str:
        """The same, with its paragraphs."""
        return self._set(clean(self._chosen(written), _TEXT))

    def _chosen(self, written: str | Mapping[Any, str]) -> str:
        return written if isinstance(written, str) else localized(written, self.reader.language)

    def _set(self, said: str) -> str:
        return typeset(said) if self.reader.language == "fr" else said

    def span(self, length: timedelta) -> str:
        """« 15 min », « 2 h »."""
        minutes, seconds = divmod(int(length.total_seconds()), 60)
        if seconds or not minutes or minutes >= _A_DAY:
            return self.reader.span(length, short=True)
        return f"{minutes}\u00a0min" if minutes % 60 else f"{minutes // 60}\u00a0h"

    def day(self, day: date) -> str:
        """« 7 déc. 2026 »."""
        return self.reader.day(day, "medium")

    def today(self, at: datetime) -> date:
        """The day by this reader's clock."""
        return at.astimezone(ZoneInfo(self.reader.zone)).date()

    def hours(self, hours: Sequence[Weekly]) -> str:
        """« lun-ven 08:30-18:30 »; without any, at any hour."""
        return ", ".join(map(self._weekly, hours)) or self.say("hours.any")

    def _weekly(self, time: Weekly) -> str:
        names = self.say("days").split()
        every = len(time.days) == len(names)
        days = self.say("every_day") if every else ", ".join(_runs(time.days, names))
        hours = "" if (time.begin, time.end) == _WHOLE_DAY else f"{clock(time.begin)}-{clock(time.end)}"
        return f"{days} {hours}".strip()

    def asks(self, where: FiguresWhere | None) -> str:
        """A level's condition: « part négative ≥ 40 %, personnes ≥ 20 »."""
        return self.say("always") if where is None else ", ".join(self._asked(where))

    def _asked(self, where: FiguresWhere) -> Iterator[str]:
        written = where.model_dump(mode="json", by_alias=True, exclude_unset=True)
        for name, test in written.items():
            if name not in {"any", "all", "not"}:
                yield self._figure(name, test)
        if where.any_ is not None:
            yield self.say("or").join(", ".join(self._asked(each)) for each in where.any_)
        for each in where.all_ or ():
            yield from self._asked(each)
        if where.not_ is not None:
            yield self.say("not", said=", ".join(self._asked(where.not_)))

    def _figure(self, name: str, test: Any) -> str:
        said = self.say("figure.level" if name == "level" else name)
        tests = test if isinstance(test, Mapping) else {"is": test}
        if name in _FLAGS:
            return said if tests.get("is") is not False else self.say("not", said=said)
        return f"{said} " + self.say("and").join(
            f"{_SIGNS.get(op, op)} {self._value(name, value)}" for op, value in tests.items()
        )

    def _value(self, name: str, value: Any) -> str:
        if isinstance(value, list):
            return " – ".join(self._value(name, each) for each in value)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return str(value)
        return self.reader.percent(value) if name == "negative_share" else self.reader.number(value)


def _runs(days: Sequence[int], names: Sequence[str]) -> Iterator[str]:
    """Days in a row as their first and last."""
    starts = [0, *(place for place, (one, other) in enumerate(pairwise(days), 1) if other != one + 1), len(days)]
    for begin, end in pairwise(starts):
        run = days[begin:end]
        yield names[run[0]] if len(run) == 1 else f"{names[run[0]]}-{names[run[-1]]}"
