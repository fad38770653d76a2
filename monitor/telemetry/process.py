"""What this process takes of the machine, read where the unit's sandbox (`ProcSubset=pid`) lets it: below /proc/self."""

from __future__ import annotations

import math
import resource
from pathlib import Path

SELF = Path("/proc/self")


def resident_bytes() -> float:
    """The memory that is in use now. Not a number where there is no /proc."""
    try:
        return int((SELF / "statm").read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return math.nan


def open_descriptors() -> float:
    """Files and connections that are open now. Not a number where there is no /proc."""
    try:
        return sum(1 for _ in (SELF / "fd").iterdir())
    except OSError:
        return math.nan


def most_descriptors() -> float:
    """How many may be open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft
