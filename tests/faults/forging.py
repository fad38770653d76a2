"""Orders daemons from `forge.py`, and watches them from outside: their doors, their log, whether they are frozen."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from monitor.domain.clock import SystemClock
from notifiers.signing import headers

FORGE = Path(__file__).with_name("forge.py")
ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
PATIENCE = 60.0  # seconds, real: the machine may be busy


class Forge:
    """Where one test orders its daemons. `patience` is how long they wait instead of what their constants say."""

    def __init__(self, orders: asyncio.StreamWriter, folder: Path, patience: Mapping[str, float]) -> None:
        self._orders, self._folder, self._patience = orders, folder, patience
        self._started: asyncio.Queue[int] = asyncio.Queue()
        self._ended: dict[int, asyncio.Future[int]] = {}

    async def start(
        self,
        *cuts: tuple[str, int, signal.Signals],
        folder: Path | None = None,
        patience: Mapping[str, float] | None = None,
        typed: Sequence[str] = (),
        migrations: Path | None = None,
    ) -> int:
        """Start a daemon that gets a signal at each of these boundaries, one after the other; its process number.

        With `typed` it is this command of ours instead; with `migrations` it is the next version. What it prints is in the
        folder's `log`.
        """
        folder = folder or self._folder
        patience = {**self._patience, **(patience or {})}
        order: dict[str, object] = {"folder": str(folder), "log": str(folder / "log"), "cuts": cuts, "patience": patience}
        order |= {"typed": typed, "migrations": str(migrations) if migrations else None}
        self._orders.write(json.dumps(order).encode() + b"\n")
        return await self._started.get()

    async def ended(self, pid: int) -> int:
        """Wait for a daemon's end; its exit code."""
        return await self._ended[pid]

    async def end(self, pid: int, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask a daemon to stop; its exit code."""
        os.kill(pid, number)
        return await asyncio.wait_for(self.ended(pid), PATIENCE)

    async def listen(self, answers: asyncio.StreamReader) -> None:
        """Hear what becomes of them."""
        async for line in answers:
            answer = json.loads(line)
            if "started" in answer:
                self._ended[answer["started"]] = asyncio.Future()  # its number may have been another's before
                self._started.put_nowait(answer["started"])
            else:
                self._ended[answer["ended"]].set_result(answer["status"])


@contextmanager
def lit(folder: Path, environ: Mapping[str, str] | None = None) -> Iterator[Path]:
    """Light a forge, which takes a second or two: the address at which it listens meanwhile."""
    address = folder / "forge"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(environ or {})}
    command = [sys.executable, str(FORGE), str(address)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield address
        process.communicate()  # ends its input, and with it the forge


def installed(address: Path, folder: Path) -> Path:
    """A `tocsin` in this folder that a forge carries out: a process of its own, without the seconds that imports take."""
    program = folder / "tocsin"
    words = shlex.join([sys.executable, "-ISE", str(FORGE.with_name("typed.py")), str(address)])
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o755)
    return program


@asynccontextmanager
async def forging(address: Path, folder: Path, patience: Mapping[str, float] | None = None) -> AsyncIterator[Forge]:
    """Order daemons for a folder of configuration from a forge that is lit; whatever it made is gone afterwards."""
    answers, orders = await asyncio.open_unix_connection(str(address))
    forge = Forge(orders, folder, patience or {})
    listening = asyncio.create_task(forge.listen(answers))
    try:
        yield forge
    finally:
        orders.write_eof()
        await listening  # until every daemon is gone: each holds the other end
        orders.close()


@dataclass
class Doors:
    """The doors of one daemon in the eyes of those who stand before them: who calls, and its operator."""

    client: aiohttp.ClientSession
    port: int  # the private door's is the next

    async def tell(self, number: int | str, text: str, author: str, *, off: timedelta = timedelta(0), size: int = 0) -> int:
        """One signed call by somebody whose clock is `off`, of so many bytes more; the answer's status, 0 when there was none."""
        said = {"text": text, "author": author, "url": f"https://tickets.example/{number}", "more": "x" * size}
        body = json.dumps(said).encode()
        signed = headers([SECRET], f"call-{number}", SystemClock().now() + off, body)
        return (await self._ask("POST", f"http://127.0.0.1:{self.port}/hooks/tickets", data=body, headers=signed))[0]

    async def ask(self, path: str) -> tuple[int, str]:
        """Ask the private door."""
        return await self._ask("GET", f"http://127.0.0.1:{self.port + 1}{path}")

    async def ready(self) -> bool:
        """Whether the daemon says that it is."""
        return (await self.ask("/-/ready"))[0] == 200

    async def metric(self, line: str) -> bool:
        """Whether /metrics has this very line."""
        return line in (await self.ask("/metrics"))[1].splitlines()

    async def _ask(self, method: str, url: str, **more: Any) -> tuple[int, str]:
        try:
            async with self.client.request(method, url, **more) as answer:
                return answer.status, await answer.text()
        except (aiohttp.ClientError, ConnectionError):
            return 0, ""


def free_port() -> int:
    """A port that nobody listens on, nor on the next, below those that the kernel gives to whoever calls out meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000, 2)
        with suppress(OSError), socket.socket() as public, socket.socket() as private:
            public.bind(("127.0.0.1", port))
            private.bind(("127.0.0.1", port + 1))
            return port


def write(folder: Path, monitor: str, rules: str, plan: str = "", **filled: str) -> None:
    """A folder of configuration; in the text of `monitor.yaml` each of these words in capitals stands for something."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    for name, value in {**filled, "SECRET": SECRET}.items():
        monitor = monitor.replace(name, value)
    (folder / "monitor.yaml").write_text(monitor)
    (folder / "rules" / "acme.yaml").write_text(rules)
    if plan:
        (folder / "plans").mkdir(exist_ok=True)
        (folder / "plans" / "acme.yaml").write_text(plan)


def logged(folder: Path, event: str) -> Sequence[dict[str, Any]]:
    """The lines of one event in the log of a folder's daemons."""
    lines = (folder / "log").read_text().splitlines() if (folder / "log").exists() else ()
    return [said for line in lines if line.startswith("{") and (said := json.loads(line))["event"] == event]


def is_frozen(pid: int) -> bool:
    """Whether a process stands still after SIGSTOP."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
