"""Which incident a finding belongs to: what happens to a subject as a whole shares one, a customer's thread has its own."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from monitor.domain.alert import OBSERVED, PERSONAL, Alert, Incident, fingerprint
from monitor.domain.plan import PlanRun, RunState
from monitor.storage import UnitOfWork
from rules import Finding

HowObserved = Literal["rule", "all"]
"""Why nobody is told: its rule is only tried, or everything is."""


_ROOMS: Final = (RunState.AWAITING_CONFIRMATION, RunState.RUNNING)
_OBSERVED: Final = (RunState.OBSERVING,)


async def incident_of(
    tx: UnitOfWork, finding: Finding, now: datetime, *, observed: HowObserved | None, former: int | None
) -> tuple[Incident, bool]:
    """The incident a finding belongs to, and whether it was there before. `former` is that of the same trouble not long ago.

    What happens to a subject as a whole (windows) shares one incident. A single complaint joins it while it is open;
    otherwise it is an incident of its own, so that one customer's thread never mixes with another's. What nobody is told of joins
    nothing that rings, and makes nothing worse: a rule that is tried has incidents of its own, and while everything is observed
    they are as they would be.
    """
    shared = shared_key(finding.subject) if finding.subject else None
    own = f"alert:{fingerprint(finding.rule, finding.key)}"
    if observed == "rule":
        return await tx.incidents.open(subject=finding.subject, open_key=_observed(own), severity="info", at=now), False
    if observed == "all":
        key = _observed(own if finding.kind in PERSONAL or shared is None else shared)
        found = (await tx.incidents.open_by_key(_observed(shared)) if shared else None) or await tx.incidents.open_by_key(key)
        if found is not None:
            return found, True
        return await tx.incidents.open(subject=finding.subject, open_key=key, severity="info", at=now), False
    key = own if finding.kind in PERSONAL or shared is None else shared
    incident = await tx.incidents.open_by_key(shared) if shared else None
    incident = incident or await tx.incidents.open_by_key(key)
    if incident is None and former is not None and await _returns(tx, finding, former):
        incident = await tx.incidents.reopen(former, open_key=key)
    if incident is not None:
        return incident, True
    return await tx.incidents.open(subject=finding.subject, open_key=key, severity=finding.severity, at=now), False


async def begins_to_ring(tx: UnitOfWork, alert: Alert) -> int:
    """What was only observed is told: the incident that it belongs to from now on.

    That is the one that is open about its subject, if one rings already; else its own is the one that others join.
    """
    name = await tx.incidents.open_key(alert.incident_id)
    if name is not None and not name.startswith(_observed("")):
        return alert.incident_id  # it has begun to ring before
    own, subject = f"alert:{alert.fingerprint}", alert.labels.get("subject")
    shared = shared_key(subject) if subject else None
    rings = await tx.incidents.open_by_key(shared) if shared else None
    if rings is not None:
        return rings.id
    if shared:
        await tx.incidents.rename(alert.incident_id, _observed(shared), shared)
    await tx.incidents.rename(alert.incident_id, _observed(own), own if alert.personal or shared is None else shared)
    return alert.incident_id


def _observed(key: str) -> str:
    return f"{OBSERVED}:{key}"


def shared_key(subject: str) -> str:
    """What an incident is called, while it is open, that is about a subject as a whole."""
    return f"subject:{subject}"


async def room_about(
    tx: UnitOfWork, plan: str, subject: str, *, personal: bool, observed: bool = False
) -> tuple[PlanRun | None, bool]:
    """The run of a plan that is open about a subject, and whether it goes on as that of what rings now.

    It does when nothing rings for it any more, or single mentions alone, and now the crowd (not `personal`): one crisis, one
    room. A run that somebody has called over is another crisis. `observed`: of the runs that are only observed.
    """
    run = await tx.plans.open_about(plan, subject, _OBSERVED if observed else _ROOMS)
    if run is None:
        return None, False
    incident = await tx.incidents.get(run.incident_id)
    rings = incident is not None and incident.resolved_at is None
    return run, not rings or not (personal or await tx.alerts.beyond_complaints(run.incident_id))


async def _returns(tx: UnitOfWork, finding: Finding, former: int) -> bool:
    """Whether a finding opens its former incident again.

    A complaint that had joined a crisis is no reason to. And where the room of its plan is open elsewhere by now, that goes on.
    """
    personal = finding.kind in PERSONAL
    if personal and await tx.alerts.beyond_complaints(former):
        return False
    if finding.plan is None or finding.subject is None:
        return True
    room, goes_on = await room_about(tx, finding.plan, finding.subject, personal=personal)
    return room is None or room.incident_id == former or not goes_on
