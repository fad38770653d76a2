"""`tocsin status`: how everything is, in one look, for people and for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor.cli.app import RINGS, app
from monitor.cli.context import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigDir,
    clock,
    local,
    opened,
    out,
    plural,
    row,
    run,
    said,
    say,
    show_json,
    table,
)
from monitor.domain.alert import AlertState
from monitor.domain.source import MAIL_REPLIES, SourceState

if TYPE_CHECKING:
    from monitor.domain.plan import PlanRun
    from monitor.settings import Outline
    from monitor.storage import UnitOfWork

_MANY = 10_000


@dataclass(frozen=True)
class _State:
    """What the store says of all that is configured."""

    sources: list[SourceState]
    mailbox: SourceState | None  # the one with answers to e-mails; None: there is none
    open_alerts: int
    pending: Mapping[str, int]
    disabled: Mapping[str, str]
    mentions: int
    behind: int
    runs: list[PlanRun]
    store: str
    holds: int
    erasures_waiting: int
    kept_for: Mapping[str, timedelta]

    @classmethod
    async def read(cls, tx: UnitOfWork, settings: Outline) -> _State:
        known = {each.source: each for each in await tx.sources.all()}
        disabled = await tx.receivers.disabled()
        return cls(
            sources=[known.get(name, SourceState(name)) for name in settings.sources],
            mailbox=known.get(MAIL_REPLIES, SourceState(MAIL_REPLIES)) if settings.replies else None,
            open_alerts=len(await tx.alerts.list(state=AlertState.OPEN, limit=_MANY)),
            pending=await tx.deliveries.pending(),
            disabled={name: why for name, why in disabled.items() if name in settings.receivers},
            mentions=await tx.mentions.count(),
            behind=await tx.mentions.behind(await tx.evaluator.offset()),
            runs=await tx.plans.open_runs(),
            store=settings.storage.place,
            holds=len(await tx.holds.all()),
            erasures_waiting=await tx.erasures.waiting(),
            kept_for=settings.storage.retention.periods(),
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "store": self.store,
            "mentions": {"stored": self.mentions, "not_judged": self.behind},
            "sources": [asdict(each) for each in self.sources],
            "mailbox": asdict(self.mailbox) if self.mailbox else None,
            "alerts": {"open": self.open_alerts},
            "deliveries": {"pending": self.pending, "disabled": self.disabled},
            "retention": {name: period.total_seconds() for name, period in self.kept_for.items()},
            "legal_holds": {"in_force": self.holds, "erasures_waiting": self.erasures_waiting},
            "plan_runs": [{"id": each.id, "plan": each.plan, "state": each.state} for each in self.runs],
        }


@app.command(rich_help_panel=RINGS)
def status(config: ConfigDir = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say how everything is: sources, alerts, messages owed, plans."""

    async def work() -> None:
        async with opened(config) as (settings, store):
            async with store.read() as tx:
                state = await _State.read(tx, settings)
            if as_json:
                show_json(state.as_json() | {"observed_until": _observed_until(settings)})
            else:
                _show(state, settings)

    run(work)


def _show(state: _State, settings: Outline) -> None:
    if (ends := _observed_until(settings)) is not None:
        say(f"Everything is only observed until {local(ends, settings)}: nothing rings but exempt rules.", style="yellow")
        say("What would have rung: tocsin observed.")
        say("")
    if state.sources:
        rows = table("source", "state", "last answer", "detail")
        for each in state.sources:
            row(rows, each.source, _health(each, settings), local(each.last_success_at, settings), each.detail or "")
        out.print(rows)
        say("")
    if state.mailbox is not None:
        say(
            "Answers to e-mails: ",
            _read(state.mailbox, settings),
            f": {said(state.mailbox.detail)}." if state.mailbox.detail else ".",
        )
    say(f"{plural(state.mentions, 'mention')} stored, {state.behind} not judged yet.")
    say(f"{plural(state.open_alerts, 'alert')} open: tocsin alerts. {plural(len(state.runs), 'plan')} open: tocsin plan list.")
    say(f"Store: {state.store}")
    say(f"Kept for: {', '.join(f'{name} {_days(period)}' for name, period in state.kept_for.items())}.")
    if state.holds:
        say(f"{plural(state.holds, 'legal hold')}, {plural(state.erasures_waiting, 'erasure')} waiting: tocsin hold list.")
    say(f"Messages owed: {', '.join(f'{name} {count}' for name, count in state.pending.items()) or 'none'}.")
    for name, why in state.disabled.items():
        say((f"{name} is disabled", "red"), f": {said(why)}. It is tried again when its settings change.")


def _observed_until(settings: Outline) -> datetime | None:
    """Until when nothing rings; None: it does."""
    holds = settings.observing.holds(clock.now(), settings.timezone)
    return settings.observing.ends(settings.timezone) if holds else None


def _days(period: timedelta) -> str:
    """In days, as the law counts; what is shorter as it is written."""
    from rules.duration import format_duration

    return plural(period.days, "day") if period >= timedelta(days=1) else format_duration(period)


def _read(state: SourceState, settings: Outline) -> tuple[str, str]:
    """How the mailbox with answers stands."""
    if state.trouble is not None:
        return f"not read ({state.trouble})", "red" if state.stopped else "yellow"
    return (f"read {local(state.last_success_at, settings)}", "green") if state.last_success_at else ("not read yet", "dim")


def _health(state: SourceState, settings: Outline) -> tuple[str, str]:
    if not settings.sources[state.source]:
        return "not asked (enabled: false)", "dim"
    if state.stopped:
        return "stopped", "red"
    if state.trouble is not None:
        return state.trouble, "yellow"
    return ("well", "green") if state.last_success_at else ("not asked yet", "dim")
