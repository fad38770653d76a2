"""How every source stands, as data: what `tocsin sources` shows, what the metrics say, and whatever else will ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from monitor.domain.clock import Clock
from monitor.domain.source import SourceState
from monitor.pipeline import quiet_sources
from monitor.sources import SourceSettings
from monitor.sources.budget import Purse
from monitor.storage import UnitOfWork

DAY = timedelta(days=1)

Condition = Literal["well", "quiet", "resting", "failing", "stopped", "never", "off"]
"""`quiet`: it answers, and brings nothing although it should; `resting`: its network asked for it, and all is well; `never`:
it was not asked yet; `off`: `enabled: false`."""


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Of the polls of the last day how many failed, and which share of them may."""

    polls: int
    failed: int
    allowed: float

    @property
    def left(self) -> float | None:
        """What is left of it: 1 untouched, 0 used up, less than 0 overspent. None: nobody asked."""
        return 1 - self.failed / (self.allowed * self.polls) if self.polls else None


@dataclass(frozen=True, slots=True)
class Quota:
    """What may be spent in a period of the calendar, and what is left of it. `counts` is empty where calls alone are counted."""

    per: str
    counts: str
    amount: float
    left: float


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """How one source stands. Times are aware and in UTC.

    `networks` is empty where its records name theirs. All it said before `watermark` has been seen; `lag` is how long ago that
    is. `next_poll`: when its schedule, or its rest, lets it be asked again; None: it is not, or when the daemon is started.
    """

    name: str
    kind: str
    networks: tuple[str, ...]
    condition: Condition
    trouble: str | None
    detail: str | None
    failures: int
    answered_at: datetime | None
    brought_at: datetime | None
    watermark: datetime | None
    lag: timedelta | None
    errors: ErrorBudget
    next_poll: datetime | None
    quotas: tuple[Quota, ...]


async def standings(tx: UnitOfWork, sources: Mapping[str, SourceSettings], clock: Clock) -> list[SourceStanding]:
    """How the configured sources stand now, in the order of the configuration."""
    states = {state.source: state for state in await tx.sources.all()}
    polled = await tx.sources.polled(clock.now() - DAY)
    quiet = {alert.key["source"] for alert in await tx.alerts.open_alerts(kind=quiet_sources.KIND)}
    return [
        standing(states.get(name, SourceState(name)), settings, clock, polled.get(name, (0, 0)), quiet=name in quiet)
        for name, settings in sources.items()
    ]


def standing(
    state: SourceState, settings: SourceSettings, clock: Clock, polled: tuple[int, int] = (0, 0), *, quiet: bool = False
) -> SourceStanding:
    """How one source stands; `polled`: how many polls the last day had, and how many of them failed; `quiet`: that rings."""
    now = clock.now()
    condition = _condition(state, settings, now, quiet=quiet)
    return SourceStanding(
        name=state.source,
        kind=settings.kind,
        networks=tuple(sorted(settings.networks() or ())),
        condition=condition,
        trouble=state.trouble,
        detail=state.detail,
        failures=state.failures,
        answered_at=state.last_success_at,
        brought_at=state.brought_at,
        watermark=state.watermark,
        lag=max(now - state.watermark, timedelta(0)) if state.watermark else None,
        errors=ErrorBudget(*polled, settings.error_budget),
        next_poll=_next_poll(state, settings) if condition not in {"off", "stopped", "never"} else None,
        quotas=_quotas(state, settings, clock),
    )


def _condition(state: SourceState, settings: SourceSettings, now: datetime, *, quiet: bool) -> Condition:
    if not settings.enabled:
        return "off"
    if state.stopped:
        return "stopped"
    if state.trouble is not None:
        return "failing"
    if state.last_success_at is None:
        return "never"
    if quiet:
        return "quiet"
    return "resting" if state.backoff_until is not None and state.backoff_until > now else "well"


def _next_poll(state: SourceState, settings: SourceSettings) -> datetime | None:
    """A source that failed is asked when it has rested, even where its turn comes later."""
    turn = state.last_attempt_at + settings.every if state.last_attempt_at else None
    if turn is None or state.backoff_until is None:
        return turn
    return state.backoff_until if state.trouble else max(turn, state.backoff_until)


def _quotas(state: SourceState, settings: SourceSettings, clock: Clock) -> tuple[Quota, ...]:
    purse = Purse(settings.budgets(), clock)
    purse.restore(state.spent or {})
    return tuple(Quota(budget.per, budget.counts(), budget.amount, left) for budget, left in purse.left())
