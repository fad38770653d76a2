"""Room kept on the disk for the day it is full: given up then, so that what is stored can still be judged, told and forgotten."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_SQLITE_NEEDS = 2**16  # bytes, to open a database: the index of the write-ahead log grows by so much at once
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class Ballast:
    """A file beside the database that holds nothing but its place. All methods touch the disk: call them from a thread."""

    def __init__(self, database: Path, size: int) -> None:
        self._path = database.with_name(database.name + ".ballast")
        self._size = size

    @property
    def needed(self) -> int:
        """How many bytes must be free before it is taken again: as much again as itself, or it would be given up at once."""
        return 2 * self._size

    @property
    def disk_is_full(self) -> bool:
        """Whether SQLite's trouble is one of room, whatever it calls it: not able to grow its index, it says `disk I/O error`."""
        return shutil.disk_usage(self._path.parent).free < _SQLITE_NEEDS

    def take(self) -> bool:
        """Hold the place, unless it is held. False: the disk has no room for it."""
        try:
            return self._held() or (shutil.disk_usage(self._path.parent).free >= self.needed and self._allocate())
        except OSError as error:
            if error.errno in _NO_ROOM:
                self.give_up()
                return False
            # The store may be well all the same, on a file system that is odd.
            log.warning("ballast.not_taken", path=str(self._path), problem=error.strerror)
            return True

    def give_up(self) -> bool:
        """Free the place. False: there was none to free."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            log.error("ballast.not_given_up", path=str(self._path), problem=error.strerror)
            return False
        return True

    def _held(self) -> bool:
        # A copy made by a backup may be sparse, and hold no place at all.
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        return found.st_blocks * 512 >= self._size

    def _allocate(self) -> bool:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(file, 0, self._size)
        finally:
            os.close(file)
        return True
