"""The message as JSON for machines, in the shape Standard Webhooks asks for: `type`, `timestamp`, `data`.

The shape is stable: within `version` 1, fields are added and never change their meaning. Texts are cleaned of control
characters; numbers that JSON cannot hold become null.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from notifiers.message import (
    AccountFacts,
    AlertFacts,
    AnswerFacts,
    DoneFacts,
    GroupFacts,
    Message,
    PaceFacts,
    PlanFacts,
    PlanStepFacts,
    Post,
    StandingFacts,
    StatementFacts,
    WouldOpenFacts,
    WouldRingFacts,
)
from notifiers.safe import clean, link, one_line
from notifiers.wording import headline, next_action, why

VERSION = 1
_TEXT = 5000
_LINE = 500
_TYPES = {
    "plan": "plan.opened",
    "step": "plan.step",
    "call": "plan.call",
    "over": "plan.closed",
    "read": "plan.read",
    "digest": "digest",
}


def payload(message: Message) -> dict[str, Any]:
    """A dictionary that `json.dumps(allow_nan=False)` takes. It depends on the message alone: every retry sends the same."""
    return {
        "type": _type(message),
        "timestamp": _moment(message.created_at),
        "version": VERSION,
        "data": _data(message),
    }


def _type(message: Message) -> str:
    if message.plan and message.plan.why == "undo":
        return "plan.undo"
    return _TYPES.get(message.kind, f"alert.{message.kind}")


def _data(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "kind": message.kind,
        "severity": message.severity,
        "brand": one_line(message.brand, _LINE),
        "subject": one_line(message.subject, _LINE) if message.subject else None,
        "language": message.language,
        "headline": headline(message),
        "why": why(message),
        "next_action": next_action(message),
        "incident": message.incident_id,
        "conversation": message.conversation,
        "sequence": message.sequence,
        "replay": message.replay,
        "drill": bool(message.plan and message.plan.drill),
        "alerts": [_alert(alert) for alert in message.alerts],
        "more_alerts": message.more_alerts,
        "still_open": [_alert(alert) for alert in message.still_open],
        "posts": [_post(post) for post in message.posts],
        "more_posts": message.more_posts,
        "new_words": [one_line(word, _LINE) for word in message.new_words],
        "plan": plan_payload(message.plan) if message.plan else None,
        "account": _account(message.account) if message.account is not None else None,
        "digest": dict(message.letter.facts) if message.letter is not None else None,
        "links": {one_line(name, _LINE): url for name, url in message.links.items() if link(url)},
    }


def _alert(alert: AlertFacts) -> dict[str, Any]:
    return {
        "id": alert.id,
        "rule": alert.rule,
        "title": alert.title or None,
        "kind": alert.kind,
        "category": alert.category,
        "event": alert.event,
        "severity": alert.severity,
        "labels": {one_line(key, _LINE): one_line(value, _LINE) for key, value in alert.labels.items()},
        "fired_at": _moment(alert.fired_at),
        "resolved_at": _moment(alert.resolved_at) if alert.resolved_at else None,
        "measure": alert.measure,
        "observed": _number(alert.observed),
        "expected": _number(alert.expected),
        "window_seconds": alert.window.total_seconds() if alert.window else None,
        "learning": alert.learning,
        "coverage": _number(alert.coverage),
        "unscored": alert.unscored,
        "copies": alert.copies,
        "occurrences": alert.occurrences,
        "acknowledged": alert.acknowledged,
        "unwatched": alert.unwatched,
        "reasons": [one_line(reason, _LINE) for reason in alert.reasons],
    }


def _post(post: Post) -> dict[str, Any]:
    return {
        "network": one_line(post.network, _LINE),
        "author": one_line(post.author, _LINE) or None,
        "reach": post.reach,
        "text": None if post.sensitive else clean(post.text, _TEXT),
        "sensitive": post.sensitive,
        "language": one_line(post.language, 35) if post.language else None,
        "sentiment": _number(post.sentiment),
        "url": link(post.url),
        "written_at": _moment(post.written_at),
        "copies": post.copies,
        "edited": post.edited,
        "deleted": post.deleted,
    }


def plan_payload(plan: PlanFacts) -> dict[str, Any]:
    """How a plan run stands, as it is in messages about it."""
    return {
        "run": plan.run_id,
        "id": plan.id,
        "title": one_line(plan.title, _LINE),
        "state": plan.state,
        "step": plan.step,
        "why": plan.why,
        "level": one_line(plan.level, _LINE) or None,
        "lead": one_line(plan.lead, _LINE) or None,
        "acknowledged": plan.acknowledged,
        "since": _moment(plan.since) if plan.since else None,
        "deadline": _moment(plan.deadline) if plan.deadline else None,
        "page": link(plan.page),
        "steps": [_step(step) for step in plan.steps],
        "statements": [_statement(statement) for statement in plan.statements],
        "never": [one_line(rule, _LINE) for rule in plan.never],
        "version": plan.version or None,
        "standing": _standing(plan.standing) if plan.standing else None,
        **({"answers": [_answer(each) for each in plan.answers]} if plan.answers else {}),
        **({"pace": _pace(plan.pace)} if plan.pace is not None else {}),
    }


def _account(account: AccountFacts) -> dict[str, Any]:
    return {
        "since": _moment(account.since),
        "until": _moment(account.until),
        "heard": account.heard,
        "messages": account.all.messages,
        "messages_by_night": account.all.by_night,
        "messages_to_you": account.yours.messages,
        "ends": _maybe(account.ends),
        "ended": account.ended,
        "rules": [_would_ring(each) for each in account.rules],
        "plans": [_would_open(each) for each in account.plans],
        "only_observed": [{"what": each.what, "id": each.id or None, "place": each.place} for each in account.switches],
    }


def _would_ring(rule: WouldRingFacts) -> dict[str, Any]:
    return {
        "rule": rule.alert.rule,
        "at": [_moment(at) for at in rule.at],
        "to": [one_line(name, _LINE) for name in rule.to],
        "ringing": rule.ringing,
        "gravest": _alert(rule.alert),
    }


def _would_open(plan: WouldOpenFacts) -> dict[str, Any]:
    told = [
        {"at": _moment(each.at), "to": [one_line(name, _LINE) for name in each.to], "step": one_line(each.step, _LINE) or None}
        for each in plan.told
    ]
    return {"plan": plan.id, "title": one_line(plan.title, _LINE), "opened": _maybe(plan.opened), "told": told}


def _answer(answer: AnswerFacts) -> dict[str, Any]:
    return {
        "who": one_line(answer.who, _LINE),
        "roles": list(answer.roles),
        "told_at": _moment(answer.told_at) if answer.told_at else None,
        "through": list(answer.through),
        "refused": list(answer.refused),
        "answered": answer.answered,
    }


def _pace(pace: PaceFacts) -> dict[str, Any]:
    found = {"first_seconds": pace.first, "half_seconds": pace.half, "last_seconds": pace.last}
    return {name: took.total_seconds() if took is not None else None for name, took in found.items()}


def _standing(standing: StandingFacts) -> dict[str, Any]:
    return {
        "since": _moment(standing.since),
        "window_seconds": standing.window.total_seconds(),
        "figures": [
            {"name": each.name, "now": _number(each.now), "before": _number(each.before), "peak": _number(each.peak)}
            for each in standing.figures
        ],
        "done": [_done(each) for each in standing.done],
        "notes": [_done(each) for each in standing.notes],
        "groups": [_group(each) for each in standing.groups],
        "next_at": _maybe(standing.next_at),
    }


def _done(done: DoneFacts) -> dict[str, Any]:
    said = {"who": done.who, "about": done.about, "note": done.note}
    return {"at": _moment(done.at), "what": done.what} | {name: one_line(each, _LINE) or None for name, each in said.items()}


def _group(group: GroupFacts) -> dict[str, Any]:
    return {"name": one_line(group.name, _LINE), "told": _maybe(group.told), "due": _maybe(group.due)}


def _maybe(at: datetime | None) -> str | None:
    return _moment(at) if at is not None else None


def _statement(statement: StatementFacts) -> dict[str, Any]:
    expired = statement.expired.isoformat() if statement.expired else None
    return {"id": statement.id, "text": clean(statement.text, 20_000), "approved": statement.approved, "expired": expired}


def _step(step: PlanStepFacts) -> dict[str, Any]:
    return {
        "id": step.id,
        "phase": step.phase,
        "action": step.action,
        "title": one_line(step.title, _LINE),
        "state": step.state,
        "automatic": step.automatic,
        "owner": one_line(step.owner, _LINE) or None,
        "items": [one_line(item, _LINE) for item in step.items],
        "text": clean(step.text, 20_000) or None,
        "words": {language: clean(words, 20_000) for language, words in step.words.items()},
        "fingerprint": step.fingerprint or None,
        "approved": step.approved,
        "expired": step.expired.isoformat() if step.expired else None,
        "deadline": _moment(step.deadline) if step.deadline else None,
        "late": step.late,
        "checked": list(step.checked),
        "note": one_line(step.note, _LINE) or None,
    }


def _moment(at: datetime) -> str:
    """RFC 3339, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
