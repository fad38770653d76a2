"""What a report says, in no language yet: plain data, as `--format json` shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from monitor.domain.plan import Localized

SpanName = Literal["detect", "acknowledge", "statement", "recovery"]


@dataclass(frozen=True, slots=True)
class Span:
    """How long something took. `until` None: it has not happened. `within`: how long the plan gives it, where it says so."""

    name: SpanName
    since: datetime
    until: datetime | None
    within: timedelta | None = None

    @property
    def length(self) -> timedelta | None:
        """How long; never negative, for a post may come with a wrong clock."""
        return max(self.until - self.since, timedelta(0)) if self.until is not None else None


@dataclass(frozen=True, slots=True)
class Column:
    """What was said of the subject in one stretch of time, our own accounts left out. `scored` have a sentiment."""

    since: datetime
    mentions: int
    authors: int
    scored: int
    negative: int

    @property
    def share(self) -> float | None:
        """The negative ones among those with a sentiment."""
        return self.negative / self.scored if self.scored else None


@dataclass(frozen=True, slots=True)
class Course:
    """What was said before, during and after the incident, in columns of `each`."""

    each: timedelta
    columns: Sequence[Column] = ()

    @property
    def since(self) -> datetime:
        """The beginning of the first column."""
        return self.columns[0].since

    @property
    def until(self) -> datetime:
        """The end of the last column."""
        return self.columns[-1].since + self.each


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the chronicle: what happened `times` times from `at` to `until`, by whom (a role, `tocsin`, or nobody known)."""

    at: datetime
    until: datetime
    kind: str
    by: str
    said: Mapping[str, object] = field(default_factory=dict)
    times: int = 1


@dataclass(frozen=True, slots=True)
class StepLine:
    """How one step of the plan went. `late_by` is how long after its deadline it ended, or the report was made."""

    step: str
    title: Localized
    state: str
    owner: str
    deadline_at: datetime | None = None
    ended_at: datetime | None = None
    late_by: timedelta | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A role, or a shared receiver, that was called in the run. `answered` None: nobody can tell who reads it."""

    who: str
    times: int
    answered: bool | None
    arrived: bool


@dataclass(frozen=True, slots=True)
class Lack:
    """What the plan lacked, as the timeline shows it: a code, and what it is about (steps, receivers)."""

    code: str
    about: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done afterwards, by whom (a person or role), until when."""

    number: int
    text: str
    owner: str
    due: date
    added_at: datetime
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """Who stands for the report, and since when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `made_at`: until when the timeline was read; `state` is a `RunState`.

    `titles` say what `step:ID`, `rule:ID` and `level:RANK` are called, `people` what those are who answer for something.
    """

    run: int
    plan: str
    title: Localized
    subject: str
    state: str
    made_at: datetime
    opened_at: datetime
    closed_at: datetime | None
    prefix: str  # of a drill; empty: it was none
    false_alarm: bool
    observed: bool  # nothing was sent: whom it would have told stands in the timeline
    rang: bool  # whether an alert did; otherwise a person opened it
    why: str  # of a run that a person opened
    level: Localized  # the gravest that it reached; empty: the plan has none
    spans: Sequence[Span]
    course: Course
    loudest: Column | None
    angriest: Column | None
    marks: Sequence[Moment]  # the moments that stand on the chart
    moments: Sequence[Moment]
    steps: Sequence[StepLine]
    asked: Sequence[Asked]
    lacks: Sequence[Lack]
    actions: Sequence[Action]
    posts: int
    deleted: int  # of these posts, by their networks' word
    owner: str
    due: datetime | None
    signed: Signature | None
    titles: Mapping[str, Localized]
    people: Mapping[str, str]

    @property
    def over(self) -> bool:
        """Whether the run is closed: what the report says does not change any more."""
        return self.closed_at is not None
