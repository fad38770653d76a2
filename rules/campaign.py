"""Campaigns: while we make people talk, more of them talk, and a window has to hold more before it rings. Nothing is muted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from rules.logic import Test
from rules.recurrence import Period, Recurrence


@dataclass(frozen=True, slots=True)
class Campaign:
    """Within it, as much is asked of windows about its subjects as `times` the usual: of all rules, or of those it names.

    It lasts from `begins` to `ends` (aware), or at times of the week within them alone.
    """

    name: str
    subjects: frozenset[str]
    begins: datetime
    ends: datetime
    times: float | Mapping[str, float]
    every: Recurrence | None = field(default=None)

    def raises(self, rule: str) -> float:
        """How many times as much is asked of a rule; 1: it is left as it is."""
        return self.times if isinstance(self.times, int | float) else self.times.get(rule, 1.0)

    def periods(self) -> Iterator[Period]:
        """When it is, oldest first."""
        return iter([(self.begins, self.ends)]) if self.every is None else self.every.between(self.begins, self.ends)


class Raised(NamedTuple):
    """How many times as much is asked, and for which campaign."""

    times: float
    campaign: str


class _Span(NamedTuple):
    begin: float
    end: float
    raised: Raised


class Timetable:
    """When as much more is asked of the windows of one rule and key: of campaigns that overlap, the highest counts."""

    def __init__(self, campaigns: Iterable[Campaign], rule: str, lasting: float) -> None:
        """A campaign counts for so many seconds longer: what it made people say is in the window until then."""
        spans = sorted(
            _Span(begin.timestamp(), end.timestamp() + lasting, Raised(each.raises(rule), each.name))
            for each in campaigns
            if each.raises(rule) > 1
            for begin, end in each.periods()
        )
        self._moments = sorted({moment for span in spans for moment in (span.begin, span.end)})
        self._raised = [*_highest(spans, self._moments)]

    def at(self, moment: float) -> Raised | None:
        """How much more is asked at this moment (epoch seconds); None: no more than otherwise."""
        place = bisect_right(self._moments, moment) - 1
        return self._raised[place] if place >= 0 else None

    def outside(self, begin: float, end: float) -> float:
        """How many seconds of this stretch lie outside all campaigns."""
        inside = self._moments[bisect_right(self._moments, begin) : bisect_right(self._moments, end)]
        edges = [begin, *inside, end]
        return sum(until - since for since, until in pairwise(edges) if self.at(since) is None)

    def __bool__(self) -> bool:
        return bool(self._moments)


class Timetables:
    """When as much more is asked of the windows of one rule: a timetable for each subject, made when it is first asked for."""

    def __init__(
        self, campaigns: Sequence[Campaign], rule: str, lasting: float, admits: Test[Collection[str]] | None = None
    ) -> None:
        """`lasting` is in seconds, as of a timetable; `admits`: which subjects the rule lets through."""
        self._campaigns = [each for each in campaigns if admits is None or any(admits((one,)) for one in each.subjects)]
        self._rule = rule
        self._lasting = lasting
        self._about: dict[str | None, Timetable] = {}

    def about(self, subject: str | None) -> Timetable:
        """Of campaigns about this subject; None: about any that the rule may count."""
        if subject not in self._about:
            about = (each for each in self._campaigns if subject is None or subject in each.subjects)
            self._about[subject] = Timetable(about, self._rule, self._lasting)
        return self._about[subject]


def _highest(spans: Sequence[_Span], moments: Sequence[float]) -> Iterator[Raised | None]:
    """What is asked from each moment until the next."""
    coming, current = iter([*spans, None]), list[_Span]()
    following = next(coming)
    for moment in moments:
        current = [span for span in current if span.end > moment]
        while following is not None and following.begin <= moment:
            current.append(following)
            following = next(coming)
        yield max((span.raised for span in current), default=None)
