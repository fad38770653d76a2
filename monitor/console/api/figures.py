"""Figures for programs and for Grafana: plain arrays, from what was counted per hour."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from monitor.console.api.endpoint import Asked, Endpoint, Nothing
from monitor.console.api.problems import wrong
from monitor.console.api.words import Moment, Name, Query, Record, Seconds
from monitor.domain.account import Permission
from monitor.domain.tally import ALL, Tally, hour_of, moment_of
from monitor.figures.answers import speeds
from monitor.figures.course import mean, net
from monitor.figures.span import Span
from monitor.figures.voice import share_of_voice
from monitor.figures.week import week
from rules.duration import parse_duration

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_LONGEST: Final = timedelta(days=3 * 366)
_MOST_TIMES: Final = 2_000  # points of each line; with more of them the step grows
_Names = Annotated[list[Name], Field(max_length=20)]

Measure = Literal[
    "mentions", "negative", "neutral", "positive", "net", "mean", "complaints", "reach", "engagement", "answered", "own_posts"
]


def _step(value: Any) -> Any:
    """Grafana's `$__interval` is `30s` or `1d`; what is counted per hour has no shorter step."""
    return parse_duration(value) if isinstance(value, str) else value


class SpanQuery(Query):
    """From when to when; without, the last seven days."""

    since: Moment | None = Field(None, alias="from", description="milliseconds since 1970 (`$__from`), or RFC 3339")
    until: Moment | None = Field(None, alias="to", description="milliseconds since 1970 (`$__to`), or RFC 3339")

    def moments(self, now: datetime) -> tuple[datetime, datetime]:
        """Its beginning and its end. Raises 422 for none, and for one that is too long."""
        end = self.until or now
        begin = self.since or end - _WEEK
        if not timedelta(0) < end - begin <= _LONGEST:
            raise wrong("from", f"`from` is before `to`, by at most {_LONGEST.days} days")
        return begin, end

    def days(self, now: datetime, zone: str) -> Span:
        """The days that it touches, in a zone."""
        first, last = (each.astimezone(ZoneInfo(zone)).date() for each in self.moments(now))
        return Span(first, last + _DAY, zone)


class CourseQuery(SpanQuery):
    """A line for each subject, network or topic."""

    by: Literal["all", "subject", "network", "topic"] = "all"
    subject: _Names = Field([], description="of `all`, `network` and `topic`: of these subjects; of `subject`: these lines")
    topic: _Names = Field([], description="of `topic`: these lines")
    step: Annotated[timedelta, BeforeValidator(_step, json_schema_input_type=str)] = Field(
        _DAY, ge=timedelta(seconds=1), description="`1h`, `6h`, `1d`: whole hours, and from a day on whole days of your time zone"
    )


class SeriesQuery(CourseQuery):
    """One figure, for a panel."""

    measure: Measure = "mentions"


class PartQuery(SpanQuery):
    """Of which subjects."""

    subject: _Names = Field([])


class CoursePoint(Record):
    """What was counted of one thing in one step. `net` and `mean` lie between -1 and 1; null where nothing was scored."""

    time: datetime
    of: str
    mentions: int
    negative: int
    neutral: int
    positive: int
    net: float | None
    mean: float | None
    complaints: int
    reach: int
    engagement: int
    answered: int
    own_posts: int


class SeriesPoint(Record):
    """One figure at one time."""

    time: datetime
    value: float | None
    of: str


class ShareRecord(Record):
    """How much of all that is said is about one subject; `before`: in as many days before."""

    subject: str
    mentions: int
    share: float
    before: float | None
    net: float | None


class HourRecord(Record):
    """Mentions in such an hour of the week, on average; Monday is 1."""

    network: str
    weekday: int
    hour: int
    value: float


class SpeedRecord(Record):
    """Half of the answers took no longer than `median` (seconds), nine of ten no longer than `slow`; null of too few."""

    of: str
    answers: int
    median: Seconds | None
    slow: Seconds | None


async def course(asked: Asked[CourseQuery, Nothing]) -> list[CoursePoint]:
    """How much was said, and how well meant, step by step. Steps without a word are there, too."""
    return [
        CoursePoint(time=at, of=of, net=net(tally), mean=mean(tally), **_counted(tally, CoursePoint.model_fields))
        for at, of, tally in await _course(asked, asked.query)
    ]


async def series(asked: Asked[SeriesQuery, Nothing]) -> list[SeriesPoint]:
    """One figure of `course` as `time`, `value` and `of`: what a panel of Grafana draws."""
    value = _VALUES.get(asked.query.measure) or (lambda tally: getattr(tally, asked.query.measure))
    return [SeriesPoint(time=at, value=value(tally), of=of) for at, of, tally in await _course(asked, asked.query)]


_VALUES: Final[Mapping[str, Callable[[Tally], float | None]]] = {"net": net, "mean": mean}


def _counted(tally: Tally, wanted: Collection[str]) -> dict[str, int]:
    return {name: value for name, value in tally._asdict().items() if name in wanted}


async def _course(asked: Asked[Any, Any], query: CourseQuery) -> list[tuple[datetime, str, Tally]]:
    """By name and time."""
    begin, end = query.moments(asked.desk.now())
    times = _times(begin, end, query.step, asked.visitor.timezone)
    subjects = query.subject or (list(asked.desk.settings.subjects) if query.by == "subject" else [ALL])
    topics = query.topic if query.by == "topic" else [ALL]
    if not topics:
        raise wrong("topic", "say which topics: `by=topic&topic=delivery&topic=price`")
    by = "subject" if query.by == "all" else query.by
    async with asked.desk.store.read() as tx:
        sums = await tx.figures.sums(hour_of(times[0]), hour_of(end) + 1, by=(by, "hour"), subjects=subjects, topics=topics)
    named = [("all" if query.by == "all" else of, hour, tally) for (of, hour), tally in sums]
    return [(at, of, tally) for of, line in sorted(_lines(named, times).items()) for at, tally in zip(times, line, strict=True)]


def _lines(counted: Iterable[tuple[str, int, Tally]], times: Sequence[datetime]) -> dict[str, list[Tally]]:
    """By name, what was counted in each step."""
    lines: dict[str, list[Tally]] = {}
    for of, hour, tally in counted:
        line = lines.setdefault(of, [Tally()] * len(times))
        place = _place(times, moment_of(hour))
        line[place] = line[place].plus(tally)
    return lines


def _times(begin: datetime, end: datetime, step: timedelta, zone: str) -> Sequence[datetime]:
    """When the steps begin: at whole hours, or from a day on at midnight of the zone."""
    step = max(step, (end - begin) / _MOST_TIMES)
    if step < _DAY:
        hours = -(-step // _HOUR)
        first = hour_of(begin) // hours * hours
        return [moment_of(hour) for hour in range(first, hour_of(end) + 1, hours)]
    first_day, last_day = (each.astimezone(ZoneInfo(zone)).date() for each in (begin, end))
    days = -(-step // _DAY)
    return [Span(first_day + at * _DAY, last_day + _DAY, zone).begins for at in range(0, (last_day - first_day).days + 1, days)]


def _place(times: Sequence[datetime], at: datetime) -> int:
    """In which step a moment lies; one before the first belongs to it: in zones with half hours a day begins within an hour."""
    return max(bisect_right(times, at) - 1, 0)


async def shares(asked: Asked[PartQuery, Nothing]) -> list[ShareRecord]:
    """Share of voice: the brand's and its competitors', compared with as many days before."""
    subjects = asked.desk.settings.subjects
    rivals = [name for at, (name, each) in enumerate(subjects.items()) if at == 0 or each.competitor]
    async with asked.desk.store.read() as tx:
        found = await share_of_voice(tx, _days(asked), asked.query.subject or rivals)
    return [ShareRecord(**each._asdict()) for each in found]


async def hours(asked: Asked[PartQuery, Nothing]) -> list[HourRecord]:
    """Hot and cold hours of the week, by network, on your own clock. At most one `subject`."""
    subjects = asked.query.subject or [ALL]
    if len(subjects) > 1:
        raise wrong("subject", "at most one subject: the hours of several are asked for one by one")
    async with asked.desk.store.read() as tx:
        found = await week(tx, _days(asked), subjects[0])
    return [
        HourRecord(network=network, weekday=day + 1, hour=hour, value=value)
        for network, days in found.items()
        for day, line in enumerate(days)
        for hour, value in enumerate(line)
    ]


async def answers(asked: Asked[PartQuery, Nothing]) -> list[SpeedRecord]:
    """How fast the team answers, by network: the middle and the slow end."""
    async with asked.desk.store.read() as tx:
        found = await speeds(tx, _days(asked), subjects=asked.query.subject or [ALL])
    return [SpeedRecord(**each._asdict()) for each in found]


def _days(asked: Asked[Any, Any]) -> Span:
    days: Span = asked.query.days(asked.desk.now(), asked.visitor.timezone)
    return days


ENDPOINTS: Final = (
    Endpoint("GET", "/figures/course", course, Permission.LOOK),
    Endpoint("GET", "/figures/series", series, Permission.LOOK),
    Endpoint("GET", "/figures/share_of_voice", shares, Permission.LOOK),
    Endpoint("GET", "/figures/week", hours, Permission.LOOK),
    Endpoint("GET", "/figures/speeds", answers, Permission.LOOK),
)
