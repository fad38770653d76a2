"""A crisis made by hand: a plan, its run, its timeline and what was said, in plain data that a test can change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.domain.alert import Alert, AlertState, DeliveryRecord, DeliveryState, Incident, Notification, NotificationKind
from monitor.domain.plan import Plan, PlanRun, RunState, StepRun, StepState, TimelineEvent
from monitor.report import Report, build
from monitor.report.material import Material
from monitor.report.value import Column, Course
from monitor.settings.contacts import Contacts

MINUTE = timedelta(minutes=1)
NINE = datetime(2026, 3, 12, 9, 0, tzinfo=UTC)
RUN = 4

PLAN: dict[str, Any] = {
    "id": "negative-storm",
    "title": {"fr": "Bad buzz", "en": "Negative storm"},
    "notify": ["room", "community-manager"],
    "severity": [
        {"level": 3, "name": {"fr": "crise", "en": "crisis"}, "ack_within": "15m", "when": {"authors": {"gte": 30}}},
        {"level": 2, "name": {"fr": "alerte", "en": "alert"}, "ack_within": "20m"},
    ],
    "activation": {"mode": "automatic"},
    "escalation": [
        {"at": 0.5, "unless": "acknowledged", "notify": "community-manager"},
        {"at": 1, "unless": "acknowledged", "notify": "head-of-communication"},
    ],
    "steps": [
        {
            "id": "pause",
            "action": "webhook",
            "receiver": "queue",
            "title": {"fr": "Suspendre les publications", "en": "Pause posts"},
        },
        {"id": "evidence", "action": "capture", "title": {"fr": "Garder les preuves", "en": "Keep the evidence"}},
        {
            "id": "facts",
            "action": "checklist",
            "role": "community-manager",
            "deadline": "30m",
            "title": {"fr": "Établir les faits", "en": "Establish the facts"},
            "items": [{"fr": "Vrai ?", "en": "True?"}, {"fr": "Qui ?", "en": "Who?"}],
        },
        {
            "id": "hold",
            "action": "statement",
            "statement": "holding",
            "deadline": "20m",
            "title": {"fr": "Publier le message d’attente", "en": "Publish the holding statement"},
        },
        {
            "id": "answer",
            "action": "statement",
            "statement": "answer",
            "needs": ["facts"],
            "approval": {"role": "head-of-communication", "within": "20m"},
            "title": {"fr": "Répondre sur le fond", "en": "Answer in substance"},
        },
        {"id": "thank", "action": "checklist", "items": [{"en": "Thank"}], "title": {"fr": "Remercier", "en": "Thank the team"}},
    ],
    "statements": [
        {"id": "holding", "text": {"fr": "Nous savons.", "en": "We know."}, "status": "approved"},
        {"id": "answer", "text": {"fr": "Voici.", "en": "Here it is."}},
    ],
    "after_action": {"owner": "community-manager", "due": "5d"},
}
CONTACTS = Contacts.model_validate(
    {
        "people": {
            "camille": {"name": "Camille Moreau", "email": "camille@acme.example"},
            "leo": {"name": "Léo Petit", "email": "leo@acme.example"},
        },
        "roles": {"community-manager": "camille", "head-of-communication": "leo"},
    }
)


def at(minute: float) -> datetime:
    """So many minutes after nine."""
    return NINE + minute * MINUTE


def said(minute: float, kind: str, by: str = "tocsin", **detail: Any) -> TimelineEvent:
    """A line of the timeline."""
    alert = 1 if kind.startswith("alert.") else None
    return TimelineEvent(at(minute), kind, by, detail=detail, incident_id=2, alert_id=alert, plan_run_id=None if alert else RUN)


STORY = (
    said(0, "alert.opened", rule="crisis"),
    said(0, "plan.opened", mode="automatic"),
    said(0, "plan.level.set", level=2),
    said(0, "plan.step.started", step="pause"),
    said(1, "plan.step.failed", step="pause"),
    said(1, "plan.captured", step="evidence", posts=41, sha256={"1": "00"}),
    said(10, "plan.escalated", rung=0, to=["community-manager"]),
    said(12, "plan.acknowledged", "camille"),
    said(18, "plan.step.edited", "camille", step="hold", languages=["fr"]),
    said(22, "plan.step.late", step="hold"),
    said(25, "plan.level.raised", level=3),
    said(26, "plan.step.done", "camille", step="hold"),
    said(30, "plan.step.checked", "camille", step="facts", item=1),
    said(34, "plan.step.checked", "camille", step="facts", item=2),
    said(34, "plan.step.done", "camille", step="facts"),
    said(40, "plan.noted", "leo", text="The press called"),
    said(55, "plan.step.unapproved", step="answer"),
    said(70, "plan.step.approved", "leo", step="answer"),
    said(75, "plan.step.done", "camille", step="answer"),
    said(200, "alert.resolved", rule="crisis"),
    said(240, "plan.stood_down", "leo", why="calm for an hour"),
    said(240, "plan.closed", "leo"),
)
_STEPS: Mapping[str, Mapping[str, Any]] = {
    "pause": {"state": StepState.FAILED, "ended_at": at(1), "detail": "queue: HTTP 503"},
    "evidence": {"state": StepState.DONE, "ended_at": at(1)},
    "facts": {"state": StepState.DONE, "owner": "community-manager", "deadline_at": at(30), "ended_at": at(34), "late": True},
    "hold": {"state": StepState.DONE, "deadline_at": at(20), "ended_at": at(26), "late": True, "detail": "by camille"},
    "answer": {"state": StepState.DONE, "ended_at": at(75), "approved_at": at(70), "approved_by": "leo"},
    "thank": {"state": StepState.SKIPPED, "ended_at": at(239), "detail": "everybody went home"},
}
_SHARES = (0.0, 0.1, 0.2, 0.5, 0.62, 0.7, 0.66, 0.5, 0.4, 0.3, 0.2, 0.1)
_VOLUMES = (3, 4, 3, 25, 60, 84, 71, 50, 32, 20, 9, 4)


def run(**changes: Any) -> PlanRun:
    """The run, closed at one in the afternoon."""
    plan = Plan.model_validate(PLAN)
    steps = tuple(
        StepRun(step.id, place, **{"state": StepState.WAITING, **_STEPS[step.id]}) for place, step in enumerate(plan.steps)
    )
    found = PlanRun(RUN, plan.id, 2, RunState.CLOSED, plan.snapshot(), NINE, steps, level=3, closed_at=at(240), closed_by="leo")
    return replace(found, **changes)


def alert(**changes: Any) -> Alert:
    """The alert that opened it."""
    known: dict[str, Any] = dict.fromkeys(Alert.__dataclass_fields__)
    known |= {"id": 1, "incident_id": 2, "rule": "crisis", "kind": "window", "severity": "critical", "state": AlertState.RESOLVED}
    known |= {
        "opened_at": NINE,
        "fired_at": NINE,
        "last_seen_at": NINE,
        "resolved_at": at(200),
        "observed": 40.0,
        "expected": 2.0,
    }
    return Alert(
        **known | {"measure": "authors", "key": {}, "labels": {}, "reasons": (), "occurrences": 1, "goes_to": ()} | changes
    )


def course() -> Course:
    """Twelve columns of half an hour, from eight on."""
    columns = []
    for place, (share, count) in enumerate(zip(_SHARES, _VOLUMES, strict=True)):
        columns.append(Column(at(-60 + 30 * place), count, round(count * 0.8), count, round(count * share)))
    return Course(30 * MINUTE, tuple(columns))


def called(
    number: int, receiver: str, minute: float, kind: NotificationKind = NotificationKind.CALL, why: str | None = "untaken"
) -> Notification:
    """A message of the run."""
    return Notification(number, 2, receiver, number, kind, (), at(minute), at(minute), plan_run_id=RUN, plan_why=why)


TOLD = (
    called(1, "room", 0, NotificationKind.PLAN, None),
    called(2, "camille", 0, NotificationKind.PLAN, None),
    called(3, "camille", 10),
    called(4, "leo", 34, why="approval"),
)


def arrived(told: Sequence[Notification], *failed: int) -> dict[int, DeliveryRecord]:
    """What became of messages: all arrived but those of these numbers."""
    states = {each.id: DeliveryState.FAILED if each.id in failed else DeliveryState.DELIVERED for each in told}
    return {each.id: DeliveryRecord(each.id, each.id, each.receiver, each.kind, states[each.id], 1) for each in told}


def material(**changes: Any) -> Material:
    """All that the store knows of it, two days later."""
    story = changes.get("story", STORY)
    found = Material(
        at(2880),
        run(),
        Incident(2, "acme", "critical", NINE, resolved_at=at(200)),
        (alert(),),
        story,
        [each for each in story if each.plan_run_id == RUN],
        TOLD,
        arrived(TOLD),
        at(-7),
        41,
        0,
        course(),
    )
    return replace(found, **changes)


def report(**changes: Any) -> Report:
    """The report on it."""
    rules = {"crisis": {"fr": "Beaucoup se plaignent", "en": "Many complain"}}
    return build(material(**changes), CONTACTS, "Europe/Paris", subject="Acme", rules=rules)  # type: ignore[arg-type]
