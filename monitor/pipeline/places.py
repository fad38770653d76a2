"""What fills the places in a plan's words: `{{brand}}`, `{{next_update}}` …, as they are when somebody reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from monitor.domain.plan import Language, Plan, PlanRun, localized, places
from monitor.pipeline.figures import figures_of
from monitor.storage import UnitOfWork
from rules.figures import Figures

_QUARTER = timedelta(minutes=15)
_UPDATE = timedelta(hours=1)
_COUNTED = frozenset({"mentions", "authors"})


Fill = Callable[..., Mapping[str, str]]
"""What each place says, of a `language` and a moment (`now`)."""


async def figures_for_words(tx: UnitOfWork, run: PlanRun, now: datetime) -> Figures:
    """The figures that the words of a run name; none are looked up that they do not."""
    return await figures_of(tx, run, run.definition.window, now) if _COUNTED & {*_named(run.definition)} else Figures()


async def places_of(
    tx: UnitOfWork, run: PlanRun, now: datetime, *, brand: str, subject: str | None, people: Mapping[str, str], zone: str
) -> Fill:
    """What fills the places of a run's words, given a `language` and a moment (`now`): the same wherever they are shown."""
    lead = people.get(run.lead, run.lead) if run.lead is not None else ""
    figures = await figures_for_words(tx, run, now)
    return partial(known_places, run, figures, brand=brand, subject=subject, lead=lead, zone=zone)


def known_places(
    run: PlanRun, figures: Figures, *, brand: str, subject: str | None, lead: str, language: Language, zone: str, now: datetime
) -> Mapping[str, str]:
    """What each place says (`monitor.domain.plan.PLACES`), by the clock of `zone`; one of which nothing is known is left out."""
    level = run.definition.level(run.level)
    clock = ZoneInfo(zone)
    found = {
        "brand": brand,
        "subject": subject or brand,
        "level": localized(level.name, language) if level is not None else "",
        "since": _shown(run.opened_at, clock, language),
        "now": _shown(now, clock, language),
        "next_update": _shown(_next_quarter(now + _UPDATE), clock, language),
        "mentions": "" if figures.mentions is None else str(figures.mentions),
        "authors": "" if figures.authors is None else str(figures.authors),
        "lead": lead,
    }
    return {place: said for place, said in found.items() if said}


def _named(plan: Plan) -> list[str]:
    texts = [text for statement in plan.statements for text in statement.text.values()]
    return [place for text in texts for place in places(text)]


def _next_quarter(moment: datetime) -> datetime:
    """To the next quarter of an hour: nobody promises news at 14:07."""
    start = moment.replace(minute=0, second=0, microsecond=0)
    return start - (start - moment) // _QUARTER * _QUARTER


def _shown(moment: datetime, clock: ZoneInfo, language: str) -> str:
    local = moment.astimezone(clock)
    return f"{local:%H} h {local:%M}" if language == "fr" else f"{local:%H:%M}"
