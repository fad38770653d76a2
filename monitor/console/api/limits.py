"""How often one token, or one account, may ask: so many calls at once, and so many a second for as long as it likes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from monitor.access.secret import hashed
from monitor.console.api.problems import ProblemError
from monitor.domain.account import Visitor

BURST: Final = 100  # a dashboard asks for all its panels at once
A_SECOND: Final = 10.0
_REMEMBERED: Final = 1_000  # callers; of those who have not asked for a while there is nothing to remember


@dataclass(slots=True)
class Limits:
    """A bucket for each caller, that empties by itself; kept in memory, so that a start forgives all."""

    burst: int = BURST
    a_second: float = A_SECOND
    _spent: dict[str, tuple[float, float]] = field(default_factory=dict)  # calls not made good yet, as of a moment

    def take(self, who: str, now: float) -> float:
        """Seconds after which they may ask; 0: they may now, and this call counts. `now` is in seconds of any clock."""
        if len(self._spent) > _REMEMBERED:
            self._spent = {each: kept for each, kept in self._spent.items() if self._left(kept, now)}
        spent = self._left(self._spent.get(who, (0.0, now)), now)
        if spent + 1 > self.burst:
            return (spent + 1 - self.burst) / self.a_second
        self._spent[who] = spent + 1, now
        return 0.0

    def _left(self, kept: tuple[float, float], now: float) -> float:
        spent, at = kept
        return max(spent - (now - at) * self.a_second, 0.0)


LIMITS: Final = web.AppKey("limits", Limits)


def require_turn(request: web.Request, visitor: Visitor, now: float) -> None:
    """Raises 429, with the seconds to wait, for whoever asks too often."""
    token = request.headers.get(hdrs.AUTHORIZATION, "").split()[-1:]  # `bearer` and blanks may be written in many ways
    who = hashed(token[0]) if visitor.through == "token" and token else visitor.account
    wait = request.app[LIMITS].take(who, now)
    if wait:
        seconds = math.ceil(wait)
        why = "too many calls at once: ask less often, or for more at a time"
        raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, why, headers={hdrs.RETRY_AFTER: str(seconds)})
