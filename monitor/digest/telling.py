"""Puts a digest into its reader's words."""

from __future__ import annotations

from monitor.digest import caucus, report
from monitor.digest.naming import Names
from monitor.digest.paper import Paper
from monitor.digest.tongue import N_
from monitor.digest.value import Digest
from monitor.settings import Settings
from notifiers.reader import Reader
from notifiers.safe import one_line

_TITLES = {"morning": N_("Morning caucus"), "weekly": N_("The week"), "monthly": N_("The month")}


def tell(digest: Digest, settings: Settings, reader: Reader) -> Paper:
    """The same digest reads alike in a mail, in a terminal and in the console."""
    names = Names(settings, reader, digest.until)
    tongue, brand = names.tongue, one_line(settings.brand, 80)
    title = tongue.gettext(_TITLES[digest.kind])
    told = caucus.told(digest, names) if digest.morning is not None else report.told(digest, names)
    period = _period(digest, names)
    return Paper(
        name=digest.name,
        kind=digest.kind,
        day=digest.day.isoformat(),
        reader=reader,
        brand=brand,
        title=title,
        period=period,
        subject=f"{brand} · {told.subject or title + ' · ' + period}",
        headline=told.headline,
        checked=told.checked,
        urgent=told.urgent,
        calm=digest.calm,
        sections=[each for each in told.sections if each.lines or each.table is not None or each.draw is not None],
        footer=tongue.gettext("Times in %(zone)s.", zone=reader.zone),
        console=console_of(settings),
        facts=_facts(digest),
    )


def console_of(settings: Settings) -> str:
    """Where people reach the console from where they read their mail; empty where they cannot."""
    return (settings.web.public_url or "") if settings.console.enabled else ""


def _period(digest: Digest, names: Names) -> str:
    reader, tongue = names.reader, names.tongue
    if digest.kind == "morning":
        since, until = reader.moment(digest.since, digest.until), reader.moment(digest.until, digest.until)
        day = reader.day(digest.day)
        return tongue.gettext("%(day)s, since %(since)s until %(until)s", day=day, since=since, until=until)
    return tongue.gettext("from %(first)s to %(last)s", first=reader.day(digest.first), last=reader.day(digest.last))


def _facts(digest: Digest) -> dict[str, object]:
    """What machines are told: figures as they are, and no words of anybody."""
    review, morning = digest.review, digest.morning
    measured = [each._asdict() | {"met": each.met} for each in review.measured] if review else []
    heat = [each._asdict() for each in morning.heat] if morning else []
    return {
        "name": digest.name,
        "kind": digest.kind,
        "day": digest.day.isoformat(),
        "since": digest.since.isoformat(),
        "until": digest.until.isoformat(),
        "calm": digest.calm,
        "subjects": list(digest.subjects),
        "heard": digest.heard,
        "sources": {"well": digest.well, "all": len(digest.sources), "troubled": [each.name for each in digest.troubled]},
        "alerts": [each.id for each in digest.alerts],
        "runs": [each.id for each in digest.runs],
        "waiting": morning.waiting if morning else None,
        "volume": heat,
        "measured": measured,
    }
