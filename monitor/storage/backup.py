"""Copies of the store: made while others write, read back to the last row, and only then given their name."""

from __future__ import annotations

import fcntl
import glob
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from monitor.domain.errors import CannotCreateError, StorageError, TocsinError
from monitor.storage import contents
from monitor.storage import postgresql_programs as programs
from monitor.storage.contents import Contents
from monitor.storage.engine import in_memory, is_there
from monitor.storage.migrate import NoStoreError
from monitor.storage.settings import StorageSettings

# Whatever is called so is ours, and not finished.
_PARTIAL = ".tocsin-partial"
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """A file that was read back whole. `size` is in bytes."""

    path: Path
    size: int
    holds: Contents


def back_up(storage: StorageSettings, target: Path, *, replace: bool = False) -> Backup:
    """Write the store into the file `target`, whoever else is reading or writing it; takes as long as it takes.

    Raises `CannotCreateError` when there is such a file already (unless `replace`), `StorageError` for everything else.
    """
    _require_store(storage)
    with new_file(target, replace=replace) as partial:
        _copy(storage, partial)
        return Backup(target, partial.stat().st_size, contents.read(partial))


def _require_store(storage: StorageSettings) -> None:
    url = storage.parsed()
    if in_memory(url):
        raise StorageError("the store is in memory and ends with its process: there is nothing to back up")
    if url.get_backend_name() == "sqlite" and not is_there(Path(str(url.database))):
        raise NoStoreError(storage.place)


def _copy(storage: StorageSettings, to: Path) -> None:
    url = storage.parsed()
    if url.get_backend_name() == "postgresql":
        programs.dump(url, to)
    else:
        copy_sqlite(Path(str(url.database)), to)


def copy_sqlite(store: Path, to: Path, *, mode: Literal["rw", "ro"] = "rw") -> None:
    """Write one moment of an SQLite file, its write-ahead log included, into an empty one. Writers are not held up.

    Unlike a copy of the pages, it leaves behind what was erased and whose space was not used again.
    """
    with contents.sqlite(store, f"mode={mode}") as connection:
        contents.touch(connection)
        connection.execute("VACUUM INTO ?", (str(to),))


def default_name(storage: StorageSettings, at: datetime) -> str:
    """`tocsin-20260302T081500Z.db`: what it is of, and when it was made."""
    return f"{_stem(storage)}-{at.strftime(_STAMP)}{_suffix(storage)}"


def beside(storage: StorageSettings, why: str, at: datetime | None = None) -> Path:
    """A copy that is kept for a reason, `tocsin-before-restore-20260302T081500Z.db`: `remove_old` leaves it alone."""
    stamp = f"-{at.strftime(_STAMP)}" if at else ""
    return default_folder(storage) / f"{_stem(storage)}-{why}{stamp}{_suffix(storage)}"


def default_folder(storage: StorageSettings) -> Path:
    """Beside the store's file; for a server's database where a file would be."""
    url = storage.parsed()
    return Path(str(url.database)).parent if url.get_backend_name() == "sqlite" else storage.folder


def back_up_before_upgrade(storage: StorageSettings, revision: str) -> Backup:
    """A copy that is made before the tables change. Raises `StorageError`.

    Of each version of the tables there is one, the newest: a daemon that tries to start again and again fills no disk.
    """
    try:
        return back_up(storage, beside(storage, f"before-upgrade-from-{revision}"), replace=True)
    except TocsinError as error:
        raise StorageError(
            f"nothing was changed, because no backup could be made before the upgrade: {error}."
            " Or back it up by other means, and run `tocsin migrate --no-backup`"
        ) from None


def remove_old(made: Backup, storage: StorageSettings, keep: int) -> list[Path]:
    """Remove all but the newest `keep` backups beside the one just made, which stays whatever the clock said."""
    ours = re.compile(rf"{re.escape(_stem(storage))}-\d{{8}}T\d{{6}}Z{re.escape(_suffix(storage))}")
    others = sorted(path for path in made.path.parent.iterdir() if ours.fullmatch(path.name) and path.name != made.path.name)
    gone = others[: max(len(others) - (keep - 1), 0)]
    try:
        for path in gone:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise CannotCreateError(f"{error.filename} cannot be removed: {error.strerror}; {made.path} is well") from None
    return gone


def made(storage: StorageSettings) -> list[Path]:
    """Every copy of the store in its usual place, for whatever reason it was made."""
    return sorted(default_folder(storage).glob(f"{glob.escape(_stem(storage))}-*{_suffix(storage)}"))


def _stem(storage: StorageSettings) -> str:
    return Path(str(storage.parsed().database)).stem


def _suffix(storage: StorageSettings) -> str:
    return ".db" if storage.parsed().get_backend_name() == "sqlite" else ".dump"


@contextmanager
def new_file(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """An empty file, readable by its owner alone, that is called `target` once all went well and it is on the disk.

    Raises `CannotCreateError`. What a killed process leaves behind, the next one in this folder removes.
    """
    try:
        _refuse_existing(target, replace=replace)
        _sweep(target.parent)
        partial = target.with_name(target.name + _PARTIAL)
        handle = _claim(partial)
        try:
            yield partial
            os.fsync(handle)
            _refuse_existing(target, replace=replace)
            partial.replace(target)
            _sync(target.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
    except OSError as error:
        raise CannotCreateError(f"{target} cannot be written: {error.strerror or error}") from None


def _refuse_existing(target: Path, *, replace: bool) -> None:
    if not replace and target.exists():
        raise CannotCreateError(f"{target} exists already: nothing is overwritten, choose another name")


def _claim(partial: Path) -> int:
    """Open it, alone, and empty it. The lock ends with its process: what stands there unlocked is a dead one's."""
    handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if not _locked(handle, partial):
        os.close(handle)
        raise CannotCreateError(f"{partial} is being written by another process at this moment")
    os.ftruncate(handle, 0)
    give_to_owner_of(partial.parent, handle)
    return handle


def _locked(handle: int, path: Path) -> bool:
    """Lock it; False if somebody else has, or finished with it while we opened it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def give_to_owner_of(folder: Path, handle: int) -> None:
    """What root makes in the service's folder, the service must be able to read."""
    owner = folder.stat()
    if os.geteuid() == 0:
        os.fchown(handle, owner.st_uid, owner.st_gid)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left behind."""
    for path in folder.glob(f"*{_PARTIAL}"):
        with suppress(CannotCreateError, OSError):
            handle = _claim(path)
            path.unlink()
            os.close(handle)


def _sync(folder: Path) -> None:
    """Make a change of names last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
