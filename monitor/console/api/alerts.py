"""Alerts for programs: what rings and rang, and what people do about it."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import Field

from monitor.console.api.endpoint import Asked, Endpoint, Nothing
from monitor.console.api.problems import ProblemError, not_here
from monitor.console.api.silences import Quiet, SilenceRecord, keep_quiet
from monitor.console.api.words import Note, Page, PageQuery, Record, Said, Seconds, cut
from monitor.domain.account import Permission
from monitor.domain.alert import Alert, AlertState, Severity
from monitor.domain.plan import localized
from monitor.pipeline import operations
from monitor.web.desk import Desk
from notifiers.message import Language

_EVIDENCE: Final = 20


class AddresseeRecord(Record):
    """Whom it goes to, and why."""

    name: str
    why: str


class AlertRecord(Record):
    """An alert. `observed` and `expected` are in units of `measure` over `window` (seconds)."""

    id: int
    incident_id: int
    rule: str
    title: str | None = Field(None, description="of its rule, in your language")
    kind: str
    category: str
    severity: Severity
    state: AlertState
    key: dict[str, str]
    labels: dict[str, str]
    fired_at: datetime
    opened_at: datetime
    last_seen_at: datetime
    told_at: datetime | None
    observed: float
    expected: float | None
    measure: str
    window: Seconds | None
    learning: bool
    coverage: float | None
    reasons: list[str]
    occurrences: int
    unscored: int
    copies: int
    plan: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_reason: str | None
    silenced_by: str | None
    goes_to: list[AddresseeRecord]
    evidence: list[int] = Field([], description="of one alert: the mentions behind it, the loudest first, twenty at most")

    @classmethod
    def of(cls, alert: Alert, desk: Desk, language: Language = "en", evidence: list[int] | None = None) -> AlertRecord:
        """With the title of its rule."""
        titles = {rule.id: localized(rule.title, language) for rule in desk.settings.rules if rule.title}
        more = {"title": titles.get(alert.rule), "evidence": evidence or []}
        return cls.model_validate(alert).model_copy(update=more)


class AlertQuery(PageQuery):
    """Which alerts."""

    state: AlertState | None = None


class Taking(Said):
    """What to say with it."""

    note: Note = ""


async def listed(asked: Asked[AlertQuery, Nothing]) -> Page[AlertRecord]:
    """Alerts, the newest first."""
    query = asked.query
    async with asked.desk.store.read() as tx:
        found = await tx.alerts.list(query.state, query.limit + 1, before=query.before)
    return cut([AlertRecord.of(each, asked.desk, asked.visitor.language) for each in found], query.limit)


async def one(asked: Asked[Nothing, Nothing]) -> AlertRecord:
    """One alert, with the mentions behind it."""
    return await _whole(asked)


async def _whole(asked: Asked[Any, Any]) -> AlertRecord:
    alert = await _alert(asked)
    async with asked.desk.store.read() as tx:
        behind = await tx.alerts.evidence([alert.id], _EVIDENCE)
    return AlertRecord.of(alert, asked.desk, asked.visitor.language, [each.id for each in behind])


async def acknowledge(asked: Asked[Nothing, Taking]) -> AlertRecord:
    """« I take it »: reminders stop. 409 when somebody else has taken it, or it is over."""
    await _alert(asked)
    before = await operations.acknowledge(asked.desk.store, asked.number, asked.actor, asked.desk.now(), asked.body.note or None)
    _require_ours(before, asked.visitor.account)
    return await _whole(asked)


def _require_ours(before: Alert, me: str) -> None:
    now = {"acknowledged_by": before.acknowledged_by, "acknowledged_at": _written(before.acknowledged_at)}
    if before.acknowledged_by not in (None, me):
        said = f"{before.acknowledged_by} has acknowledged alert {before.id} at {now['acknowledged_at']}"
        raise ProblemError(HTTPStatus.CONFLICT, said, now=now)
    if before.state is AlertState.RESOLVED and before.acknowledged_by is None:
        resolved = {"resolved_at": _written(before.resolved_at), "resolved_reason": before.resolved_reason}
        raise ProblemError(HTTPStatus.CONFLICT, f"alert {before.id} is over: {before.resolved_reason}", now=now | resolved)


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


async def silence(asked: Asked[Nothing, Quiet]) -> SilenceRecord:
    """Keep this alert, and more of the same, quiet for a while: its rule and what it is about."""
    alert = await _alert(asked)
    return await keep_quiet(asked, {"rule": alert.rule, "key": dict(alert.key)}, asked.body)


async def _alert(asked: Asked[Any, Any]) -> Alert:
    async with asked.desk.store.read() as tx:
        found = await tx.alerts.get(asked.number)
    if found is None:
        raise not_here("alert", asked.number)
    return found


class IncidentRecord(Record):
    """What belongs together: the alerts of one subject's trouble."""

    id: int
    subject: str | None
    severity: Severity
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None


class WholeIncident(IncidentRecord):
    """An incident with what is in it, by number."""

    alerts: list[int]
    runs: list[int]


class IncidentQuery(PageQuery):
    """Which incidents."""

    state: Literal["open"] | None = Field(None, description="`open`: those that go on; without: all")


async def incidents(asked: Asked[IncidentQuery, Nothing]) -> Page[IncidentRecord]:
    """Incidents, the newest first."""
    query = asked.query
    async with asked.desk.store.read() as tx:
        found = await tx.incidents.list(query.state == "open", query.limit + 1, before=query.before)
    return cut([IncidentRecord.model_validate(each) for each in found], query.limit)


async def incident(asked: Asked[Nothing, Nothing]) -> WholeIncident:
    """One incident, with the numbers of its alerts and of its plan runs."""
    async with asked.desk.store.read() as tx:
        found = await tx.incidents.get(asked.number)
        if found is None:
            raise not_here("incident", asked.number)
        alerts = [each.id for each in await tx.alerts.of_incident(found.id)]
        runs = [each.id for each in await tx.plans.of_incident(found.id)]
    plain = IncidentRecord.model_validate(found).model_dump()
    return WholeIncident(**plain, alerts=alerts, runs=runs)


_ONE: Final = "/alerts/{number:[0-9]{1,18}}"

ENDPOINTS: Final = (
    Endpoint("GET", "/alerts", listed, Permission.LOOK),
    Endpoint("GET", _ONE, one, Permission.LOOK),
    Endpoint("POST", f"{_ONE}/acknowledge", acknowledge, Permission.ACKNOWLEDGE),
    Endpoint("POST", f"{_ONE}/silence", silence, Permission.SILENCE, HTTPStatus.CREATED, once=True),
    Endpoint("GET", "/incidents", incidents, Permission.LOOK),
    Endpoint("GET", "/incidents/{number:[0-9]{1,18}}", incident, Permission.LOOK),
)
