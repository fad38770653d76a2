"""The timeline folded so that a person can read it: what repeats within the hour is one line, what says nothing is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from monitor.domain.plan import EventKind, Plan, TimelineEvent
from monitor.plans.news import groups_in
from monitor.report.naming import Naming
from monitor.report.value import Moment

_TOGETHER: Final = timedelta(hours=1)
# What happens again and again in a crisis.
_FOLDED = frozenset(
    {
        EventKind.ALERT_OPENED,
        EventKind.ALERT_REOPENED,
        EventKind.ALERT_WORSE,
        EventKind.ALERT_RESOLVED,
        EventKind.ALERT_ACKNOWLEDGED,
    }
)
_FOLDED |= {
    EventKind.STEP_CHECKED,
    EventKind.PLAN_QUIET,
    EventKind.REPORT_OVERDUE,
    EventKind.PLAN_CAPTURED,
    EventKind.PLAN_WOULD_TELL,
}
_ALERTS = frozenset(
    {
        EventKind.ALERT_OPENED,
        EventKind.ALERT_REOPENED,
        EventKind.ALERT_WORSE,
        EventKind.ALERT_RESOLVED,
        EventKind.ALERT_ACKNOWLEDGED,
    }
)
_UNSAID = frozenset(
    {EventKind.STEP_STARTED, EventKind.ACTION_ADDED, EventKind.ACTION_DONE}
)  # the end of a step says it; actions have a place of their own
_SAID_BY_ITSELF = frozenset(
    {EventKind.PLAN_ACTIVATED, EventKind.PLAN_WOULD_TELL}
)  # their reason is a word of ours, not of a person
_WORDS = ("step", "why", "note", "text", "rule")


def chronicle(events: Iterable[TimelineEvent], run: int, plan: Plan, naming: Naming) -> list[Moment]:
    """What happened in a run and with the alerts of its incident, in order."""
    lines: list[Moment] = []
    open_lines: dict[tuple[str, ...], int] = {}
    for event in events:
        if not _is_told(event, run):
            continue
        moment = _moment(event, plan, naming)
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


def _moment(event: TimelineEvent, plan: Plan, naming: Naming) -> Moment:
    detail: Mapping[str, object] = event.detail or {}
    said = {name: str(detail[name]) for name in _WORDS if detail.get(name)}
    if "to" in detail:
        to = detail["to"]
        names: Sequence[object] = to if isinstance(to, list | tuple) else (to,)
        said["to"] = "\n".join(dict.fromkeys(naming.addressee(str(each), event.at) for each in names))
    if isinstance(level := detail.get("level"), int) and (found := plan.level(level)) is not None:
        said["level"] = str(found.level)
    if groups := groups_in(detail):
        said["groups"] = groups
    if "posts" in detail:
        said["posts"] = str(detail["posts"])
    if event.kind in _SAID_BY_ITSELF:
        said.pop("why", None)
    return Moment(event.at, event.at, event.kind, naming.role(event.actor, event.at), said)
