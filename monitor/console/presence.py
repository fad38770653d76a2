"""Who is on what at this moment, so that nobody answers twice: kept in memory, and forgotten when nobody says it again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

LASTS: Final = 30.0  # seconds; pages say it again every 10
_MOST: Final = 20  # things that one person is on
_WHAT: Final = re.compile(r"(mention|alert|run):[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class _Here:
    name: str
    until: float


class Presence:
    """Times are seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._on: dict[str, dict[str, _Here]] = {}

    def come(self, what: str, account: str, name: str, now: float) -> bool:
        """Somebody is on it, or still is. Returns whether that is news. Raises `ValueError` for what nobody can be on."""
        if not _WHAT.fullmatch(what):
            raise ValueError("nobody can be on that: write `mention:12`, `alert:12` or `run:12`")
        self.sweep(now)
        mine = [each for each, people in self._on.items() if account in people]
        if what not in mine and len(mine) >= _MOST:
            self.leave(mine[0], account)
        people = self._on.setdefault(what, {})
        new = account not in people
        people[account] = _Here(name, now + LASTS)
        return new

    def leave(self, what: str, account: str) -> bool:
        """They are not on it any more. Returns whether they were."""
        people = self._on.get(what, {})
        was = people.pop(account, None) is not None
        if was and not people:
            del self._on[what]
        return was

    def sweep(self, now: float) -> list[str]:
        """Forget whoever has not said it again. Returns on what nobody, or fewer people, are by now."""
        over = [(what, account) for what, people in self._on.items() for account, here in people.items() if here.until <= now]
        for what, account in over:
            self.leave(what, account)
        return list(dict.fromkeys(what for what, _ in over))

    def on(self, what: str) -> Mapping[str, str]:
        """Who is on it: their accounts, and what they are called."""
        return {account: here.name for account, here in self._on.get(what, {}).items()}

    def all(self) -> Mapping[str, Mapping[str, str]]:
        """Who is on what."""
        return {what: self.on(what) for what in self._on}


PRESENCE: Final = web.AppKey("presence", Presence)
