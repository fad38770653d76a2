"""How late the event loop is, told without waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from structlog.testing import capture_logs

from monitor.telemetry import metrics, watch_loop


async def watch(readings: Iterable[float], turns: int) -> None:
    """Runs the watcher for some turns by a clock that is read from a list."""
    left = turns
    times = iter(readings)

    async def sleep(seconds: float) -> None:
        nonlocal left
        assert seconds == 1.0
        if left == 0:
            raise asyncio.CancelledError
        left -= 1

    with pytest.raises(asyncio.CancelledError):
        await watch_loop(1.0, sleep=sleep, monotonic=lambda: next(times))


async def test_a_punctual_loop_is_no_news() -> None:
    """A sleep that ends in time shows no lag, and nothing is said."""
    with capture_logs() as said:
        await watch([0.0, 1.0, 1.0], turns=1)
    assert metrics.registry.get_sample_value("tocsin_loop_lag_seconds") == 0
    assert said == []


async def test_a_blocked_loop_is_told() -> None:
    """A second that took three and a half is two and a half late, in the figures and in the log."""
    with capture_logs() as said:
        await watch([0.0, 3.5, 3.5], turns=1)
    assert metrics.registry.get_sample_value("tocsin_loop_lag_seconds") == 2.5
    assert [(event["log_level"], event["seconds"]) for event in said] == [("warning", 2.5)]
