"""What is planned for a day: posts and events from iCalendar and CSV files, and the campaigns of the configuration."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Calendar

from monitor.digest.value import Planned
from monitor.settings import Settings
from notifiers.safe import one_line

_LARGEST: Final = 5_000_000  # bytes of one file
_MOST: Final = 200  # entries of one day
_MOST_TURNS: Final = 20_000  # of something that comes again and again
_DAY: Final = timedelta(days=1)
_TITLE: Final = 200


def planned(settings: Settings, files: Sequence[Path], day: date, zone: str) -> tuple[list[Planned], list[str]]:
    """All of a day, in order, whole days first; and why a file could not be read. Reads files: call it beside the loop."""
    found, unreadable = list(_campaigns(settings, day, zone)), []
    for path in files:
        try:
            found += _of_file(path, day, ZoneInfo(zone))
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:  # whatever such files hold
            unreadable.append(f"{path.name}: {_why(error)}")
    return sorted(found, key=lambda each: (each.at is not None, each.at.timestamp() if each.at else 0, each.title))[
        :_MOST
    ], unreadable


def _why(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return one_line(said or type(error).__name__, 160)


def _of_file(path: Path, day: date, zone: ZoneInfo) -> list[Planned]:
    if path.stat().st_size > _LARGEST:
        raise ValueError("larger than 5 MB")
    data = path.read_bytes()
    read = _of_csv(data.decode("utf-8-sig"), day, zone) if path.suffix.lower() == ".csv" else _of_calendar(data, day, zone)
    return [each._replace(title=one_line(each.title, _TITLE), source=path.stem) for each in islice(read, _MOST)]


def _of_csv(text: str, day: date, zone: ZoneInfo) -> Iterator[Planned]:
    """Columns `date` (2026-03-02), `time` (14:30, may be empty) and `title`, in any order; others are passed over."""
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    missing = {"date", "title"} - {name.strip().lower() for name in rows.fieldnames or ()}
    if missing:
        raise ValueError(f"its first line names no column `{min(missing)}`")
    for row in rows:
        each = {(name or "").strip().lower(): (value or "") for name, value in row.items() if isinstance(value, str)}
        if each["date"].strip() == day.isoformat():
            hour = each.get("time", "").strip()
            yield Planned(datetime.combine(day, time.fromisoformat(hour), zone) if hour else None, each["title"])


def _of_calendar(data: bytes, day: date, zone: ZoneInfo) -> Iterator[Planned]:
    for event in Calendar.from_ical(data).walk("VEVENT"):
        if str(event.get("STATUS", "")) != "CANCELLED" and event.get("DTSTART") is not None:
            title = str(event.get("SUMMARY", ""))
            yield from (Planned(at, title) for at in _turns(event, day, zone))


def _turns(event: Any, day: date, zone: ZoneInfo) -> Iterator[datetime | None]:
    """When an event is on a day: None for the whole of it."""
    start = event.decoded("DTSTART")
    if not isinstance(start, datetime):
        lasts = (event.decoded("DTEND") - start) if event.get("DTEND") is not None else _DAY
        if any(begun <= day < begun + max(lasts, _DAY) for begun in _days(event, start, day)):
            yield None
        return
    aware = start if start.tzinfo else start.replace(tzinfo=zone)
    first = datetime.combine(day, time(), zone)
    for begun in _moments(event, aware, first + _DAY):
        if begun.astimezone(zone).date() == day:
            yield begun


def _days(event: Any, start: date, until: date) -> Iterator[date]:
    if event.get("RRULE") is None:
        return iter((start,))
    rule = rrulestr(event["RRULE"].to_ical().decode(), dtstart=datetime.combine(start, time()), ignoretz=True)
    skipped = {each if not isinstance(each, datetime) else each.date() for each in _taken_out(event)}
    turns = (each.date() for each in islice(rule, _MOST_TURNS) if each.date() not in skipped)
    return takewhile(lambda each: each <= until, turns)


def _moments(event: Any, start: datetime, until: datetime) -> Iterator[datetime]:
    """By the clock on the wall where it was planned: nine o'clock stays nine o'clock all year."""
    if event.get("RRULE") is None:
        return iter((start,))
    rule = rrulestr(event["RRULE"].to_ical().decode(), dtstart=start.replace(tzinfo=None), ignoretz=True)
    skipped = _skipped(event, start)
    turns = (each.replace(tzinfo=start.tzinfo) for each in islice(rule, _MOST_TURNS) if each not in skipped)
    return takewhile(lambda each: each < until, turns)


def _skipped(event: Any, start: datetime) -> set[datetime]:
    """The turns that somebody took out, by the clock where it was planned."""
    moments = [each for each in _taken_out(event) if isinstance(each, datetime)]
    return {(each.astimezone(start.tzinfo) if each.tzinfo else each).replace(tzinfo=None) for each in moments}


def _taken_out(event: Any) -> list[date]:
    """As it is written: moments, or whole days."""
    written = event.get("EXDATE")
    lists = written if isinstance(written, list) else [written] if written is not None else []
    return [each.dt for dates in lists for each in dates.dts]


def _campaigns(settings: Settings, day: date, zone: str) -> Iterator[Planned]:
    """The campaigns that are on at some time of the day."""
    begin = datetime.combine(day, time(), ZoneInfo(zone))
    for name, each in settings.campaigns.items():
        campaign = each.campaign(name, settings.timezone)
        if campaign.begins < begin + _DAY and campaign.ends > begin:
            starts = campaign.begins.astimezone(ZoneInfo(zone))
            yield Planned(starts if starts.date() == day and starts.time() != time() else None, name, "campaigns")
