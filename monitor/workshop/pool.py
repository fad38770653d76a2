"""Runs functions in worker processes with a deadline and a limit of memory, so that no input can stop the daemon."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from monitor.domain.errors import TocsinError
from monitor.workshop.worker import LENGTH, Answer, Job

T = TypeVar("T")

MEMORY: Final = 128 * 2**20  # bytes of data in one worker; it begins with 15 MB
IDLE: Final = timedelta(minutes=1)  # after so long without work a worker ends; to start one takes a tenth of a second
TIRED: Final = 48 * 2**20  # bytes of memory: what so big a job left behind is given back by ending
_LARGEST_ANSWER = 16 * 2**20
# Whoever reads what strangers wrote needs no more of our environment: it may hold secrets.
_HANDED_ON = ("PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LANG", "LC_ALL", "TZ")

# One worker is one thread: numpy would start one for each processor, each with memory of its own.
_ALONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class WorkError(TocsinError):
    """A worker came to no answer. The text says why, in words that follow "it"."""


class TooSlowError(WorkError):
    """The deadline passed; the worker was killed."""


class TooLargeError(WorkError):
    """The work needs more memory than a worker may take, or its answer is larger than any should be."""


class WorkerDiedError(WorkError):
    """The worker ended in the middle of the work: twice, where it was tried again."""


class Workshop:
    """At most `size` workers, started when there is work, and stopped when there has been none for `idle`.

    Each takes `memory` at most, and ends after a job that left it `tired`: with so many bytes in use.

    What is run must be a module's function, and pure unless `run` is told otherwise: after a worker's sudden death it is run
    once more.
    """

    def __init__(self, size: int = 1, *, memory: int = MEMORY, tired: int = TIRED, idle: timedelta = IDLE) -> None:
        self._room = asyncio.Semaphore(size)
        self._memory = memory
        self._tired = tired
        self._idle = idle.total_seconds()
        self._resting: dict[_Worker, asyncio.TimerHandle] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """End all workers. The next `run` would start one again."""
        for worker in list(self._resting):
            self._dismiss(worker)
        await asyncio.gather(*self._leaving)

    async def run(self, function: Callable[..., T], *args: Any, within: timedelta, again: bool = True) -> T:
        """What `function(*args)` gives, or raises. `within` counts from the moment a worker is free for it.

        With `again=False` it is begun only once: for what sends. Raises `WorkError` when there is no answer. When the caller is
        cancelled, so is the work.
        """
        job = pickle.dumps(Job(function, args, within.total_seconds()), pickle.HIGHEST_PROTOCOL)
        async with self._room:
            try:
                async with asyncio.timeout(within.total_seconds()):
                    answer = await self._done(job, again=again)
            except TimeoutError:
                raise TooSlowError(f"took longer than {within.total_seconds():g} s") from None
        value: T = _value(answer, self._memory)
        return value

    async def _done(self, job: bytes, *, again: bool) -> Answer:
        try:
            return await self._attempt(job)
        except _GoneError as gone:
            if not again:
                raise WorkerDiedError(f"ended the process that worked on it ({gone})") from None
        # The machine may have been out of memory for a moment.
        try:
            return await self._attempt(job)
        except _GoneError as gone:
            raise WorkerDiedError(f"ended the process that worked on it, twice ({gone})") from None

    async def _attempt(self, job: bytes) -> Answer:
        worker = self._rested() or await _Worker.start(self._memory, self._tired)
        fit = False
        try:
            answer = await worker.do(job)
            fit = not answer.tired
        finally:
            if fit:
                self._resting[worker] = asyncio.get_running_loop().call_later(self._idle, self._dismiss, worker)
            else:
                await worker.end()
        return answer

    def _rested(self) -> _Worker | None:
        """The worker that rested last, if it still lives: one that nobody needs grows idle."""
        while self._resting:
            worker, timer = self._resting.popitem()
            timer.cancel()
            if worker.alive:
                return worker
            self._see_off(worker)
        return None

    def _dismiss(self, worker: _Worker) -> None:
        self._resting.pop(worker).cancel()
        self._see_off(worker)

    def _see_off(self, worker: _Worker) -> None:
        task = asyncio.get_running_loop().create_task(worker.end(), name="end a worker")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


def _value(answer: Answer, memory: int) -> Any:
    match answer.outcome:
        case "value":
            return answer.value
        case "raised":
            raise answer.value
        case _:
            raise TooLargeError(f"needed more than {memory // 2**20} MB of memory")


class _GoneError(Exception):
    """The worker has ended by itself; the text says how."""


class _Worker:
    """One process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, memory: int, tired: int) -> Self:
        code = "from monitor.workshop.worker import main; main()"  # with -m the module, and its types, would be there twice
        command = (sys.executable, "-P", "-c", code, str(os.getpid()), str(memory), str(tired))
        environment = _ALONE | {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        return cls(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment))

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def do(self, job: bytes) -> Answer:
        """Raises `_GoneError`, and `TooLargeError` for an answer that nobody would want."""
        jobs, answers = self._process.stdin, self._process.stdout
        assert jobs is not None
        assert answers is not None
        try:
            jobs.write(LENGTH.pack(len(job)))
            jobs.write(job)
            await jobs.drain()
            (size,) = LENGTH.unpack(await answers.readexactly(LENGTH.size))
            if size > _LARGEST_ANSWER:
                raise TooLargeError(f"gave an answer of {size // 2**20} MB")
            return Answer(*pickle.loads(await answers.readexactly(size)))  # noqa: S301 - our own function made it
        except (ConnectionError, asyncio.IncompleteReadError):
            raise _GoneError(_how(await self._process.wait())) from None

    async def end(self) -> None:
        """Kill it, and wait until it is gone."""
        if self.alive:
            self._process.kill()
        await self._process.communicate()  # which also closes the pipes


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
