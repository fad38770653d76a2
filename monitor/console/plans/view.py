"""What the pages of plans show: which version is in force, who has read it, and when it was last rehearsed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from monitor.domain.plan import EventKind, Plan, TimelineEvent, localized
from monitor.pipeline.readings import Reading, must_read, readings
from monitor.settings import Settings
from notifiers.message import Language

_VERSIONS: Final = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One plan. `read` of `readers` have read this version; `own`: it is not one that is shipped."""

    id: str
    title: str
    version: str
    place: str
    own: bool
    observed: bool
    owner: str
    reviewed_on: date | None
    review_due: bool
    readings: Sequence[Reading]
    drilled: datetime | None

    @property
    def read(self) -> int:
        """How many have read and understood it as it is."""
        return sum(each.state == "read" for each in self.readings)


def line(
    settings: Settings,
    plan: Plan,
    story: Sequence[TimelineEvent],
    drills: Mapping[str, datetime],
    today: date,
    language: Language,
) -> Line:
    """`story` are the events that say who has read what, in order."""
    return Line(
        id=plan.id,
        title=localized(plan.title, language),
        version=plan.version,
        place=settings.places.get(f"plan.{plan.id}", ""),
        own=plan.id in settings.own_plans,
        observed=plan.activation.mode == "observe",
        owner=plan.owner or "",
        reviewed_on=plan.reviewed_on,
        review_due=plan.reviewed_on is not None and plan.reviewed_on + plan.review_every < today,
        readings=readings(plan, must_read(plan, settings.contacts), story),
        drilled=drills.get(plan.id),
    )


def versions(plan: Plan, story: Sequence[TimelineEvent]) -> list[tuple[str, datetime]]:
    """Versions that somebody has read, each with when it was first read, the newest first."""
    first: dict[str, datetime] = {}
    for event in story:
        detail = event.detail or {}
        if event.kind == EventKind.PLAN_READ and detail.get("plan") == plan.id:
            first.setdefault(str(detail.get("version")), event.at)
    return list(reversed(first.items()))[:_VERSIONS]
