"""Days on which things are only observed, for the tests of what becomes of them: the clock begins on 2026-03-02, at 08:00."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from tests.monitor.pipeline.conftest import CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import House

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = {"until": "2026-03-09", "at": "09:00"}
LONG = {"window": "1d"}  # it rings for a day
DAYS = {"until": "2026-03-03", "at": "09:00"}
STORM = CRISIS | LONG | {"plan": "storm"}
PAUSE: dict[str, Any] = {
    "id": "storm",
    "title": {"en": "Storm"},
    "notify": ["room"],
    "activation": {"mode": "automatic"},
    "steps": [
        {"id": "pause", "action": "webhook", "receiver": "queue"},
        {"id": "board", "action": "notify", "receiver": "phone", "every": "2h"},
    ],
}


async def pass_time(home: House, passing: timedelta, step: timedelta = HOUR) -> None:
    """Let time pass, with the account of each day."""
    end = home.clock.now() + passing
    await home.stages.accounts.step()
    while home.clock.now() < end:
        await home.wait(min(step, end - home.clock.now()), step=step)
        await home.stages.accounts.step()
        home.clock.advance_to(home.clock.now() + timedelta(seconds=10))  # by then, what was being judged is known
        await home.act()


async def eve(home: House) -> None:
    """It is four in the morning of the day on which observing ends, at nine."""
    await home.stages.accounts.step()
    await home.wait(20 * HOUR, step=HOUR)


async def open_runs(home: House) -> list[str]:
    """How the runs stand that are open."""
    return [run.state for run in await home.runs() if run.open]


async def by_hand(home: House) -> None:
    """A person opens the plan."""
    plan, zoe = home.settings.plans["storm"], Actor("zoe", "cli")
    await operations.open_plan_by_hand(home.store, plan, "acme", zoe, home.clock.now(), why="they called")
    await home.act()
