"""A source that answers, and brings nothing although by its own habit it should, raises an alert: once, until it brings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.domain.alert import Alert, Silence
from monitor.domain.source import SourceState
from monitor.pipeline.alerting import Alerting
from monitor.pipeline.habits import Habits, Quiet
from monitor.pipeline.health import about_ourselves, is_asked
from monitor.pipeline.open_alerts import OpenAlerts
from monitor.settings import Settings
from monitor.storage import UnitOfWork
from rules import Finding

KIND = "source_quiet"
RULE = "source-quiet"


async def look(
    tx: UnitOfWork,
    alerting: Alerting,
    rings: OpenAlerts,
    settings: Settings,
    habits: Habits,
    now: datetime,
    silences: Sequence[Silence] = (),
) -> None:
    """Raise what is against the habit of a source, and resolve it when the source brings something again."""
    states = {state.source: state for state in await tx.sources.all() if _is_watched(settings, state.source)}
    known = {alert.key["source"]: alert for alert in rings.of_kind(KIND)}
    for source, alert in known.items():
        over = _why_over(alert, states.get(source), settings)
        if over is not None:
            await alerting.resolve(tx, rings, alert, now, over, tell=True)
    for source in states.keys() - known.keys():
        silence = await habits.quiet(tx, states[source], now)
        if silence is not None and silence.surprise >= settings.sources[source].quiet_surprise:
            await alerting.raise_(tx, rings, _finding(states[source], silence, now), now, silences)


def _is_watched(settings: Settings, source: str) -> bool:
    return is_asked(settings, source) and settings.sources[source].notice_quiet


def _why_over(alert: Alert, state: SourceState | None, settings: Settings) -> str | None:
    """Why an alert ends; None while the source brings nothing, however long that has become usual."""
    if state is None:
        return "nobody asks for it any more" if is_asked(settings, alert.key["source"]) else "it is no longer asked"
    return "it brings something again" if _brought(state) != alert.labels.get("last_brought") else None


def _brought(state: SourceState) -> str:
    return state.brought_at.isoformat(timespec="seconds") if state.brought_at else "never"


def _finding(state: SourceState, silence: Quiet, now: datetime) -> Finding:
    weeks = ", ".join(map(str, silence.before))
    return about_ourselves(
        rule=RULE,
        kind=KIND,
        key={"source": state.source},
        labels={"source": state.source, "last_brought": _brought(state)},
        at=now,
        severity="warning",
        observed=0.0,
        expected=silence.expected,
        measure="mentions",
        window=timedelta(hours=silence.hours),
        reason=f"{state.source} answers, and has brought nothing since {_brought(state)}, in {silence.hours} hours in which it"
        f" answered; in the same hours of the weeks before it brought {weeks} (the latest week first)",
    )
