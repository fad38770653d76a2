"""A real `tocsin run` in a process of its own, for the time of a measurement."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

PATIENCE = 60.0  # seconds until it must be ready


@dataclass(frozen=True, slots=True)
class Running:
    """`url` is where webhooks arrive. `ready_after` is in seconds, from the process's start until `/-/ready` answered 200."""

    pid: int
    url: str
    ready_after: float

    @property
    def memory(self) -> float:
        """Resident memory in MB (2**20 bytes)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    @property
    def descriptors(self) -> int:
        """Open files, sockets and pipes."""
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    @property
    def processor(self) -> float:
        """Seconds of processor time used so far, by all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(folder: Path, settings: Mapping[str, Any]) -> AsyncIterator[Running]:
    """Write `settings` as monitor.yaml into `folder`, run the daemon on it with an SQLite store, and stop it afterwards."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    private = f"http://127.0.0.1:{(private_port := free_port())}"
    whole = {
        "version": 1,
        "storage": {"url": f"sqlite:///{folder}/tocsin.db"},
        "web": {"port": port, "private": {"port": private_port}},
        "http": {"allow": ["localhost"]},
        "logging": {"level": "warning"},
        **settings,
    }
    (folder / "monitor.yaml").write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "monitor", "run", "--config", str(folder))
    try:
        await _ready(private, process)
        yield Running(process.pid, url, time.perf_counter() - began)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(f"{url}/-/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.02)
    raise RuntimeError(f"tocsin run ended with {process.returncode} before it was ready")
