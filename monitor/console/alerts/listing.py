"""All alerts: what rings, the gravest first, and what is over; with the silences that are in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from monitor.console import naming
from monitor.console.asked import before
from monitor.console.page import reader_of, show
from monitor.domain.alert import OBSERVED, SEVERITIES, Alert, AlertState
from monitor.pipeline.silencing import quiet_until
from monitor.web.desk import DESK, Desk
from notifiers.reader import Reader

_PAGE: Final = 40  # alerts that are over, on a page
_MOST: Final = 200  # that ring


@dataclass(frozen=True, slots=True)
class Line:
    """One alert. `seen` and `usual` are as its reader writes them, empty for what is no figure; `quiet`: why nobody is told."""

    id: int
    title: str
    about: str
    severity: str
    since: datetime
    ended: datetime | None
    seen: str
    usual: str
    taken_by: str
    quiet: str


async def alerts(request: web.Request) -> web.Response:
    """What rings, then what is over, the newest first."""
    desk, reader, earlier = request.app[DESK](), reader_of(request), before(request)
    now = desk.now()
    async with desk.store.read() as tx:
        ringing = [] if earlier is not None else await tx.alerts.open_alerts()
        over = await tx.alerts.list(AlertState.RESOLVED, _PAGE + 1, before=earlier)
        silences = [] if earlier is not None else await tx.silences.not_over(now)
    gravest = sorted(ringing, key=lambda each: (SEVERITIES.index(each.severity), each.opened_at), reverse=True)
    titles = naming.rules(desk, reader.language)
    return show(
        request,
        "alerts/list",
        ringing=lines(desk, gravest[:_MOST], reader),
        more=max(len(gravest) - _MOST, 0),
        over=lines(desk, over[:_PAGE], reader),
        older=over[_PAGE - 1].id if len(over) > _PAGE else None,
        begun=earlier is None,
        silences=[
            (each, titles.get(str(each.matcher.get("rule", "")), str(each.matcher.get("rule", ""))), quiet_until(each, now))
            for each in silences
        ],
        called=desk.called,
    )


def lines(desk: Desk, found: Sequence[Alert], reader: Reader) -> list[Line]:
    """As a list shows them."""
    titles = naming.rules(desk, reader.language)
    return [
        Line(
            each.id,
            titles.get(each.rule, each.rule),
            naming.about(desk, each),
            each.severity,
            each.fired_at,
            each.resolved_at,
            *figures(each, reader),
            desk.called(each.acknowledged_by),
            "" if each.silenced_by is None else "observed" if each.silenced_by == OBSERVED else "silenced",
        )
        for each in found
    ]


def figures(alert: Alert, reader: Reader) -> tuple[str, str]:
    """What was seen and what is usual; of a single mention there is nothing to count."""
    if alert.kind not in {"window", "flatline"}:
        return "", ""
    write = reader.percent if alert.measure == "share" else reader.number
    return write(alert.observed), "" if alert.expected is None or alert.learning else write(alert.expected)
