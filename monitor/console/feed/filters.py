"""What somebody wants to see of the feed, as its address says it: read, shown as chips, and written into other addresses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final
from urllib.parse import urlencode

from monitor.console.feed.words import NAMES, PERIODS
from monitor.domain.errors import UsageError
from monitor.domain.feed import FeedFilters

PATH: Final = "/feed"
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER: Final = re.compile(r"[1-9]\d{0,17}", re.ASCII)

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for: `pairs` as they stand in it, `before` where to go on, `problem` what was not understood."""

    filters: FeedFilters
    pairs: Sequence[Pair]
    before: int | None = None
    problem: str = ""

    def values(self, name: str) -> list[str]:
        """What was given for one filter."""
        return [value for each, value in self.pairs if each == name]

    def has(self, name: str, value: str) -> bool:
        """Whether this value was."""
        return (name, value) in self.pairs

    def address(self, **more: str | int) -> str:
        """The same list; with `before`, further down it."""
        return _address([*self.pairs, *((name, str(value)) for name, value in more.items())])

    def without(self, *pairs: Pair) -> str:
        """The address without these filters."""
        return _address(pair for pair in self.pairs if pair not in pairs)

    def only(self, name: str, *values: str) -> str:
        """The address with these values of a filter instead of others."""
        return _address([*(pair for pair in self.pairs if pair[0] != name), *((name, value) for value in values)])

    def unshown(self, shown: Mapping[str, Collection[str]]) -> list[Pair]:
        """What a form must carry along, because it has no field for it."""
        return [(name, value) for name, value in self.pairs if name not in shown or (shown[name] and value not in shown[name])]


def read(query: Iterable[Pair], zone: tzinfo, now: datetime) -> Asked:
    """Read an address. What cannot be read leaves all filters out, and is told."""
    given = list(query)
    pairs = tuple(dict.fromkeys((name, value.strip()) for name, value in given if name in NAMES and value.strip()))
    before = next((int(value) for name, value in given if name == "before" and _NUMBER.fullmatch(value)), None)
    try:
        return Asked(_filters(pairs, zone, now), pairs, before)
    except UsageError as error:
        return Asked(FeedFilters(), (), problem=str(error))


def _filters(pairs: Sequence[Pair], zone: tzinfo, now: datetime) -> FeedFilters:
    """Days are those of the visitor, and `until` is the last one of them; a period counts back from now."""
    filters = FeedFilters.from_query((name, _moment(name, value, zone)) for name, value in pairs)
    period = next((PERIODS[value][1] for name, value in pairs if name == "period" and value in PERIODS), None)
    return replace(filters, since=now - period) if period and filters.since is None else filters


def _moment(name: str, value: str, zone: tzinfo) -> str:
    if name not in {"since", "until"} or not _DAY.fullmatch(value):
        return value
    try:
        day = date.fromisoformat(value) + timedelta(days=name == "until")
    except (ValueError, OverflowError):
        return value
    return datetime.combine(day, time(), zone).isoformat()


def _address(pairs: Iterable[Pair]) -> str:
    query = urlencode(list(pairs))
    return f"{PATH}?{query}" if query else PATH
