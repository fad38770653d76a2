"""Finds the words that an alert brings with it: beside the loop, once for all its messages, and none when that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from monitor.domain.alert import SEVERITIES, Alert, AlertEvent
from monitor.domain.mention import Utterance
from monitor.sentiment.terms import READ, emerging
from monitor.storage import Store
from monitor.telemetry import metrics

log = structlog.get_logger(__name__)

NOW: Final = 300  # texts, the newest, among which new words are looked for
USUALLY: Final = 1_000  # texts with which they are compared
_USUAL: Final = timedelta(days=7)
_KEPT: Final = 100  # answers that are remembered

_State = tuple[int, datetime]  # an alert, and when it last saw something: until then the answer stays the same

_TALK = ("window", "sentiment_drop")  # kinds whose alerts are about what many people say


class NewWords:
    """Remembers what it found: an alert is told to several receivers, and to each perhaps more than once."""

    def __init__(self) -> None:
        self._known: dict[_State, tuple[str, ...]] = {}
        self._one_at_a_time = asyncio.Lock()  # whoever asks for the same meanwhile finds it known

    async def of(self, store: Store, alert: Alert) -> tuple[str, ...]:
        """What far more people say about the subject than in the week before, since the alert's window began."""
        state = (alert.id, alert.last_seen_at)
        async with self._one_at_a_time:
            if state not in self._known:
                self._known[state] = await _found(alert, *await _texts(store, alert))
                if len(self._known) > _KEPT:
                    del self._known[next(iter(self._known))]
            return self._known[state]


def gravest(alerts: Sequence[tuple[AlertEvent, Alert]]) -> Alert | None:
    """The alert whose words are told: of those that watch a subject for a time, the gravest."""
    windows = [(event, alert) for event, alert in alerts if alert.kind in _TALK and alert.window and "subject" in alert.labels]
    return max(windows, key=lambda each: SEVERITIES.index(each[0].severity))[1] if windows else None


async def _texts(store: Store, alert: Alert) -> tuple[list[Utterance], list[Utterance]]:
    """What is said now, and what was said in the week before. The transaction ends here: to compare them takes long."""
    begun = alert.fired_at - (alert.window or timedelta())
    until = alert.last_seen_at + timedelta(microseconds=1)
    subject = alert.labels["subject"]
    async with store.read() as tx:
        now = await tx.mentions.said(subject, begun, until, NOW, characters=READ)
        return now, await tx.mentions.said(subject, begun - _USUAL, begun, USUALLY, characters=READ)


async def _found(alert: Alert, now: Sequence[Utterance], usually: Sequence[Utterance]) -> tuple[str, ...]:
    try:
        return tuple(await asyncio.to_thread(emerging, now, usually))
    except Exception:  # a message without new words tells what matters
        log.exception("compose.no_new_words", alert=alert.id)
        metrics.worker_failures.labels(worker="compose").inc()
        return ()
