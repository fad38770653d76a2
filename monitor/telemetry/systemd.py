"""Tells systemd how the service is (`Type=notify`): one datagram a message, nothing at all outside systemd.

The protocol is sd_notify(3): newline-separated assignments, sent to the Unix socket named by NOTIFY_SOCKET.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

# Real time between two requests for more of it.
ASK_EVERY = timedelta(seconds=30)


def ready(status: str = "") -> bool:
    """Start-up, or a reload, is done."""
    return _tell("READY=1", _status(status))


def reloading(status: str = "") -> bool:
    """A reload has begun; `ready` ends it. systemd wants the monotonic time at which it began, in microseconds."""
    return _tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}", _status(status))


@asynccontextmanager
async def taking_its_time(words: str) -> AsyncIterator[None]:
    """Within, starting may take longer than `TimeoutStartSec`: systemd goes on waiting for as long as it is asked to."""
    asking = asyncio.create_task(_ask_for_time(words))
    try:
        yield
    finally:
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


async def _ask_for_time(words: str) -> None:
    while True:
        _tell(f"EXTEND_TIMEOUT_USEC={2 * ASK_EVERY // timedelta(microseconds=1)}", _status(words))
        await asyncio.sleep(ASK_EVERY.total_seconds())


def stopping(status: str = "") -> bool:
    """The end has begun."""
    return _tell("STOPPING=1", _status(status))


def watchdog() -> bool:
    """Still making progress: `watchdog_interval` says how often this is wanted."""
    return _tell("WATCHDOG=1")


def status(words: str) -> bool:
    """One line for `systemctl status`."""
    return _tell(_status(words))


def watchdog_interval() -> float | None:
    """Seconds between two pings (half of what systemd allows), or None when no watchdog watches this process."""
    allowed, watched = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not allowed.isdecimal() or int(allowed) == 0 or watched != str(os.getpid()):
        return None
    return int(allowed) / 2_000_000


def _status(words: str) -> str:
    return f"STATUS={' '.join(words.split())}" if words else ""  # a newline would begin another assignment


def _tell(*assignments: str) -> bool:
    """Whether systemd took the message. A notification that fails must never fail the work it speaks of."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # an abstract socket: its name begins with NUL
        address = "\0" + address[1:]
    message = "\n".join(filter(None, assignments)).encode("utf-8", "replace")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as sender:
            sender.sendto(message, address)
    except OSError:
        return False
    return True
