"""What was said hour by hour around the moment at which an alert rang, against the same hours of the weeks before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from monitor.charts.chart import Chart
from monitor.charts.expectation import Seen, observed_expected
from monitor.charts.look import Look
from monitor.console import naming
from monitor.console.asked import number
from monitor.console.tongue import N_, tongue
from monitor.domain.alert import Alert
from monitor.domain.tally import ALL, hour_of, moment_of
from monitor.storage import UnitOfWork
from monitor.web.desk import DESK

TITLE: Final = N_("Mentions per hour")
_BEFORE, _AFTER = timedelta(hours=24), timedelta(hours=12)
_WEEK, _WEEKS = 7 * 24, 4  # hours; weeks


async def draw(request: web.Request, look: Look) -> Chart:
    """The chart of the alert in the path; the moment at which it rang is marked."""
    desk, wanted = request.app[DESK](), number(request, "alert")
    async with desk.store.read() as tx:
        alert = await tx.alerts.get(wanted)
        if alert is None:
            raise web.HTTPNotFound(text="there is no such alert")
        said = await _said(tx, alert, desk.now())
    first, last = _hours(alert, desk.now())
    about = naming.subject(desk, alert.labels.get("subject"))
    title = tongue(look.reader.language).gettext(TITLE)
    return observed_expected(
        seen(said, first, last), [moment_of(hour_of(alert.fired_at))], look, title=f"{about} · {title}" if about else title
    )


def _hours(alert: Alert, now: datetime) -> tuple[int, int]:
    """From which hour to before which one: the day before it rang, and some hours after it was seen last."""
    until = max(min(alert.last_seen_at + _AFTER, now), alert.fired_at)
    return hour_of(max(alert.fired_at - _BEFORE, until - timedelta(days=7))), hour_of(until) + 1


async def _said(tx: UnitOfWork, alert: Alert, now: datetime) -> Mapping[int, int]:
    """Mentions by hour, of the weeks before, too; of what else the alert is about, its network alone is counted."""
    first, last = _hours(alert, now)
    network, counted = alert.key.get("network"), dict[int, int]()
    subjects = (alert.labels.get("subject", ALL),)
    sums = await tx.figures.sums(first - _WEEKS * _WEEK, last, by=("hour", "network"), subjects=subjects)
    for (hour, where), tally in sums:
        if network in {None, where}:
            counted[hour] = counted.get(hour, 0) + tally.mentions
    return counted


def seen(said: Mapping[int, int], first: int, last: int) -> list[Seen]:
    """An hour each. What is usual is the mean of the same hour of the week, as far back as anything was heard at all."""
    heard = min(said, default=last)
    return [Seen(moment_of(hour), said.get(hour, 0), _usual(said, hour, heard)) for hour in range(first, last)]


def _usual(said: Mapping[int, int], hour: int, heard: int) -> float | None:
    weeks = [hour - week * _WEEK for week in range(1, _WEEKS + 1) if hour - week * _WEEK >= heard]
    return sum(said.get(each, 0) for each in weeks) / len(weeks) if weeks else None
