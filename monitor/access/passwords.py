"""Passwords: which are good enough, and how they are kept (argon2id). Hashing takes its time on purpose, in a thread."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from monitor.domain.errors import TocsinError

SHORTEST: Final = 12
LONGEST: Final = 1_000  # characters: more would only keep the hash busy
# 19 MiB a check, in 2 passes: as OWASP's Password Storage Cheat Sheet has it.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_AT_ONCE: Final = 2  # more at a time would take the memory from the daemon's work


class WeakPasswordError(TocsinError):
    """A password that is refused. `why`: `short`, `long`, `common` or `name`."""

    def __init__(self, why: str, words: str) -> None:
        super().__init__(words)
        self.why = why


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a password was right; and, when what is kept of it should be made anew, the new hash."""

    right: bool
    anew: str | None = None


class Passwords:
    """Makes and checks hashes, a few at a time."""

    def __init__(self, hasher: PasswordHasher = _HASHER) -> None:
        self._hasher = hasher
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """What is kept of a password."""
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, _plain(password))

    async def check(self, kept: str | None, password: str) -> Checked:
        """Whether it is the password of which `kept` is the hash. Without one, as much work is done, and it is not."""
        async with self._room:
            return await asyncio.to_thread(self._check, kept, _plain(password)[:LONGEST])

    def _check(self, kept: str | None, password: str) -> Checked:
        if self._nobody is None:
            self._nobody = self._hasher.hash(secrets.token_hex())
        try:
            self._hasher.verify(kept or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return Checked(right=False)
        return Checked(kept is not None, self._hasher.hash(password) if self._hasher.check_needs_rehash(kept or "") else None)


def require_strong(password: str, account: str) -> None:
    """Raises `WeakPasswordError` for one that is too short, or that many try first."""
    plain = _plain(password)
    if len(plain) < SHORTEST:
        raise WeakPasswordError("short", f"a password needs at least {SHORTEST} characters: a few words make a good one")
    if len(plain) > LONGEST:
        raise WeakPasswordError("long", f"a password has at most {LONGEST} characters")
    folded = plain.casefold()
    if folded in _common() or len(set(folded)) <= 2:  # noqa: PLR2004 - `aaaaaaaaaaaa`, `121212121212`
        raise WeakPasswordError("common", "this is one of the passwords that are tried first: choose another")
    if folded.startswith(account.casefold()):
        raise WeakPasswordError("name", "a password must not begin with the name of its account")


def _plain(password: str) -> str:
    """The same letters however a keyboard puts them together."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode()


@cache
def _common() -> frozenset[str]:
    lines = Path(__file__).with_name("common-passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line)
