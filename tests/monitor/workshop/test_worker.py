"""The worker's own side, in this process: what it reads, and what it answers."""

from __future__ import annotations

import io
import pickle
import signal
import subprocess
import sys

from monitor.workshop.worker import LENGTH, Answer, Job, serve, work


def asked(*jobs: Job) -> io.BytesIO:
    """Jobs, as the daemon writes them."""
    return io.BytesIO(b"".join(LENGTH.pack(len(raw)) + raw for raw in map(pickle.dumps, jobs)))


ENOUGH = 2**40  # this process is larger than a worker may be


def answered(jobs: io.BytesIO, enough: int = ENOUGH) -> list[Answer]:
    """What the worker answers to all of them."""
    said, answers = io.BytesIO(), []
    serve(jobs, said, enough=enough)
    said.seek(0)
    while head := said.read(LENGTH.size):
        answers.append(Answer(*pickle.loads(said.read(*LENGTH.unpack(head)))))
    return answers


def test_one_answer_a_job_until_there_are_no_more() -> None:
    """The end of its input is the end of a worker."""
    assert [each.value for each in answered(asked(Job(len, ("ab",), 9), Job(len, ("abc",), 9)))] == [2, 3]


def test_a_job_that_broke_off_is_none() -> None:
    """The daemon died while it wrote."""
    assert answered(io.BytesIO(b"\0\0")) == []


def test_a_tired_worker_takes_no_further_job() -> None:
    """It says so in its last answer."""
    assert answered(asked(*[Job(len, ("ab",), 9)] * 3), enough=0) == [Answer("value", 2, tired=True)]


def test_out_of_memory_is_an_answer() -> None:
    """And the last one."""
    assert work(pickle.dumps(Job(bytearray, (2**62,), 9)), ENOUGH) == Answer("out of memory", None, tired=True)


def test_what_is_raised_is_an_answer() -> None:
    """With the place where it happened."""
    answer = work(pickle.dumps(Job(int, ("x",), 9)), ENOUGH)
    assert (answer.outcome, type(answer.value)) == ("raised", ValueError)
    assert "worker.py" in answer.value.__notes__[0]


def test_the_alarm_is_set_while_it_works_and_not_longer() -> None:
    """Should the daemon be gone and Python never have its turn, the kernel ends the work."""
    answer = work(pickle.dumps(Job(signal.getitimer, (signal.ITIMER_REAL,), 60)), ENOUGH)
    assert 60 < answer.value[0] <= 65
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_it_works_for_nobody_else() -> None:
    """The daemon died before we could ask the kernel to end us with it: another process is our parent now."""
    command = [sys.executable, "-c", "from monitor.workshop.worker import main; main()", "1", str(2**28), str(ENOUGH)]
    done = subprocess.run(command, input=asked(Job(len, ("ab",), 9)).read(), capture_output=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
