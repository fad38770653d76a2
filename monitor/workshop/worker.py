"""The process that works on hostile input: one job after another from standard input, until that ends or the daemon does."""

from __future__ import annotations

import ctypes
import os
import pickle
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

LENGTH = struct.Struct("!Q")  # before each job and each answer: its size in bytes
GRACE = 5.0  # seconds after the deadline; the daemon kills us long before, if it lives
_PR_SET_PDEATHSIG = 1


class Job(NamedTuple):
    """What to do, within so many seconds."""

    function: Callable[..., Any]
    args: Sequence[Any]
    seconds: float


class Answer(NamedTuple):
    """What came of it. `tired`: the worker ends with this answer."""

    outcome: Literal["value", "raised", "out of memory"]
    value: Any
    tired: bool


def main() -> None:
    """Serve the process that started us; its id, our limit of memory and when we are tired (in bytes) are the arguments."""
    daemon, memory, tired = map(int, sys.argv[1:])
    _confine(memory)
    if _die_with(daemon):
        answers = os.fdopen(os.dup(1), "wb")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints must not get among the answers
        serve(sys.stdin.buffer, answers, enough=tired)


def _confine(memory: int) -> None:
    """Take no more than that, and leave signals to the daemon: it drains, and lets us go afterwards."""
    for kind, most in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most, most) if hard == resource.RLIM_INFINITY else (min(most, hard), hard))
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)


def _die_with(daemon: int) -> bool:
    """Ask the kernel to end us when the daemon ends, however it does. False: it has ended already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == daemon


def serve(jobs: BinaryIO, answers: BinaryIO, *, enough: int) -> None:
    """Answer every job, until there are no more, or one has left us with `enough` bytes."""
    tired = False
    while not tired and len(head := jobs.read(LENGTH.size)) == LENGTH.size:
        answer = work(jobs.read(*LENGTH.unpack(head)), enough)
        tired = answer.tired
        said = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
        answers.write(LENGTH.pack(len(said)))
        answers.write(said)
        answers.flush()


def work(pickled: bytes, enough: int) -> Answer:
    """Do one job. Whatever it raises is part of the answer."""
    job = Job(*pickle.loads(pickled))  # noqa: S301 - the daemon wrote it
    del pickled
    signal.setitimer(signal.ITIMER_REAL, job.seconds + GRACE)  # not caught: the kernel ends even what never lets Python run
    try:
        return Answer("value", job.function(*job.args), tired=_bytes() >= enough)
    except MemoryError:
        return Answer("out of memory", None, tired=True)
    except Exception as error:  # noqa: BLE001 - it is the daemon's to judge
        return Answer("raised", _portable(error), tired=_bytes() >= enough)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


def _portable(error: Exception) -> Exception:
    """The error, with where it happened; in words alone when it cannot be sent as it is."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - we wrote it
    except Exception:  # noqa: BLE001 - errors with arguments of their own are many
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
