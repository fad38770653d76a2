"""Reads what a room shows of a run, in one look at the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, get_args

from monitor.console import naming, telling
from monitor.console.room.course import Bar, course
from monitor.domain.alert import Alert
from monitor.domain.mention import Observed
from monitor.domain.plan import PlanRun, TimelineEvent
from monitor.pipeline.compose import called, plan_facts
from monitor.pipeline.places import places_of
from monitor.pipeline.standing import standing_of, with_standing
from monitor.plans import Why
from monitor.storage import UnitOfWork
from monitor.web.desk import Desk
from notifiers.message import Language, Message, StandingFacts
from notifiers.reader import Reader

_LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
_POSTS: Final = 5


@dataclass(frozen=True, slots=True)
class Material:
    """`told` is what a message would say of the run now, `report` the situation report."""

    run: PlanRun
    subject: str | None
    alerts: Sequence[Alert]
    story: Sequence[TimelineEvent]
    told: Message
    report: Message
    standing: StandingFacts
    bars: Sequence[Bar]
    posts: Sequence[Observed]


async def gather(tx: UnitOfWork, desk: Desk, run: PlanRun, reader: Reader) -> Material:
    """All of it. Raises `UnreadableRunError`."""
    now, people, language = desk.now(), called(desk.settings.contacts), reader.language
    incident = await tx.incidents.get(run.incident_id)
    subject = incident.subject if incident is not None else None
    display = naming.subject(desk, subject) or subject
    fill = await places_of(tx, run, now, brand=desk.settings.brand, subject=display, people=people, zone=reader.zone)
    known = {each: fill(language=each, now=now) for each in _LANGUAGES}
    facts = plan_facts(run, language, None, people, known=known, day=now.date())
    why = Why.HANDOVER
    standing = await standing_of(tx, run, now, language=language, people=people, why=why, step=None, handed_over=False)
    assert standing is not None, "a handover has one"
    handed = with_standing(replace(facts, why=why), run, standing, language, partial(fill, language=language))
    alerts = await tx.alerts.of_incident(run.incident_id)
    return Material(
        run,
        subject,
        alerts,
        await tx.timeline.of_incident(run.incident_id),
        telling.message(desk, reader, alerts if run.open else (), subject=subject, plan=facts),
        telling.message(desk, reader, (), subject=subject, plan=handed, kind="step"),
        standing,
        await course(tx, subject, now),
        await tx.alerts.evidence([each.id for each in alerts], _POSTS) if alerts else [],
    )
