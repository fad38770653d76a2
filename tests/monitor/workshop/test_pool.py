"""Work in other processes, with a deadline and a limit of memory."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.workshop.pool import TooLargeError, TooSlowError, WorkerDiedError, Workshop

SOON = timedelta(seconds=0.3)
AMPLE = timedelta(seconds=60)


@pytest.fixture
async def workshop() -> AsyncIterator[Workshop]:
    """A workshop with room for one worker."""
    async with Workshop() as made:
        yield made


async def worker(workshop: Workshop) -> int:
    """The process that works."""
    return await workshop.run(os.getpid, within=AMPLE)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that another process brings about."""

    def wait() -> None:
        patience = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < patience, "it never came about"
            time.sleep(0.01)

    await asyncio.to_thread(wait)


def gone(pid: int) -> bool:
    """Whether there is no such process, or only what its parent has not looked at yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_a_worker_is_another_process_and_is_kept(workshop: Workshop) -> None:
    """What is run gives its value, in one process after another job."""
    assert await workshop.run(math.factorial, 20, within=AMPLE) == math.factorial(20)
    assert await worker(workshop) == await worker(workshop) != os.getpid()


async def test_nothing_is_started_before_there_is_work() -> None:
    """Who has no feeds has no worker."""
    workshop = Workshop()
    assert not workshop._resting
    await workshop.close()


async def test_an_error_is_the_caller_s(workshop: Workshop) -> None:
    """It comes as it was raised, says where, and the worker goes on."""
    before = await worker(workshop)
    with pytest.raises(ValueError, match="invalid literal") as caught:
        await workshop.run(int, "x", within=AMPLE)
    assert "in work" in "".join(caught.value.__notes__)
    assert await worker(workshop) == before


async def test_an_error_that_cannot_travel_is_told_in_words(workshop: Workshop) -> None:
    """Some errors want arguments that their text is not."""
    code = "from monitor.domain.errors import *; raise SourceError(Trouble.MALFORMED, 'words')"
    with pytest.raises(RuntimeError, match="SourceError: malformed: words"):
        await workshop.run(exec, code, within=AMPLE)


async def test_the_deadline_kills(workshop: Workshop) -> None:
    """Not even a loop in C that never lets Python run outlives it, and the next job is done by another worker."""
    before = await worker(workshop)
    with pytest.raises(TooSlowError, match=r"took longer than 0\.3 s"):
        await workshop.run(sum, range(10**12), within=SOON)
    await until(lambda: gone(before))
    assert await worker(workshop) != before


async def test_a_caller_who_leaves_takes_the_work_along(workshop: Workshop) -> None:
    """A cancelled poll leaves no process that goes on."""
    before = await worker(workshop)
    asking = asyncio.create_task(workshop.run(sum, range(10**12), within=AMPLE))
    await until(lambda: not workshop._resting)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: gone(before))


async def test_who_may_be_large_is_told_when_to_end() -> None:
    """Some work needs a model in memory: its workers are not tired by that."""
    async with Workshop(tired=2**40) as large, Workshop(tired=0) as small:
        assert await worker(large) == await worker(large)
        assert await worker(small) != await worker(small)


async def test_a_worker_is_one_thread(workshop: Workshop) -> None:
    """What numpy reads at its start says so: a thread for each processor would each take memory."""
    assert await workshop.run(os.getenv, "OPENBLAS_NUM_THREADS", within=AMPLE) == "1"


async def test_memory_has_a_limit(workshop: Workshop) -> None:
    """Who wants more is told so, and the next job has a worker as fresh as ever."""
    before = await worker(workshop)
    with pytest.raises(TooLargeError, match="needed more than 128 MB"):
        await workshop.run(bytearray, 2**30, within=AMPLE)
    assert await worker(workshop) != before


async def test_an_answer_has_a_limit(workshop: Workshop) -> None:
    """What comes back is the daemon's memory."""
    with pytest.raises(TooLargeError, match="gave an answer of 20 MB"):
        await workshop.run(bytes, 20 * 2**20, within=AMPLE)
    assert await workshop.run(len, "abc", within=AMPLE) == 3


async def test_what_a_big_job_leaves_behind_is_given_back(workshop: Workshop) -> None:
    """A worker that has grown ends with its answer."""
    before = await worker(workshop)
    assert len(await workshop.run(eval, "globals().setdefault('kept', bytes(range(256)) * 200_000)[:5]", within=AMPLE)) == 5
    assert await worker(workshop) != before


async def test_a_worker_that_was_killed_is_replaced_and_the_work_done(workshop: Workshop) -> None:
    """Nothing is lost: what is pure is done once more."""
    before = await worker(workshop)
    os.kill(before, signal.SIGKILL)
    assert await worker(workshop) != before


async def test_work_that_kills_its_worker_is_given_up(workshop: Workshop) -> None:
    """Twice is enough to know."""
    with pytest.raises(WorkerDiedError, match=r"twice \(signal 11\)"):
        await workshop.run(exec, "import os; os.kill(os.getpid(), 11)", within=AMPLE)
    with pytest.raises(WorkerDiedError, match=r"twice \(exit code 3\)"):
        await workshop.run(os._exit, 3, within=AMPLE)
    assert await workshop.run(len, "abc", within=AMPLE) == 3


async def test_what_is_not_pure_is_not_done_again(workshop: Workshop, tmp_path: Path) -> None:
    """What may have been sent is not sent once more: the caller decides."""
    done = tmp_path / "done"
    code = f"import os; open({str(done)!r}, 'a').write('x'); os._exit(3)"
    with pytest.raises(WorkerDiedError, match=r"worked on it \(exit code 3\)"):
        await workshop.run(exec, code, within=AMPLE, again=False)
    assert done.read_text() == "x"


async def test_print_does_no_harm(workshop: Workshop) -> None:
    """What a library prints does not get among the answers."""
    await workshop.run(print, "42", within=AMPLE)
    await workshop.run(os.system, "echo 42", within=AMPLE)
    assert await workshop.run(len, "abc", within=AMPLE) == 3


async def test_no_secret_goes_into_a_worker(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment is not ours: what reads hostile input has nothing to give away."""
    monkeypatch.setenv("SMTP_PASSWORD", "s3cret")
    assert "SMTP_PASSWORD" not in await workshop.run(eval, "dict(__import__('os').environ)", within=AMPLE)


async def test_signals_are_for_the_daemon(workshop: Workshop) -> None:
    """SIGTERM goes to all processes of a service: what is being worked on is finished all the same."""
    before = await worker(workshop)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(before, number)
    assert await worker(workshop) == before


async def test_a_worker_without_work_ends() -> None:
    """It costs memory, and is started again in a moment."""
    async with Workshop(idle=SOON) as workshop:
        before = await worker(workshop)
        await until(lambda: gone(before))
        assert await worker(workshop) != before


async def test_several_work_side_by_side() -> None:
    """As many as there is room for; the others wait their turn, and waiting is not counted."""
    async with Workshop(2) as workshop:
        asked = [workshop.run(time.sleep, 0.2, within=timedelta(seconds=30)) for _ in range(4)]
        assert await asyncio.gather(*asked) == [None] * 4
        assert len(workshop._resting) == 2


DAEMON = """
import asyncio, os, sys
from datetime import timedelta
from monitor.workshop.pool import Workshop
async def main():
    async with Workshop(2) as workshop:
        idle = await workshop.run(os.getpid, within=timedelta(minutes=1))
        print(idle, flush=True)
        code = "import os; open(%r, 'w').write(str(os.getpid())); sum(range(10**12))"
        await workshop.run(exec, code % sys.argv[1], within=timedelta(minutes=1))
asyncio.run(main())
"""


@pytest.mark.fault("crash", "the daemon is killed while a worker reads a hostile feed")
async def test_a_killed_daemon_leaves_no_worker_behind(tmp_path: Path) -> None:
    """A worker ends with its daemon, whatever it is doing and however the daemon ends."""
    told = tmp_path / "pid"
    command = [sys.executable, "-c", DAEMON, str(told)]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - it only starts
    assert daemon.stdout is not None
    try:
        before = int(await asyncio.to_thread(daemon.stdout.readline))
        await until(lambda: told.exists() and told.read_text())
    finally:
        daemon.kill()
        daemon.wait()
        daemon.stdout.close()
    for pid in before, int(told.read_text()):
        await until(lambda pid=pid: gone(pid))  # type: ignore[misc]  # mypy takes no default in a lambda
