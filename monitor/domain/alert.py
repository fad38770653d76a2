"""Alerts, the incidents they belong to, and the messages owed to people because of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Literal, NamedTuple, get_args

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)  # from the mildest to the gravest
PERSONAL = frozenset({"mention", "absence"})
"""Kinds whose alerts are about what one person said: an incident of its own, which mixes with nobody else's."""
HEALTH_KINDS = (
    *("source_health", "receiver_health", "mailbox_health", "store_health", "judging_health", "plan_health"),
    *("plan_due", "source_quiet"),
)
"""Kinds of rules of our own, about ourselves: they go to `routing.ops`, and their rules are called as they are, with dashes."""
BY_HAND = "by-hand"  # what stands for a rule where a person opened an alert because of a mention; no rule may be called so
BY_HAND_TITLE: Mapping[Literal["fr", "en"], str] = {"fr": "Alerte ouverte à la main", "en": "Alert opened by hand"}
RULE_GONE = "the rule is gone"  # why an alert ends that nobody knows to be over
RULE_CHANGED = "the rule was changed"  # as it is now, it would not ring
EXEMPT = "exempt"  # the label of an alert that nothing holds back
OBSERVED = "observed"  # the label of an alert that was opened while its rule, or everything, was only observed


def worse(severity: Severity, than: Severity) -> bool:
    """Whether one severity is graver than another."""
    return SEVERITIES.index(severity) > SEVERITIES.index(than)


class AlertState(StrEnum):
    """Where an alert is in its life. Acknowledgement stands beside it (`acknowledged_at`)."""

    OPEN = "open"
    RESOLVED = "resolved"


class NotificationKind(StrEnum):
    """Why somebody is told (again)."""

    FIRST = "first"
    MORE = "more"
    WORSE = "worse"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    PLAN = "plan"  # the emergency plan was opened: here is what to do
    STEP = "step"  # one step of the plan, delivered
    CALL = "call"  # somebody is to act in a plan run
    OVER = "over"  # a plan run was closed
    READ = "read"  # somebody is to read a plan, in calm weather
    ACCOUNT = "account"  # the daily account of what is only observed
    HELD = "held"  # what quiet hours held, told at their end: across incidents, each alert once
    TEST = "test"  # asked for by a person: `tocsin alert test`, `tocsin receivers try`


class Priority(IntEnum):
    """Which of the messages that are due goes first."""

    URGENT = 0  # an emergency: whoever is to be told is told by the next channel, too, when this one fails
    ORDINARY = 1


class DeliveryState(StrEnum):
    """Where one message to one receiver stands."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DRY_RUN = "dry_run"  # a replay that was not asked to deliver


_ALARMS = frozenset({NotificationKind.FIRST, NotificationKind.MORE, NotificationKind.WORSE, NotificationKind.PLAN})


def priority(kind: NotificationKind, events: Sequence[AlertEvent]) -> Priority:
    """What tells of something critical for the first time is urgent, and so is what somebody is to do in a crisis."""
    grave = any(event.severity == "critical" and event.event in _ALARMS for event in events)
    by_hand = kind is NotificationKind.PLAN and not events
    return Priority.URGENT if kind is NotificationKind.CALL or by_hand or (kind in _ALARMS and grave) else Priority.ORDINARY


def fingerprint(rule: str, key: Mapping[str, str]) -> str:
    """The identity of an alert while it is open: same rule, same key, same alert."""
    said = json.dumps([rule, sorted(key.items())], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Addressee(NamedTuple):
    """Whom an alert goes to: a receiver, person or role, by the name in the configuration; `why` says how they were chosen."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert about to be opened. `observed` and `expected` are in units of `measure` over `window`."""

    rule: str
    kind: str
    key: Mapping[str, str]
    severity: Severity
    fired_at: datetime  # event time: the moment the condition held
    observed: float
    expected: float | None
    measure: str
    category: str = "alert"
    window: timedelta | None = None
    learning: bool = False
    coverage: float | None = None
    reasons: Sequence[str] = ()
    evidence: Sequence[int] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    plan: str | None = None
    unscored: int = 0  # mentions that might belong to it, for a score is missing
    copies: int = 0  # mentions in it that copy one text
    goes_to: Sequence[Addressee] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as stored. Times are aware and in UTC; `fired_at` and `last_seen_at` are event time, the others story time."""

    id: int
    incident_id: int
    fingerprint: str  # as it was when the alert was opened
    rule: str
    kind: str
    category: str
    severity: Severity
    state: AlertState
    key: Mapping[str, str]
    labels: Mapping[str, str]
    fired_at: datetime
    opened_at: datetime
    last_seen_at: datetime
    told_at: datetime | None  # None: nobody was told yet, because of a silence
    observed: float
    expected: float | None
    measure: str
    window: timedelta | None
    learning: bool
    coverage: float | None
    reasons: Sequence[str]
    occurrences: int
    plan: str | None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    resolved_reason: str | None = None
    unscored: int = 0
    copies: int = 0
    silenced_by: str | None = None  # the silence under which it rings
    told_severity: Severity | None = None  # what people know of it, where it became graver under a silence
    goes_to: Sequence[Addressee] = ()  # for all of its life; empty: it was opened before this was kept

    @property
    def exempt(self) -> bool:
        """Whether nothing holds it back; its rule said so when it was opened."""
        return EXEMPT in self.labels

    @property
    def personal(self) -> bool:
        """Whether it is about what one person said."""
        return self.kind in PERSONAL

    @property
    def unwatched(self) -> bool:
        """Whether it ended because its rule was removed or changed: what it was about may go on."""
        return self.resolved_reason in {RULE_GONE, RULE_CHANGED}


@dataclass(frozen=True, slots=True)
class Incident:
    """What belongs together: the alerts of one subject's trouble, one conversation with each receiver, one plan run a plan."""

    id: int
    subject: str | None
    severity: Severity
    opened_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One alert's share of a notification: the figures as they were when it was written.

    `reasons` are kept for windows and health, whose reasons hold those figures. Those of a single mention quote what somebody
    said: they stay in the alert alone, where an erasure finds them. `learning` None: written before it was kept.
    """

    alert_id: int
    event: str  # a NotificationKind
    severity: Severity
    observed: float
    expected: float | None
    occurrences: int
    evidence: Sequence[int] = ()
    reasons: Sequence[str] = ()
    learning: bool | None = None
    unscored: int = 0
    copies: int = 0
    exempt: bool = False  # nothing holds it back

    @classmethod
    def of(cls, alert: Alert, event: str, evidence: Sequence[int] = ()) -> AlertEvent:
        """The alert's share of a notification: the figures as they are now."""
        return cls(
            alert_id=alert.id,
            event=event,
            severity=alert.severity,
            observed=alert.observed,
            expected=alert.expected,
            occurrences=alert.occurrences,
            evidence=tuple(evidence),
            reasons=() if alert.personal else tuple(alert.reasons),
            learning=alert.learning,
            unscored=alert.unscored,
            copies=alert.copies,
            exempt=alert.exempt,
        )


@dataclass(frozen=True, slots=True)
class Notification:
    """One message owed to one receiver: what it is about, by reference. The text is made when it is sent."""

    id: int
    incident_id: int | None
    receiver: str
    sequence: int  # 1, 2, 3 … within (incident, receiver): the conversation
    kind: NotificationKind
    events: Sequence[AlertEvent]
    created_at: datetime
    due_at: datetime
    plan_run_id: int | None = None
    plan_step: str | None = None
    plan_about: str | None = None  # the step it is about, and does not carry out
    plan_why: str | None = None  # a word of `monitor.plans.Why`
    more: int = 0  # alerts beyond `events`: counted, not named


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery: this process holds it until `lease_until` (real time)."""

    id: int
    notification: Notification
    receiver: str
    attempts: int  # including the one about to be made
    lease_until: datetime
    urgent: bool = False
    handed_over: bool = False  # the next channel was looked for
    reason: str | None = None  # why the last attempt failed


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One message to one receiver, for people and scripts to look at. `reason` is that of the last failure."""

    id: int
    notification_id: int
    receiver: str
    kind: NotificationKind
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiverState:
    """How one receiver stands; a disabled one is not tried until its settings change. `failures` counts those in a row."""

    receiver: str
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    failures: int = 0
    settings_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Told to nobody from `starts_at` until before `ends_at`, or, with `every`, at these times of the week within them alone.

    All that `matcher` gives must match. One of the configuration has a name instead of a number.
    """

    id: int | str
    matcher: Mapping[str, object]
    author: str
    reason: str
    created_at: datetime
    starts_at: datetime
    ends_at: datetime
    every: Sequence[str] | None = None  # as `rules.recurrence` reads them, by the clock of `timezone`
    timezone: str | None = None
