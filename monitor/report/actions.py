"""The actions that a crisis leaves behind, as the timeline tells of them: added, and one day done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from monitor.domain.plan import EventKind, TimelineEvent
from monitor.report.value import Action


def actions(story: Iterable[TimelineEvent], run: int) -> list[Action]:
    """Those of a run, in the order in which they were added."""
    found: dict[int, Action] = {}
    for event in story:
        detail = event.detail or {}
        number = detail.get("action")
        if event.plan_run_id != run or not isinstance(number, int):
            continue
        if event.kind == EventKind.ACTION_ADDED:
            text, owner, due = (str(detail.get(name, "")) for name in ("text", "owner", "due"))
            found[number] = Action(number, text, owner, date.fromisoformat(due), event.at)
        elif event.kind == EventKind.ACTION_DONE and number in found:
            found[number] = replace(found[number], done_at=event.at)
    return list(found.values())
