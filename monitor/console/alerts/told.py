"""Who was told of an alert and how that went, and who was not told, and why: in words for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.console.health.words import WHY
from monitor.console.tongue import N_
from monitor.domain.alert import (
    OBSERVED,
    Alert,
    AlertState,
    DeliveryRecord,
    DeliveryState,
    Notification,
    NotificationKind,
    Silence,
)
from monitor.domain.plan import EventKind, TimelineEvent
from monitor.pipeline.silencing import quiet_until

STATES: Final[Mapping[DeliveryState, tuple[str, str]]] = {
    DeliveryState.PENDING: (N_("waits"), "info"),
    DeliveryState.SENDING: (N_("on its way"), "info"),
    DeliveryState.DELIVERED: (N_("delivered"), "good"),
    DeliveryState.FAILED: (N_("not delivered"), "critical"),
    DeliveryState.DRY_RUN: (N_("not sent: a rehearsal"), ""),
}
"""By state of a delivery: its word, and its tone."""

KINDS: Final[Mapping[NotificationKind, str]] = {
    NotificationKind.FIRST: N_("alert"),
    NotificationKind.MORE: N_("news of it"),
    NotificationKind.WORSE: N_("it became graver"),
    NotificationKind.REMINDER: N_("reminder"),
    NotificationKind.RESOLVED: N_("it is over"),
    NotificationKind.PLAN: N_("the plan was opened"),
    NotificationKind.STEP: N_("a step of the plan"),
    NotificationKind.CALL: N_("something to do in the plan"),
    NotificationKind.OVER: N_("the plan was closed"),
    NotificationKind.HELD: N_("what quiet hours held"),
    NotificationKind.TEST: N_("a test"),
}
"""Why somebody was written to; kinds that are about no alert are not among them."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `why` is what went wrong and what that means, two msgids; empty where nothing did."""

    to: str
    kind: str
    state: DeliveryState
    at: datetime | None
    attempts: int
    why: tuple[str, str] | None
    detail: str


@dataclass(frozen=True, slots=True)
class Untold:
    """Why somebody was not told. `said` is a msgid, which `who`, `why`, `until` and `alert` fill in."""

    said: str
    who: str = ""
    why: str = ""
    until: datetime | None = None
    alert: int = 0


Sent = Sequence[tuple[Notification, DeliveryRecord]]


def messages(sent: Sent, now: datetime, called: Callable[[str], str]) -> list[Message]:
    """Who was told, the oldest first."""
    return [
        Message(
            called(record.receiver),
            KINDS.get(record.kind, str(record.kind)),
            record.state,
            record.ended_at or record.next_attempt_at,
            record.attempts,
            WHY.get(record.reason) if record.reason and record.state is not DeliveryState.DELIVERED else None,
            record.detail or "" if record.state is not DeliveryState.DELIVERED else "",
        )
        for message, record in sent
        if not _is_held(message, record, now)
    ]


def missing(
    alert: Alert,
    sent: Sent,
    story: Sequence[TimelineEvent],
    silence: Silence | None,
    now: datetime,
    called: Callable[[str], str],
) -> Iterator[Untold]:
    """Who was not told, or not at once, or is told no more. `story` is the alert's own."""
    over = alert.state is AlertState.RESOLVED
    if alert.silenced_by is not None and not (over and alert.told_at is not None):
        yield _quiet(alert, silence, now, called)
    for name, by in _inhibited(story).items():
        yield Untold(N_("%(who)s is not told: alert %(alert)s keeps this one quiet."), who=called(name), alert=by)
    for message, record in sent:
        if _is_held(message, record, now):
            yield Untold(N_("%(who)s: quiet hours hold it until %(until)s."), who=called(record.receiver), until=message.due_at)
    if any(event.kind == EventKind.ALERT_LIMITED for event in story):
        yield Untold(N_("Only told with others in a digest: its rule’s limit was reached."))
    if alert.acknowledged_by and not over:
        yield Untold(N_("Nobody is reminded any more: %(who)s has it."), who=called(alert.acknowledged_by))


def _quiet(alert: Alert, silence: Silence | None, now: datetime, called: Callable[[str], str]) -> Untold:
    if alert.silenced_by == OBSERVED:
        return Untold(N_("Nobody is told: it is only observed, or its rule is."))
    if silence is None:
        return Untold(N_("Nobody is told: a silence covers it."))
    said = N_("Nobody is told until %(until)s: a silence by %(who)s covers it (%(why)s).")
    return Untold(said, who=called(silence.author), why=silence.reason, until=quiet_until(silence, now))


def _inhibited(story: Sequence[TimelineEvent]) -> dict[str, int]:
    """By receiver the alert that keeps this one from them."""
    waiting: dict[str, int] = {}
    for event in story:
        detail = event.detail or {}
        names, by = detail.get("receivers"), detail.get("by")
        concerned = [str(each) for each in names] if isinstance(names, list) else []
        if event.kind == EventKind.ALERT_INHIBITED:
            waiting |= dict.fromkeys(concerned, int(by[0]) if isinstance(by, list) and by else 0)
        elif event.kind == EventKind.ALERT_RELEASED:
            waiting = {name: number for name, number in waiting.items() if name not in concerned}
    return waiting


def _is_held(message: Notification, record: DeliveryRecord, now: datetime) -> bool:
    waits = record.state is DeliveryState.PENDING and record.attempts == 0
    return message.kind is NotificationKind.HELD and waits and message.due_at > now
