"""The timeline folded so that a person can read it: what repeats within the hour is one line, what says nothing is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from monitor.domain.plan import EventKind, TimelineEvent
from monitor.plans.phrases import OWN_REASON
from monitor.plans.story import names_in
from monitor.report.naming import Naming
from monitor.report.value import Moment

_TOGETHER: Final = timedelta(hours=1)
_ALERTS = frozenset({EventKind.ALERT_OPENED, EventKind.ALERT_REOPENED, EventKind.ALERT_WORSE, EventKind.ALERT_RESOLVED})
_ALERTS |= {EventKind.ALERT_ACKNOWLEDGED}
_FOLDED = _ALERTS | {EventKind.STEP_CHECKED, EventKind.PLAN_QUIET, EventKind.REPORT_OVERDUE}
_FOLDED |= {EventKind.PLAN_CAPTURED, EventKind.PLAN_WOULD_TELL}  # what happens again and again in a crisis
# The end of a step says that it began; actions have a place of their own.
_UNSAID = frozenset({EventKind.STEP_STARTED, EventKind.ACTION_ADDED, EventKind.ACTION_DONE})
_SHOWN = ("step", "rule", "level", "group", "groups", "posts", "mention", "why", "text", "note")


def chronicle(events: Iterable[TimelineEvent], run: int, naming: Naming) -> list[Moment]:
    """What happened in a run and with the alerts of its incident, in order."""
    lines: list[Moment] = []
    open_lines: dict[tuple[str, ...], int] = {}
    for event in events:
        if not _is_told(event, run):
            continue
        moment = _moment(event, naming)
        key = (moment.kind, moment.by, *map(str, sorted(moment.said.items())))
        place = open_lines.get(key)
        if moment.kind in _FOLDED and place is not None and moment.at - lines[place].until <= _TOGETHER:
            lines[place] = replace(lines[place], until=moment.at, times=lines[place].times + 1)
            continue
        open_lines[key] = len(lines)
        lines.append(moment)
    return lines


def _is_told(event: TimelineEvent, run: int) -> bool:
    """Not what became of single messages: whoever was not reached has a place of their own."""
    if event.plan_run_id is not None:
        return event.plan_run_id == run and event.kind.startswith("plan.") and event.kind not in _UNSAID
    return event.kind in _ALERTS


def _moment(event: TimelineEvent, naming: Naming) -> Moment:
    """What it says, without what only machines want, and people by their roles."""
    detail: Mapping[str, object] = event.detail or {}
    said = {name: detail[name] for name in _SHOWN if detail.get(name) is not None}
    if to := names_in(detail.get("to")):
        said["to"] = tuple(dict.fromkeys(naming.addressee(each, event.at) for each in to))
    if event.kind in OWN_REASON:
        said.pop("why", None)
    return Moment(event.at, event.at, event.kind, naming.role(event.actor, event.at), said)
