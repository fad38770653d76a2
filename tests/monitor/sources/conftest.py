"""A web server on loopback that answers as a test wishes, a client to ask it, and a real Mastodon-like server."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from monitor.domain.clock import ManualClock
from monitor.sources.http import HttpClient
from monitor.testing import Site, loopback, serving


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A web server on loopback."""
    async with serving() as made:
        yield made


@pytest.fixture
async def http(clock: ManualClock) -> AsyncIterator[HttpClient]:
    """The client under test: it does not wait between retries."""
    async with HttpClient(loopback(max_bytes=2**20), clock, pause=0) as client:
        yield client


@dataclass(frozen=True)
class MockServer:
    """The running mastodon_mock."""

    url: str

    def call(self, method: str, path: str, body: object = None, token: str | None = None) -> Any:
        """One request of its API, as a person or as the test's stage hand."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = Request(
            self.url + path, data=json.dumps(body).encode() if body is not None else None, headers=headers, method=method
        )
        with urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def post(self, text: str, token: str = "grace_token", **fields: object) -> str:
        """Post a status; its id."""
        return str(self.call("POST", "/api/v1/statuses", {"status": text, **fields}, token)["id"])

    def fault(self, **effect: object) -> None:
        """The next request fails in this way."""
        self.call("POST", "/api/v1/_mock/faults", {"effect": effect, "count": 1})


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def mastodon_mock() -> Iterator[MockServer]:
    """An independent implementation of the Mastodon API, as a process of its own."""
    pytest.importorskip("mastodon_mock", reason="mastodon_mock is not installed (make test installs it)")
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "mastodon_mock",
        "serve",
        "--in-memory",
        "--demo",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = MockServer(f"http://127.0.0.1:{port}")
    try:
        _wait_until_up(server, process)
        yield server
    finally:
        process.kill()  # it would wait for the connections that a fault left hanging
        process.wait()


def _wait_until_up(server: MockServer, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            server.call("GET", "/api/v1/instance")
        except (URLError, ConnectionError):
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            return
    pytest.fail("mastodon_mock did not start")
