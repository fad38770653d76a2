"""What the page of Tocsin's own health shows of messages and of the configuration: pure, from what the store says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.domain.alert import DeliveryRecord, DeliveryState, ReceiverState
from monitor.settings import Settings
from monitor.web.desk import Desk

_MOST: Final = 12  # failures that are shown


@dataclass(frozen=True, slots=True)
class Receiver:
    """One receiver of the configuration. `condition`: well, failing (several in a row), stopped, never."""

    name: str
    kind: str
    condition: str
    waiting: int
    failures: int
    arrived_at: datetime | None
    failed_at: datetime | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Configuration:
    """By what Tocsin goes. `observed_until`: until then nothing rings; None: it does."""

    since: datetime
    counts: Mapping[str, int]
    store: str
    kept: Mapping[str, timedelta]
    observed_until: datetime | None
    timezone: str
    language: str


def receivers(settings: Settings, states: Sequence[ReceiverState], pending: Mapping[str, int]) -> list[Receiver]:
    """In the order of the configuration."""
    known = {state.receiver: state for state in states}
    return [
        _receiver(name, each.kind, known.get(name, ReceiverState(name)), pending.get(name, 0))
        for name, each in settings.receivers.items()
    ]


def _receiver(name: str, kind: str, state: ReceiverState, waiting: int) -> Receiver:
    if state.disabled_at is not None:
        condition = "stopped"
    elif state.failures:
        condition = "failing"
    else:
        condition = "well" if state.last_success_at is not None else "never"
    return Receiver(
        name, kind, condition, waiting, state.failures, state.last_success_at, state.last_failure_at, state.disabled_reason
    )


def failed(newest: Sequence[DeliveryRecord]) -> list[DeliveryRecord]:
    """Of the newest messages those that did not arrive, or not yet, because something went wrong."""
    return [each for each in newest if each.reason and each.state != DeliveryState.DELIVERED][:_MOST]


def configuration(desk: Desk) -> Configuration:
    """What is in force."""
    settings = desk.settings
    holds = settings.observing.holds(desk.now(), settings.timezone)
    return Configuration(
        since=desk.since,
        counts={
            "subjects": len(settings.subjects),
            "sources": sum(each.enabled for each in settings.sources.values()),
            "rules": len(settings.rules),
            "plans": len(settings.plans),
            "receivers": len(settings.receivers),
            "people": len(settings.contacts.people),
        },
        store=settings.storage.place,
        kept=settings.storage.retention.periods(),
        observed_until=settings.observing.ends(settings.timezone) if holds else None,
        timezone=settings.timezone,
        language=settings.language,
    )
