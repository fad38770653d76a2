"""The timeline: who did what, when, through what; and every kind of event that is written into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

TOCSIN: Final = "tocsin"
"""Who did what no person did."""


class EventKind(StrEnum):
    """What can happen. The values are stored, so that they never change; what another version wrote is none of them."""

    # --- alerts ---
    ALERT_OPENED = "alert.opened"
    ALERT_REOPENED = "alert.reopened"  # the same trouble came back
    ALERT_WORSE = "alert.worse"
    ALERT_RESOLVED = "alert.resolved"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_SILENCED = "alert.silenced"
    ALERT_OBSERVED = "alert.observed"  # its rule, or everything, is only observed
    ALERT_INHIBITED = "alert.inhibited"  # another alert keeps some from being told
    ALERT_RELEASED = "alert.released"  # and does so no more
    ALERT_LIMITED = "alert.limited"  # told in a digest
    ALERT_HELD = "alert.held"  # until the quiet hours are over
    ALERT_TOLD = "alert.told"  # at last: it was opened quietly
    ALERT_TESTED = "alert.tested"
    ALERT_FALSE_ALARM = "alert.false_alarm"  # somebody says that it rang for nothing
    ALERT_ESCALATED = "alert.escalated"  # somebody has others told
    ALERT_CALLED_OVER = "alert.called_over"  # somebody closed a run of the plan that it asks for

    # --- a plan run as a whole ---
    PLAN_OPENED = "plan.opened"
    PLAN_REOPENED = "plan.reopened"
    PLAN_JOINED = "plan.joined"  # by an alert
    PLAN_WENT_ON = "plan.went_on"  # it left this incident, and goes on as the run of another
    PLAN_CONFIRMED = "plan.confirmed"
    PLAN_ACTIVATED = "plan.activated"  # nobody answered, and the plan says that it begins
    PLAN_UNCONFIRMED = "plan.unconfirmed"  # nobody answered in time
    PLAN_ACKNOWLEDGED = "plan.acknowledged"
    PLAN_ANSWERED = "plan.answered"  # in a drill that somebody else has taken
    PLAN_ASSIGNED = "plan.assigned"
    PLAN_HANDED_OVER = "plan.handed_over"
    PLAN_ESCALATED = "plan.escalated"
    PLAN_QUIET = "plan.quiet"  # nothing has happened for long
    PLAN_NOTED = "plan.noted"
    PLAN_SITUATION = "plan.situation"  # a report leaves, with its figures
    PLAN_UPDATED = "plan.updated"  # a group of stakeholders heard from us
    PLAN_NEWS_LATE = "plan.news.late"
    PLAN_CAPTURED = "plan.captured"  # a step keeps the evidence
    PLAN_KEPT = "plan.kept"  # a person keeps a post
    PLAN_THREAD = "plan.thread"  # a person keeps the thread around a post, in a file
    PLAN_STUCK = "plan.stuck"  # it cannot be carried on
    PLAN_FREED = "plan.freed"  # and can be again
    PLAN_STOOD_DOWN = "plan.stood_down"
    PLAN_FALSE_ALARM = "plan.false_alarm"
    PLAN_CLOSED = "plan.closed"
    PLAN_WOULD_TELL = "plan.would_tell"  # were it not only observed
    PLAN_WOULD_CAPTURE = "plan.would_capture"

    # --- its level, its steps, what is left of it ---
    LEVEL_SET = "plan.level.set"
    LEVEL_RAISED = "plan.level.raised"
    LEVEL_LOWERED = "plan.level.lowered"
    LEVEL_PROPOSED = "plan.level.proposed"
    STEP_ASSIGNED = "plan.step.assigned"
    STEP_STARTED = "plan.step.started"
    STEP_CHECKED = "plan.step.checked"
    STEP_DONE = "plan.step.done"
    STEP_SKIPPED = "plan.step.skipped"
    STEP_FAILED = "plan.step.failed"
    STEP_LATE = "plan.step.late"
    STEP_EDITED = "plan.step.edited"
    STEP_APPROVED = "plan.step.approved"
    STEP_REJECTED = "plan.step.rejected"
    STEP_UNAPPROVED = "plan.step.unapproved"  # in time
    ACTION_ADDED = "plan.action.added"
    ACTION_DONE = "plan.action.done"
    REPORT_SIGNED = "plan.report.signed"
    REPORT_OVERDUE = "plan.report.overdue"

    # --- a plan in calm weather ---
    PLAN_READ = "plan.read"
    PLAN_READ_ASKED = "plan.read_asked"

    # --- what is only observed ---
    OBSERVED_BEGAN = "observed.began"
    OBSERVED_ACCOUNT = "observed.account"  # what would have rung since then
    OBSERVED_ENDED = "observed.ended"  # the last account: from then on everything rings

    # --- messages ---
    DELIVERY_DELIVERED = "delivery.delivered"
    DELIVERY_FAILED = "delivery.failed"
    DELIVERY_FALLBACK = "delivery.fallback"
    DELIVERY_DRY_RUN = "delivery.dry_run"

    # --- what operators do, and what is kept of people ---
    SILENCE_ADDED = "silence.added"
    SILENCE_ENDED = "silence.ended"
    FEEDBACK_GIVEN = "feedback.given"
    MENTION_UNJUDGED = "mention.unjudged"
    AUTHOR_ERASED = "author.erased"
    HOLD_PLACED = "hold.placed"
    HOLD_RELEASED = "hold.released"


RUN_BEGINS: Final = (EventKind.PLAN_OPENED, EventKind.PLAN_REOPENED)
"""With these a run begins, or begins again: what its earlier ends said counts no more."""


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Who did what, when, through what. Append-only: the after-action report is a view of it. `kind` is an `EventKind`."""

    at: datetime
    kind: str
    actor: str = TOCSIN
    through: str = "daemon"
    detail: Mapping[str, object] | None = None
    incident_id: int | None = None
    alert_id: int | None = None
    plan_run_id: int | None = None

    @property
    def by_hand(self) -> bool:
        """Whether a person did it."""
        return self.actor != TOCSIN


def since_it_began(story: Sequence[TimelineEvent]) -> Sequence[TimelineEvent]:
    """Of a run's own events, in the order in which they were written down, those since it was opened, or opened again last."""
    began = max((place for place, event in enumerate(story) if event.kind in RUN_BEGINS), default=-1)
    return story[began + 1 :]
