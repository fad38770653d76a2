"""What is drawn: a panel for each rule and key, with what was seen column by column, and the alerts. Nothing of how it looks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.backtest.course import Backtest
from monitor.backtest.judging import PastAlert
from monitor.backtest.measuring import Key
from monitor.backtest.words import say
from monitor.settings import Settings, Subject
from notifiers.reader import Reader
from rules import Reading, Rule

COLUMNS = 400  # of a curve: more could not be told apart
_KEYS = 3  # of one rule
_BARS = 62
_ABOUT = 60  # letters
_BUCKETS = (timedelta(hours=1), timedelta(days=1), timedelta(weeks=1), timedelta(days=28), timedelta(days=364))


@dataclass(frozen=True, slots=True)
class Curve:
    """What one key showed, a figure for each column: None where nothing is known. `limit` is what a surprise must reach."""

    observed: Sequence[float]
    expected: Sequence[float | None]
    bar: Sequence[float | None]
    surprise: Sequence[float | None]
    limit: float | None
    is_share: bool


@dataclass(frozen=True, slots=True)
class Bars:
    """How many alerts began in each stretch of `each` from `since` on, of a rule that counts nothing over time."""

    counts: Sequence[int]
    each: timedelta
    since: datetime


@dataclass(frozen=True, slots=True)
class Panel:
    """One rule and key. `about` says of what, in the reader's words; `alerts` are marked, from when to when."""

    title: str
    about: str
    drawn: Curve | Bars
    alerts: Sequence[tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """All panels, under one title and one time axis."""

    title: str
    subtitle: str
    since: datetime
    until: datetime
    panels: Sequence[Panel]
    notes: Sequence[str]


def sheet(found: Backtest, settings: Settings) -> Sheet:
    """The panels of a backtest, the rules in their order, the loudest keys of each; the notes say what was left out."""
    reader = Reader(settings.language, settings.timezone)
    panels: list[Panel] = []
    notes: list[str] = []
    for rule in found.rules:
        readings = found.seen.readings.get(rule.id, {})
        loudest = sorted(readings, key=lambda key: _loudness(found.judged.of(rule.id), key, readings[key]), reverse=True)
        panels += [_curve(found, rule, key, readings[key], settings.subjects, reader) for key in loudest[:_KEYS]]
        if not loudest:
            panels.append(_bars(found, rule, reader))
        if len(loudest) > _KEYS:
            notes.append(say(reader.language, "left_out", rule=titled(rule, reader), n=str(len(loudest) - _KEYS)))
    span = found.span
    title = say(reader.language, "title", brand=settings.brand or next(iter(settings.subjects.values())).names[0])
    return Sheet(title, say(reader.language, "span", **_ends(found, reader)), span.since, span.until, panels, notes)


def titled(rule: Rule, reader: Reader) -> str:
    """What people call a rule."""
    return (rule.title or {}).get(reader.language) or rule.id


def about(key: Mapping[str, str], subjects: Mapping[str, Subject], reader: Reader) -> str:
    """What an alert is about. People are numbers here: a chart is passed on."""
    parts = []
    for name, value in key.items():
        known = subjects.get(value) if name == "subject" else None
        parts.append(known.names[0] if known else f"{say(reader.language, f'key.{name}')} {value}")
    return ", ".join(parts)[:_ABOUT]


def moment(at: datetime, reader: Reader) -> str:
    """A moment with its year, as the reader writes it."""
    return reader.moment(at, datetime(1, 1, 2, tzinfo=at.tzinfo))


def _ends(found: Backtest, reader: Reader) -> dict[str, str]:
    since, until = (moment(each, reader) for each in (found.span.since, found.span.until))
    return {"since": since, "until": until, "zone": reader.zone, "n": reader.number(found.past.mentions)}


def _loudness(alerts: Sequence[PastAlert], key: Key, readings: Sequence[Reading]) -> tuple[int, float, str]:
    own = sum(1 for alert in alerts if dict(alert.key) == dict(key))
    return own, max(each.observed / (each.bar or 1) for each in readings), str(key)


def _curve(
    found: Backtest, rule: Rule, key: Key, readings: Sequence[Reading], subjects: Mapping[str, Subject], reader: Reader
) -> Panel:
    drawn = _columns(readings, found, getattr(getattr(rule, "fire", None), "surprise", None))
    window = getattr(rule, "window", None)
    unit = say(reader.language, f"unit.{readings[0].measure}")
    within = say(reader.language, "within", unit=unit, window=reader.span(window)) if window else unit
    until = found.span.until
    alerts = [(each.at, each.over or until) for each in found.judged.of(rule.id) if dict(each.key) == dict(key)]
    return Panel(titled(rule, reader), f"{about(dict(key), subjects, reader)} – {within}", drawn, alerts)


def _columns(readings: Sequence[Reading], found: Backtest, limit: float | None) -> Curve:
    """In each column the most that was seen in it. Where nobody looked, nothing changed: or nothing was said any more."""
    since, width = found.span.since, (found.span.until - found.span.since) / COLUMNS
    begins = [since + width * number for number in range(1, COLUMNS + 1)]
    inside: list[list[Reading]] = [[] for _ in begins]
    for each in readings:
        inside[min(bisect_right(begins, each.at), COLUMNS - 1)].append(each)
    shown: list[Reading | None] = []
    last: Reading | None = None
    for column in inside:
        shown.append(max(column, key=lambda each: each.observed) if column else last)
        last = column[-1] if column else last
    silent = [not column and (each is None or each.quiet) for column, each in zip(inside, shown, strict=True)]
    surprised = [max((each.surprise or 0 for each in column), default=0.0) for column in inside]
    return Curve(
        observed=[0.0 if quiet or each is None else each.observed for quiet, each in zip(silent, shown, strict=True)],
        expected=[each.expected if each else None for each in shown],
        bar=[each.bar if each else None for each in _filled(shown)],
        surprise=surprised if limit is not None else [None] * COLUMNS,
        limit=limit,
        is_share=readings[0].measure == "share",
    )


def _filled(shown: Sequence[Reading | None]) -> list[Reading | None]:
    """The first that is known stands for what was before it: a floor is there before anything is said."""
    first = next((each for each in shown if each is not None), None)
    return [each or first for each in shown]


def _bars(found: Backtest, rule: Rule, reader: Reader) -> Panel:
    span, alerts = found.span, found.judged.of(rule.id)
    length = span.until - span.since
    each = next((size for size in _BUCKETS if length / size <= _BARS), length / _BARS)
    since = _whole(span.since, each, reader)
    counts = [0] * (int((span.until - since) / each) + 1)
    for alert in alerts:
        counts[int((alert.at - since) / each)] += 1
    told = say(reader.language, "alerts_per", unit=_bucket(each, reader))
    return Panel(titled(rule, reader), told, Bars(counts, each, since), [])


def _whole(moment: datetime, each: timedelta, reader: Reader) -> datetime:
    """The hour or the day, on the reader's clock, in which the first bar begins."""
    here = moment.astimezone(ZoneInfo(reader.zone)).replace(minute=0, second=0, microsecond=0)
    return (here if each < timedelta(days=1) else here.replace(hour=0)).astimezone(UTC)


def _bucket(each: timedelta, reader: Reader) -> str:
    name = {timedelta(hours=1): "hour", timedelta(days=1): "day", timedelta(weeks=1): "week"}.get(each)
    return say(reader.language, f"bucket.{name}") if name else reader.span(each)
