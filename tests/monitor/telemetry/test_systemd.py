"""What systemd is told, read from a real datagram socket."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.telemetry import systemd


@pytest.fixture(params=["path", "abstract"])
def heard(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket like systemd's, with a path or in the abstract namespace."""
    name = f"@tocsin-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0", 1))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listener


def test_each_state_is_one_datagram(heard: socket.socket) -> None:
    """Ready, watchdog, status and stopping are the assignments that sd_notify(3) names."""
    assert systemd.ready("14 sources")
    assert systemd.watchdog()
    assert systemd.status("all calm")
    assert systemd.stopping()
    messages = [heard.recv(4096).decode() for _ in range(4)]
    assert messages == ["READY=1\nSTATUS=14 sources", "WATCHDOG=1", "STATUS=all calm", "STOPPING=1"]


def test_a_reload_carries_its_moment(heard: socket.socket) -> None:
    """The service manager wants the monotonic time at which a reload began, in microseconds."""
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert systemd.reloading()
    first, second = heard.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


async def test_what_takes_its_time_asks_for_it_again_and_again(heard: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time for twice as long as until it asks again; with the end of the work, nobody asks any more."""
    monkeypatch.setattr(systemd, "ASK_EVERY", timedelta(milliseconds=1))
    async with systemd.taking_its_time("opening the store"):
        asked = [await asyncio.to_thread(heard.recv, 4096) for _ in range(3)]
    assert asked == [b"EXTEND_TIMEOUT_USEC=2000\nSTATUS=opening the store"] * 3
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_status_cannot_forge_an_assignment(heard: socket.socket) -> None:
    """A status is one line, whatever is in it."""
    systemd.status("calm\nMAINPID=1\r\nWATCHDOG=trigger")
    assert heard.recv(4096).decode() == "STATUS=calm MAINPID=1 WATCHDOG=trigger"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "vsock:2:1234"])
def test_without_systemd_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside systemd, or when its socket is gone, telling is a quiet False."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert systemd.ready() is False


@pytest.mark.parametrize(
    ("microseconds", "pid", "seconds"),
    [("30000000", None, 15.0), ("30000000", "1", None), ("0", None, None), ("", None, None), ("soon", None, None)],
)
def test_the_watchdogs_interval(
    microseconds: str, pid: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pings are due at half of what systemd allows, unless it watches another process or none."""
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.setenv("WATCHDOG_PID", pid or str(os.getpid()))
    assert systemd.watchdog_interval() == seconds


def test_an_unset_watchdog_has_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variables nobody watches."""
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert systemd.watchdog_interval() is None
