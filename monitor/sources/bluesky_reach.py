"""How many people follow whom on Bluesky: posts do not say it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from monitor.domain.clock import Clock
from monitor.sources.http import Answer
from monitor.sources.text import whole

LOT = 25  # the most posts or profiles that are given by their names
REMEMBERED = 5_000  # authors: about a megabyte
LASTS = timedelta(days=1)

Ask = Callable[[str, Sequence[tuple[str, str]]], Awaitable[Answer]]
"""Calls a method with parameters, of which some may come several times. Raises `SourceError`."""


class Reach:
    """How many follow an author: asked for those who are not known, and remembered for a day."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask, self._clock = ask, clock
        self._known: OrderedDict[str, tuple[datetime, int | None]] = OrderedDict()

    async def of(self, authors: Iterable[str]) -> Mapping[str, int | None]:
        """By DID. Raises `SourceError`."""
        wanted, now = list(dict.fromkeys(authors)), self._clock.wall()
        old = now - LASTS
        unknown = [did for did in wanted if did not in self._known or self._known[did][0] < old]
        for lot in lots(unknown):
            answer = await self._ask("app.bsky.actor.getProfiles", [("actors", did) for did in lot])
            told = {str(each.get("did")): whole(each.get("followersCount")) for each in answer.objects("profiles")}
            for did in lot:
                self._known[did] = now, told.get(did)
                self._known.move_to_end(did)
        found = {did: self._known[did][1] for did in wanted}
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found


def lots(names: Sequence[str]) -> list[Sequence[str]]:
    """As many names as may be asked for at once, at a time."""
    return [names[begin : begin + LOT] for begin in range(0, len(names), LOT)]
