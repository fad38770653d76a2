"""How memory is given out, and looked through for what nobody holds any more.

glibc has a heap for each thread, and what is freed there serves that thread alone. The connections to a store are threads that
come and go; with eight heaps a daemon grew by 20 MB an hour, with two it is flat.

Python's garbage collector looks now and then at every object there is, and nothing else happens meanwhile: two hundred thousand,
most of which are modules and the configuration, took a fifth of a second.
"""

from __future__ import annotations

import ctypes
import gc
import os

_ARENA_MAX = -8  # M_ARENA_MAX, malloc.h
_FEW = 2
_LOOK_AFTER = 10_000  # new objects; Python's own 700 are a page of twenty posts


def share() -> bool:
    """Let all threads that begin from now on share few heaps. False: this C library cannot, or the operator chose."""
    if "MALLOC_ARENA_MAX" in os.environ or not hasattr(libc := ctypes.CDLL(None), "mallopt"):
        return False
    return bool(libc.mallopt(_ARENA_MAX, _FEW))


def settle() -> None:
    """Let the collector look at nothing that stands now: it stays. Called again, what has been let go of since is freed first."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_LOOK_AFTER, *gc.get_threshold()[1:])
