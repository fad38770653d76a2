"""How an erased person is recognised without being remembered, also by a store that was put back from an older backup."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.domain.errors import StorageError
from monitor.storage.backup import give_to_owner_of


def tombstone_hash(key: bytes, network: str, external_id: str) -> str:
    """A keyed hash: without the installation's key nobody can find out by guessing who was erased."""
    return _hash(key, f"{network}\x1f{external_id}")


def handle_hash(key: bytes, network: str, handle: str) -> str:
    """The same for a handle, however it is spelt: a source may know nothing else of a person."""
    folded = unicodedata.normalize("NFKC", handle).strip().removeprefix("@").casefold()
    return _hash(key, f"{network}\x1f@\x1f{folded}")


def _hash(key: bytes, said: str) -> str:
    return hmac.digest(key, said.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


@dataclass(frozen=True, slots=True)
class Buried:
    """One hash, and when its bearer was erased."""

    hash: str
    erased_at: datetime


class ErasedList:
    """The hashes in a file beside the store, one JSON object a line: a backup that is put back knows nothing of later erasures.

    `path` None: there is no such file (a store in memory). The hashes say nothing without the installation's key, which is in
    the store alone.
    """

    def __init__(self, path: Path | None, installation: str) -> None:
        self.path = path
        self._installation = installation

    async def add(self, buried: Iterable[Buried]) -> bool:
        """Remember, on the disk. False: it could not be written, and whoever erases must be told."""
        return await asyncio.to_thread(self._add, list(buried))

    async def read(self, path: Path | None = None) -> list[Buried]:
        """What it, or another such file, holds of this installation. Raises `StorageError` when it cannot be read."""
        return await asyncio.to_thread(self._read, path or self.path)

    def _add(self, buried: list[Buried]) -> bool:
        if self.path is None or not buried:
            return True
        lines = [{"installation": self._installation, "hash": each.hash, "at": each.erased_at.isoformat()} for each in buried]
        try:
            with os.fdopen(_open(self.path), "a", encoding="ascii") as file:
                # A crash may have cut the last line short: ours begin anew.
                file.write("".join("\n" + json.dumps(line) for line in lines) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            return False
        return True

    def _read(self, path: Path | None) -> list[Buried]:
        if path is None:
            return []
        try:
            lines = path.read_text("ascii", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(
                f"the list of erasures {path} cannot be read ({error.strerror}): give it to the daemon's user"
            ) from None
        return [found for line in lines if (found := self._line(line)) is not None]

    def _line(self, line: str) -> Buried | None:
        """One entry; None for those of other stores, and for what a crash cut off."""
        try:
            said = json.loads(line)
            if said["installation"] == self._installation:
                return Buried(str(said["hash"]), datetime.fromisoformat(said["at"]))
        except (ValueError, TypeError, KeyError):
            pass
        return None


def _open(path: Path) -> int:
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    give_to_owner_of(path.parent, number)
    return number
