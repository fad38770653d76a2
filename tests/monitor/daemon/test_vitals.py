"""When the watchdog is fed, and when the heartbeat may beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from monitor.telemetry import systemd
from monitor.vitals import VITAL, Vitals


class Crew:
    """Workers, as far as vitals look at them."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.long_failing: set[str] = set()
        self.failing: list[str] = []
        self.never_ending: list[str] = []

    def hopeless(self, name: str, after: timedelta) -> bool:
        return name in self.long_failing

    def in_trouble(self) -> Sequence[str]:
        return self.failing

    def stuck(self) -> Sequence[str]:
        return self.never_ending


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each ping."""
    pings: list[bool] = []
    monkeypatch.setattr(systemd, "watchdog", lambda: pings.append(True))
    return pings


def vitals(crew: Crew, *, begins: bool, served: bool = True) -> Vitals:
    """Vitals of a crew beside a store that a new process could open, or not."""

    async def could_begin() -> bool:
        return begins

    return Vitals(crew, could_begin, served=served)  # type: ignore[arg-type]


async def feeds(looked_at: Vitals, fed: list[bool], times: int) -> list[bool]:
    """Whether each of some pulses pinged."""
    pinged = []
    for _ in range(times):
        before = len(fed)
        await looked_at.feed()
        pinged.append(len(fed) > before)
    return pinged


@pytest.mark.parametrize("worker", VITAL)
async def test_a_vital_worker_that_fails_for_long_starves_it_when_a_restart_would_help(fed: list[bool], worker: str) -> None:
    """Once it is known that a new process could begin; one line when it starts and one when it ends."""
    crew = Crew()
    looked_at = vitals(crew, begins=True)
    with capture_logs() as said:
        assert await feeds(looked_at, fed, 2) == [True, True]
        crew.long_failing = {worker}
        assert await feeds(looked_at, fed, 4) == [True, False, False, False]
        crew.long_failing = set()
        assert await feeds(looked_at, fed, 2) == [True, True]
    assert [each["event"] for each in said] == ["watchdog.not_fed", "watchdog.fed_again"]
    assert said[0]["failing"] == [worker]


@pytest.mark.parametrize("worker", VITAL)
async def test_while_no_new_process_could_begin_it_is_fed(fed: list[bool], worker: str) -> None:
    """A store that is away is no reason for a restart, however long that lasts: systemd would give up after five."""
    crew = Crew()
    crew.long_failing, crew.never_ending = {worker}, [worker]
    assert await feeds(vitals(crew, begins=False), fed, 5) == [True] * 5


async def test_a_source_that_fails_for_long_is_no_reason_for_a_restart(fed: list[bool]) -> None:
    """It raises an alert instead."""
    crew = Crew()
    crew.long_failing = {"source news"}
    assert await feeds(vitals(crew, begins=True), fed, 3) == [True] * 3


@pytest.mark.parametrize("served", [True, False])
async def test_a_step_that_never_ends_starves_it(fed: list[bool], served: bool) -> None:
    """Whoever's step it is. Beside a file nobody tries to open it first: what is stuck may hold its lock."""
    crew = Crew()
    crew.never_ending = ["source news"]
    assert await feeds(vitals(crew, begins=served, served=served), fed, 3) == [True, False, False]


async def test_progress_is_that_every_vital_worker_ended_an_attempt() -> None:
    """Since it was last asked; not while one of them is in trouble, or anybody is stuck."""
    crew = Crew()
    looked_at = vitals(crew, begins=True)
    assert not looked_at.progress()
    crew.ended.update(VITAL)
    assert looked_at.progress()
    crew.ended[VITAL[0]] += 1
    assert not looked_at.progress(), "the other has done nothing since"
    crew.ended.update(VITAL)
    crew.failing = ["source news"]
    assert looked_at.progress(), "a source may fail"
    for name, value in (("failing", [VITAL[1]]), ("never_ending", ["source news"])):
        crew.ended.update(VITAL)
        setattr(crew, name, value)
        assert not looked_at.progress()
        setattr(crew, name, [])
