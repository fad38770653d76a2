"""Names who holds a lease, so that the next process on this machine need not wait for the lease of one that was killed."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from datetime import datetime
from pathlib import Path

import structlog

from monitor.storage import Store

log = structlog.get_logger(__name__)

_LONGEST = 17  # characters of the machine's name: the store keeps 64 of an owner
# In the environment, for a service that cannot see /proc/sys: `Environment=TOCSIN_BOOT_ID=%b` in its systemd unit.
BOOT_ID = "TOCSIN_BOOT_ID"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")  # in which process numbers mean something
_ours: set[str] = set()  # the names that this process goes by


def owner() -> str:
    """A name for a holder in this process that no other has: `machine:pid:random`."""
    name = f"{_machine()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    _ours.add(name)
    return name


def is_dead(holder: str) -> bool:
    """Whether a holder ran where we see its process, and runs no more. One on another machine cannot be judged: False."""
    machine, _, rest = holder.partition(":")
    pid = rest.partition(":")[0]
    if machine != _machine() or not (pid.isascii() and pid.isdecimal()):
        return False
    if int(pid) == os.getpid():
        return holder not in _ours  # our number, and not we: in a container every process that ever was had number 1
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False  # it lives, and belongs to somebody else
    return False


async def free_the_dead(store: Store, wall: datetime) -> list[str]:
    """Free what is leased to processes of this machine that run no more. Returns the holders that may be alive."""
    async with store.begin() as tx:
        evaluates = await tx.evaluator.holder(wall)
        holders = await tx.deliveries.holders(wall) | ({evaluates} if evaluates else set())
        dead = {holder for holder in holders if is_dead(holder)}
        for holder in sorted(dead):
            await tx.evaluator.free(holder)
            log.warning("lease.freed", holder=holder, deliveries=await tx.deliveries.free(holder))
        await tx.commit()
    return sorted(holders - dead)


def _machine() -> str:
    """Where process numbers can be compared: clones of a machine, and containers, may share a name and not their processes."""
    name = socket.gethostname().replace(":", "-")[:_LONGEST]
    try:
        boot = os.environ.get(BOOT_ID) or _BOOT.read_text()
        where = f"{boot.strip().replace('-', '')} {_NAMESPACE.readlink()}"
    except OSError:  # no Linux, or a sandbox without /proc/sys: only the name is known
        return name
    return f"{name}-{hashlib.sha256(where.encode()).hexdigest()[:12]}"
