"""Looks, once a second, how late the event loop is: what blocks it for a moment delays every source and receiver."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from monitor.telemetry.metrics import metrics

log = structlog.get_logger(__name__)

EVERY = 1.0  # seconds
WORTH_SAYING = 1.0  # seconds late


async def watch_loop(
    every: float = EVERY,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Runs until cancelled. Measures with the monotonic clock, which no story speeds up."""
    while True:
        before = monotonic()
        await sleep(every)
        late = max(monotonic() - before - every, 0.0)
        metrics.loop_lag.set(late)
        metrics.loop_late.inc(late)
        if late >= WORTH_SAYING:
            log.warning("loop.blocked", seconds=round(late, 2))
