"""Threads share few heaps of the C library, and the collector looks at what is new."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

_THREADS = """
import threading
from pathlib import Path
from monitor import heaps

print(heaps.share())
together, held = threading.Barrier(9), []

def work():
    together.wait()
    held.append([bytes(2000) for _ in range(1000)])
    together.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
for each in threads:
    each.start()
together.wait()
together.wait()
begins = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
print(sum(1 for each in begins if int(each[0].split("-")[0], 16) % 2**26 == 0 and len(each) == 5))
for each in threads:
    each.join()
"""


def _heaps(**environment: str) -> tuple[str, int]:
    """What `share` answered, and how many heaps eight busy threads have beside the main one."""
    whole = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"} | environment
    done = subprocess.run([sys.executable, "-c", _THREADS], capture_output=True, text=True, check=True, env=whole)
    answered, count = done.stdout.split()
    return answered, int(count)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc's")
def test_eight_threads_share_a_heap() -> None:
    """What one of them frees serves the others."""
    assert _heaps() == ("True", 1)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc's")
def test_an_operator_who_chose_is_left_alone() -> None:
    """The environment of the service says how many."""
    answered, count = _heaps(MALLOC_ARENA_MAX="4")
    assert answered == "False"
    assert count > 1


def test_what_stands_is_not_looked_at_again() -> None:
    """After the start the collector finds next to nothing to look at, and after a reload what was let go of is freed first."""
    said = """
import gc, weakref
from monitor import heaps

class Old: pass

old = Old()
old.itself = old
known = weakref.ref(old)
heaps.settle()
frozen = gc.get_freeze_count()
del old
heaps.settle()
print(frozen > 1000, len(gc.get_objects()) < 100, known() is None, gc.get_threshold()[0] > 700)
"""
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 4
