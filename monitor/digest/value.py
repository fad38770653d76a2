"""What a digest is made of, before anybody has put it into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from monitor.domain.alert import Alert
from monitor.domain.mention import Observed
from monitor.domain.plan import Due, PlanRun
from monitor.figures.course import Point
from monitor.figures.engagement import Flown
from monitor.figures.terms import Term
from monitor.figures.voice import Share
from monitor.pipeline.source_standing import SourceStanding
from monitor.settings.digests import DigestKind, DigestSettings


class Planned(NamedTuple):
    """Something that is to happen. `at` (aware) is None for what lasts the whole day."""

    at: datetime | None
    title: str
    source: str = ""


class Heat(NamedTuple):
    """How much is said about a subject, beside what is usual for as long; None: nobody knows yet."""

    subject: str
    mentions: int
    usual: float | None


class Measured(NamedTuple):
    """A figure of a report with that of the period before; None: there is none. `objective` None: nobody set one."""

    name: str
    now: float | None
    before: float | None
    objective: float | None = None
    at_least: bool = True

    @property
    def met(self) -> bool | None:
        """Whether it is as good as it should be; None where that cannot be said."""
        if self.now is None or self.objective is None:
            return None
        return self.now >= self.objective if self.at_least else self.now <= self.objective


class Noise(NamedTuple):
    """How often a rule rang, how often somebody took it, and how often it was called a false alarm."""

    rule: str
    rang: int
    taken: int
    false: int


class Fan(NamedTuple):
    """Somebody who speaks well of us, again and again."""

    name: str
    network: str
    posts: int
    reach: int | None


@dataclass(frozen=True, slots=True)
class Morning:
    """What a caucus talks about. `lately` are the days of the chart."""

    heat: Sequence[Heat]
    terms: Sequence[Term]
    planned: Sequence[Planned]
    unreadable: Sequence[str]  # calendar files that could not be read, each with why
    open_alerts: Sequence[Alert]
    dues: Sequence[tuple[str, Due]]  # by plan
    answer: Sequence[Observed]  # what waits for an answer, the most pressing first
    waiting: int  # how many those are
    questions: int


@dataclass(frozen=True, slots=True)
class Review:
    """What a report adds."""

    measured: Sequence[Measured]
    voice: Sequence[Share]
    top: Sequence[Observed]
    wakes: Mapping[str, int]  # by person of a roster
    noise: Sequence[Noise]


@dataclass(frozen=True, slots=True)
class Digest:
    """From `since` until before `until` (aware). `day` is that on which it leaves, `first` and `last` those that it covers."""

    name: str
    kind: DigestKind
    day: date
    since: datetime
    until: datetime
    first: date
    last: date
    subjects: Sequence[str]
    heard: int
    sources: Sequence[SourceStanding]
    alerts: Sequence[Alert]
    runs: Sequence[PlanRun]
    points: Sequence[Point]
    own: Sequence[Flown]
    praise: Sequence[Observed]
    fans: Sequence[Fan]
    morning: Morning | None = None
    review: Review | None = None

    @property
    def troubled(self) -> Sequence[SourceStanding]:
        """The sources that do not bring what they should."""
        return [each for each in self.sources if each.condition in {"quiet", "failing", "stopped"}]

    @property
    def well(self) -> int:
        """How many sources are as they should be."""
        return sum(each.condition in {"well", "resting"} for each in self.sources)

    @property
    def calm(self) -> bool:
        """Whether a morning has nothing that asks for anybody."""
        if self.morning is None:
            return False
        here = self.morning
        return not (self.alerts or self.runs or self.troubled or here.open_alerts or here.dues or here.answer) and self.well > 0


@dataclass(frozen=True, slots=True)
class Scope:
    """What a digest is to be about: which one, from when until when, by the clock of a zone."""

    name: str
    digest: DigestSettings
    day: date
    since: datetime
    until: datetime
    zone: str
