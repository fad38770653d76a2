"""The daemon in trouble: what fails inside is told outside, and what passes is outlived."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from monitor import daemon as module
from monitor import workers
from monitor.domain.clock import ManualClock, SystemClock
from monitor.pipeline.evaluate import Evaluator
from monitor.telemetry import systemd

Folder = Any
Start = Any
Patiently = Callable[..., Awaitable[Any]]


async def test_what_cannot_be_judged_does_not_keep_health_alerts_from_ringing(folder: Folder) -> None:
    """When judging fails the look at the clock happens all the same, as often as it is due; the failure is not hidden."""
    looked: list[str] = []

    class Evaluate:
        async def step(self) -> int:
            raise ZeroDivisionError

        async def tick_behind(self) -> None:
            looked.append("at our own health alone")

    folder.write()
    stages = SimpleNamespace(evaluate=Evaluate())
    shift = module._Shift(folder.settings(), Any, ManualClock(SystemClock().now()), stages)  # type: ignore[arg-type]
    shift._ask_for_tick()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await shift._judge()
    assert looked == ["at our own health alone"]


async def test_an_evaluator_that_always_fails_is_told_to_everybody(
    folder: Folder, at_work: Start, patiently: Patiently, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoints are not ready, and systemd's watchdog is fed no more once it has lasted."""
    fed: list[bool] = []
    monkeypatch.setattr(module, "PULSE", timedelta(seconds=0.02))
    monkeypatch.setattr(module, "HOPELESS", timedelta(seconds=0.2))
    monkeypatch.setattr(workers, "AFTER_A_BUG", 0.01)
    monkeypatch.setattr(systemd, "watchdog", lambda: fed.append(True))

    async def poisoned(_: Evaluator) -> int:
        raise ZeroDivisionError

    folder.write()
    async with at_work() as daemon, aiohttp.ClientSession(daemon.address) as client:
        await patiently(lambda: ready(client), "it works")
        monkeypatch.setattr(Evaluator, "step", poisoned)

        async def says_so() -> bool:
            async with client.get("/-/ready") as answer:
                return answer.status == 503 and "`evaluate`" in await answer.text()

        await patiently(says_so, "the evaluator is named")

        async def starved() -> bool:
            before = len(fed)
            await asyncio.sleep(0.2)
            return len(fed) == before

        await patiently(starved, "the watchdog is not fed")
        monkeypatch.undo()
        await patiently(lambda: ready(client), "it works again")


async def ready(client: aiohttp.ClientSession) -> bool:
    """Whether the daemon says that it is."""
    async with client.get("/-/ready") as answer:
        return answer.status == 200
