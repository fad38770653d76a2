"""Forks daemons that kill or freeze themselves at an agreed boundary: a process of its own, with everything already imported.

A fresh `tocsin run` takes seconds to import; a fork of this one takes hundredths. The boundaries are laid around the unit of
work's commit, the evaluator's judging, and the notifiers' `send`; patience is shortened. All of it from here, so
that the product holds no hook for it.

It listens at the Unix socket that it is given, until its standard input ends. Whoever connects has a forge of his own, whose
daemons are killed when he leaves. One order a line: {"folder": …, "log": …, "cuts": [[boundary, number, signal], …],
"patience": {"module:NAME": seconds, …}, "typed": [the words of a command to be instead of a daemon, …], "migrations": null, or a
folder, to be the next version with these}. Or, from `typed.py`, {"typed": …, "cwd": …, "environ": …} with three descriptors: a
command in that folder and environment, with these streams. The answers, one a line: {"started": pid} when it runs,
{"ended": pid, "status": …} (negative: by that signal).
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import selectors
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import notifiers
from monitor import cli
from monitor.daemon import Daemon
from monitor.domain.clock import SystemClock
from monitor.pipeline.evaluate import Evaluator as Judge
from monitor.sentiment import Scorer, SentimentSettings
from monitor.settings import Settings, load
from monitor.storage.evaluator import Evaluator
from monitor.storage.mentions import Mentions
from monitor.storage.session import Session
from monitor.telemetry import configure_logging
from tests.faults.next_version import become

Cut = tuple[str, int, int]  # the boundary, at which meeting of it, the signal
JUDGING = frozenset({"before judging", "after advance"})


class Boundary:
    """Sends this very process a signal when a boundary is met for the so-manieth time; then the next cut is waited for."""

    def __init__(self, cuts: list[Cut]) -> None:
        self._cuts = cuts
        self._met = 0
        self._read = False  # mentions, which are not judged yet: it does not only look at the time

    def met(self, name: str) -> None:
        judged, self._read = self._read, name == "after read" or (self._read and name != "after judging")
        if not self._cuts or name != self._cuts[0][0] or (name in JUDGING and not judged):
            return
        self._met += 1
        if self._met == self._cuts[0][1]:
            self._met = 0
            os.kill(os.getpid(), self._cuts.pop(0)[2])


def lay(boundary: Boundary) -> None:
    """Put the boundary around every commit, around all that is read to be judged, and around every message that leaves."""
    Session.commit = _between(boundary, "commit", Session.commit)  # type: ignore[method-assign,assignment]
    Mentions.after = _between(boundary, "read", Mentions.after)  # type: ignore[method-assign,assignment]
    Judge._transaction = _between(boundary, "judging", Judge._transaction)  # type: ignore[method-assign,assignment]
    Evaluator.advance = _between(boundary, "advance", Evaluator.advance)  # type: ignore[method-assign,assignment]
    build = notifiers.build

    def building(*args: Any, **kwargs: Any) -> Any:
        built = build(*args, **kwargs)
        built.send = _between(boundary, "send", built.send)  # type: ignore[method-assign,assignment]
        return built

    notifiers.build = building


def _between(boundary: Boundary, what: str, act: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def bounded(*args: Any, **kwargs: Any) -> Any:
        boundary.met(f"before {what}")
        done = await act(*args, **kwargs)
        if done != []:  # to have read nothing is no work
            boundary.met(f"after {what}")
        return done

    return bounded


def hurry(patience: dict[str, float]) -> None:
    """Let the daemon wait for so many seconds only, instead of what its constants say."""
    for name, seconds in patience.items():
        where, _, what = name.partition(":")
        module = import_module(where)
        usual = getattr(module, what)
        setattr(module, what, timedelta(seconds=seconds) if isinstance(usual, timedelta) else type(usual)(seconds))


@cache
def settings(folder: str) -> Settings:
    """Read once for all the daemons of a folder, and with it whatever reading and scoring load lazily."""
    found = load(Path(folder), environ={})
    Scorer(found.sentiment)
    return found


def be_typed(order: dict[str, Any], streams: list[int]) -> None:
    """Be a command where it was typed; of the next version, where the environment says with which migrations."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environ"])
    if migrations := os.environ.get("NEXT_VERSION"):
        become(Path(migrations))
    sys.argv = ["tocsin", *order["typed"]]
    try:
        cli.main()
    finally:
        sys.stdout.flush()


def work(order: dict[str, Any]) -> None:
    """Be a daemon until SIGTERM, or the boundary; or the command that was typed."""
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 2)
    os.dup2(log, 1)
    hurry(order["patience"])
    if migrations := order["migrations"]:
        become(Path(migrations))
    if order["cuts"]:
        lay(Boundary(order["cuts"]))
    if order["typed"]:
        sys.argv = ["tocsin", *order["typed"]]
        cli.main()
        return
    configure_logging("json", "info")
    asyncio.run(Daemon(settings(order["folder"]), SystemClock(), lambda: settings(order["folder"])).run())


def start(order: dict[str, Any], streams: list[int]) -> int:
    """Fork a daemon; its process number."""
    if not streams:
        settings(order["folder"])
    pid = os.fork()
    if pid:
        for stream in streams:
            os.close(stream)
        return pid
    code = 1
    try:
        be_typed(order, streams) if streams else work(order)
        code = 0
    except SystemExit as ending:  # of a command
        code = int(ending.code or 0)
    except BaseException as error:  # noqa: BLE001 the traceback is for the log of the child
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        code = getattr(error, "exit_code", code)
    finally:
        os._exit(code)


def obey(guest: socket.socket) -> None:
    """Carry out a guest's orders until there are no more, and tell of each daemon that has ended."""
    asked = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(guest, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.data is not None:
                    waiting.unregister(key.fd)
                    os.close(key.fd)
                    _, status = os.waitpid(key.data, 0)
                    _say(guest, {"ended": key.data, "status": os.waitstatus_to_exitcode(status)})
                    continue
                more, streams, _, _ = socket.recv_fds(guest, 2**20, 3)
                if not more:
                    return
                *orders, asked = (asked + more).split(b"\n")
                for order in orders:
                    pid = start(json.loads(order), streams)
                    waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
                    _say(guest, {"started": pid})


def _say(guest: socket.socket, answer: dict[str, Any]) -> None:
    guest.sendall(json.dumps(answer).encode() + b"\n")


def receive(guest: socket.socket) -> None:
    """Fork a forge for one guest."""
    if os.fork():
        return
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        obey(guest)
    finally:
        os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Receive guests."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a guest's forge
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as from a terminal: what a shell runs beside itself ignores Ctrl+C
    Scorer(SentimentSettings())  # loads what all daemons need
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(sys.argv[1])
        door.listen()
        os.write(1, b"ready\n")
        while door.fileno() in select.select([0, door.fileno()], [], [])[0]:
            guest, _ = door.accept()
            with guest:
                receive(guest)


if __name__ == "__main__":
    main()
