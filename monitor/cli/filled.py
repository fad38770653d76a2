"""Fills the places of a run's words as messages do, so that what is printed is what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.cli.context import clock

if TYPE_CHECKING:
    from monitor.domain.plan import PlanRun
    from monitor.pipeline.places import Fill
    from monitor.settings import Outline
    from monitor.storage import UnitOfWork


async def filling(tx: UnitOfWork, run: PlanRun, settings: Outline) -> Fill:
    """What fills them now. Raises `UnreadableRunError`."""
    from monitor.pipeline.compose import called
    from monitor.pipeline.places import places_of

    incident = await tx.incidents.get(run.incident_id)
    subject = incident.subject if incident is not None else None
    known = settings.subjects.get(subject or "")
    return await places_of(
        tx,
        run,
        clock.now(),
        brand=settings.brand,
        subject=known.names[0] if known is not None else subject,
        people=called(settings.contacts),
        zone=settings.timezone,
    )
