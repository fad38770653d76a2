"""What wakes when: jobs run at once, keep their rhythm, and come back after the wall clock has jumped."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.clock import AcceleratedClock, ManualClock, SystemClock
from monitor.scheduling import JUMP, LOOK_EVERY, SHORTEST, STAGGER, Scheduler, first_delay, second_delay

HOUR = timedelta(hours=1)


class Times:
    """A wall and a monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        self.monotonic = 1000.0

    def pass_by(self, seconds: float) -> None:
        """Both clocks move, as they do when nothing is wrong."""
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds


@pytest.fixture
def times() -> Times:
    """Clocks that stand still."""
    return Times()


@pytest_asyncio.fixture
async def running(times: Times) -> AsyncIterator[Scheduler]:
    """A scheduler in production's time, whose watcher reads the clocks of the test. The test starts it."""
    scheduler = Scheduler(SystemClock(), monotonic=lambda: times.monotonic, wall=lambda: times.wall)
    yield scheduler
    scheduler.stop()


def soon(scheduler: Scheduler, name: str) -> bool:
    """Whether a job will wake within its stagger, give or take the time the test takes."""
    due = scheduler.due(name)
    return due is not None and due <= SystemClock().now() + timedelta(seconds=STAGGER)


async def test_a_job_wakes_at_once_and_again() -> None:
    """The first run needs no interval to pass; the next ones follow, in story time."""
    clock = AcceleratedClock(datetime(2026, 3, 2, tzinfo=UTC), speed=60_000)
    scheduler = Scheduler(clock)
    woken, enough = [], asyncio.Event()

    def wake() -> None:
        woken.append(asyncio.get_running_loop())
        if len(woken) == 3:
            enough.set()

    scheduler.every("news", HOUR, wake)  # 60 ms of real time
    scheduler.start()
    await asyncio.wait_for(enough.wait(), 10)
    scheduler.stop()
    assert set(woken) == {asyncio.get_running_loop()}


async def test_the_interval_is_story_time() -> None:
    """An hour at sixty times the speed is a minute between two runs, and never less than the shortest."""
    scheduler = Scheduler(AcceleratedClock(datetime(2026, 3, 2, tzinfo=UTC), speed=60))
    scheduler.start()
    scheduler.every("hourly", HOUR, lambda: None)
    scheduler.every("mad", timedelta(microseconds=1), lambda: None)
    jobs = {job.id: job.trigger.interval for job in scheduler._scheduler.get_jobs()}  # type: ignore[union-attr]
    scheduler.stop()
    assert jobs == {"hourly": timedelta(minutes=1), "mad": timedelta(seconds=SHORTEST)}


async def test_jobs_may_come_before_the_start(running: Scheduler) -> None:
    """What is added before the start waits for it, and is due at once then."""
    running.every("news", HOUR, lambda: None)
    assert running.due("news") is None
    running.start()
    running.start()
    assert soon(running, "news")


async def test_lateness_is_always_forgiven(running: Scheduler) -> None:
    """A job that a stalled loop made late runs once, however many turns were missed."""
    running.every("news", HOUR, lambda: None)
    running.start()
    assert running._scheduler is not None
    job = running._scheduler.get_job("news")
    assert (job.misfire_grace_time, job.coalesce) == (None, True)


async def test_a_removed_job_wakes_no_more(running: Scheduler) -> None:
    """Removing works before and after the start, and twice."""
    running.every("early", HOUR, lambda: None)
    running.remove("early")
    running.start()
    running.every("late", HOUR, lambda: None)
    running.remove("late")
    running.remove("late")
    assert running.due("early") is None
    assert running.due("late") is None


async def test_a_run_under_way_of_a_removed_job_is_nothing(running: Scheduler) -> None:
    """A job removed between being due and running wakes nobody."""
    running.start()
    await running._run("gone")


async def test_a_reload_keeps_the_rhythm_of_what_stays(running: Scheduler) -> None:
    """Replacing removes what is gone, starts what is new, and leaves alone what has the same interval."""
    running.start()
    for name in ("stays", "changes", "goes"):
        running.every(name, HOUR, lambda: None)
    assert running._scheduler is not None
    later = SystemClock().now() + timedelta(minutes=50)
    for name in ("stays", "changes"):
        running._scheduler.modify_job(name, next_run_time=later)
    woken: list[str] = []
    running.replace({
        "stays": (HOUR, lambda: woken.append("new wake")),
        "changes": (HOUR / 2, lambda: None),
        "comes": (HOUR, lambda: None),
    })  # fmt: skip
    assert running.due("stays") == later
    assert soon(running, "changes")
    assert soon(running, "comes")
    assert running.due("goes") is None
    await running._run("stays")
    assert woken == ["new wake"]


@pytest.mark.parametrize("jump", [-HOUR, HOUR, timedelta(seconds=-JUMP)])
async def test_after_a_jump_everything_is_due_at_once(running: Scheduler, times: Times, jump: timedelta) -> None:
    """A wall clock set back an hour would leave every job asleep for an hour; they are built again instead."""
    running.every("news", HOUR, lambda: None)
    running.start()
    assert running._scheduler is not None
    running._scheduler.modify_job("news", next_run_time=SystemClock().now() + HOUR)
    times.pass_by(LOOK_EVERY)
    times.wall += jump
    assert running.look() is True
    assert soon(running, "news")
    times.pass_by(LOOK_EVERY)
    assert running.look() is False


async def test_a_sleep_of_the_machine_is_a_jump(running: Scheduler, times: Times) -> None:
    """Monotonic time stands still while the machine sleeps; the wall clock does not."""
    running.start()
    times.wall += timedelta(hours=8)
    assert running.look() is True


async def test_a_clock_that_is_set_right_little_by_little_is_no_jump(running: Scheduler, times: Times) -> None:
    """What a time server corrects by fractions of a second disturbs nothing."""
    running.every("news", HOUR, lambda: None)
    running.start()
    due = running.due("news")
    for _ in range(100):
        times.pass_by(LOOK_EVERY)
        times.wall += timedelta(seconds=JUMP / 2)
        assert running.look() is False
    assert running.due("news") == due


async def test_the_watcher_looks_by_itself(running: Scheduler, times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once started, the clocks are compared again and again, and no more after the stop."""
    monkeypatch.setattr("monitor.scheduling.LOOK_EVERY", 0.001)
    looks = asyncio.Queue[None]()
    monkeypatch.setattr(running, "look", lambda: looks.put_nowait(None))
    running.start()
    for _ in range(3):
        await asyncio.wait_for(looks.get(), 10)
    running.stop()
    assert running._watcher is None


async def test_it_can_be_started_again() -> None:
    """After a stop the jobs are still known; another start wakes them, and a second stop is nothing."""
    scheduler = Scheduler(ManualClock(datetime(2026, 3, 2, tzinfo=UTC)))
    woken = asyncio.Event()
    scheduler.every("news", HOUR, woken.set)
    scheduler.start()
    await asyncio.wait_for(woken.wait(), 10)
    scheduler.stop()
    woken.clear()
    assert scheduler.due("news") is None
    scheduler.start()
    await asyncio.wait_for(woken.wait(), 10)
    scheduler.stop()
    scheduler.stop()


async def test_a_wake_that_fails_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """A bug in one wake stops neither the job nor the others."""
    scheduler = Scheduler(ManualClock(datetime(2026, 3, 2, tzinfo=UTC)))
    again = asyncio.Event()
    calls: list[int] = []

    def wake() -> None:
        calls.append(1)
        if len(calls) > 1:
            again.set()
        raise RuntimeError("a bug")

    with caplog.at_level(logging.ERROR, logger="apscheduler"):
        scheduler.every("news", HOUR, wake)
        scheduler.start()
        await asyncio.wait_for(again.wait(), 10)
        scheduler.stop()
    assert "a bug" in caplog.text


@given(name=st.text(), interval=st.floats(SHORTEST, 1e7))
def test_the_stagger_is_short_and_always_the_same(name: str, interval: float) -> None:
    """A first run waits less than a tenth of its interval, at most two seconds, and as long every time."""
    delay = first_delay(name, interval)
    assert 0 <= delay < min(STAGGER, interval / 10)
    assert delay == first_delay(name, interval)


def test_fifty_sources_do_not_start_as_one() -> None:
    """Different names wait differently."""
    assert len({first_delay(f"source {n}", 120) for n in range(50)}) > 40


@given(name=st.text(), interval=st.floats(SHORTEST, 1e7))
def test_the_second_run_is_never_late(name: str, interval: float) -> None:
    """It comes within the second half of the interval after the first, and always at the same place for a name."""
    delay = second_delay(name, interval)
    assert interval / 2 <= delay <= interval
    assert delay == second_delay(name, interval)


def test_two_hundred_sources_spread_over_their_interval() -> None:
    """After the first run each tenth of the half interval has its share: what began together is not due together for ever."""
    places = Counter(int((second_delay(f"source {n}", 120) - 60) / 6) for n in range(200))
    assert len(places) == 10
    assert max(places.values()) < 40


async def test_from_the_second_run_on_the_rhythm_is_kept(running: Scheduler) -> None:
    """The second run is at the job's place in the interval, and each further one an interval later."""
    running.every("news", HOUR, lambda: None)
    running.start()
    assert running._scheduler is not None
    trigger, first = running._scheduler.get_job("news").trigger, running.due("news")
    assert first is not None
    second = trigger.get_next_fire_time(first, first)
    assert second == first + timedelta(seconds=second_delay("news", HOUR.total_seconds()))
    assert trigger.get_next_fire_time(second, second) == second + HOUR
