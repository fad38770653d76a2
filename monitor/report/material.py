"""What a report is made from, once it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.alert import Alert, DeliveryRecord, Incident, Notification
from monitor.domain.plan import PlanRun, TimelineEvent
from monitor.report.value import Course


@dataclass(frozen=True, slots=True)
class Material:
    """All that is known of a run at a moment (`now`)."""

    now: datetime
    run: PlanRun
    incident: Incident
    alerts: Sequence[Alert]
    story: Sequence[TimelineEvent]
    own: Sequence[TimelineEvent]  # of the run itself, in the order in which they were written down
    told: Sequence[Notification]
    deliveries: Mapping[int, DeliveryRecord]
    first_post: datetime | None
    posts: int
    deleted: int  # of these posts
    course: Course
