"""Workers: each repeats its step while there is work, survives its failures, and all stop together."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from monitor import workers as module
from monitor.telemetry import metrics
from monitor.workers import Workers

SOON = timedelta(seconds=5)


class Job:
    """A step that does what stands in `script`: a number is its result, an exception is raised; then it idles."""

    def __init__(self, *script: int | BaseException) -> None:
        self.script = list(script)
        self.calls = 0
        self.idle = asyncio.Event()

    async def step(self) -> int:
        """The next entry."""
        self.calls += 1
        if not self.script:
            self.idle.set()
            return 0
        said = self.script.pop(0)
        if isinstance(said, BaseException):
            raise said
        return said


async def test_a_worker_goes_on_while_there_is_work() -> None:
    """It repeats without waiting until a step finds nothing to do, then waits for its bell."""
    workers, job = Workers(), Job(1, 1, 1)
    bell = workers.bell()
    workers.repeat("job", job.step, bell)
    await job.idle.wait()
    assert job.calls == 4
    job.idle.clear()
    bell.set()
    await job.idle.wait()
    assert job.calls == 5
    await workers.stop(SOON)


async def test_a_worker_looks_by_itself_now_and_then() -> None:
    """With `idle` it does not need its bell."""
    workers, job = Workers(), Job()
    workers.repeat("job", job.step, workers.bell(), idle=timedelta(milliseconds=1))
    while job.calls < 3:  # noqa: ASYNC110 it is the worker's own clock that is looked at
        await asyncio.sleep(0)
    await workers.stop(SOON)


async def test_a_ring_during_a_step_is_not_lost() -> None:
    """Work that arrives while the step runs is looked at afterwards."""
    workers = Workers()
    bell = workers.bell()
    entered, again = asyncio.Event(), asyncio.Event()
    leave = asyncio.Event()

    async def step() -> int:
        if entered.is_set():
            again.set()
            return 0
        entered.set()
        await leave.wait()
        return 0

    workers.repeat("job", step, bell)
    await entered.wait()
    bell.set()
    leave.set()
    await again.wait()
    await workers.stop(SOON)


async def test_a_worker_survives_its_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails is counted, and tried again after a rest."""
    monkeypatch.setattr(module, "AFTER_A_BUG", 0.001)
    workers, job = Workers(), Job(ZeroDivisionError(), 1)
    workers.repeat("clumsy", job.step, workers.bell())
    await job.idle.wait()
    assert metrics.registry.get_sample_value("tocsin_worker_failures_total", {"worker": "clumsy"}) == 1
    await workers.stop(SOON)


async def test_a_bell_that_rings_all_the_time_does_not_shorten_the_rest() -> None:
    """A step that fails is not repeated as fast as it is rung for: that would fill the disk with tracebacks."""
    workers = Workers()
    bell = workers.bell()
    failed = asyncio.Event()
    calls = 0

    async def fails() -> int:
        nonlocal calls
        calls += 1
        bell.set()
        failed.set()
        raise ZeroDivisionError

    workers.repeat("job", fails, bell)
    await failed.wait()
    for _ in range(100):
        bell.set()
        await asyncio.sleep(0)
    assert calls == 1
    await workers.stop(SOON)


async def test_stopping_lets_each_finish_its_step() -> None:
    """No new step begins, and the one under way is not cut off."""
    workers = Workers()
    entered, leave = asyncio.Event(), asyncio.Event()
    finished = []

    async def step() -> int:
        entered.set()
        await leave.wait()
        finished.append(True)
        return 1

    workers.repeat("job", step, workers.bell())
    await entered.wait()
    stopping = asyncio.ensure_future(workers.stop(SOON))
    await asyncio.sleep(0)
    assert workers.stopping
    leave.set()
    await stopping
    assert finished == [True]


async def test_whoever_takes_too_long_is_cancelled() -> None:
    """`stop` returns in time."""
    workers = Workers()
    cancelled = asyncio.Event()

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    workers.start("hangs", hangs())
    await asyncio.sleep(0)
    await workers.stop(timedelta(milliseconds=1))
    assert cancelled.is_set()


async def test_nobody_to_stop_is_no_trouble() -> None:
    """Stopping an empty group returns at once, and a rest ends with it."""
    workers = Workers()
    await workers.stop(SOON)
    await workers.rest(SOON)


async def test_what_was_started_once_does_not_die_in_silence() -> None:
    """Work that ends with an error is logged and counted."""
    workers = Workers()

    async def dies() -> None:
        raise ZeroDivisionError

    workers.start("mortal", dies())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert metrics.registry.get_sample_value("tocsin_worker_failures_total", {"worker": "mortal"}) == 1
    await workers.stop(SOON)


async def test_what_is_started_while_stopping_is_waited_for() -> None:
    """A worker that hands over its last work just before the end leaves nothing running behind."""
    workers = Workers()
    bell = workers.bell()
    done = []

    async def last() -> None:
        await asyncio.sleep(0)
        done.append(True)

    async def first() -> None:
        await bell.wait()
        workers.start("last", last())

    workers.start("first", first())
    await asyncio.sleep(0)
    await workers.stop(SOON)
    assert done == [True]


async def test_a_worker_that_fails_in_a_row_is_known_until_it_does_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often and since when is kept from the first failure on; one good step ends it. A failure is an attempt that ended."""
    monkeypatch.setattr(module, "AFTER_A_BUG", 0.0)
    now = 100.0
    workers = Workers(monotonic=lambda: now)
    seen: list[tuple[list[str], bool]] = []
    bad, end = 3, asyncio.Event()

    async def step() -> int:
        nonlocal bad, now
        seen.append((list(workers.in_trouble()), workers.hopeless("clumsy", timedelta(seconds=15))))
        now += 10
        if bad:
            bad -= 1
            raise ZeroDivisionError
        end.set()
        return 0

    bell = workers.bell()
    workers.repeat("clumsy", step, bell)
    await end.wait()
    assert [trouble for trouble, _ in seen] == [[], [], [], ["clumsy"]]
    assert [hopeless for _, hopeless in seen] == [False, False, False, True]
    end.clear()
    bell.set()
    await end.wait()
    assert seen[-1] == ([], False)
    assert workers.ended["clumsy"] == 5
    await workers.stop(SOON)


async def test_a_step_that_never_ends_is_stuck() -> None:
    """From its limit on, until it ends after all; how long a worker waits for its bell is no step."""
    now = 100.0
    workers = Workers(monotonic=lambda: now)
    entered, leave = asyncio.Event(), asyncio.Event()

    async def step() -> int:
        entered.set()
        await leave.wait()
        return 0

    workers.repeat("slow", step, workers.bell(), limit=timedelta(seconds=30))
    await entered.wait()
    now += 30
    assert workers.stuck() == []
    now += 1
    assert workers.stuck() == ["slow"]
    leave.set()
    while not workers.ended["slow"]:  # noqa: ASYNC110 the worker's own way to its end
        await asyncio.sleep(0)
    now += 3600
    assert workers.stuck() == []
    await workers.stop(SOON)


def test_each_of_several_steps_has_its_own_limit() -> None:
    """The end of one does not hide that another never ends."""
    now = 100.0
    workers = Workers(monotonic=lambda: now)
    with workers.attempt("deliver hub", timedelta(seconds=30)):
        with workers.attempt("deliver hub", timedelta(seconds=30)):
            pass
        now += 31
        assert workers.stuck() == ["deliver hub"]
    assert workers.stuck() == []
    assert workers.ended["deliver hub"] == 2


async def test_what_ignores_its_cancellation_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop, and so a reload, waits a moment for it and no longer; it is named."""
    monkeypatch.setattr(module, "LAST_WORDS", timedelta(milliseconds=1))
    workers, release = Workers(), asyncio.Event()

    async def deaf() -> None:
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await release.wait()

    workers.start("deaf", deaf())
    await asyncio.sleep(0)
    with capture_logs() as said:
        await workers.stop(timedelta(milliseconds=1))
    assert [each["worker"] for each in said if each["event"] == "worker.abandoned"] == ["deaf"]
    release.set()


async def test_a_cancellation_that_nobody_asked_for_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that lets its own CancelledError escape does not end the worker for good."""
    monkeypatch.setattr(module, "AFTER_A_BUG", 0.001)
    workers, job = Workers(), Job(asyncio.CancelledError())
    workers.repeat("cancelled inside", job.step, workers.bell())
    await asyncio.wait_for(job.idle.wait(), 5)
    assert metrics.registry.get_sample_value("tocsin_worker_failures_total", {"worker": "cancelled inside"}) == 1
    await workers.stop(SOON)


@pytest.mark.parametrize("stopping", [False, True])
async def test_whoever_is_cancelled_before_the_end_is_named(stopping: bool) -> None:
    """Work that ends by a cancellation is logged and counted, unless all are asked to end."""
    workers, name = Workers(), f"cut off, stopping {stopping}"

    async def cut_off() -> None:
        if stopping:
            await asyncio.Event().wait()
        raise asyncio.CancelledError

    with capture_logs() as said:
        workers.start(name, cut_off())
        for _ in range(3):
            await asyncio.sleep(0)
        await workers.stop(timedelta(milliseconds=1))
    assert [each["worker"] for each in said if each["event"] == "worker.died"] == ([] if stopping else [name])


async def test_endless_work_ends_with_the_others() -> None:
    """Nobody waits for it at the end, and it is no death."""
    workers = Workers()
    workers.start("endless", asyncio.Event().wait(), endless=True)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    with capture_logs() as said:
        await workers.stop(SOON)
    assert said == []
